// Where in time something has changed, for whoever has to look again.
#pragma once

#include "schema/time.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace takt {

/// Stretches of time. However many are added, few are kept: beyond that they become the whole between the first
/// and the last.
class TouchedTime {
 public:
  void add(TimeRange range) {
    if (range.empty()) return;
    if (!ranges_.empty() && meet(ranges_.back(), range)) {
      ranges_.back() = hull(ranges_.back(), range);
      return;
    }
    ranges_.push_back(range);
    if (ranges_.size() > kMost) join();
  }
  bool empty() const { return ranges_.empty(); }
  /// All since it was last asked, by their beginning.
  std::vector<TimeRange> take() {
    join();
    return std::exchange(ranges_, {});
  }

 private:
  static constexpr std::size_t kMost = 256;
  static bool meet(const TimeRange& a, const TimeRange& b) { return a.begin <= b.end && b.begin <= a.end; }
  static TimeRange hull(const TimeRange& a, const TimeRange& b) {
    return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
  }
  void join() {
    std::sort(ranges_.begin(), ranges_.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
    std::vector<TimeRange> joined;
    for (const TimeRange& range : ranges_) {
      if (!joined.empty() && meet(joined.back(), range))
        joined.back() = hull(joined.back(), range);
      else
        joined.push_back(range);
    }
    if (joined.size() > kMost / 2) joined = {hull(joined.front(), joined.back())};
    ranges_ = std::move(joined);
  }

  std::vector<TimeRange> ranges_;
};

}  // namespace takt
