#include "engine/cells.h"

#include <algorithm>

namespace takt {

std::size_t CellTable::size() const {
  std::size_t sum = 0;
  for (const Run& run : runs_) sum += run.cells.size();
  return sum;
}

std::size_t CellTable::bytes() const {
  std::size_t sum = runs_.capacity() * sizeof(Run);
  for (const Run& run : runs_) {
    sum += run.cells.capacity() * sizeof(Cell);
    for (const Cell& cell : run.cells) sum += cell.parts.bytes();
  }
  return sum;
}

/// The last run that begins at or before `t`, or the first. There is one.
std::size_t CellTable::run_of(Timestamp t) const {
  if (runs_.back().first <= t) return runs_.size() - 1;  // most of what is asked for is the end
  const auto after = std::partition_point(runs_.begin(), runs_.end(), [&](const Run& r) { return r.first <= t; });
  return after == runs_.begin() ? 0 : static_cast<std::size_t>(after - runs_.begin()) - 1;
}

/// Of the first cell that begins at `t` or later.
std::size_t CellTable::position(const std::vector<Cell>& cells, Timestamp t) {
  if (cells.back().range.begin < t) return cells.size();
  if (t <= cells.front().range.begin) return 0;
  // Hours without gaps stand where their time says.
  const Duration usual = std::max(cells.front().range.length(), Duration{1});
  const auto guess = static_cast<std::size_t>((t - cells.front().range.begin) / usual);
  if (guess < cells.size() && cells[guess].range.begin == t) return guess;
  const auto at =
      std::partition_point(cells.begin(), cells.end(), [&](const Cell& c) { return c.range.begin < t; });
  return static_cast<std::size_t>(at - cells.begin());
}

CellTable::Iterator CellTable::lower_bound(Timestamp t) const {
  if (runs_.empty()) return end();
  const std::size_t run = run_of(t);
  const std::size_t at = position(runs_[run].cells, t);
  if (at == runs_[run].cells.size()) return {this, run + 1, 0};
  return {this, run, at};
}

const Cell* CellTable::find(Timestamp t) const {
  if (runs_.empty()) return nullptr;
  const std::vector<Cell>& cells = runs_[run_of(t)].cells;
  const std::size_t at = position(cells, t);
  return at < cells.size() && cells[at].range.begin == t ? &cells[at] : nullptr;
}

Cell& CellTable::cell(TimeRange bucket) {
  if (runs_.empty()) runs_.push_back({bucket.begin, {}});
  const std::size_t run = run_of(bucket.begin);
  std::vector<Cell>& cells = runs_[run].cells;
  const std::size_t at = cells.empty() ? 0 : position(cells, bucket.begin);
  if (at == cells.size() || cells[at].range.begin != bucket.begin) return insert(run, at, bucket);
  cells[at].range = bucket;
  return cells[at];
}

Cell& CellTable::insert(std::size_t run, std::size_t at, TimeRange bucket) {
  if (runs_[run].cells.size() == kRun) {
    // Of what comes in order the runs stay full.
    const std::size_t kept = run + 1 == runs_.size() && at == kRun ? kRun : kRun / 2;
    std::vector<Cell>& lower = runs_[run].cells;
    std::vector<Cell> upper(lower.begin() + static_cast<std::ptrdiff_t>(kept), lower.end());
    lower.resize(kept);
    const Timestamp first = upper.empty() ? bucket.begin : upper.front().range.begin;
    runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(run) + 1, Run{first, std::move(upper)});
    if (at > kept || kept == kRun) ++run, at -= kept;
  }
  std::vector<Cell>& cells = runs_[run].cells;
  // Most runs are full or the last; room for twice as many would be a part of all memory.
  if (cells.size() == cells.capacity()) cells.reserve(std::min(kRun, cells.size() + kGrowth));
  const auto made = cells.insert(cells.begin() + static_cast<std::ptrdiff_t>(at), Cell{bucket});
  runs_[run].first = cells.front().range.begin;
  return *made;
}

void CellTable::erase(Timestamp t) {
  if (find(t) == nullptr) return;
  const auto run = runs_.begin() + static_cast<std::ptrdiff_t>(run_of(t));
  std::vector<Cell>& cells = run->cells;
  cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(position(cells, t)));
  if (cells.empty())
    runs_.erase(run);
  else
    run->first = cells.front().range.begin;
}

}  // namespace takt
