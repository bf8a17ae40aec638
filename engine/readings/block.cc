#include "engine/readings/block.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace takt {
namespace {

constexpr std::uint8_t kVersion = 2;  // version 1 is a frame of events
constexpr std::size_t kHead = 12;     // version u8, flags u8, u16 of nothing, rows u32, extras u32
enum Flag : std::uint8_t { kHasQuality = 1, kHasKind = 2, kFlags = 3 };

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
std::string_view bytes_of(const std::vector<T>& column) {
  return {reinterpret_cast<const char*>(column.data()), column.size() * sizeof(T)};
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

/// Takes from the front; what is missing makes it fail for good.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) ok_ = false, rest_ = {};
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

}  // namespace

void ReadingBlock::clear() {
  series.clear(), at.clear(), number.clear(), quality.clear(), kind.clear(), extras.clear();
}

Reading ReadingBlock::operator[](std::size_t i) const {
  const auto found = std::lower_bound(extras.begin(), extras.end(), i,
                                      [](const auto& entry, std::size_t wanted) { return entry.first < wanted; });
  return row(i, found != extras.end() && found->first == i ? &found->second : nullptr);
}

void ReadingBlock::push_back(SeriesId id, const Reading& row) {
  if (row.quality != kNoQuality && quality.empty()) quality.assign(size(), kNoQuality);
  if (row.kind != Value::Kind::number && kind.empty()) kind.assign(size(), Value::Kind::number);
  if (row.extra != nullptr) extras.emplace_back(static_cast<std::uint32_t>(size()), *row.extra);
  const bool qualities = !quality.empty() || row.quality != kNoQuality;
  const bool kinds = !kind.empty() || row.kind != Value::Kind::number;
  series.push_back(id);
  at.push_back(micros(row.at));
  number.push_back(row.number);
  if (qualities) quality.push_back(row.quality);
  if (kinds) kind.push_back(row.kind);
}

void ReadingBlock::append(const ReadingBlock& other) {
  const std::size_t before = size();
  if (!other.quality.empty() && quality.empty()) quality.assign(before, kNoQuality);
  if (!other.kind.empty() && kind.empty()) kind.assign(before, Value::Kind::number);
  const auto join = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  join(series, other.series), join(at, other.at), join(number, other.number);
  join(quality, other.quality), join(kind, other.kind);
  if (!quality.empty()) quality.resize(size(), kNoQuality);
  if (!kind.empty()) kind.resize(size(), Value::Kind::number);
  for (const auto& [row, extra] : other.extras)
    extras.emplace_back(static_cast<std::uint32_t>(before + row), extra);
}

void append(ReadingColumns& to, const ReadingBlock& block, std::size_t first, std::size_t last) {
  const auto part = [&](auto& column, const auto& from, auto usual) {
    if (from.empty()) return column.resize(column.size() + last - first, usual);
    column.insert(column.end(), from.begin() + static_cast<std::ptrdiff_t>(first),
                  from.begin() + static_cast<std::ptrdiff_t>(last));
  };
  part(to.at, block.at, std::int64_t{0});
  part(to.number, block.number, 0.0);
  part(to.quality, block.quality, kNoQuality);
  part(to.kind, block.kind, Value::Kind::number);
  to.extra.resize(to.at.size(), 0);
}

BlockFrame::BlockFrame(const ReadingBlock& block) {
  put(head_, kVersion);
  put(head_,
      static_cast<std::uint8_t>((block.quality.empty() ? 0 : kHasQuality) | (block.kind.empty() ? 0 : kHasKind)));
  put(head_, std::uint16_t{0});
  put(head_, static_cast<std::uint32_t>(block.size()));
  put(head_, static_cast<std::uint32_t>(block.extras.size()));
  for (const auto& [row, extra] : block.extras) {
    put(tail_, row);
    put(tail_, extra.order);
    put_text(tail_, extra.value), put_text(tail_, extra.id), put_text(tail_, extra.attributes);
  }
  pieces_ = {head_,
             bytes_of(block.series),
             bytes_of(block.at),
             bytes_of(block.number),
             bytes_of(block.quality),
             bytes_of(block.kind),
             tail_};
  XXH3_state_t hash;
  XXH3_64bits_reset(&hash);
  for (const std::string_view piece : pieces_) XXH3_64bits_update(&hash, piece.data(), piece.size());
  put(tail_, XXH3_64bits_digest(&hash));
  pieces_.back() = tail_;
}

std::size_t BlockFrame::size() const {
  std::size_t sum = 0;
  for (const std::string_view piece : pieces_) sum += piece.size();
  return sum;
}

void drop_before(ReadingBlock& block, Timestamp kept_from) {
  const auto old = [&](std::int64_t us) { return us < micros(kept_from); };
  if (std::none_of(block.at.begin(), block.at.end(), old)) return;
  ReadingBlock kept;
  for_each_row(block, [&](std::size_t i, const Reading& reading) {
    if (reading.at >= kept_from) kept.push_back(block.series[i], reading);
  });
  block = std::move(kept);
}

std::string encode_block(const ReadingBlock& block) {
  const BlockFrame frame{block};
  std::string out;
  out.reserve(frame.size());
  for (const std::string_view piece : frame.pieces()) out += piece;
  return out;
}

bool is_block(std::string_view frame) { return !frame.empty() && static_cast<std::uint8_t>(frame[0]) == kVersion; }

Result<void> decode_block(std::string_view frame, ReadingBlock& out) {
  if (frame.size() < kHead + 8) return corruption("a frame of readings is cut off");
  Taker seal{frame.substr(frame.size() - 8)};
  const std::string_view body = frame.substr(0, frame.size() - 8);
  if (seal.take<std::uint64_t>() != XXH3_64bits(body.data(), body.size())) {
    return corruption("a frame of readings does not match its checksum");
  }
  Taker in{body};
  const auto version = in.take<std::uint8_t>();
  const auto flags = in.take<std::uint8_t>();
  if (version != kVersion || flags > kFlags) {
    return corruption("a frame of readings is of a format that this program does not know; use the newer program");
  }
  in.take<std::uint16_t>();
  const auto rows = in.take<std::uint32_t>();
  const auto extras = in.take<std::uint32_t>();
  if (rows > body.size()) return corruption("a frame of readings is cut off");
  const std::size_t before = out.size();
  if ((flags & kHasQuality) != 0 && out.quality.empty()) out.quality.assign(before, kNoQuality);
  if ((flags & kHasKind) != 0 && out.kind.empty()) out.kind.assign(before, Value::Kind::number);
  in.column(rows, out.series);
  in.column(rows, out.at);
  in.column(rows, out.number);
  if ((flags & kHasQuality) != 0) {
    in.column(rows, out.quality);
  } else if (!out.quality.empty()) {
    out.quality.resize(before + rows, kNoQuality);
  }
  if ((flags & kHasKind) != 0) {
    in.column(rows, out.kind);
  } else if (!out.kind.empty()) {
    out.kind.resize(before + rows, Value::Kind::number);
  }
  for (std::uint32_t i = 0; in.ok() && i < extras; ++i) {
    const auto row = in.take<std::uint32_t>();
    ReadingExtra extra;
    extra.order = in.take<std::uint64_t>();
    extra.value = in.text(), extra.id = in.text(), extra.attributes = in.text();
    if (row >= rows || (!out.extras.empty() && out.extras.back().first >= before + row)) {
      return corruption("a frame of readings tells of a row that it does not have");
    }
    out.extras.emplace_back(static_cast<std::uint32_t>(before + row), std::move(extra));
  }
  if (!in.done()) return corruption("a frame of readings does not hold what its head says");
  return {};
}

}  // namespace takt
