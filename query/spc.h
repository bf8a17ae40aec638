// Control charts: centre lines, limits, and the run rules of Western Electric and Nelson. Plain numbers, no store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Mean range of samples of a normal distribution of sigma 1, of 2 to 25 each: d2 and d3 (the range's sigma).
double d2(std::size_t size);
double d3(std::size_t size);
/// Mean sample deviation of samples of a normal distribution of sigma 1: sqrt(2/(n-1)) * gamma(n/2) /
/// gamma((n-1)/2).
double c4(std::size_t size);

/// `k` of `m` neighbouring points on one side of the centre, beyond `zone` sigmas: the rules of runs, as data.
enum class RuleSet : std::uint8_t { none, western_electric, nelson };
std::optional<RuleSet> rule_set_named(std::string_view name);

/// The rules that a point breaks, such as "nelson2"; a rule of many points is broken at the last of them.
struct Violation {
  std::size_t index;
  std::vector<std::string> rules;
};

/// Western Electric 1 to 4: beyond 3 sigma; 2 of 3 beyond 2 sigma on one side; 4 of 5 beyond 1 sigma on one side;
/// 8 on one side of the centre. Nelson 1 to 8: beyond 3 sigma; 9 on one side; 6 rising or falling; 14 alternating;
/// 2 of 3 beyond 2 sigma; 4 of 5 beyond 1 sigma; 15 within 1 sigma; 8 beyond 1 sigma, on both sides. "Beyond" is
/// strictly. Of one side the last point itself is one of the k.
std::vector<Violation> run_rules(const std::vector<double>& points, double center, double sigma, RuleSet rules);
/// The first rule alone, for charts whose zones mean nothing.
std::vector<Violation> beyond_limits(const std::vector<double>& points, double lcl, double ucl, RuleSet rules);

struct Spread {
  double mean = 0, range = 0, deviation = 0;  ///< sample deviation (n - 1); 0 of one value
};
Spread spread_of(const double* values, std::size_t count);

}  // namespace takt
