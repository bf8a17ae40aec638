// When a machine was heard of, as runs of time. Where silence counts, figures depend on it.
#pragma once

#include "schema/time.h"

#include <algorithm>
#include <vector>

namespace takt {

/// From one sign of life to another, with others between them that are not told of. Both ends belong to it.
struct HeardRun {
  Timestamp first, last;
  friend bool operator==(const HeardRun&, const HeardRun&) = default;
};

/// What begins within `gap` of the last run goes on with it. Runs come in order of `first`.
inline void append_run(std::vector<HeardRun>& runs, const HeardRun& run, Duration gap) {
  if (runs.empty() || run.first > runs.back().last + gap) {
    runs.push_back(run);
  } else {
    runs.back().last = std::max(runs.back().last, run.last);
  }
}

/// The same of runs in any order.
inline std::vector<HeardRun> joined_runs(std::vector<HeardRun> runs, Duration gap) {
  std::sort(runs.begin(), runs.end(), [](const HeardRun& a, const HeardRun& b) { return a.first < b.first; });
  std::vector<HeardRun> joined;
  for (const HeardRun& run : runs) append_run(joined, run, gap);
  return joined;
}

}  // namespace takt
