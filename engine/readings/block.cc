#include "engine/readings/block.h"

#include <algorithm>

namespace takt {
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
  const auto part = [&](auto& column, const auto& from) {
    column.insert(column.end(), from.begin() + static_cast<std::ptrdiff_t>(first),
                  from.begin() + static_cast<std::ptrdiff_t>(last));
  };
  const auto part_or = [&](auto& column, const auto& from, auto usual) {
    if (from.empty()) return column.append(last - first, usual);
    column.append(from, first, last);
  };
  part(to.at, block.at);
  part(to.number, block.number);
  part_or(to.quality, block.quality, kNoQuality);
  part_or(to.kind, block.kind, Value::Kind::number);
  to.extra.append(last - first, 0);
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

}  // namespace takt
