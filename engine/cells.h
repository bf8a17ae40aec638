// The sums kept of one machine and grain, bucket by bucket.
#pragma once

#include "engine/breakdown.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace takt {

/// The commit that changed something.
using Sequence = std::uint64_t;

/// What a rollup keeps of one bucket.
struct Cell : Sums {
  Cell() = default;
  explicit Cell(TimeRange bucket, Sequence changed_by = 0) : range(bucket), revision(changed_by) {}

  TimeRange range;
  Sequence revision = 0;  ///< the last commit that changed the account: of its parts, none tells
  friend bool operator==(const Cell&, const Cell&) = default;
};

/// Cells by the beginning of their buckets, of which each is the only one: runs of neighbours in one piece of
/// memory, so that a walk along a month of hours reads it once from its beginning to its end. Appending is O(1),
/// finding O(log n), for hours without gaps nearly O(1); inserting in the middle moves a run. What points into it
/// is invalidated by cell() and erase(). Not thread-safe.
class CellTable {
  static constexpr std::size_t kRun = 64, kGrowth = 8;

 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Cell;
    using difference_type = std::ptrdiff_t;
    using pointer = const Cell*;
    using reference = const Cell&;

    Iterator() = default;
    const Cell& operator*() const { return table_->runs_[run_].cells[at_]; }
    const Cell* operator->() const { return &**this; }
    Iterator& operator++() {
      if (++at_ == table_->runs_[run_].cells.size()) ++run_, at_ = 0;
      return *this;
    }
    Iterator& operator--() {
      if (at_ == 0) at_ = table_->runs_[--run_].cells.size();
      --at_;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.run_ == b.run_ && a.at_ == b.at_; }

   private:
    friend class CellTable;
    Iterator(const CellTable* table, std::size_t run, std::size_t at) : table_(table), run_(run), at_(at) {}
    const CellTable* table_ = nullptr;
    std::size_t run_ = 0, at_ = 0;
  };

  bool empty() const { return runs_.empty(); }
  std::size_t size() const;
  Iterator begin() const { return {this, 0, 0}; }
  Iterator end() const { return {this, runs_.size(), 0}; }
  /// The first cell that begins at `t` or later.
  Iterator lower_bound(Timestamp t) const;
  /// The cell that begins at `t`, or null.
  const Cell* find(Timestamp t) const;
  bool contains(Timestamp t) const { return find(t) != nullptr; }
  /// The cell of the bucket, which gets its range; made if there is none.
  Cell& cell(TimeRange bucket);
  /// Takes out the cell that begins at `t`, if there is one.
  void erase(Timestamp t);
  /// The memory that it takes.
  std::size_t bytes() const;

 private:
  struct Run {
    Timestamp first;
    std::vector<Cell> cells;  // never empty
  };
  std::size_t run_of(Timestamp t) const;
  static std::size_t position(const std::vector<Cell>& cells, Timestamp t);
  Cell& insert(std::size_t run, std::size_t at, TimeRange bucket);

  std::vector<Run> runs_;
};

/// Finds cells of moments that mostly rise, without searching anew for each. The table stays as it is meanwhile.
class CellCursor {
 public:
  explicit CellCursor(const CellTable& table) : table_(&table), at_(table.begin()), end_(table.end()) {}

  /// The cell that begins at `t`, or null.
  const Cell* find(Timestamp t) {
    if (t < sought_) return search(t);
    sought_ = t;
    for (int steps = 0; at_ != end_ && at_->range.begin < t; ++at_) {
      if (++steps > kSteps) return search(t);
    }
    return at_ != end_ && at_->range.begin == t ? &*at_ : nullptr;
  }
  /// Where find(range.begin) has just found nothing: whether no cell has a part of the range.
  bool none_in(TimeRange range) const {
    if (at_ != end_ && at_->range.begin < range.end) return false;
    if (at_ == table_->begin()) return true;
    auto before = at_;
    return (--before)->range.end <= range.begin;
  }

 private:
  static constexpr int kSteps = 4;
  const Cell* search(Timestamp t) {
    sought_ = t;
    at_ = table_->lower_bound(t);
    return at_ != end_ && at_->range.begin == t ? &*at_ : nullptr;
  }

  const CellTable* table_;  // borrowed
  CellTable::Iterator at_, end_;
  Timestamp sought_ = kBeginOfTime;  // what is before at_ begins before this
};

}  // namespace takt
