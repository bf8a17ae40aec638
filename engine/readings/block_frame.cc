#include "engine/readings/block_frame.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace takt {
namespace {

constexpr std::uint8_t kVersion = 3;    // version 1 is a frame of events
constexpr std::uint8_t kPlain = 2;      // every column whole
constexpr std::size_t kLeastHead = 12;  // of any version
constexpr std::size_t kSeal = 8;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

// ---------------------------------------- columns of integers around their least

/// Of a type as wide and without sign, in which differences and sums go around.
template <class T>
constexpr auto bits_of(T value) {
  if constexpr (sizeof(T) == 8) return static_cast<std::uint64_t>(value);
  if constexpr (sizeof(T) == 4) return static_cast<std::uint32_t>(value);
  if constexpr (sizeof(T) == 1) return static_cast<std::uint8_t>(value);
}

/// How a column is kept: each value as what it is more than the least, in so many bytes.
template <class T>
struct Around {
  T least;
  std::uint8_t width;  // 0: all are alike
};

template <class T>
Around<T> around(const std::vector<T>& column, T usual) {
  if (column.empty()) return {usual, 0};
  T least = column.front(), greatest = column.front();
  for (const T value : column) least = std::min(least, value), greatest = std::max(greatest, value);
  const std::uint64_t range = static_cast<decltype(bits_of(T{}))>(bits_of(greatest) - bits_of(least));
  return {least, static_cast<std::uint8_t>(range == 0 ? 0 : range <= 0xff ? 1 : range <= 0xffff'ffff ? 4 : 8)};
}

template <class Offset, class T>
void put_offsets(std::string& out, const std::vector<T>& column, T least) {
  const std::size_t at = out.size();
  out.resize(at + column.size() * sizeof(Offset));
  char* to = out.data() + at;
  for (const T value : column) {
    const auto offset = static_cast<Offset>(bits_of(value) - bits_of(least));
    std::memcpy(to, &offset, sizeof offset);
    to += sizeof offset;
  }
}

template <class T>
void put_column(std::string& out, const std::vector<T>& column, const Around<T>& how) {
  if (how.width == 1) put_offsets<std::uint8_t>(out, column, how.least);
  if (how.width == 4) put_offsets<std::uint32_t>(out, column, how.least);
  if (how.width == 8) put_offsets<std::uint64_t>(out, column, how.least);
}

// ---------------------------------------- taking apart

/// Takes from the front; what is missing makes it fail for good.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  void fail() { ok_ = false, rest_ = {}; }
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) fail();
    const std::string_view taken = rest_.substr(0, ok_ ? size : 0);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  template <class T>
  T take() {
    T value{};
    if (const std::string_view from = bytes(sizeof(T)); !from.empty())
      std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  template <class T>
  void column(std::size_t rows, std::vector<T>& out) {
    const std::string_view from = bytes(rows * sizeof(T));
    if (from.empty()) return;
    const std::size_t before = out.size();
    out.resize(before + rows);
    std::memcpy(out.data() + before, from.data(), from.size());
  }
  std::string text() { return std::string{bytes(take<std::uint32_t>())}; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

template <class Offset, class T>
void take_offsets(Taker& in, std::size_t rows, T least, std::vector<T>& out) {
  const std::string_view from = in.bytes(rows * sizeof(Offset));
  if (from.empty()) return;
  const std::size_t before = out.size();
  out.resize(before + rows);
  for (std::size_t i = 0; i < rows; ++i) {
    Offset offset;
    std::memcpy(&offset, from.data() + i * sizeof offset, sizeof offset);
    out[before + i] = static_cast<T>(bits_of(least) + static_cast<decltype(bits_of(least))>(offset));
  }
}

template <class T>
void take_column(Taker& in, std::size_t rows, const Around<T>& how, std::vector<T>& out) {
  if (how.width == 0) return out.resize(out.size() + rows, how.least);
  if (how.width == 1) return take_offsets<std::uint8_t>(in, rows, how.least, out);
  if (how.width == 4 && sizeof(T) >= 4) return take_offsets<std::uint32_t>(in, rows, how.least, out);
  if (how.width == 8 && sizeof(T) == 8) return take_offsets<std::uint64_t>(in, rows, how.least, out);
  in.fail();
}

/// The same of a column that a block need not have.
template <class T>
void take_column(Taker& in, std::size_t rows, const Around<T>& how, T usual, std::vector<T>& out,
                 std::size_t rows_before) {
  const bool usual_alone = how.width == 0 && how.least == usual;
  if (usual_alone && out.empty()) return;
  if (out.empty()) out.assign(rows_before, usual);
  take_column(in, rows, how, out);
}

/// A series number a run, each as often as its run has rows.
void take_runs(Taker& in, std::size_t rows, std::size_t runs, std::vector<SeriesId>& out) {
  if (runs == rows) return in.column(rows, out);
  std::vector<SeriesId> series;
  std::vector<std::uint32_t> counts;
  in.column(runs, series);
  in.column(runs, counts);
  if (std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) != rows) in.fail();
  if (!in.ok()) return;
  out.reserve(out.size() + rows);
  for (std::size_t i = 0; i < runs; ++i) out.insert(out.end(), counts[i], series[i]);
}

struct Sizes {
  std::size_t rows, extras;
};

Sizes take_columns(Taker& in, ReadingBlock& out) {
  Around<std::int64_t> at{};
  Around<std::int32_t> quality{};
  Around<Value::Kind> kind{};
  at.width = in.take<std::uint8_t>(), quality.width = in.take<std::uint8_t>();
  kind.width = in.take<std::uint8_t>();
  const auto rows = in.take<std::uint32_t>(), runs = in.take<std::uint32_t>(), extras = in.take<std::uint32_t>();
  at.least = in.take<std::int64_t>(), quality.least = in.take<std::int32_t>();
  kind.least = in.take<Value::Kind>();
  const std::size_t before = out.size();
  if (rows > in.left() / sizeof(double)) in.fail();
  if (!in.ok()) return {};
  take_runs(in, rows, runs, out.series);
  take_column(in, rows, at, out.at);
  in.column(rows, out.number);
  take_column(in, rows, quality, kNoQuality, out.quality, before);
  take_column(in, rows, kind, Value::Kind::number, out.kind, before);
  return {rows, extras};
}

/// Version 2.
Sizes take_plain_columns(Taker& in, ReadingBlock& out) {
  enum Flag : std::uint8_t { has_quality = 1, has_kind = 2 };
  const auto flags = in.take<std::uint8_t>();
  in.take<std::uint16_t>();
  const auto rows = in.take<std::uint32_t>(), extras = in.take<std::uint32_t>();
  const std::size_t before = out.size();
  if (flags > (has_quality | has_kind) || rows > in.left() / sizeof(double)) in.fail();
  if (!in.ok()) return {};
  const auto optional = [&](auto& column, bool there, auto usual) {
    if (there && column.empty()) column.assign(before, usual);
    if (there) return in.column(rows, column);
    if (!column.empty()) column.resize(before + rows, usual);
  };
  in.column(rows, out.series);
  in.column(rows, out.at);
  in.column(rows, out.number);
  optional(out.quality, (flags & has_quality) != 0, kNoQuality);
  optional(out.kind, (flags & has_kind) != 0, Value::Kind::number);
  return {rows, extras};
}

/// False: of a row that the frame does not have, or out of order.
bool take_extras(Taker& in, const Sizes& sizes, ReadingBlock& out) {
  const std::size_t before = out.size() - sizes.rows;
  for (std::size_t i = 0; in.ok() && i < sizes.extras; ++i) {
    const auto row = in.take<std::uint32_t>();
    ReadingExtra extra;
    extra.order = in.take<std::uint64_t>();
    extra.value = in.text(), extra.id = in.text(), extra.attributes = in.text();
    if (row >= sizes.rows || (!out.extras.empty() && out.extras.back().first >= before + row)) return false;
    out.extras.emplace_back(static_cast<std::uint32_t>(before + row), std::move(extra));
  }
  return true;
}

/// Series and rows of each run.
void put_runs(std::string& out, const std::vector<SeriesId>& series, std::size_t runs) {
  std::vector<std::uint32_t> counts;
  const auto bytes = [](const auto& column) {
    return std::string_view{reinterpret_cast<const char*>(column.data()), column.size() * sizeof column[0]};
  };
  if (runs == series.size()) {
    out += bytes(series);
    return;
  }
  counts.reserve(runs);
  for (std::size_t first = 0, i = 1; i <= series.size(); ++i) {
    if (i < series.size() && series[i] == series[first]) continue;
    put(out, series[first]);
    counts.push_back(static_cast<std::uint32_t>(i - first));
    first = i;
  }
  out += bytes(counts);
}

std::size_t count_runs(const std::vector<SeriesId>& series) {
  std::size_t runs = series.empty() ? 0 : 1;
  for (std::size_t i = 1; i < series.size(); ++i) runs += series[i] != series[i - 1] ? 1 : 0;
  return runs;
}

}  // namespace

void BlockFrame::write(const ReadingBlock& block) {
  const Around at = around(block.at, std::int64_t{0});
  const Around quality = around(block.quality, kNoQuality);
  const Around kind = around(block.kind, Value::Kind::number);
  const std::size_t runs = count_runs(block.series);
  head_.clear(), tail_.clear();
  put(head_, kVersion);
  put(head_, at.width), put(head_, quality.width), put(head_, kind.width);
  put(head_, static_cast<std::uint32_t>(block.size()));
  put(head_, static_cast<std::uint32_t>(runs));
  put(head_, static_cast<std::uint32_t>(block.extras.size()));
  put(head_, at.least), put(head_, quality.least), put(head_, kind.least);
  put_runs(head_, block.series, runs);
  put_column(head_, block.at, at);
  put_column(tail_, block.quality, quality);
  put_column(tail_, block.kind, kind);
  for (const auto& [row, extra] : block.extras) {
    put(tail_, row);
    put(tail_, extra.order);
    put_text(tail_, extra.value), put_text(tail_, extra.id), put_text(tail_, extra.attributes);
  }
  const std::string_view numbers{reinterpret_cast<const char*>(block.number.data()),
                                 block.number.size() * sizeof(double)};
  XXH3_state_t hash;
  XXH3_64bits_reset(&hash);
  for (const std::string_view piece : {std::string_view{head_}, numbers, std::string_view{tail_}})
    XXH3_64bits_update(&hash, piece.data(), piece.size());
  put(tail_, XXH3_64bits_digest(&hash));
  pieces_ = {head_, numbers, tail_};
}

std::size_t BlockFrame::size() const {
  std::size_t sum = 0;
  for (const std::string_view piece : pieces_) sum += piece.size();
  return sum;
}

std::string encode_block(const ReadingBlock& block) {
  BlockFrame frame;
  frame.write(block);
  std::string out;
  out.reserve(frame.size());
  for (const std::string_view piece : frame.pieces()) out += piece;
  return out;
}

bool is_block(std::string_view frame) {
  const auto version = frame.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(frame[0]);
  return version == kPlain || version == kVersion;
}

Result<void> decode_block(std::string_view frame, ReadingBlock& out) {
  if (frame.size() < kLeastHead + kSeal) return corruption("a frame of readings is cut off");
  Taker seal{frame.substr(frame.size() - kSeal)};
  const std::string_view body = frame.substr(0, frame.size() - kSeal);
  if (seal.take<std::uint64_t>() != XXH3_64bits(body.data(), body.size())) {
    return corruption("a frame of readings does not match its checksum");
  }
  if (!is_block(frame)) {
    return corruption("a frame of readings is of a format that this program does not know; use the newer program");
  }
  Taker in{body};
  const Sizes sizes = in.take<std::uint8_t>() == kPlain ? take_plain_columns(in, out) : take_columns(in, out);
  if (in.ok() && !take_extras(in, sizes, out)) {
    return corruption("a frame of readings tells of a row that it does not have");
  }
  if (!in.done()) return corruption("a frame of readings does not hold what its head says");
  if (std::any_of(out.kind.begin(), out.kind.end(), [](Value::Kind kind) { return kind > Value::Kind::text; })) {
    return corruption("a frame of readings has a value of an unknown kind");
  }
  return {};
}

}  // namespace takt
