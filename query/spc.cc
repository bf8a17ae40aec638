#include "query/spc.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace takt {
namespace {

// ASTM Manual 7 / Montgomery, Introduction to Statistical Quality Control, appendix VI; n = 2 ... 25.
constexpr std::array<double, 24> kD2 = {1.12838, 1.69257, 2.05875, 2.32593, 2.53441, 2.70436, 2.84720, 2.97003,
                                        3.07751, 3.17287, 3.25846, 3.33598, 3.40676, 3.47183, 3.53198, 3.58788,
                                        3.64006, 3.68896, 3.73495, 3.77834, 3.81938, 3.85832, 3.89535, 3.93063};
constexpr std::array<double, 24> kD3 = {0.85250, 0.88837, 0.87981, 0.86408, 0.84804, 0.83321, 0.81983, 0.80783,
                                        0.79705, 0.78731, 0.77848, 0.77042, 0.76302, 0.75618, 0.74982, 0.74389,
                                        0.73833, 0.73310, 0.72816, 0.72350, 0.71907, 0.71486, 0.71086, 0.70704};

/// How far a point is from the centre, in sigmas; of a spread of zero every other value is far.
std::vector<double> in_sigmas(const std::vector<double>& points, double center, double sigma) {
  std::vector<double> z;
  for (const double point : points) {
    const double off = point - center;
    z.push_back(sigma > 0 ? off / sigma : off == 0 ? 0 : std::copysign(HUGE_VAL, off));
  }
  return z;
}

/// A rule of the last points up to and with one: at most `length` of them, and at least `least`.
struct RunRule {
  std::string_view name;
  std::size_t least, length;
  std::function<bool(const double* first, std::size_t count)> broken;
};

/// At least `k` of `m` beyond `zone` on the side of the last one, which is beyond it, too. Of the first points of
/// a chart `k` are enough, whatever came before them.
RunRule of_one_side(std::string_view name, std::size_t k, std::size_t length, double zone) {
  return {name, k, length, [=](const double* z, std::size_t m) {
            const double side = z[m - 1] > 0 ? 1 : -1;
            const auto beyond = [&](double each) { return each * side > zone; };
            return beyond(z[m - 1]) && static_cast<std::size_t>(std::count_if(z, z + m, beyond)) >= k;
          }};
}

RunRule steady(std::string_view name, std::size_t length) {
  return {name, length, length, [](const double* z, std::size_t m) {
            return std::adjacent_find(z, z + m, std::greater_equal<>{}) == z + m ||
                   std::adjacent_find(z, z + m, std::less_equal<>{}) == z + m;
          }};
}

RunRule alternating(std::string_view name, std::size_t length) {
  return {name, length, length, [](const double* z, std::size_t m) {
            for (std::size_t i = 2; i < m; ++i) {
              if ((z[i] - z[i - 1]) * (z[i - 1] - z[i - 2]) >= 0) return false;
            }
            return true;
          }};
}

RunRule within(std::string_view name, std::size_t length, double zone) {
  return {name, length, length, [=](const double* z, std::size_t m) {
            return std::all_of(z, z + m, [=](double each) { return std::abs(each) < zone; });
          }};
}

RunRule outside_on_both_sides(std::string_view name, std::size_t length, double zone) {
  return {name, length, length, [=](const double* z, std::size_t m) {
            const bool outside = std::all_of(z, z + m, [=](double each) { return std::abs(each) > zone; });
            return outside && std::any_of(z, z + m, [](double each) { return each > 0; }) &&
                   std::any_of(z, z + m, [](double each) { return each < 0; });
          }};
}

std::vector<RunRule> rules_of(RuleSet set) {
  switch (set) {
    case RuleSet::none:
      return {};
    case RuleSet::western_electric:
      return {of_one_side("western_electric1", 1, 1, 3), of_one_side("western_electric2", 2, 3, 2),
              of_one_side("western_electric3", 4, 5, 1), of_one_side("western_electric4", 8, 8, 0)};
    case RuleSet::nelson:
      return {
          of_one_side("nelson1", 1, 1, 3), of_one_side("nelson2", 9, 9, 0),       steady("nelson3", 6),
          alternating("nelson4", 14),      of_one_side("nelson5", 2, 3, 2),       of_one_side("nelson6", 4, 5, 1),
          within("nelson7", 15, 1),        outside_on_both_sides("nelson8", 8, 1)};
  }
  return {};
}

}  // namespace

double d2(std::size_t size) { return kD2.at(size - 2); }
double d3(std::size_t size) { return kD3.at(size - 2); }
double c4(std::size_t size) {
  const auto n = static_cast<double>(size);
  return std::sqrt(2 / (n - 1)) * std::exp(std::lgamma(n / 2) - std::lgamma((n - 1) / 2));
}

std::optional<RuleSet> rule_set_named(std::string_view name) {
  if (name == "none") return RuleSet::none;
  if (name == "western_electric") return RuleSet::western_electric;
  if (name == "nelson") return RuleSet::nelson;
  return std::nullopt;
}

std::vector<Violation> run_rules(const std::vector<double>& points, double center, double sigma, RuleSet set) {
  const std::vector<double> z = in_sigmas(points, center, sigma);
  const std::vector<RunRule> rules = rules_of(set);
  std::vector<Violation> violations;
  for (std::size_t i = 0; i < z.size(); ++i) {
    Violation found{i, {}};
    for (const RunRule& rule : rules) {
      const std::size_t count = std::min(rule.length, i + 1);
      if (count >= rule.least && rule.broken(z.data() + (i + 1 - count), count))
        found.rules.emplace_back(rule.name);
    }
    if (!found.rules.empty()) violations.push_back(std::move(found));
  }
  return violations;
}

std::vector<Violation> beyond_limits(const std::vector<double>& points, double lcl, double ucl, RuleSet set) {
  std::vector<Violation> violations;
  if (set == RuleSet::none) return violations;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i] > ucl || points[i] < lcl)
      violations.push_back({i, {set == RuleSet::nelson ? "nelson1" : "western_electric1"}});
  }
  return violations;
}

Spread spread_of(const double* values, std::size_t count) {
  Spread spread;
  if (count == 0) return spread;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += values[i];
  spread.mean = sum / static_cast<double>(count);
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) squares += (values[i] - spread.mean) * (values[i] - spread.mean);
  const auto [least, most] = std::minmax_element(values, values + count);
  spread.range = *most - *least;
  if (count > 1) spread.deviation = std::sqrt(squares / static_cast<double>(count - 1));
  return spread;
}

}  // namespace takt
