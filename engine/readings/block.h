// Readings of many tags as columns, in the order of their arrival: how they are handed in.
#pragma once

#include "engine/readings/columns.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace takt {

/// The number of a tag of a machine among all tags of all machines. Stable for the life of the data folder.
enum class SeriesId : std::uint32_t {};
inline constexpr std::uint32_t index_of(SeriesId id) { return static_cast<std::uint32_t>(id); }

/// Plain data: keep the columns of one length. `quality` and `kind` may be empty: none sent, and all numbers.
struct ReadingBlock {
  std::vector<SeriesId> series;
  std::vector<std::int64_t> at;  ///< microseconds since the epoch
  std::vector<double> number;
  std::vector<std::int32_t> quality;
  std::vector<Value::Kind> kind;
  /// What only a few rows have, by row, rising.
  std::vector<std::pair<std::uint32_t, ReadingExtra>> extras;

  std::size_t size() const { return series.size(); }
  bool empty() const { return series.empty(); }
  void clear();
  /// Row `i`, borrowed; `extra` is the row's, or null.
  Reading row(std::size_t i, const ReadingExtra* extra) const {
    return {from_micros(at[i]), number[i], quality.empty() ? kNoQuality : quality[i],
            kind.empty() ? Value::Kind::number : kind[i], extra};
  }
  /// The same with what else it has, which is looked for.
  Reading operator[](std::size_t i) const;
  void push_back(SeriesId id, const Reading& row);
  void append(const ReadingBlock& other);
};

/// Visits the rows in order, each with what else it has: visit(i, const Reading&).
template <class Visit>
void for_each_row(const ReadingBlock& block, Visit visit) {
  auto extra = block.extras.begin();
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool has = extra != block.extras.end() && extra->first == i;
    visit(i, block.row(i, has ? &extra->second : nullptr));
    if (has) ++extra;
  }
}

/// Appends rows [first, last) of a block without extras.
void append(ReadingColumns& to, const ReadingBlock& block, std::size_t first, std::size_t last);

/// Takes out the rows of before `kept_from`.
void drop_before(ReadingBlock& block, Timestamp kept_from);

}  // namespace takt
