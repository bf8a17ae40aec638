// A sealed chunk of events: up to 8192 states, counts, cycles, inspections ... of one machine, with the commit
// that each came with. Chunks of a machine follow each other in order of commit, and hold every version of an
// event that was ever accepted, as the journal before them does: so they are the machine's history, and whoever
// replays them arrives where the machine was. docs/format.md draws the bytes.
#pragma once

#include "engine/master_data.h"
#include "engine/rollups.h"
#include "schema/event.h"

#include <compare>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

inline constexpr std::size_t kEventChunkRows = 8192;
/// All texts of a chunk take no more, unless one event alone does.
inline constexpr std::size_t kEventChunkTextBytes = std::size_t{16} << 20U;

/// Where a chunk of events is stored. `part` tells those of one first commit apart.
struct EventChunkKey {
  MachineId machine{};
  Sequence first_commit = 0;
  std::uint32_t part = 0;

  /// machine u32, first commit u64, part u32, all big-endian: chunks of a machine lie in order of commit.
  std::string bytes() const;
  static std::optional<EventChunkKey> parse(std::string_view bytes);
  friend auto operator<=>(const EventChunkKey&, const EventChunkKey&) = default;
};

/// What is known of a chunk without decoding it. The key's part is not in the bytes.
struct EventChunkHead {
  std::uint16_t version = 0;
  EventChunkKey key;
  std::uint32_t rows = 0;
  Timestamp first, last;  ///< of the events' times
  Sequence last_commit = 0;
  std::size_t texts = 0;  ///< bytes of all texts of the events
};

/// An accepted event and the commit that it came with.
struct EventRow {
  Event event;
  Sequence commit = 0;
};

/// Bytes of all texts of an event.
std::size_t text_bytes(const Event& event);

/// Encodes 1 to kEventChunkRows events of one machine, none of them a reading. Of one time they are in order of
/// commit, and within a commit as they were accepted. Fills in all of `head` but the machine and the part.
std::string encode_event_chunk(std::span<const EventRow> rows, EventChunkHead& head);

/// The header alone, checked. corruption: damaged, or of a newer version.
Result<EventChunkHead> read_event_chunk_head(std::string_view bytes);

/// Decoded rows and what their texts are borrowed from. The events' `machine` is left empty. Ordered by type, time
/// and commit, and by acceptance within a commit. Movable.
struct EventRows {
  std::vector<EventRow> rows;
  std::deque<std::shared_ptr<const void>> texts;
};
/// In order of commit, and within one in the order that they had.
void sort_by_commit(std::vector<EventRow>& rows);
/// Appends all rows. Every checksum is verified before a byte is decoded; unknown versions, types and fields are
/// refused by name, and what the header says is compared with the rows.
Result<void> decode_event_chunk(std::string_view bytes, EventRows& out);

}  // namespace takt
