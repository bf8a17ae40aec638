// How often machines fail and how long that lasts (contract 4, ISO 14224 and ISO 22400-2).
#pragma once

#include "engine/store.h"
#include "query/oee.h"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace takt {

/// Failures whose first reason is of one ISO 14224 failure mode; no mode: the reason names none.
struct FailureMode {
  std::optional<std::string> mode;
  std::int64_t failures = 0;
  Duration down{0};
};

/// Sums over all time, planned or not; of a group, over its machines. Ratios are made of sums alone.
struct Reliability {
  std::int64_t failures = 0, stops = 0;  ///< that begin in the range
  Duration operating{0};                 ///< production and setup
  Duration down{0};                      ///< failure time in the range
  Duration stop_time{0};                 ///< of all stops, failures among them; never unknown time
  std::vector<FailureMode> modes;        ///< longest down first; they add up to failures and down
  std::optional<Timestamp> kept_from;    ///< what was before is retained no more, and not in it

  // In seconds, absent where the divisor is zero.
  std::optional<double> mtbf() const;           ///< operating / failures; MTTF is the same
  std::optional<double> mttr() const;           ///< down / failures
  std::optional<double> mdt() const;            ///< stop time / stops
  std::optional<double> mtbf_calendar() const;  ///< (operating + down) / failures: from failure to failure
  /// Failures an operating hour.
  std::optional<double> failure_rate_per_h() const;
  /// MTBF / (MTBF + MTTR); absent without failures.
  std::optional<double> inherent_availability() const;
};

/// Bounds of the failure rate an hour if failures come at a constant rate, each passed with half of what is left
/// of `confidence`: chi-square quantiles of 2n and 2n + 2 degrees of freedom over twice the operating time.
/// Without failures the lower one is zero. Absent without operating time.
struct RateBounds {
  double lower_per_h = 0, upper_per_h = 0;
};
std::optional<RateBounds> failure_rate_bounds(const Reliability& reliability, double confidence);

/// Up to now, and to the end of a machine that is switched off. Failures and stops are judged whole. not_found,
/// corruption: as machines_of(); cancelled: soon after stop was requested.
Result<Reliability> reliability(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                                const std::stop_token& stop = {});
std::string render_reliability(const Reliability& reliability);

}  // namespace takt
