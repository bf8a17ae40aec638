// A set of moments as disjoint ranges.
#pragma once

#include "schema/time.h"

#include <algorithm>
#include <vector>

namespace takt {

/// Ranges that overlap or touch become one when they are read.
class Intervals {
 public:
  void add(TimeRange range) {
    if (range.empty()) return;
    ranges_.push_back(range);
    if (ranges_.size() >= merge_at_) merge();
  }
  void add(const Intervals& other) {
    for (const TimeRange& range : other.ranges_) add(range);
  }
  /// In order.
  const std::vector<TimeRange>& ranges() {
    merge();
    return ranges_;
  }
  bool empty() const { return ranges_.empty(); }

 private:
  void merge() {
    std::sort(ranges_.begin(), ranges_.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
    std::vector<TimeRange> merged;
    for (const TimeRange& range : ranges_) {
      if (merged.empty() || range.begin > merged.back().end) {
        merged.push_back(range);
      } else {
        merged.back().end = std::max(merged.back().end, range.end);
      }
    }
    ranges_ = std::move(merged);
    merge_at_ = std::max<std::size_t>(1024, 2 * ranges_.size());
  }

  std::vector<TimeRange> ranges_;
  std::size_t merge_at_ = 1024;
};

}  // namespace takt
