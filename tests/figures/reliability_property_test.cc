// Failures and what they cost against the oracle: random histories, descriptions and ranges.
#include "query/reliability.h"
#include "tests/figures/same_answers.h"
#include "tests/figures/temporary_store.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/random_history.h"

namespace takt {
namespace {

nlohmann::json engine_reliability(const Store& store, const std::string& scope, TimeRange range, Timestamp now) {
  const auto found = reliability(store.read(), *parse_scope(scope), range, now);
  if (!found) return found.error().context;
  nlohmann::json answer = nlohmann::json::parse(render_reliability(*found));
  std::int64_t failures = 0;
  double down = 0;
  for (const auto& mode : answer["modes"])
    failures += mode["failures"].get<std::int64_t>(), down += mode["down_time_s"].get<double>();
  EXPECT_EQ(failures, answer["failures"]);
  EXPECT_NEAR(down, answer["down_time_s"].get<double>(), 1e-6);
  for (const char* more : {"modes", "failure_rate_bounds", "mtbf_calendar_s"}) answer.erase(more);
  return answer;
}

class ReliabilityProperty : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ReliabilityProperty, EqualsTheOraclesForEveryHistory) {
  const std::uint64_t seed = GetParam();
  const RandomHistory history = random_history(seed);
  TemporaryStore temporary{history.now};
  temporary.describe(history.plant);
  temporary.send(history.events);
  const Oracle oracle{history.plant, history.events, history.now};
  std::vector<std::string> scopes{"plant"};
  for (const Line& line : history.plant.lines) scopes.push_back("line:" + line.id);
  for (const Machine& machine : history.plant.machines) scopes.push_back("machine:" + machine.id);
  for (std::uint64_t i = 0; i < 8; ++i) {
    const TimeRange range = random_range(history, seed * 10 + i);
    for (const std::string& scope : scopes) {
      ASSERT_TRUE(
          same(engine_reliability(*temporary.store, scope, range, history.now), oracle.reliability(scope, range)))
          << scope << " from " << format_time(range.begin) << " to " << format_time(range.end) << ", seed "
          << seed;
    }
  }
}

TEST_P(ReliabilityProperty, OfAGroupIsTheSumOfItsMachines) {
  const std::uint64_t seed = GetParam();
  const RandomHistory history = random_history(seed);
  TemporaryStore temporary{history.now};
  temporary.describe(history.plant);
  temporary.send(history.events);
  const TimeRange range = random_range(history, seed);
  const auto of = [&](const Scope& scope) {
    return *reliability(temporary.store->read(), scope, range, history.now);
  };
  Reliability sum;
  for (const Machine& machine : history.plant.machines) {
    const Reliability one = of({Scope::Kind::machine, machine.id});
    sum.failures += one.failures, sum.stops += one.stops, sum.operating += one.operating;
    sum.down += one.down, sum.stop_time += one.stop_time;
  }
  const Reliability plant = of({});
  EXPECT_EQ(plant.failures, sum.failures);
  EXPECT_EQ(plant.stops, sum.stops);
  EXPECT_EQ(plant.operating, sum.operating);
  EXPECT_EQ(plant.down, sum.down);
  EXPECT_EQ(plant.stop_time, sum.stop_time);
  EXPECT_EQ(plant.mtbf(), sum.mtbf());
}

INSTANTIATE_TEST_SUITE_P(Seed, ReliabilityProperty, testing::Range(std::uint64_t{1}, std::uint64_t{21}));

}  // namespace
}  // namespace takt
