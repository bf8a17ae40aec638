#include "engine/chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "schema/chunk_generated.h"

namespace takt {
namespace {

static_assert(std::endian::native == std::endian::little, "chunks are little-endian");

constexpr std::uint32_t kMagic = 0x31434B54;  // "TKC1"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kPrefix = 16;  // magic u32, header size u32, header checksum u64
constexpr std::int64_t kDayMicros = 86'400'000'000;

template <class T>
void put_big_endian(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

template <class T>
T load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Alike means alike to the bit: NaNs and the sign of zero count.
template <class T>
std::array<std::byte, sizeof(T)> bits_of(T value) {
  return std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
}

/// One column of fixed-width values: a single value if they are all alike.
struct EncodedColumn {
  wire::ColumnKind kind;
  wire::Codec codec;
  std::string bytes;
};

template <class T, class Get>
EncodedColumn encode_column(wire::ColumnKind kind, const std::vector<ReadingRow>& rows, Get get) {
  std::vector<T> values;
  values.reserve(rows.size());
  for (const ReadingRow& row : rows) values.push_back(get(row));
  const bool constant =
      std::all_of(values.begin(), values.end(), [&](const T& v) { return bits_of(v) == bits_of(values[0]); });
  if (constant) values.resize(1);
  EncodedColumn column{kind, constant ? wire::Codec::constant : wire::Codec::raw, {}};
  column.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return column;
}

template <class T, class Set>
bool decode_column(std::string_view bytes, wire::Codec codec, std::vector<ReadingRow>& rows, Set set) {
  const std::size_t count = codec == wire::Codec::constant ? 1 : rows.size();
  if (bytes.size() != count * sizeof(T)) return false;
  for (std::size_t i = 0; i < rows.size(); ++i) set(rows[i], load<T>(bytes, count == 1 ? 0 : i * sizeof(T)));
  return true;
}

void put_text(std::string& out, const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += text;
}

bool get_text(std::string_view bytes, std::size_t& at, std::string& text) {
  if (bytes.size() - at < 4) return false;
  const auto size = load<std::uint32_t>(bytes, at);
  at += 4;
  if (bytes.size() - at < size) return false;
  text = bytes.substr(at, size);
  at += size;
  return true;
}

/// The rows that have strings: row number, value, id, attributes.
EncodedColumn encode_texts(const ReadingRows& rows) {
  EncodedColumn column{wire::ColumnKind::texts, wire::Codec::raw, {}};
  for (std::uint32_t i = 0; i < rows.rows.size(); ++i) {
    if (rows.rows[i].extra == 0) continue;
    const ReadingRows::Texts& texts = rows.texts[rows.rows[i].extra - 1];
    column.bytes.append(reinterpret_cast<const char*>(&i), sizeof i);
    put_text(column.bytes, texts.value);
    put_text(column.bytes, texts.id);
    put_text(column.bytes, texts.attributes);
  }
  return column;
}

bool decode_texts(std::string_view bytes, ReadingRows& rows) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < 4) return false;
    const auto row = load<std::uint32_t>(bytes, at);
    at += 4;
    ReadingRows::Texts texts;
    if (row >= rows.rows.size() || !get_text(bytes, at, texts.value) || !get_text(bytes, at, texts.id) ||
        !get_text(bytes, at, texts.attributes)) {
      return false;
    }
    rows.rows[row].id = hash_of(texts.id);
    rows.texts.push_back(std::move(texts));
    rows.rows[row].extra = static_cast<std::uint32_t>(rows.texts.size());
  }
  return true;
}

