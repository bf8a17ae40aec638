// A sealed column chunk: up to 8192 readings of one machine, of one tag or of several that are sampled together
// and share one column of times. Its header is checked, tells what is in it without decoding, and carries the
// figures that most questions ask for. docs/format.md draws the bytes.
#pragma once

#include "engine/master_data.h"
#include "engine/readings/statistics.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// The number of a tag of one machine. Stable for the life of the data folder.
enum class GroupId : std::uint32_t {};
inline constexpr std::uint32_t index_of(GroupId id) { return static_cast<std::uint32_t>(id); }

inline constexpr std::size_t kChunkRows = 8192;
/// Texts, ids and attributes of one series in one chunk take no more, unless one row alone does.
inline constexpr std::size_t kChunkTextBytes = std::size_t{16} << 20U;

/// Where a chunk is stored. The group is that of its first series; `sequence` tells chunks of one first time
/// apart.
struct ChunkKey {
  MachineId machine{};
  GroupId group{};
  Timestamp first;
  std::uint32_t sequence = 0;

  /// day u32, machine u32, group u32, first time u64, sequence u32, all big-endian: chunks of a day lie together
  /// (so that retention drops whole days), and within it those of a machine.
  std::string bytes() const;
  static std::optional<ChunkKey> parse(std::string_view bytes);
  friend auto operator<=>(const ChunkKey&, const ChunkKey&) = default;
};
/// The UTC day of a time, as chunk keys count them.
std::uint32_t chunk_day(Timestamp t);
Timestamp chunk_day_start(std::uint32_t day);
/// What the keys of a day's chunks begin with.
std::string chunk_day_key(std::uint32_t day);

/// What the header says of one series.
struct ChunkSeries {
  GroupId group{};
  bool plain = false;  ///< every row is a number that is not withdrawn
  ReadingStatistics statistics;
};

/// What is known of a chunk without decoding it.
struct ChunkHead {
  std::uint16_t version = 0;
  ChunkKey key;
  std::uint32_t rows = 0;
  Timestamp first, last;
  std::uint64_t sealed_through = 0;  ///< every reading of its series up to this commit is in some chunk
  std::uint64_t changed = 0;         ///< none of its rows came with a later commit
  std::size_t bytes = 0;             ///< of the columns
  std::vector<ChunkSeries> series;
};

/// One series to be encoded, ordered, 1 to kChunkRows rows of one UTC day.
struct SeriesRows {
  GroupId group{};
  const ReadingColumns* rows = nullptr;
};

/// All series have the same times. `head` has the machine, the key's sequence, sealed_through and changed, and
/// gets the rest.
std::string encode_chunk(std::span<const SeriesRows> series, ChunkHead& head);

/// The header alone, checked. The key's sequence is not in it. corruption: damaged, or of a newer version.
Result<ChunkHead> read_chunk_head(std::string_view bytes);

/// All rows of one series. Every checksum is verified before a byte is decoded; unknown versions, parts and codecs
/// are refused by name. not_found: the chunk has no such series.
Result<ReadingColumns> decode_chunk(std::string_view bytes, GroupId group);
/// Times and numbers of a plain series, and nothing else of it, into buffers that are kept from chunk to chunk.
struct PlainRows {
  std::vector<std::int64_t> at;
  std::vector<double> number;
};
Result<void> decode_plain(std::string_view bytes, GroupId group, PlainRows& out);
/// Decodes everything and compares it with what the header says.
Result<void> verify_chunk(std::string_view bytes);

}  // namespace takt
