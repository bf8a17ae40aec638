// What many measurements of one thing say together.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace takt::bench {

/// The smallest value that at least `share` of all values do not exceed (nearest rank); 0 of none.
inline double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
}
inline double median(std::vector<double> values) { return percentile(std::move(values), 0.5); }

}  // namespace takt::bench
