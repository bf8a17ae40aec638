// Reliability of small histories, worked out by hand.
#include "query/reliability.h"
#include "tests/engine/engine_store.h"

#include <nlohmann/json.hpp>

namespace takt {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();
const TimeRange kDay{kMonday, kMonday + hours{24}};

json reliable(const EngineStore& s, TimeRange range = kDay, const std::string& scope = "machine:M1") {
  const auto found = reliability(s.store->read(), *parse_scope(scope), range, s.clock.now());
  return found ? json::parse(render_reliability(*found)) : json(found.error().context);
}

/// Runs from midnight; setup 04:00 to 05:00, failures 08:00 to 10:00 and 14:00 to 15:00, an unexplained stop of a
/// minute at 18:00; unknown from 20:00 on.
std::vector<Event> day_of_two_failures(std::string_view machine) {
  return {state(machine, kMonday, "running"),
          state(machine, kMonday + hours{4}, "setup"),
          state(machine, kMonday + hours{5}, "running"),
          state(machine, kMonday + hours{8}, "down", "FAIL"),
          state(machine, kMonday + hours{10}, "running"),
          state(machine, kMonday + hours{14}, "down", "FAIL"),
          state(machine, kMonday + hours{15}, "running"),
          state(machine, kMonday + hours{18}, "idle"),
          state(machine, kMonday + hours{18} + minutes{1}, "running"),
          state(machine, kMonday + hours{20}, "off")};
}

TEST(Reliability, IsMadeOfOperatingTimeAndWholeFailures) {
  EngineStore s{kMonday + hours{24}};
  s.commit(day_of_two_failures("M1"));
  const json r = reliable(s);
  // 20 h known, less 2 h and 1 h of failures and a minute: 16 h 59 min = 61140 s, the hour of setup in it.
  EXPECT_EQ(r["operating_time_s"], 61140);
  EXPECT_EQ(r["failures"], 2);
  EXPECT_EQ(r["down_time_s"], 10800);
  EXPECT_EQ(r["mtbf_s"], 30570);
  EXPECT_EQ(r["mttf_s"], 30570);
  EXPECT_EQ(r["mttr_s"], 5400);
  EXPECT_EQ(r["stops"], 3);
  EXPECT_EQ(r["stop_time_s"], 10860);
  EXPECT_EQ(r["mdt_s"], 3620);  // (10800 + 60) / 3
  EXPECT_DOUBLE_EQ(r["failure_rate_per_h"].get<double>(), 2 / (61140 / 3600.0));
  EXPECT_DOUBLE_EQ(r["inherent_availability"].get<double>(), 30570.0 / (30570 + 5400));
  EXPECT_EQ(r["mtbf_calendar_s"], 35970);
  EXPECT_EQ(r["mtbf_basis"], "operating_time/failures");
}

TEST(Reliability, OfTheContractsExample) {
  // 111 h of operation, three failures of three hours each: MTBF 133200 s, MTTR 10800 s, 0.925 available.
  EngineStore s{kMonday + hours{240}};
  Timestamp t = kMonday;
  for (int i = 0; i < 3; ++i) {
    s.commit({state("M1", t, "running"), state("M1", t + hours{37}, "down", "FAIL")});
    t += hours{40};
  }
  s.commit({state("M1", t, "off")});
  const json r = reliable(s, {kMonday, kMonday + hours{240}});
  EXPECT_EQ(r["operating_time_s"], 399600);
  EXPECT_EQ(r["down_time_s"], 32400);
  EXPECT_EQ(r["mtbf_s"], 133200);
  EXPECT_EQ(r["mttr_s"], 10800);
  EXPECT_EQ(r["mdt_s"], 10800);
  EXPECT_DOUBLE_EQ(r["failure_rate_per_h"].get<double>(), 3.0 / 111);
  EXPECT_EQ(r["inherent_availability"], 0.925);
}

TEST(Reliability, CountsAFailureWhereItBeginsAndItsTimeWhereItLies) {
  EngineStore s{kMonday + hours{24}};
  s.commit(day_of_two_failures("M1"));
  const json r = reliable(s, {kMonday + hours{9}, kMonday + hours{14} + minutes{30}});
  EXPECT_EQ(r["failures"], 1) << "the one of eight o'clock began before";
  EXPECT_EQ(r["down_time_s"], 5400);  // one hour of the first, half an hour of the second
  EXPECT_EQ(r["operating_time_s"], 4 * 3600);
  EXPECT_EQ(r["stops"], 1);
}

TEST(Reliability, TakesStopsOfOneFailureForOne) {
  Plant plant = small_plant();
  Reason other = plant.reasons[0];
  other.code = "FAIL2";
  plant.reasons.push_back(other);
  EngineStore s{kMonday + hours{24}, plant};
  s.commit({state("M1", kMonday, "running"), state("M1", kMonday + hours{1}, "down", "FAIL"),
            state("M1", kMonday + hours{2}, "down", "FAIL2"), state("M1", kMonday + hours{3}, "running")});
  const json r = reliable(s);
  EXPECT_EQ(r["failures"], 1);
  EXPECT_EQ(r["stops"], 2);
  EXPECT_EQ(r["mttr_s"], 7200);
  EXPECT_EQ(r["mdt_s"], 3600);
}

TEST(Reliability, LooksAtTimeOutsideThePlan) {
  Plant plant = small_plant();
  Shift shift;
  shift.id = "day", shift.start = hours{6}, shift.end = hours{14};
  plant.shifts.push_back(shift);
  EngineStore s{kMonday + hours{24}, plant};
  s.commit(day_of_two_failures("M1"));
  EXPECT_EQ(reliable(s)["operating_time_s"], 61140);
  EXPECT_EQ(reliable(s)["failures"], 2);
}

TEST(Reliability, WithoutFailuresHasARateAndNoMeans) {
  EngineStore s{kMonday + hours{24}};
  const json nothing = reliable(s);
  EXPECT_EQ(nothing["failures"], 0);
  EXPECT_EQ(nothing["operating_time_s"], 0);
  for (const char* name : {"mtbf_s", "mttf_s", "mttr_s", "mdt_s", "failure_rate_per_h", "inherent_availability",
                           "mtbf_calendar_s", "failure_rate_bounds"}) {
    EXPECT_TRUE(nothing.at(name).is_null()) << name;
  }
  s.commit({state("M1", kMonday, "running")});
  const json r = reliable(s);
  EXPECT_EQ(r["operating_time_s"], 86400);
  EXPECT_EQ(r["failure_rate_per_h"], 0);
  for (const char* name : {"mtbf_s", "mttf_s", "mttr_s", "mdt_s", "inherent_availability"})
    EXPECT_TRUE(r.at(name).is_null()) << name;
  EXPECT_EQ(r["failure_rate_bounds"]["lower_per_h"], 0);
}

TEST(Reliability, FollowsLateCorrectedAndWithdrawnEvents) {
  EngineStore s{kMonday + hours{24}};
  std::vector<Event> events = day_of_two_failures("M1");
  s.commit({events.rbegin(), events.rend()});
  const json before = reliable(s);
  EXPECT_EQ(before["failures"], 2);
  // Ended an hour later than was known, and a cause found for the minute.
  s.commit(
      {state("M1", kMonday + hours{10}, "down", "FAIL"), withdrawn(state("M1", kMonday + hours{5}, "running"))});
  s.commit({revised(state("M1", kMonday + hours{10}, "down", "FAIL"), 1)});
  s.commit(
      {state("M1", kMonday + hours{11}, "running"), revised(state("M1", kMonday + hours{18}, "idle", "FAIL"), 1)});
  const json after = reliable(s);
  EXPECT_EQ(after["failures"], 3);
  EXPECT_EQ(after["down_time_s"], 10800 + 3600 + 60);
  s.commit({withdrawn(revised(state("M1", kMonday + hours{18}, "idle"), 2)),
            withdrawn(revised(state("M1", kMonday + hours{14}, "down"), 2))});
  EXPECT_EQ(reliable(s)["failures"], 1);
}

TEST(Reliability, OfAGroupIsARatioOfSums) {
  EngineStore s{kMonday + hours{24}};
  s.commit(day_of_two_failures("M1"));
  s.commit({state("M2", kMonday, "running"), state("M2", kMonday + hours{23}, "down", "FAIL")});
  const json r = reliable(s, kDay, "plant");
  EXPECT_EQ(r["failures"], 3);
  EXPECT_EQ(r["operating_time_s"], 61140 + 82800);
  EXPECT_EQ(r["mtbf_s"], (61140 + 82800) / 3.0);
  EXPECT_EQ(r["down_time_s"], 14400);
  EXPECT_EQ(r["mttr_s"], 4800);
}

TEST(Reliability, TellsFailuresByTheirMode) {
  Plant plant = small_plant();
  plant.reasons[0].iso14224_mode = "BRD";
  Reason other;
  other.code = other.name = "FAIL2", other.category = ReasonCategory::failure;
  plant.reasons.push_back(other);
  EngineStore s{kMonday + hours{24}, plant};
  s.commit(day_of_two_failures("M1"));
  s.commit({revised(state("M1", kMonday + hours{14}, "down", "FAIL2"), 1)});
  EXPECT_EQ(reliable(s)["modes"], json::parse(R"([{"mode":"BRD","failures":1,"down_time_s":7200},
                                                 {"mode":null,"failures":1,"down_time_s":3600}])"));
}

/// Chi-square quantiles of any table: of 2n degrees of freedom at 5 %, of 2n + 2 at 95 %.
TEST(Reliability, BoundsTheRateByChiSquare) {
  Reliability r;
  r.operating = hours{100};
  EXPECT_EQ(failure_rate_bounds(r, 0.9)->lower_per_h, 0);
  EXPECT_NEAR(failure_rate_bounds(r, 0.9)->upper_per_h, 5.991 / 200, 5e-6);
  r.failures = 1;
  EXPECT_NEAR(failure_rate_bounds(r, 0.9)->lower_per_h, 0.1026 / 200, 5e-7);
  EXPECT_NEAR(failure_rate_bounds(r, 0.9)->upper_per_h, 9.488 / 200, 5e-6);
  r.failures = 5;
  EXPECT_NEAR(failure_rate_bounds(r, 0.9)->lower_per_h, 3.940 / 200, 5e-6);
  EXPECT_NEAR(failure_rate_bounds(r, 0.9)->upper_per_h, 21.026 / 200, 5e-6);
  r.operating = Duration{0};
  EXPECT_EQ(failure_rate_bounds(r, 0.9), std::nullopt);
}

TEST(Reliability, SaysFromWhenOnStopsAreKnown) {
  Plant plant = small_plant();
  plant.retention_events_days = 2;
  StoreOptions by_hand;
  by_hand.fold_every = std::chrono::milliseconds{0};
  EngineStore s{kMonday, plant, by_hand};
  for (Timestamp t = kMonday; t < kMonday + hours{24 * 7}; t += hours{1}) {
    s.clock.set(t + hours{1});
    s.commit({state("M1", t, "down", "FAIL"), state("M1", t + minutes{10}, "running")});
  }
  const TimeRange all{kMonday, kMonday + hours{24 * 7}};
  EXPECT_EQ(reliable(s, all)["failures"], 24 * 7);
  EXPECT_FALSE(reliable(s, all).contains("kept_from"));
  ASSERT_GT(*s.store->expire_events(), 0U);
  const json kept = reliable(s, all);
  const Timestamp from = parse_time(kept.at("kept_from").get<std::string>()).value();
  EXPECT_NEAR(kept["failures"].get<double>(), static_cast<double>((all.end - from) / hours{1}), 1);
  EXPECT_EQ(reliable(s, {from + hours{1}, all.end})["failures"], (all.end - from) / hours{1} - 1);
}

TEST(Reliability, OfAnUnknownScopeOrOnceNobodyWaitsIsAnError) {
  EngineStore s{kMonday + hours{24}};
  s.commit(day_of_two_failures("M1"));
  const auto nowhere = reliability(s.store->read(), {Scope::Kind::line, "L9"}, kDay, s.clock.now());
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::not_found);
  std::stop_source stop;
  stop.request_stop();
  const auto given_up = reliability(s.store->read(), {}, kDay, s.clock.now(), stop.get_token());
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace takt
