// What is answered of time whose events are retained no more.
#include "query/oee.h"
#include "query/production.h"
#include "query/render.h"
#include "query/timeline.h"
#include "tests/engine/engine_store.h"

namespace takt {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();

/// A week of a machine that stands still for the first ten minutes of every hour, and half an hour's shift start.
struct Week {
  EngineStore s;

  static Plant plant() {
    Plant plant = small_plant();
    plant.retention_events_days = 2;
    Shift shift;
    shift.id = "day", shift.start = hours{6} + minutes{30}, shift.end = hours{14} + minutes{30};
    plant.shifts.push_back(shift);
    return plant;
  }
  static StoreOptions by_hand() {
    StoreOptions options;
    options.fold_every = std::chrono::milliseconds{0};
    return options;
  }
  Week() : s{kMonday, plant(), by_hand()} {
    for (Timestamp t = kMonday; t < kMonday + days{7}; t += hours{1}) {
      s.clock.set(t + hours{1});
      Event made = count("M1", t + minutes{30}, 100);
      made.product = (t - kMonday) / hours{5} % 2 == 0 ? "A" : "B";
      s.commit({state("M1", t, "down", "FAIL"), state("M1", t + minutes{10}, "running"), made});
    }
  }
  Result<std::vector<OeeSeries>> ask(TimeRange range, Grain grain) const {
    OeeRequest request;
    request.scope = {Scope::Kind::machine, "M1"};
    request.range = range, request.grain = grain;
    return oee(s.store->read(), request, s.clock.now());
  }
};

TEST(RetainedFigures, AreThoseOfBeforeForWholeHoursAndShifts) {
  Week week;
  struct Asked {
    TimeRange range;
    Grain grain;
  };
  const TimeRange all{kMonday, kMonday + days{7}};
  const Asked asked[] = {
      {all, Grain::total}, {all, Grain::hour},
      {all, Grain::shift}, {all, Grain::day},
      {all, Grain::week},  {{kMonday + hours{3}, kMonday + hours{31}}, Grain::day},
      {all, Grain::month}, {{kMonday + days{6} + minutes{5}, kMonday + days{6} + minutes{50}}, Grain::total}};
  std::vector<std::vector<OeeSeries>> before;
  for (const Asked& a : asked) before.push_back(*week.ask(a.range, a.grain));
  ASSERT_GT(*week.s.store->expire_events(), 0U);
  for (std::size_t i = 0; i < std::size(asked); ++i) {
    const auto after = week.ask(asked[i].range, asked[i].grain);
    ASSERT_TRUE(after) << after.error().context;
    const auto& was = before[i].front().buckets;
    const auto& is = after->front().buckets;
    ASSERT_EQ(is.size(), was.size());
    for (std::size_t b = 0; b < is.size(); ++b) {
      EXPECT_EQ(is[b].range, was[b].range);
      const Figures &now = is[b].figures, &then = was[b].figures;
      EXPECT_EQ(now.actual_production, then.actual_production) << format_time(is[b].range.begin);
      EXPECT_EQ(now.actual_delay, then.actual_delay);
      EXPECT_EQ(now.unplanned_production, then.unplanned_production);
      EXPECT_EQ(now.good, then.good);
      EXPECT_EQ(now.unplanned_good, then.unplanned_good);
      EXPECT_EQ(now.stops, then.stops);
      EXPECT_EQ(now.oee, then.oee);
      EXPECT_EQ(is[b].revision, was[b].revision);
    }
  }
}

TEST(RetainedFigures, OfOddTimesAreRefusedRatherThanWrong) {
  Week week;
  ASSERT_GT(*week.s.store->expire_events(), 0U);
  const Timestamp horizon = week.s.store->horizon();
  for (const TimeRange odd :
       {TimeRange{kMonday + minutes{90}, kMonday + days{7}}, TimeRange{kMonday, kMonday + days{1} + minutes{1}}}) {
    for (const Grain grain : {Grain::total, Grain::hour, Grain::shift}) {
      const auto answer = week.ask(odd, grain);
      const bool cuts_a_shift = grain != Grain::shift || odd.begin > kMonday + hours{6};
      if (!cuts_a_shift) continue;
      ASSERT_FALSE(answer) << format_time(odd.begin) << ' ' << name_of(grain);
      EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
      EXPECT_NE(answer.error().context.find(format_time(horizon)), std::string::npos) << answer.error().context;
    }
    const auto sums = elements(week.s.store->read(), {Scope::Kind::machine, "M1"}, odd, week.s.clock.now());
    EXPECT_FALSE(sums);
  }
}

TEST(RetainedFigures, KnowTheirReasonsAndProducts) {
  Week week;
  const Scope scope{Scope::Kind::machine, "M1"};
  const auto told = [&](TimeRange range) {
    const StoreView view = week.s.store->read();
    const Timestamp now = week.s.clock.now();
    const auto pareto = downtime_pareto(view, scope, range, ParetoBy::reason, now);
    const auto items = production(view, scope, range, now);
    return pareto && items ? render_pareto(*pareto) + render_production(*items) : "refused";
  };
  const TimeRange asked[] = {
      {kMonday, kMonday + days{7}},
      {kMonday + hours{3}, kMonday + hours{31}},
      {kMonday + hours{2}, kMonday + days{6} + minutes{5}},
      {kMonday + days{1} + hours{6} + minutes{30}, kMonday + days{1} + hours{14} + minutes{30}}};
  std::vector<std::string> before;
  for (const TimeRange range : asked) before.push_back(told(range));
  EXPECT_NE(before.front().find("FAIL"), std::string::npos);
  EXPECT_NE(before.front().find("\"B\""), std::string::npos);
  ASSERT_GT(*week.s.store->expire_events(), 0U);
  for (const bool again : {false, true}) {
    if (again) week.s.reopen();
    for (std::size_t i = 0; i < std::size(asked); ++i) EXPECT_EQ(told(asked[i]), before[i]) << i << again;
  }
}

TEST(RetainedFigures, ListsSayFromWhenOnTheyAreWhole) {
  Week week;
  const TimeRange all{kMonday, kMonday + days{7}};
  const Scope scope{Scope::Kind::machine, "M1"};
  const auto pareto = [&](TimeRange range) {
    return *downtime_pareto(week.s.store->read(), scope, range, ParetoBy::reason, week.s.clock.now());
  };
  EXPECT_EQ(pareto(all).kept_from, std::nullopt);
  ASSERT_GT(*week.s.store->expire_events(), 0U);
  const Timestamp horizon = week.s.store->horizon();
  EXPECT_EQ(pareto(all).kept_from, std::nullopt) << "reasons of whole hours are kept";
  const TimeRange odd{kMonday + minutes{5}, all.end};
  EXPECT_EQ(pareto(odd).kept_from, horizon);
  EXPECT_EQ(pareto(odd).total, pareto({horizon, all.end}).total);
  const StoreView view = week.s.store->read();
  EXPECT_EQ(timeline_kept_from(view, {view.machine("M1")->id()}, all), horizon);
  EXPECT_EQ(timeline_kept_from(view, {view.machine("M2")->id()}, all), std::nullopt) << "it never said a thing";
}

}  // namespace
}  // namespace takt