/// A header that has been checked, in memory of its own: the database hands out bytes at any address, FlatBuffers
/// reads aligned ones.
class CheckedHeader {
 public:
  static Result<CheckedHeader> read(std::string_view bytes) {
    if (bytes.size() < kPrefix) return corruption("a chunk is shorter than its prefix");
    if (load<std::uint32_t>(bytes, 0) != kMagic) return corruption("a chunk does not begin with its mark");
    const auto size = load<std::uint32_t>(bytes, 4);
    if (size > bytes.size() - kPrefix) return corruption("a chunk's header is cut off");
    CheckedHeader header;
    header.words_.resize(size / sizeof(std::uint64_t) + 1);
    std::memcpy(header.words_.data(), bytes.data() + kPrefix, size);
    if (XXH3_64bits(header.words_.data(), size) != load<std::uint64_t>(bytes, 8)) {
      return corruption("a chunk's header does not match its checksum");
    }
    flatbuffers::Verifier verifier{reinterpret_cast<const std::uint8_t*>(header.words_.data()), size};
    if (!wire::VerifyChunkHeaderBuffer(verifier)) return corruption("a chunk's header is malformed");
    const wire::ChunkHeader& chunk = *header;
    if (chunk.version() != kVersion) {
      return corruption("a chunk is of format version " + std::to_string(chunk.version()) +
                        ", this program reads " + std::to_string(kVersion) + "; use the newer program");
    }
    if (chunk.rows() == 0 || chunk.rows() > kChunkRows || chunk.columns() == nullptr) {
      return corruption("a chunk's header makes no sense");
    }
    return header;
  }
  const wire::ChunkHeader& operator*() const { return *wire::GetChunkHeader(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
};

ChunkInfo info_of(const wire::ChunkHeader& chunk) {
  ChunkInfo info;
  info.machine = MachineId{chunk.machine()};
  info.group = GroupId{chunk.group()};
  info.rows = chunk.rows();
  info.first = from_micros(chunk.first());
  info.last = from_micros(chunk.last());
  info.numbers = chunk.numbers();
  info.minimum = chunk.minimum();
  info.maximum = chunk.maximum();
  info.sealed_through = chunk.sealed_through();
  return info;
}

bool decode_one(const wire::Column& column, std::string_view bytes, ReadingRows& out) {
  std::vector<ReadingRow>& rows = out.rows;
  const wire::Codec codec = column.codec();
  switch (column.kind()) {
    case wire::ColumnKind::time:
      return decode_column<std::int64_t>(bytes, codec, rows, [](auto& r, auto v) { r.at = from_micros(v); });
    case wire::ColumnKind::number:
      return decode_column<double>(bytes, codec, rows, [](auto& r, auto v) { r.number = v; });
    case wire::ColumnKind::value_kind:
      return decode_column<std::uint8_t>(bytes, codec, rows,
                                         [](auto& r, auto v) { r.kind = static_cast<Value::Kind>(v & 3U); });
    case wire::ColumnKind::quality:
      return decode_column<std::int32_t>(bytes, codec, rows, [](auto& r, auto v) { r.quality = v; });
    case wire::ColumnKind::rank_order:
      return decode_column<std::uint64_t>(bytes, codec, rows, [](auto& r, auto v) { r.rank.order = v; });
    case wire::ColumnKind::rank_content:
      return decode_column<std::uint64_t>(bytes, codec, rows, [](auto& r, auto v) { r.rank.content = v; });
    case wire::ColumnKind::texts:
      return decode_texts(bytes, out);
  }
  return false;
}

}  // namespace

std::uint32_t chunk_day(Timestamp t) {
  const std::int64_t us = micros(t);
  const std::int64_t day = us >= 0 ? us / kDayMicros : -((-us + kDayMicros - 1) / kDayMicros);
  return static_cast<std::uint32_t>(day) ^ 0x8000'0000U;  // days before 1970 sort first
}

std::string chunk_key(const ChunkInfo& info) {
  std::string key;
  put_big_endian(key, chunk_day(info.first));
  put_big_endian(key, index_of(info.machine));
  put_big_endian(key, static_cast<std::uint32_t>(info.group));
  put_big_endian(key, static_cast<std::uint64_t>(micros(info.first)) ^ 0x8000'0000'0000'0000U);
  put_big_endian(key, info.sequence);
  return key;
}

std::string encode_chunk(const ReadingRows& rows, ChunkInfo& info) {
  TAKT_INVARIANT(!rows.rows.empty() && rows.rows.size() <= kChunkRows);
  using Kind = wire::ColumnKind;
  const auto& list = rows.rows;
  std::vector<EncodedColumn> columns;
  columns.push_back(encode_column<std::int64_t>(Kind::time, list, [](auto& r) { return micros(r.at); }));
  columns.push_back(encode_column<double>(Kind::number, list, [](auto& r) { return r.number; }));
  columns.push_back(encode_column<std::uint8_t>(Kind::value_kind, list,
                                                [](auto& r) { return static_cast<std::uint8_t>(r.kind); }));
  columns.push_back(encode_column<std::int32_t>(Kind::quality, list, [](auto& r) { return r.quality; }));
  columns.push_back(encode_column<std::uint64_t>(Kind::rank_order, list, [](auto& r) { return r.rank.order; }));
  columns.push_back(
      encode_column<std::uint64_t>(Kind::rank_content, list, [](auto& r) { return r.rank.content; }));
  if (!rows.texts.empty()) columns.push_back(encode_texts(rows));

  info.rows = static_cast<std::uint32_t>(list.size());
  info.first = list.front().at;
  info.last = list.back().at;
  info.numbers = 0;
  info.minimum = std::numeric_limits<double>::infinity();
  info.maximum = -info.minimum;
  for (const ReadingRow& row : list) {
    if (row.kind != Value::Kind::number || row.rank.withdrawn()) continue;
    ++info.numbers;
    info.minimum = std::min(info.minimum, row.number);
    info.maximum = std::max(info.maximum, row.number);
  }

  flatbuffers::FlatBufferBuilder builder{1024};
  std::vector<flatbuffers::Offset<wire::Column>> entries;
  std::size_t offset = 0;
  for (const EncodedColumn& column : columns) {
    entries.push_back(wire::CreateColumn(builder, column.kind, column.codec, static_cast<std::uint32_t>(offset),
                                         static_cast<std::uint32_t>(column.bytes.size()),
                                         XXH3_64bits(column.bytes.data(), column.bytes.size())));
    offset += column.bytes.size();
  }
  builder.Finish(wire::CreateChunkHeader(builder, kVersion, index_of(info.machine),
                                         static_cast<std::uint32_t>(info.group), info.rows, micros(info.first),
                                         micros(info.last), info.numbers, info.minimum, info.maximum,
                                         info.sealed_through, builder.CreateVector(entries)));
  const std::uint32_t size = builder.GetSize();
  const std::uint64_t checksum = XXH3_64bits(builder.GetBufferPointer(), size);
  std::string bytes;
  bytes.reserve(kPrefix + size + offset);
  bytes.append(reinterpret_cast<const char*>(&kMagic), 4);
  bytes.append(reinterpret_cast<const char*>(&size), 4);
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  bytes.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), size);
  for (const EncodedColumn& column : columns) bytes += column.bytes;
  return bytes;
}

