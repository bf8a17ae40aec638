// The laws that the oracle itself must keep on any history, and what the histories must hold to be worth the name.
#include "tests/oracle/random_history.h"

#include "tests/oracle/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace takt {
namespace {

using Json = nlohmann::json;
using Totals = std::map<std::string, std::int64_t>;

constexpr std::uint64_t kSeeds = 33;  // every place three times

/// What lies between shifts, too, and so is no sum of them.
bool is_between_shifts(const std::string& name) {
  return name == "calendar_time_s" || name.starts_with("unplanned_");
}

/// Sums of the additive fields: microseconds and pieces. -1: null in one of the buckets.
Totals totals_of(const Json& buckets) {
  Totals totals;
  for (const Json& bucket : buckets) {
    for (const auto& [name, value] : bucket.items()) {
      const bool is_time = name.ends_with("_s");
      const bool adds = is_time || name.ends_with("_quantity") || name.ends_with("stops") || name == "failures";
      if (!adds) continue;
      if (value.is_null()) totals[name] = -1;
      if (!value.is_null() && totals[name] >= 0)
        totals[name] += std::llround(value.get<double>() * (is_time ? 1e6 : 1));
    }
  }
  return totals;
}

class AnyHistory : public testing::TestWithParam<std::uint64_t> {
 protected:
  const RandomHistory history_ = random_history(GetParam());
  const TimeRange range_ = random_range(history_, GetParam());
  const Oracle oracle_{history_.plant, history_.events, history_.now};
};

TEST_P(AnyHistory, HasHoursAndDaysThatAddUpToTheTotal) {
  const Totals total = totals_of(oracle_.oee("plant", range_, "total"));
  for (const char* grain : {"hour", "day", "week", "month", "year"}) {
    const Json buckets = oracle_.oee("plant", range_, grain);
    if (!buckets.empty()) {
      EXPECT_EQ(totals_of(buckets), total) << grain;
    }
  }
}

TEST_P(AnyHistory, HasShiftsThatAddUpToWhatWasPlanned) {
  const Totals total = totals_of(oracle_.oee("plant", range_, "total"));
  for (const auto& [name, sum] : totals_of(oracle_.oee("plant", range_, "shift"))) {
    if (is_between_shifts(name)) continue;
    EXPECT_EQ(sum, total.at(name)) << name;
  }
}

TEST_P(AnyHistory, HasMachinesThatAddUpToThePlant) {
  Json each = Json::array();
  for (const Machine& machine : history_.plant.machines) {
    each.push_back(oracle_.oee("machine:" + machine.id, range_, "total")[0]);
  }
  EXPECT_EQ(totals_of(each), totals_of(oracle_.oee("plant", range_, "total")));
}

TEST_P(AnyHistory, HasTimesThatAddUpToBusyTime) {
  for (const Json& hour : oracle_.oee("plant", range_, "hour")) {
    EXPECT_NEAR(hour["actual_production_time_s"].get<double>() + hour["actual_unit_setup_time_s"].get<double>() +
                    hour["actual_unit_delay_time_s"].get<double>(),
                hour["planned_busy_time_s"].get<double>(), 1e-7);
    EXPECT_GE(hour["actual_unit_delay_time_s"], 0);
    EXPECT_LE(hour["planned_operation_time_s"], hour["calendar_time_s"]);
  }
}

TEST_P(AnyHistory, LosesWhatIsNotValuable) {
  const Json losses = oracle_.losses("plant", range_);
  if (losses["valuable_time_s"].is_null()) return;
  double sum = losses["valuable_time_s"];
  for (const Json& loss : losses["losses"]) sum += loss["time_s"].get<double>();
  EXPECT_NEAR(sum, losses["planned_busy_time_s"].get<double>(), 1e-6);
}

TEST_P(AnyHistory, HasAParetoOfAllStopsAndDelays) {
  const Json total = oracle_.oee("plant", range_, "total")[0];
  const bool moved = history_.plant.minor_stops == MinorStopPolicy::performance;
  const double stop_s =
      total["actual_unit_delay_time_s"].get<double>() + (moved ? total["minor_stop_time_s"].get<double>() : 0);
  for (const char* by : {"reason", "category", "machine"}) {
    const Json pareto = oracle_.pareto("plant", range_, by);
    EXPECT_NEAR(pareto["total_time_s"].get<double>(), stop_s, 1e-7);
    std::int64_t stops = 0;
    for (const Json& item : pareto["items"]) stops += item["count"].get<std::int64_t>();
    EXPECT_EQ(stops, total["stops"]);
  }
}

TEST_P(AnyHistory, HasATimelineWithoutGapsOrEqualNeighbours) {
  const Json intervals = oracle_.timeline("M1", range_);
  for (std::size_t i = 1; i < intervals.size(); ++i) {
    EXPECT_EQ(intervals[i]["start"], intervals[i - 1]["end"]);
    EXPECT_FALSE(intervals[i]["state"] == intervals[i - 1]["state"] &&
                 intervals[i]["reason"] == intervals[i - 1]["reason"] &&
                 intervals[i]["category"] == intervals[i - 1]["category"]);
  }
  if (range_.begin < history_.now) {
    EXPECT_FALSE(intervals.empty());
  }
}

TEST_P(AnyHistory, IsTheSameInAnyOrderAndRepetition) {
  std::vector<Json> other = history_.events;
  std::reverse(other.begin(), other.end());
  other.insert(other.end(), history_.events.begin(), history_.events.end());
  const Oracle again{history_.plant, other, history_.now};
  EXPECT_EQ(again.oee("plant", range_, "hour"), oracle_.oee("plant", range_, "hour"));
  EXPECT_EQ(again.timeline("M1", range_), oracle_.timeline("M1", range_));
}

TEST_P(AnyHistory, IsTheSameWithTheSameSeed) {
  const RandomHistory again = random_history(GetParam());
  EXPECT_EQ(again.plant_toml, history_.plant_toml);
  EXPECT_EQ(again.events, history_.events);
}

TEST_P(AnyHistory, HasADescriptionThatReadsAsItsPlant) {
  const Result<Plant> read = parse_plant_toml(history_.plant_toml, "random.toml");
  ASSERT_TRUE(read.has_value()) << read.error().context << "\n" << history_.plant_toml;
  const Oracle again{*read, history_.events, history_.now};
  EXPECT_EQ(again.oee("plant", range_, "shift"), oracle_.oee("plant", range_, "shift"));
  EXPECT_EQ(again.pareto("plant", range_, "reason"), oracle_.pareto("plant", range_, "reason"));
  EXPECT_EQ(to_toml(*read), to_toml(history_.plant));
}

INSTANTIATE_TEST_SUITE_P(Seed, AnyHistory, testing::Range(std::uint64_t{0}, kSeeds));

TEST(RandomHistories, HoldEveryCaseSomewhere) {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const RandomHistory history = random_history(seed);
    const Oracle oracle{history.plant, history.events, history.now};
    for (const Json& event : history.events) {
      found.insert(event["type"]);
      for (const auto& [field, value] : event.items()) found.insert(field);
    }
    const Json total = oracle.oee("plant", history.span, "total")[0];
    for (const auto& [name, value] : total.items()) {
      if (value.is_number() && value > 0) found.insert(name);
    }
    for (const Json& bucket : oracle.oee("plant", history.span, "hour")) {
      found.insert(bucket["flags"].begin(), bucket["flags"].end());
    }
  }
  for (const char* expected : {"state",
                               "count",
                               "cycle",
                               "order",
                               "classify",
                               "reading",
                               "quality",
                               "energy",
                               "recorded_at",
                               "good_total",
                               "deleted",
                               "revision",
                               "id",
                               "startup",
                               "minor_stop_time_s",
                               "unknown_time_s",
                               "planned_down_time_s",
                               "actual_unit_setup_time_s",
                               "unplanned_production_time_s",
                               "unplanned_good_quantity",
                               "minor_stops",
                               "failures",
                               "rework_quantity",
                               "ideal_good_time_s",
                               "oee",
                               "ideal_cycle_missing",
                               "no_output",
                               "not_planned",
                               "effectiveness_above_1",
                               "unknown_time"}) {
    EXPECT_TRUE(found.contains(expected)) << expected;
  }
}

}  // namespace
}  // namespace takt
