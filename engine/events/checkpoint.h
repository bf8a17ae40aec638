// What is known of a machine at a commit besides its events: which figures were changed by which commit, and when
// it was heard of. With the events up to that commit it gives the machine back as it was, without replaying them
// one by one.
//
// The sums themselves are not in it. They follow from the events, and making them anew from sorted events takes no
// longer than reading them; a digest tells whether they are the sums that were served.
#pragma once

#include "engine/events/kept_events.h"
#include "engine/rollups.h"
#include "engine/timeline.h"
#include "schema/result.h"
#include "schema/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

struct MachineCheckpoint {
  /// A bucket that has a cell.
  struct Bucket {
    Grain grain;
    TimeRange range;
    Sequence revision = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };
  MachineId machine{};
  std::uint64_t events = 0;  ///< in the machine's chunks: no fewer may be found
  Sequence commit = 0;
  Sequence tail_revision = 0;
  std::optional<Timestamp> first_event, last_event;
  std::vector<HeardRun> heard;  ///< none without a silence time-out
  std::vector<Bucket> buckets;  ///< those that are not frozen, by grain, then by time
  std::uint64_t digest = 0;     ///< Rollups::digest()

  // Where retention has taken events away:
  Horizon horizon;
  std::vector<HeardRun> heard_before;  ///< by events that are gone
  std::vector<KeptCell> base;          ///< what those have made of cells that are not frozen
  std::uint64_t frozen_cells = 0;      ///< that there are
  /// Frozen cells, kept beside the checkpoint: encode_frozen(). Of a checkpoint to be written those that are not
  /// on disk yet, of one that was read all.
  std::vector<KeptCell> frozen;

  friend bool operator==(const MachineCheckpoint&, const MachineCheckpoint&) = default;
};

/// docs/format.md draws the bytes. All but the frozen cells.
std::string encode_checkpoint(const MachineCheckpoint& checkpoint, const Names& names);
/// Adds to the names. corruption: damaged, or of a newer version.
Result<MachineCheckpoint> decode_checkpoint(std::string_view bytes, Names& names);

/// Cells of a machine that no event changes any more.
std::string encode_frozen(MachineId machine, const std::vector<KeptCell>& cells, const Names& names);
/// Appends them, and adds to the names. corruption: damaged, another machine's, or of a newer version.
Result<void> decode_frozen(std::string_view bytes, MachineId machine, std::vector<KeptCell>& cells, Names& names);

}  // namespace takt
