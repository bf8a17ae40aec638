// Chunks as they were written before columns had codecs: one tag, every column raw or constant.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

#include "engine/readings/chunk_bytes.h"

namespace takt {
namespace {

template <class T, class Set>
bool read_column(std::string_view bytes, const wire::Column& column, std::size_t rows, Set set) {
  const std::size_t count = column.codec() == wire::Codec::constant ? 1 : rows;
  if (bytes.size() != count * sizeof(T)) return false;
  for (std::size_t i = 0; i < rows; ++i) set(i, load<T>(bytes, count == 1 ? 0 : i * sizeof(T)));
  return true;
}

bool take_text(std::string_view bytes, std::size_t& at, std::string& text) {
  if (bytes.size() - at < 4) return false;
  const auto size = load<std::uint32_t>(bytes, at);
  at += 4;
  if (bytes.size() - at < size) return false;
  text = bytes.substr(at, size);
  at += size;
  return true;
}

/// Everything but times, numbers and kinds: gathered by row, as a few have it.
class Extras {
 public:
  explicit Extras(std::size_t rows) : of_row_(rows) {}
  ReadingExtra& operator[](std::size_t row) { return of_row_[row]; }
  bool read_texts(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      if (bytes.size() - at < 4) return false;
      const auto row = load<std::uint32_t>(bytes, at);
      at += 4;
      if (row >= of_row_.size()) return false;
      ReadingExtra& extra = of_row_[row];
      if (!take_text(bytes, at, extra.value) || !take_text(bytes, at, extra.id) ||
          !take_text(bytes, at, extra.attributes))
        return false;
    }
    return true;
  }

 private:
  std::vector<ReadingExtra> of_row_;
};

bool read_one(const wire::Column& column, std::string_view bytes, ReadingColumns& out, Extras& extras) {
  const std::size_t rows = out.size();
  switch (column.kind()) {
    case wire::ColumnKind::time:
      return read_column<std::int64_t>(bytes, column, rows, [&](auto i, auto v) { out.at[i] = v; });
    case wire::ColumnKind::number:
      return read_column<double>(bytes, column, rows, [&](auto i, auto v) { out.number[i] = v; });
    case wire::ColumnKind::value_kind:
      return read_column<std::uint8_t>(bytes, column, rows,
                                       [&](auto i, auto v) { out.kind.set(i, static_cast<Value::Kind>(v & 3U)); });
    case wire::ColumnKind::quality:
      return read_column<std::int32_t>(bytes, column, rows, [&](auto i, auto v) { out.quality.set(i, v); });
    case wire::ColumnKind::rank_order:
      return read_column<std::uint64_t>(bytes, column, rows, [&](auto i, auto v) { extras[i].order = v; });
    case wire::ColumnKind::rank_content:
      return true;  // follows from the rest
    case wire::ColumnKind::texts:
      return extras.read_texts(bytes);
  }
  return false;
}

}  // namespace

ChunkHead chunk_head_v1(const wire::ChunkHeader& chunk) {
  ChunkHead head;
  head.version = 1;
  head.key = {MachineId{chunk.machine()}, GroupId{chunk.group()}, from_micros(chunk.first()), 0};
  head.rows = chunk.rows();
  head.first = from_micros(chunk.first());
  head.last = from_micros(chunk.last());
  head.sealed_through = head.changed = chunk.sealed_through();
  for (const wire::Column* column : *chunk.columns()) head.bytes += column->size();
  head.series.push_back({GroupId{chunk.group()}, false, {}});  // its figures are too few to be used
  return head;
}

Result<ReadingColumns> decode_chunk_v1(const wire::ChunkHeader& chunk, std::string_view bytes) {
  const std::string_view body = bytes.substr(chunk_head_bytes(bytes).size());
  const std::size_t rows = chunk.rows();
  ReadingColumns all;
  all.at.resize(rows), all.number.resize(rows);
  all.quality.assign(rows, 0), all.kind.assign(rows, Value::Kind{}), all.extra.assign(rows, 0);
  Extras extras{rows};
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
    if (!read_one(*column, data, all, extras))
      return corruption("a chunk's column does not hold what its header says");
  }
  // Its rows of one time were in the order of their ids' hashes.
  ReadingColumns out;
  out.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    Reading row = all[i];
    if (extras[i] != ReadingExtra{}) row.extra = &extras[i];
    out.insert(out.empty() || out.at.back() < all.at[i] ? out.size() : out.place_of(all.at[i], row.id()), row);
  }
  return out;
}

}  // namespace takt
