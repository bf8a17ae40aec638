// What KPIs are made of beside buckets, against the oracle: random histories with orders, inspections and meters.
#include "query/kpis.h"
#include "tests/figures/same_answers.h"
#include "tests/figures/temporary_store.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/random_history.h"
#include "tests/support/kpi_rules.h"

#include <algorithm>
#include <random>

namespace takt {
namespace {

using nlohmann::json;

/// Of few serials, so that many are met again; meters that are read rarely and fall now and then.
void add_inspections_and_meters(RandomHistory& history, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (int i = 0; i < 120; ++i) {
    const Timestamp t = history.span.begin + Duration{below(history.span.length().count())};
    json event{{"machine", history.plant.machines[random() % history.plant.machines.size()].id},
               {"ts", micros(t)}};
    if (i % 2 == 0) {
      event.update({{"type", "quality"}, {"serial", "S" + std::to_string(below(12))}});
      event.update({{"result", below(3) == 0 ? "fail" : "pass"}, {"characteristic", below(2) == 0 ? "a" : "b"}});
    } else {
      event.update({{"type", "energy"}, {"kwh_total", static_cast<double>(below(5000)) / 8}});
    }
    history.events.push_back(event);
    if (below(8) != 0) continue;
    event["revision"] = 1;
    if (below(2) == 0) event["deleted"] = true;
    if (event["type"] == "energy" && !event.contains("deleted")) event["kwh_total"] = below(700);
    history.events.push_back(event);
  }
  std::shuffle(history.events.begin(), history.events.end(), random);
}

void expect_kpis_of(const Oracle& oracle, const Store& store, const RandomHistory& history, std::uint64_t seed) {
  std::vector<std::string> scopes{"plant"};
  for (const Line& line : history.plant.lines) scopes.push_back("line:" + line.id);
  for (const Machine& machine : history.plant.machines) scopes.push_back("machine:" + machine.id);
  for (std::uint64_t i = 0; i < 6; ++i) {
    const TimeRange range = random_range(history, seed * 10 + i);
    for (const std::string& scope : scopes) {
      SCOPED_TRACE(scope + " from " + format_time(range.begin) + " to " + format_time(range.end) + ", seed " +
                   std::to_string(seed));
      const auto found = kpis(store.read(), *parse_scope(scope), range, history.now);
      ASSERT_TRUE(found) << found.error().context;
      const json answer = json::parse(render_kpis(*found));
      ASSERT_NO_FATAL_FAILURE(expect_sound(answer));
      const json expected = oracle.kpi_elements(scope, range);
      ASSERT_EQ(kpi_of(answer, "technical_efficiency")["inputs"]["ADET"], expected["ADET"]);
      ASSERT_EQ(kpi_of(answer, "allocation_ratio")["inputs"]["AOET"], expected["AOET"]);
      ASSERT_EQ(kpi_of(answer, "first_pass_yield")["inputs"]["IP"], expected["IP"]);
      ASSERT_EQ(kpi_of(answer, "first_pass_yield")["inputs"]["GP"], expected["GP"]);
      const json energy = answer["energy"].is_null() ? json::object() : answer["energy"]["by_category"];
      ASSERT_EQ(energy.empty(), expected["kwh"].empty()) << expected;
      for (const auto& [category, kwh] : energy.items())
        ASSERT_NEAR(kwh.get<double>(), expected["kwh"].value(category, 0.0), 1e-6) << category;
      const json bucket = engine_oee(store, scope, range, "total", history.now)["buckets"][0];
      ASSERT_EQ(kpi_of(answer, "oee_index")["value"], bucket["oee"]);
      ASSERT_EQ(kpi_of(answer, "nee_index")["value"], bucket["net_equipment_effectiveness"]);
      ASSERT_EQ(kpi_of(answer, "availability")["value"], bucket["availability"]);
      ASSERT_EQ(kpi_of(answer, "quality_ratio")["value"], bucket["quality_ratio"]);
      ASSERT_EQ(kpi_of(answer, "mtbf")["value"], oracle.reliability(scope, range)["mtbf_s"]);
    }
  }
}

class KpisProperty : public testing::TestWithParam<std::uint64_t> {};

TEST_P(KpisProperty, AreMadeOfWhatTheOracleSays) {
  RandomHistory history = random_history(GetParam());
  add_inspections_and_meters(history, GetParam());
  TemporaryStore temporary{history.now};
  temporary.describe(history.plant);
  temporary.send(history.events);
  expect_kpis_of(Oracle{history.plant, history.events, history.now}, *temporary.store, history, GetParam());
}

TEST_P(KpisProperty, FollowLaterDescriptions) {
  RandomHistory history = random_history(GetParam());
  add_inspections_and_meters(history, GetParam());
  TemporaryStore temporary{history.now};
  temporary.describe(history.plant);
  temporary.send(history.events);
  oracle::Descriptions descriptions{history.plant};
  for (const LaterDescription& later : random_descriptions(history, GetParam())) {
    ASSERT_TRUE(temporary.store->set_plant(later.plant, later.valid_from, false));
    descriptions.put(later.plant, later.valid_from);
  }
  expect_kpis_of(Oracle{descriptions, history.events, history.now}, *temporary.store, history, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Seed, KpisProperty, testing::Range(std::uint64_t{1}, std::uint64_t{21}));

}  // namespace
}  // namespace takt
