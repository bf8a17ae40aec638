// Readings of whole days that are retained no more, on their way out. Snapshots go on reading what they hold.
#pragma once

#include "engine/heard.h"
#include "engine/readings/series.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace takt {

/// What all tags have from before a day. Made on the writer's thread; prepare() is for another one.
struct Expiry {
  struct Part {
    SeriesId series;
    MachineId machine;
    std::shared_ptr<const ChunkList> before;  ///< the chunks of the tag
    std::size_t gone = 0;                     ///< so many of them go: the first
    std::shared_ptr<const ChunkList> kept;    ///< the others; null: not prepared yet
    std::optional<Timestamp> first, last;     ///< of these
    SeriesSnapshot readings;                  ///< what goes
    std::size_t head_rows = 0;                ///< in memory, of what goes
    std::optional<HeardRun> head;             ///< when these are from
  };
  std::uint32_t first_kept = 0;  ///< day, as chunk keys count them
  std::vector<Part> parts;       ///< of the tags that have anything to go, in order

  void prepare();
  /// Takes over what is prepared of tags that have not changed since `other` was made.
  void take_prepared(Expiry& other);

  /// Whether the same goes of the part's tag here.
  bool has_same(const Part& part) const;

  /// Each chunk that goes, once.
  std::vector<std::shared_ptr<const StoredChunk>> chunks() const;
  /// Days that chunks go of.
  std::set<std::uint32_t> days() const;
  std::uint64_t rows() const;
  /// When readings that go were taken of a machine: as close as `gap`, which costs reading them; or, with a gap of
  /// 0 or where they cannot be read, as the heads of chunks tell. Not all of it once `given_up`.
  std::vector<HeardRun> heard(MachineId machine, Duration gap, const ChunkSource& source,
                              const std::atomic<bool>& given_up) const;
};

}  // namespace takt