std::string_view chunk_head(std::string_view bytes) {
  return bytes.substr(0, std::min(bytes.size(), kPrefix + load<std::uint32_t>(bytes, 4)));
}

Result<ChunkInfo> read_chunk_info(std::string_view bytes) {
  const auto header = CheckedHeader::read(bytes);
  if (!header) return header.error();
  return info_of(**header);
}

Result<ReadingRows> decode_chunk(std::string_view bytes) {
  const auto header = CheckedHeader::read(bytes);
  if (!header) return header.error();
  const wire::ChunkHeader& chunk = **header;
  const std::string_view body = bytes.substr(chunk_head(bytes).size());
  ReadingRows rows;
  rows.rows.resize(chunk.rows());
  for (const wire::Column* column : *chunk.columns()) {
    if (column->offset() > body.size() || column->size() > body.size() - column->offset()) {
      return corruption("a chunk's column is cut off");
    }
    const std::string_view data = body.substr(column->offset(), column->size());
    if (XXH3_64bits(data.data(), data.size()) != column->checksum()) {
      return corruption("a chunk's column does not match its checksum");
    }
    if (column->codec() > wire::Codec::MAX || column->kind() > wire::ColumnKind::MAX) {
      return corruption("a chunk has a column of kind " + std::to_string(static_cast<int>(column->kind())) +
                        " and codec " + std::to_string(static_cast<int>(column->codec())) +
                        ", which this program does not know; use the newer program");
    }
    if (!decode_one(*column, data, rows)) return corruption("a chunk's column does not hold what its header says");
  }
  return rows;
}

}  // namespace takt
