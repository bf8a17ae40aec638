// A sealed column chunk: up to 8192 readings of one machine and column group, with a checked header
// (docs/format.md).
#pragma once

#include "engine/master_data.h"
#include "engine/records.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// The number of a tag of one machine: its column group. Stable for the life of the data folder.
enum class GroupId : std::uint32_t {};

/// A reading as the store keeps it. `extra` numbers its strings in the rows they came with; 0: none.
struct ReadingRow {
  Timestamp at;
  double number = 0;
  Rank rank;
  std::uint64_t id = 0;       ///< hash of the identity's free part
  std::int32_t quality = -1;  ///< OPC quality; -1: none sent, which counts as good
  std::uint32_t extra = 0;
  Value::Kind kind = Value::Kind::none;
};

/// Rows ordered by (at, id), and the strings that a few of them have.
struct ReadingRows {
  struct Texts {
    std::string value, id, attributes;
    friend bool operator==(const Texts&, const Texts&) = default;
  };
  std::vector<ReadingRow> rows;
  std::vector<Texts> texts;  ///< of rows with extra > 0: texts[extra - 1]

  void append(const ReadingRow& row, const ReadingRows& from) {
    rows.push_back(row);
    if (row.extra == 0) return;
    texts.push_back(from.texts[row.extra - 1]);
    rows.back().extra = static_cast<std::uint32_t>(texts.size());
  }
};

inline constexpr std::size_t kChunkRows = 8192;

/// What is known of a chunk without decoding it.
struct ChunkInfo {
  MachineId machine{};
  GroupId group{};
  std::uint32_t rows = 0;
  Timestamp first, last;
  std::uint32_t numbers = 0;
  double minimum = 0, maximum = 0;
  std::uint64_t sealed_through = 0;
  std::uint32_t sequence = 0;  ///< tells chunks of one first time apart; part of the key
};

/// day u32, machine u32, group u32, first time u64, sequence u32, all big-endian: chunks of a day lie together (so
/// that retention drops whole days), and within it those of a machine in order of time.
std::string chunk_key(const ChunkInfo& info);
/// The UTC day of a time, as chunk keys count them.
std::uint32_t chunk_day(Timestamp t);

/// Rows must be ordered, 1 to kChunkRows, of one UTC day. `info` gets the figures.
std::string encode_chunk(const ReadingRows& rows, ChunkInfo& info);
/// The header alone, checked.
Result<ChunkInfo> read_chunk_info(std::string_view bytes);
/// All rows. Every checksum is verified before a byte is decoded; newer versions and unknown codecs are refused by
/// name.
Result<ReadingRows> decode_chunk(std::string_view bytes);

/// The part of a chunk that read_chunk_info() needs: kept apart, so that opening a store need not read the
/// columns.
std::string_view chunk_head(std::string_view bytes);

}  // namespace takt
