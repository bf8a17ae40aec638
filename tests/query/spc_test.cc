// Run rules by smallest examples and against an oracle; constants and limits against published tables.
#include "query/spc.h"

#include <cmath>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt {
namespace {

using testing::Contains;
using testing::IsEmpty;

std::vector<std::string> rules_at_last(const std::vector<double>& points, RuleSet set) {
  const auto all = run_rules(points, 0, 1, set);
  if (all.empty() || all.back().index + 1 != points.size()) return {};
  return all.back().rules;
}

TEST(ControlConstants, AreThoseOfTheTables) {  // Montgomery, appendix VI
  const std::vector<double> d2_table{1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078};
  const std::vector<double> d4_table{3.267, 2.574, 2.282, 2.114, 2.004, 1.924, 1.864, 1.816, 1.777};
  const std::vector<double> a2_table{1.880, 1.023, 0.729, 0.577, 0.483, 0.419, 0.373, 0.337, 0.308};
  const std::vector<double> c4_table{0.7979, 0.8862, 0.9213, 0.9400, 0.9515, 0.9594, 0.9650, 0.9693, 0.9727};
  for (std::size_t n = 2; n <= 10; ++n) {
    EXPECT_NEAR(d2(n), d2_table[n - 2], 6e-4) << n;
    EXPECT_NEAR(1 + 3 * d3(n) / d2(n), d4_table[n - 2], 1.1e-3) << n;
    EXPECT_NEAR(3 / (d2(n) * std::sqrt(static_cast<double>(n))), a2_table[n - 2], 6e-4) << n;
    EXPECT_NEAR(c4(n), c4_table[n - 2], 6e-5) << n;
  }
  EXPECT_NEAR(c4(25), 0.9896, 6e-5);
  EXPECT_NEAR(d2(25), 3.931, 6e-4);
}

struct Example {
  const char* rule;
  RuleSet set;
  std::vector<double> breaks, keeps;
};

TEST(RunRules, AreBrokenByTheSmallestExampleAndByNoneSmaller) {
  const std::vector<Example> examples{
      {"western_electric1", RuleSet::western_electric, {3.01}, {3.0}},
      {"western_electric1", RuleSet::western_electric, {-3.01}, {-3.0}},
      {"western_electric2", RuleSet::western_electric, {2.1, 0, 2.1}, {2.1, 0, 0, 2.1}},
      {"western_electric2", RuleSet::western_electric, {2.1, 2.1}, {2.1, -2.1}},
      {"western_electric3", RuleSet::western_electric, {1.1, 1.1, 0, 1.1, 1.1}, {1.1, 1.1, 0, 0, 1.1, 1.1}},
      {"western_electric4",
       RuleSet::western_electric,
       {.1, .2, .1, .2, .1, .2, .1, .2},
       {.1, .2, .1, .2, .1, .2, .1}},
      {"nelson1", RuleSet::nelson, {0, -3.5}, {0, -2.9}},
      {"nelson2", RuleSet::nelson, {.1, .2, .1, .2, .1, .2, .1, .2, .1}, {.1, .2, .1, .2, 0, .2, .1, .2, .1}},
      {"nelson3", RuleSet::nelson, {-.3, -.2, -.1, .1, .2, .3}, {-.3, -.2, -.1, -.1, .2, .3}},
      {"nelson3", RuleSet::nelson, {.3, .2, .1, -.1, -.2, -.3}, {.3, .2, .1, -.1, -.2}},
      {"nelson4",
       RuleSet::nelson,
       {.1, -.1, .1, -.1, .1, -.1, .1, -.1, .1, -.1, .1, -.1, .1, -.1},
       {.1, -.1, .1, -.1, .1, -.1, -.1, .1, -.1, .1, -.1, .1, -.1, .1}},
      {"nelson5", RuleSet::nelson, {-2.1, 0, -2.1}, {-2.1, 0, 2.1}},
      {"nelson6", RuleSet::nelson, {-1.1, -1.1, 0, -1.1, -1.1}, {-1.1, 1.1, 0, -1.1, -1.1}},
      {"nelson7", RuleSet::nelson, std::vector<double>(15, 0.5), std::vector<double>(14, 0.5)},
      {"nelson8",
       RuleSet::nelson,
       {1.1, 1.2, -1.1, 1.1, -1.2, 1.1, 1.2, -1.1},
       {1.1, 1.2, 1.1, 1.1, 1.2, 1.1, 1.2, 1.1}},
  };
  for (const Example& example : examples) {
    EXPECT_THAT(rules_at_last(example.breaks, example.set), Contains(example.rule));
    EXPECT_THAT(rules_at_last(example.keeps, example.set), testing::Not(Contains(example.rule))) << example.rule;
  }
  EXPECT_THAT(run_rules({9, 9, 9}, 0, 1, RuleSet::none), IsEmpty());
}

/// As the domain words them, for the point at `i` alone, by brute force.
bool oracle_breaks(const std::string& rule, const std::vector<double>& z, std::size_t i) {
  const auto some = [&](std::size_t k, std::size_t m, double zone) {
    if (i + 1 < m) m = i + 1;
    for (const int side : {1, -1}) {
      std::size_t beyond = 0;
      for (std::size_t j = i + 1 - m; j <= i; ++j) beyond += z[j] * side > zone ? 1 : 0;
      if (beyond >= k && z[i] * side > zone) return true;
    }
    return false;
  };
  const auto last = [&](std::size_t m, auto holds) {
    if (i + 1 < m) return false;
    for (std::size_t j = i + 1 - m; j <= i; ++j) {
      if (!holds(j, j == i + 1 - m)) return false;
    }
    return true;
  };
  if (rule == "nelson1" || rule == "western_electric1") return std::abs(z[i]) > 3;
  if (rule == "western_electric2" || rule == "nelson5") return i >= 1 && some(2, 3, 2);
  if (rule == "western_electric3" || rule == "nelson6") return i >= 3 && some(4, 5, 1);
  if (rule == "western_electric4") return some(8, 8, 0);
  if (rule == "nelson2") return some(9, 9, 0);
  if (rule == "nelson3")
    return last(6, [&](std::size_t j, bool first) { return first || z[j] > z[j - 1]; }) ||
           last(6, [&](std::size_t j, bool first) { return first || z[j] < z[j - 1]; });
  if (rule == "nelson4")
    return last(14, [&](std::size_t j, bool first) {
      const std::size_t begin = i + 1 - 14;
      return first || j < begin + 2 || (z[j] - z[j - 1]) * (z[j - 1] - z[j - 2]) < 0;
    });
  if (rule == "nelson7") return last(15, [&](std::size_t j, bool) { return std::abs(z[j]) < 1; });
  bool above = false, below = false;
  const bool outside = last(8, [&](std::size_t j, bool) {
    above = above || z[j] > 0, below = below || z[j] < 0;
    return std::abs(z[j]) > 1;
  });
  return outside && above && below;
}

TEST(RunRules, AgreeWithAnOracleOnRandomPoints) {
  std::mt19937_64 random{7};
  for (int round = 0; round < 300; ++round) {
    std::normal_distribution<double> normal{round % 3 * 0.7, 0.4 + round % 5 * 0.5};
    std::vector<double> points;
    for (int i = 0; i < 40; ++i) points.push_back(std::round(normal(random) * 4) / 4);
    if (round % 4 == 0) std::sort(points.begin() + 5, points.begin() + 14);
    for (const auto& [set, prefix, count] :
         {std::tuple{RuleSet::western_electric, "western_electric", 4}, {RuleSet::nelson, "nelson", 8}}) {
      std::vector<std::vector<std::string>> ours(points.size());
      for (const Violation& violation : run_rules(points, 0, 1, set)) ours[violation.index] = violation.rules;
      for (std::size_t i = 0; i < points.size(); ++i) {
        for (int rule = 1; rule <= count; ++rule) {
          const std::string name = prefix + std::to_string(rule);
          const bool found = std::find(ours[i].begin(), ours[i].end(), name) != ours[i].end();
          ASSERT_EQ(found, oracle_breaks(name, points, i)) << name << " at " << i << " of round " << round;
        }
      }
    }
  }
}

TEST(SpreadOf, IsThatOfASample) {
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  const Spread spread = spread_of(values.data(), values.size());
  EXPECT_DOUBLE_EQ(spread.mean, 5);
  EXPECT_DOUBLE_EQ(spread.range, 7);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(32.0 / 7));
  EXPECT_EQ(spread_of(values.data(), 1).deviation, 0);
}

}  // namespace
}  // namespace takt
