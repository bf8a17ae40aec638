// What an explanation says of each thing, and when there is none.
#include "query/explain.h"
#include "tests/engine/engine_store.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace takt {
namespace {

using nlohmann::json;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();
const Scope kM1{Scope::Kind::machine, "M1"};

std::optional<Error> refusal(const EngineStore& s, TimeRange range, const ExplainLimits& limits = {}) {
  const auto answer = explain(s.store->read(), kM1, range, s.clock.now(), limits);
  return answer ? std::nullopt : std::optional{answer.error()};
}

json explained(const EngineStore& s, TimeRange range) {
  const auto answer = explain(s.store->read(), kM1, range, s.clock.now());
  return answer ? json::parse(render_explanation(*answer)) : json(answer.error().context);
}

/// The day shift of six to fourteen with a break at ten; Tuesday is closed.
Plant shift_plant() {
  Plant plant = small_plant();
  Shift shift;
  shift.id = "day", shift.start = hours{6}, shift.end = hours{14};
  shift.breaks.push_back({hours{10}, hours{10} + minutes{30}});
  plant.shifts.push_back(shift);
  Closure closure;
  closure.from = {day_number(2026, 1, 6), Duration{0}}, closure.to = {day_number(2026, 1, 7), Duration{0}};
  plant.closures.push_back(closure);
  return plant;
}

TEST(Explanation, SaysWhyTimeIsNotPlanned) {
  EngineStore s{kMonday + days{3}, shift_plant()};
  s.commit({state("M1", kMonday, "running")});
  std::vector<std::string> said;
  const json e = explained(s, {kMonday, kMonday + hours{40}});
  for (const json& i : e["intervals"]) {
    said.push_back(i["start"].get<std::string>().substr(8, 8) + ' ' +
                   (i["planned"] ? "planned" : i["unplanned"].get<std::string>()) + ' ' +
                   (i["shift"].is_null() ? "-" : i["shift"].get<std::string>()) + ' ' +
                   i["element"].get<std::string>());
  }
  const std::vector<std::string> expected = {
      "05T00:00 no_shift - unplanned_production_time", "05T06:00 planned day actual_production_time",
      "05T10:00 break day unplanned_production_time",  "05T10:30 planned day actual_production_time",
      "05T14:00 no_shift - unplanned_production_time", "06T06:00 closure day unplanned_production_time",
      "06T14:00 no_shift - unplanned_production_time"};
  EXPECT_EQ(said, expected);
}

TEST(Explanation, KnowsAClosureWhereThereAreNoShifts) {
  Plant plant = shift_plant();
  plant.shifts.clear();
  EngineStore s{kMonday + days{3}, plant};
  s.commit({state("M1", kMonday, "running")});
  const json intervals = explained(s, {kMonday, kMonday + days{3}})["intervals"];
  ASSERT_EQ(intervals.size(), 3U) << intervals;
  EXPECT_EQ(intervals[0]["unplanned"], nullptr);
  EXPECT_EQ(intervals[1]["start"], "2026-01-06T00:00:00Z");
  EXPECT_EQ(intervals[1]["unplanned"], "closure");
  EXPECT_EQ(intervals[1]["shift"], nullptr);
  EXPECT_EQ(intervals[2]["start"], "2026-01-07T00:00:00Z");
}

TEST(Explanation, JudgesEachStopWhole) {
  EngineStore s{kMonday + days{1}, shift_plant()};
  s.commit({state("M1", kMonday + hours{5}, "down"), state("M1", kMonday + hours{7}, "running"),
            state("M1", kMonday + hours{8}, "idle"), state("M1", kMonday + hours{8} + seconds{300}, "running"),
            state("M1", kMonday + hours{9}, "down", "FAIL"),
            state("M1", kMonday + hours{9} + minutes{1}, "running"), state("M1", kMonday + hours{15}, "down")});
  const json e = explained(s, {kMonday + hours{6} + minutes{30}, kMonday + days{1}});
  const json& stops = e["stops"];
  ASSERT_EQ(stops.size(), 4U) << stops;
  EXPECT_EQ(stops[0]["start"], "2026-01-05T05:00:00Z");
  EXPECT_EQ(stops[0]["first_planned"], "2026-01-05T06:00:00Z");
  EXPECT_EQ(stops[0]["counts"], false) << "it counts before the range";
  EXPECT_EQ(stops[0]["planned_time_s"], 1800);
  EXPECT_EQ(stops[0]["verdict"], "over_limit");
  EXPECT_EQ(stops[1]["verdict"], "within_limit");
  EXPECT_EQ(stops[1]["minor_stop_s"], 300);
  EXPECT_EQ(stops[2]["verdict"], "reason");
  EXPECT_EQ(stops[2]["reason_category"], "failure");
  EXPECT_EQ(stops[3]["verdict"], "open");
  EXPECT_EQ(stops[3]["first_planned"], nullptr) << "it never met planned time";
  EXPECT_EQ(e["figure"]["stops"], 2);
  ASSERT_EQ(e["failures"].size(), 1U);
  EXPECT_EQ(e["failures"][0]["counts"], true);
  // The first stop counts where its first planned moment lies, not where it begins.
  const json begins = explained(s, {kMonday + hours{4}, kMonday + hours{5} + minutes{30}});
  EXPECT_EQ(begins["stops"][0]["counts"], false);
  EXPECT_EQ(begins["figure"]["stops"], 0);
  const json meets = explained(s, {kMonday + hours{5} + minutes{30}, kMonday + hours{7}});
  EXPECT_EQ(meets["stops"][0]["counts"], true);
  EXPECT_EQ(meets["figure"]["stops"], 1);
}

TEST(Explanation, NamesTheDescriptionThatEachPartIsOf) {
  EngineStore s{kMonday + days{3}};
  Plant later = small_plant();
  later.machines[0].ideal_cycle.reset();
  ASSERT_TRUE(s.store->set_plant(later, kMonday + hours{12}, false));
  s.commit({state("M1", kMonday, "running"), count("M1", kMonday + hours{6}, 10),
            count("M1", kMonday + hours{18}, 20)});
  const json e = explained(s, {kMonday, kMonday + days{1}});
  ASSERT_EQ(e["plant_versions"].size(), 2U);
  EXPECT_EQ(e["plant_versions"][0]["valid_from"], nullptr);
  EXPECT_EQ(e["plant_versions"][1]["valid_from"], "2026-01-05T12:00:00Z");
  EXPECT_NE(e["plant_versions"][0]["plant"], e["plant_versions"][1]["plant"]);
  EXPECT_EQ(e["policies"]["plant"], e["plant_versions"][1]["plant"]);
  ASSERT_EQ(e["intervals"].size(), 2U);
  EXPECT_EQ(e["intervals"][1]["start"], "2026-01-05T12:00:00Z");
  EXPECT_EQ(e["intervals"][1]["version"], 1);
  ASSERT_EQ(e["counts"].size(), 2U);
  EXPECT_EQ(e["counts"][0]["ideal_cycle_from"], "machine");
  EXPECT_EQ(e["counts"][0]["ideal_production_time_s"], 10);
  EXPECT_EQ(e["counts"][1]["ideal_cycle_from"], "none");
  EXPECT_EQ(e["counts"][1]["ideal_production_time_s"], nullptr);
  EXPECT_EQ(e["counts"][1]["good_quantity"], 20);
  EXPECT_EQ(e["formulas"][4]["id"], "oee");
  EXPECT_THAT(e["formulas"][4]["reason"].get<std::string>(), HasSubstr("no ideal cycle"));
  const json second = explained(s, {kMonday + hours{12}, kMonday + days{1}});
  ASSERT_EQ(second["plant_versions"].size(), 1U) << "only those in force";
  EXPECT_EQ(second["intervals"][0]["version"], 0);
}

TEST(Explanation, OfTooMuchIsRefused) {
  EngineStore s{kMonday + days{3}};
  for (int i = 0; i < 10; ++i) {
    s.commit({state("M1", kMonday + hours{2 * i}, "running"), state("M1", kMonday + hours{2 * i + 1}, "down"),
              count("M1", kMonday + hours{2 * i}, 1)});
  }
  const TimeRange all{kMonday, kMonday + days{1}};
  ExplainLimits limits;
  limits.intervals = 20, limits.counts = 10, limits.rows = 1;
  EXPECT_EQ(refusal(s, all, limits), std::nullopt);
  limits.intervals = 19;
  EXPECT_THAT(refusal(s, all, limits).value().context, HasSubstr("more than 19 intervals"));
  EXPECT_EQ(refusal(s, all, limits)->code, ErrorCode::invalid_argument);
  limits.intervals = 20, limits.counts = 9;
  EXPECT_THAT(refusal(s, all, limits).value().context, HasSubstr("more than 9 counts"));
  limits.counts = 10, limits.rows = 0;
  EXPECT_THAT(refusal(s, all, limits).value().context, HasSubstr("shorter range"));
}

TEST(Explanation, OfEventsThatAreGoneIsRefused) {
  Plant plant = small_plant();
  plant.retention_events_days = 2;
  StoreOptions by_hand;
  by_hand.fold_every = std::chrono::milliseconds{0};
  EngineStore s{kMonday, plant, by_hand};
  for (Timestamp t = kMonday; t < kMonday + days{7}; t += hours{1}) {
    s.clock.set(t + hours{1});
    s.commit({state("M1", t, "down", "FAIL"), state("M1", t + minutes{10}, "running"),
              count("M1", t + minutes{30}, 100)});
  }
  const TimeRange all{kMonday, kMonday + days{7}};
  ASSERT_EQ(refusal(s, all), std::nullopt);
  ASSERT_GT(*s.store->expire_events(), 0U);
  const Timestamp horizon = s.store->horizon();
  const json kept = explained(s, {horizon, all.end});
  ASSERT_TRUE(kept.is_object()) << kept;
  EXPECT_EQ(kept["figure"]["stops"], (all.end - horizon) / hours{1});
  const auto refused = refusal(s, all);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, ErrorCode::invalid_argument);
  EXPECT_THAT(refused->context, HasSubstr(format_time(horizon)));
  EXPECT_EQ(refusal(s, {kMonday - days{2}, kMonday - days{1}}), std::nullopt) << "nothing ever was there";
}

}  // namespace
}  // namespace takt
