// Hours, days, shifts and breaks on the days when clocks change: each figure here was worked out by hand from the
// zones' published rules.
#include "engine/calendar.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace takt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Timestamp utc(std::string_view text) { return parse_time(text).value(); }
Zone zone(const std::string& name) { return Zone::named(name).value(); }
std::int32_t day(int year, unsigned month, unsigned d) { return day_number(year, month, d); }
Duration length(const TimeRange& range) { return range.length(); }

/// All buckets of `grain` that touch `range`.
std::vector<TimeRange> buckets(const WallClock& wall, Grain grain, TimeRange range) {
  std::vector<TimeRange> list;
  for (Timestamp t = range.begin; t < range.end; t = list.back().end)
    list.push_back(wall.bucket_at(grain, t).range);
  return list;
}

Bucket day_of(const WallClock& wall, std::string_view t) { return wall.bucket_at(Grain::day, utc(t)); }

// ---------------------------------------- the zone

TEST(Zone, ThatNobodyKnowsIsRefused) {
  const auto none = Zone::named("Europe/Atlantis");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::invalid_argument);
}

TEST(Zone, TakesASkippedWallTimeAsTheEndOfTheGap) {
  const Zone berlin = zone("Europe/Berlin");  // 2026-03-29: 02:00 becomes 03:00
  for (const auto minute : {0, 1, 30, 59}) {
    EXPECT_EQ(berlin.to_utc({day(2026, 3, 29), hours{2} + minutes{minute}}), utc("2026-03-29T01:00:00Z"))
        << minute;
  }
  EXPECT_EQ(berlin.to_utc({day(2026, 3, 29), hours{3}}), utc("2026-03-29T01:00:00Z"));
}

TEST(Zone, TakesARepeatedWallTimeAsTheFirst) {
  const Zone berlin = zone("Europe/Berlin");  // 2026-10-25: 03:00 becomes 02:00
  EXPECT_EQ(berlin.to_utc({day(2026, 10, 25), hours{2}}), utc("2026-10-25T00:00:00Z"));
  EXPECT_EQ(berlin.to_utc({day(2026, 10, 25), hours{2} + minutes{59}}), utc("2026-10-25T00:59:00Z"));
  EXPECT_EQ(berlin.to_utc({day(2026, 10, 25), hours{3}}), utc("2026-10-25T02:00:00Z"));
}

TEST(Zone, IsKeptAsItIs) {
  for (const char* name : {"UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca"}) {
    const KeptZone written{zone(name), "2026a"};
    const auto read = decode_zone(encode_zone(written));
    ASSERT_TRUE(read) << read.error().context;
    EXPECT_EQ(read->zone, written.zone) << name;
    EXPECT_EQ(read->tzdata, "2026a");
  }
  for (const char* damaged : {"", "{}", R"({"tzdata":"x","changes":[]})", R"({"tzdata":"x","changes":[[1]]})",
                              R"({"tzdata":"x","changes":[[5,0],[5,1]]})", R"({"changes":[[5,0]]})"}) {
    const auto read = decode_zone(damaged);
    ASSERT_FALSE(read) << damaged;
    EXPECT_EQ(read.error().code, ErrorCode::corruption);
  }
}

TEST(Zone, GoesOnAsAnotherFromAMomentOn) {
  const Zone berlin = zone("Europe/Berlin"),
             tunis = zone("Africa/Tunis");  // both an hour ahead; Tunis has no summer
  const Zone abolished = berlin.until(utc("2026-05-01T00:00:00Z"), tunis);
  for (const char* summer : {"2025-07-01T12:00:00Z", "2026-04-30T12:00:00Z"})
    EXPECT_EQ(abolished.offset_at(utc(summer)).offset, hours{2}) << summer;
  for (const char* later : {"2026-05-01T00:00:00Z", "2026-07-01T12:00:00Z", "2027-07-01T12:00:00Z"})
    EXPECT_EQ(abolished.offset_at(utc(later)).offset, hours{1}) << later;
  EXPECT_EQ(berlin.until(utc("2026-05-01T00:00:00Z"), berlin), berlin);
}

TEST(Zone, ShowsTheWallClockOfAnInstant) {
  const Zone kathmandu = zone("Asia/Kathmandu");
  EXPECT_EQ(kathmandu.to_local(utc("2026-01-05T18:15:00Z")), (LocalTime{day(2026, 1, 6), Duration{0}}));
  EXPECT_EQ(kathmandu.to_local(utc("2026-01-05T18:14:59.999999Z")),
            (LocalTime{day(2026, 1, 5), hours{24} - Duration{1}}));
}

TEST(Zone, KeepsMicrosecondsBothWays) {
  const Zone new_york = zone("America/New_York");
  const Timestamp t = utc("1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(new_york.to_utc(new_york.to_local(t)), t);
}

// ---------------------------------------- hours and days

struct ClockChange {
  std::string zone;
  std::string within;  ///< a moment of the day
  std::string begin, end;
  std::size_t hour_buckets;
};

class DayOfClockChange : public testing::TestWithParam<ClockChange> {};

TEST_P(DayOfClockChange, HasTheLengthOfItsWallClock) {
  const ClockChange& change = GetParam();
  const WallClock wall{zone(change.zone)};
  const Bucket bucket = day_of(wall, change.within);
  EXPECT_EQ(format_time(bucket.range.begin), change.begin);
  EXPECT_EQ(format_time(bucket.range.end), change.end);
  EXPECT_EQ(buckets(wall, Grain::hour, bucket.range).size(), change.hour_buckets);
}

INSTANTIATE_TEST_SUITE_P(
    Everywhere, DayOfClockChange,
    testing::Values(
        ClockChange{"Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23},
        ClockChange{"Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25},
        ClockChange{"America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z",
                    23},
        ClockChange{"America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z",
                    25},
        // Half an hour only: one bucket of 30 minutes where the clock changes.
        ClockChange{"Australia/Lord_Howe", "2026-10-04T00:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z",
                    24},
        ClockChange{"Australia/Lord_Howe", "2026-04-05T00:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z",
                    25},
        ClockChange{"Asia/Kathmandu", "2026-03-29T12:00:00Z", "2026-03-28T18:15:00Z", "2026-03-29T18:15:00Z", 24},
        // Midnight itself is skipped: the day begins at 01:00.
        ClockChange{"America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z",
                    23},
        ClockChange{"UTC", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", 24}),
    [](const auto& test) {
      std::string name = test.param.zone + test.param.begin.substr(0, 10);
      std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
      return name;
    });

TEST(WallClock, CutsAnHourWhereTheClockChangesByHalfOfIt) {
  const WallClock lord_howe{zone("Australia/Lord_Howe")};
  // 2026-10-04: 02:00 (+10:30) becomes 02:30 (+11).
  EXPECT_EQ(lord_howe.bucket_at(Grain::hour, utc("2026-10-03T15:45:00Z")).range,
            (TimeRange{utc("2026-10-03T15:30:00Z"), utc("2026-10-03T16:00:00Z")}));
  // 2026-04-05: 02:00 (+11) becomes 01:30 (+10:30): the second 01:30 to 02:00 is a bucket of its own.
  EXPECT_EQ(lord_howe.bucket_at(Grain::hour, utc("2026-04-04T14:59:00Z")).range,
            (TimeRange{utc("2026-04-04T14:00:00Z"), utc("2026-04-04T15:00:00Z")}));
  EXPECT_EQ(lord_howe.bucket_at(Grain::hour, utc("2026-04-04T15:00:00Z")).range,
            (TimeRange{utc("2026-04-04T15:00:00Z"), utc("2026-04-04T15:30:00Z")}));
}

TEST(WallClock, MakesTwoBucketsOfAnHourThatOccursTwice) {
  const WallClock berlin{zone("Europe/Berlin")};
  const Bucket first = berlin.bucket_at(Grain::hour, utc("2026-10-25T00:30:00Z"));
  const Bucket second = berlin.bucket_at(Grain::hour, utc("2026-10-25T01:30:00Z"));
  EXPECT_EQ(first.range, (TimeRange{utc("2026-10-25T00:00:00Z"), utc("2026-10-25T01:00:00Z")}));
  EXPECT_EQ(second.range, (TimeRange{utc("2026-10-25T01:00:00Z"), utc("2026-10-25T02:00:00Z")}));
  EXPECT_EQ(first.business_day, day(2026, 10, 25));
  EXPECT_EQ(second.business_day, day(2026, 10, 25));
}

TEST(WallClock, BeginsHoursOfKathmanduAtAQuarterPast) {
  const WallClock kathmandu{zone("Asia/Kathmandu")};
  EXPECT_EQ(kathmandu.bucket_at(Grain::hour, utc("2026-01-05T06:00:00Z")).range,
            (TimeRange{utc("2026-01-05T05:15:00Z"), utc("2026-01-05T06:15:00Z")}));
}

TEST(WallClock, HasNoDayThatTheZoneSkippedWhole) {
  const WallClock apia{zone("Pacific/Apia")};  // from 2011-12-29 24:00 (-10) straight to 2011-12-31 00:00 (+14)
  const Bucket before = day_of(apia, "2011-12-30T09:59:59Z");
  const Bucket after = day_of(apia, "2011-12-30T10:00:00Z");
  EXPECT_EQ(before.business_day, day(2011, 12, 29));
  EXPECT_EQ(after.business_day, day(2011, 12, 31));
  EXPECT_EQ(before.range.end, after.range.begin);
  EXPECT_EQ(length(before.range), hours{24});
  EXPECT_EQ(length(after.range), hours{24});
  EXPECT_EQ(length(apia.bucket_at(Grain::week, utc("2011-12-28T00:00:00Z")).range), hours{6 * 24});
  EXPECT_EQ(length(apia.bucket_at(Grain::month, utc("2011-12-28T00:00:00Z")).range), hours{30 * 24});
  EXPECT_EQ(length(apia.bucket_at(Grain::year, utc("2011-06-01T00:00:00Z")).range), hours{364 * 24});
}

TEST(WallClock, KnowsWeeksMonthsAndYears) {
  const WallClock berlin{zone("Europe/Berlin")};
  const Timestamp t = utc("2026-03-29T12:00:00Z");  // a Sunday, the week and month of the change
  EXPECT_EQ(berlin.bucket_at(Grain::week, t).range,
            (TimeRange{utc("2026-03-22T23:00:00Z"), utc("2026-03-29T22:00:00Z")}));
  EXPECT_EQ(berlin.bucket_at(Grain::month, t).range,
            (TimeRange{utc("2026-02-28T23:00:00Z"), utc("2026-03-31T22:00:00Z")}));
  EXPECT_EQ(berlin.bucket_at(Grain::year, t).range,
            (TimeRange{utc("2025-12-31T23:00:00Z"), utc("2026-12-31T23:00:00Z")}));
  EXPECT_EQ(berlin.bucket_at(Grain::week, t).business_day, day(2026, 3, 23));
  EXPECT_EQ(berlin.bucket_at(Grain::month, utc("2026-12-31T22:59:59Z")).business_day, day(2026, 12, 1));
  EXPECT_EQ(berlin.bucket_at(Grain::month, utc("2026-12-31T23:00:00Z")).business_day, day(2027, 1, 1));
}

class WallClockOf : public testing::TestWithParam<const char*> {};

TEST_P(WallClockOf, LeavesNoGapAndNeverLooksBack) {
  const WallClock wall{zone(GetParam())};
  for (const Grain grain : {Grain::hour, Grain::day, Grain::week, Grain::month, Grain::year}) {
    Timestamp t = utc("2011-11-15T00:00:00Z");
    const Timestamp end = grain == Grain::hour ? t + hours{24 * 400} : utc("2027-01-01T00:00:00Z");
    Bucket last = wall.bucket_at(grain, t);
    for (t = last.range.end; t < end; t = last.range.end) {
      const Bucket next = wall.bucket_at(grain, t);
      ASSERT_EQ(next.range.begin, last.range.end) << name_of(grain) << " at " << format_time(t);
      ASSERT_GT(next.range.end, next.range.begin);
      ASSERT_GE(next.business_day, last.business_day);
      // Every moment of a bucket finds the same one.
      ASSERT_EQ(wall.bucket_at(grain, next.range.end - Duration{1}), next)
          << name_of(grain) << " at " << format_time(t);
      if (grain == Grain::hour) {
        ASSERT_LE(length(next.range), hours{1});
      }
      last = next;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, WallClockOf,
                         testing::Values("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu",
                                         "Pacific/Apia", "America/New_York", "America/Sao_Paulo",
                                         "Africa/Casablanca", "Pacific/Kiritimati"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase_if(name,
                                         [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
                           return name;
                         });

// ---------------------------------------- shifts

Shift shift(std::string id, Duration start, Duration end, std::vector<Break> breaks = {}) {
  Shift s;
  s.id = s.name = std::move(id);
  s.start = start, s.end = end, s.breaks = std::move(breaks);
  return s;
}

Closure closure(LocalTime from, LocalTime to) {
  Closure c;
  c.from = from, c.to = to;
  return c;
}

TEST(Night, IsAnHourShorterInSpringAndLongerInAutumn) {
  const WallClock berlin{zone("Europe/Berlin")};
  const ShiftPlan plan{berlin, {shift("night", hours{22}, hours{6})}, {}, {}};
  const Bucket spring = plan.shift_at(utc("2026-03-29T03:00:00Z")).value();
  EXPECT_EQ(spring.range, (TimeRange{utc("2026-03-28T21:00:00Z"), utc("2026-03-29T04:00:00Z")}));
  EXPECT_EQ(spring.business_day, day(2026, 3, 28));
  EXPECT_EQ(*spring.shift, "night");
  EXPECT_EQ(plan.planned_time(spring.range), hours{7});
  const Bucket autumn = plan.shift_at(utc("2026-10-25T03:00:00Z")).value();
  EXPECT_EQ(autumn.range, (TimeRange{utc("2026-10-24T20:00:00Z"), utc("2026-10-25T05:00:00Z")}));
  EXPECT_EQ(plan.planned_time(autumn.range), hours{9});
}

TEST(Night, LosesABreakThatTheClockSkips) {
  const WallClock berlin{zone("Europe/Berlin")};
  const ShiftPlan plan{
      berlin, {shift("night", hours{22}, hours{6}, {{hours{2}, hours{2} + minutes{30}}})}, {}, {}};
  EXPECT_EQ(plan.planned_time(plan.shift_at(utc("2026-03-29T03:00:00Z"))->range), hours{7});
  // In autumn the break is taken the first time that the clock shows 02:00.
  EXPECT_FALSE(plan.planned_at(utc("2026-10-25T00:29:59Z")).planned);
  EXPECT_TRUE(plan.planned_at(utc("2026-10-25T00:30:00Z")).planned);
  EXPECT_TRUE(plan.planned_at(utc("2026-10-25T01:15:00Z")).planned);
  EXPECT_EQ(plan.planned_time(plan.shift_at(utc("2026-10-25T03:00:00Z"))->range), hours{8} + minutes{30});
  // A usual night: 30 minutes less than eight hours.
  EXPECT_EQ(plan.planned_time(plan.shift_at(utc("2026-06-10T01:00:00Z"))->range), hours{7} + minutes{30});
}

TEST(Break, BeforeItsShiftsStartLiesOnTheNextDayAndMayCrossMidnight) {
  const WallClock wall{zone("UTC")};
  const ShiftPlan plan{
      wall,
      {shift("late", hours{20}, hours{4}, {{hours{23} + minutes{45}, minutes{15}}, {hours{2}, hours{3}}})},
      {},
      {}};
  const TimeRange night = plan.shift_at(utc("2026-01-06T01:00:00Z"))->range;
  EXPECT_EQ(plan.planned_time(night), hours{8} - minutes{30} - hours{1});
  EXPECT_FALSE(plan.planned_at(utc("2026-01-05T23:50:00Z")).planned);
  EXPECT_FALSE(plan.planned_at(utc("2026-01-06T00:10:00Z")).planned);
  EXPECT_FALSE(plan.planned_at(utc("2026-01-06T02:00:00Z")).planned);
  EXPECT_TRUE(plan.planned_at(utc("2026-01-06T03:00:00Z")).planned);
}

TEST(Breaks, ThatOverlapCountOnce) {
  const WallClock wall{zone("UTC")};
  const ShiftPlan plan{
      wall,
      {shift("day", hours{8}, hours{16}, {{hours{10}, hours{11}}, {hours{10} + minutes{30}, hours{12}}})},
      {},
      {}};
  EXPECT_EQ(plan.planned_time({utc("2026-01-05T00:00:00Z"), utc("2026-01-06T00:00:00Z")}), hours{6});
}

TEST(Closures, OverlapAndCutShiftsAnywhere) {
  const WallClock berlin{zone("Europe/Berlin")};
  const std::vector<Closure> closures{closure({day(2026, 12, 24), hours{12}}, {day(2026, 12, 26), Duration{0}}),
                                      closure({day(2026, 12, 25), Duration{0}}, {day(2026, 12, 27), Duration{0}})};
  const ShiftPlan plan{berlin, {shift("day", hours{6}, hours{14})}, closures, {}};
  const auto planned_on = [&](unsigned d) {
    return plan.planned_time({berlin.start_of_day(day(2026, 12, d)), berlin.start_of_day(day(2026, 12, d + 1))});
  };
  EXPECT_EQ(planned_on(23), hours{8});
  EXPECT_EQ(planned_on(24), hours{6});
  EXPECT_EQ(planned_on(25), hours{0});
  EXPECT_EQ(planned_on(26), hours{0});
  EXPECT_EQ(planned_on(27), hours{8});
  // The shift itself is there, only nothing in it is planned.
  EXPECT_TRUE(plan.shift_at(utc("2026-12-25T08:00:00Z")).has_value());
  EXPECT_EQ(plan.first_planned({utc("2026-12-24T12:00:00Z"), utc("2026-12-30T00:00:00Z")}),
            utc("2026-12-27T05:00:00Z"));
}

TEST(PlanWithoutShifts, SchedulesEveryMomentButClosures) {
  const WallClock berlin{zone("Europe/Berlin")};
  const ShiftPlan plan{berlin, {}, {closure({day(2026, 5, 1), Duration{0}}, {day(2026, 5, 2), Duration{0}})}, {}};
  EXPECT_FALSE(plan.has_shifts());
  EXPECT_EQ(plan.planned_time({utc("2026-04-30T00:00:00Z"), utc("2026-05-03T00:00:00Z")}), hours{48});
  EXPECT_EQ(plan.planned_at(utc("2026-05-01T12:00:00Z")).until, utc("2026-05-01T22:00:00Z"));
  EXPECT_EQ(plan.planned_at(utc("2027-01-01T00:00:00Z")).until, kEndOfTime);
  // Local days stand for shifts, without a name.
  const Bucket stand_in = plan.shift_at(utc("2026-10-25T12:00:00Z")).value();
  EXPECT_EQ(length(stand_in.range), hours{25});
  EXPECT_EQ(stand_in.shift, nullptr);
  EXPECT_EQ(plan.next_shift(utc("2026-10-25T12:00:00Z"))->range.begin, utc("2026-10-25T23:00:00Z"));
}

TEST(ShiftPlan, WorksOnlyOnTheDaysItNames) {
  const WallClock wall{zone("UTC")};
  Shift monday = shift("mon", hours{22}, hours{6});
  monday.days = 1;  // local weekday of the start
  const ShiftPlan plan{wall, {monday}, {}, {}};
  EXPECT_EQ(plan.shift_at(utc("2026-01-05T23:00:00Z"))->business_day, day(2026, 1, 5));  // a Monday
  EXPECT_TRUE(plan.shift_at(utc("2026-01-06T05:59:59Z")).has_value());
  EXPECT_FALSE(plan.shift_at(utc("2026-01-06T06:00:00Z")).has_value());
  EXPECT_FALSE(plan.shift_at(utc("2026-01-06T23:00:00Z")).has_value());
  EXPECT_EQ(plan.shift_begun_by(utc("2026-01-11T00:00:00Z"))->range.begin, utc("2026-01-05T22:00:00Z"));
  EXPECT_EQ(plan.next_shift(utc("2026-01-06T00:00:00Z"))->range.begin, utc("2026-01-12T22:00:00Z"));
  EXPECT_EQ(plan.next_shift(utc("2026-01-12T22:00:00Z"))->range.begin, utc("2026-01-12T22:00:00Z"));
}

TEST(ShiftPlan, WorksOnlyInItsWeeksOfARotation) {
  const WallClock wall{zone("Europe/Berlin")};
  Shift saturday = shift("saturday", hours{6}, hours{14});
  saturday.days = 1U << 5U;
  saturday.every_weeks = 2;
  saturday.week_of = day(2026, 3, 23);  // the week of Saturday, 03-28
  const ShiftPlan plan{wall, {saturday}, {}, {}};
  std::vector<Timestamp> begins;
  for (Timestamp t = utc("2026-03-01T00:00:00Z"); t < utc("2026-04-30T00:00:00Z");) {
    const auto next = plan.next_shift(t);
    ASSERT_TRUE(next);
    begins.push_back(next->range.begin);
    t = next->range.end;
  }
  // Over the change of the clock on 03-29.
  EXPECT_EQ(begins,
            (std::vector{utc("2026-03-14T05:00:00Z"), utc("2026-03-28T05:00:00Z"), utc("2026-04-11T04:00:00Z"),
                         utc("2026-04-25T04:00:00Z"), utc("2026-05-09T04:00:00Z")}));
  EXPECT_FALSE(plan.planned_at(utc("2026-03-21T08:00:00Z")).planned);
  EXPECT_TRUE(plan.planned_at(utc("2026-03-28T08:00:00Z")).planned);
}

TEST(ShiftPlan, BeginsShiftsOnlyWhileItIsValid) {
  const WallClock wall{zone("UTC")};
  Shift night = shift("night", hours{22}, hours{6});
  night.valid = {utc("2026-01-05T22:00:00Z"), utc("2026-01-07T22:00:00Z")};
  const ShiftPlan plan{wall, {night}, {}, {}};
  EXPECT_EQ(plan.planned_time({utc("2026-01-01T00:00:00Z"), utc("2026-02-01T00:00:00Z")}), hours{16});
  EXPECT_FALSE(plan.shift_begun_by(utc("2026-01-05T21:00:00Z")).has_value());
  EXPECT_TRUE(plan.shift_at(utc("2026-01-07T05:00:00Z")).has_value());
}

TEST(ShiftPlan, KeepsShiftsThatCrossTheEndOfAMonth) {
  const WallClock berlin{zone("Europe/Berlin")};
  const ShiftPlan plan{berlin, {shift("night", hours{22}, hours{6})}, {}, {}};
  const Bucket turn = plan.shift_at(utc("2026-01-31T23:30:00Z")).value();  // 00:30 on February 1st
  EXPECT_EQ(turn.business_day, day(2026, 1, 31));
  EXPECT_TRUE(plan.planned_at(utc("2026-01-31T23:30:00Z")).planned);
  EXPECT_EQ(plan.planned_at(utc("2026-01-31T23:30:00Z")).until, utc("2026-02-01T05:00:00Z"));
}

/// What a plan schedules, minute by minute, from nothing but its shifts' wall times.
bool planned_by_hand(const Zone& zone, const std::vector<Shift>& shifts, const std::vector<Closure>& closures,
                     Timestamp t) {
  const auto within = [&](LocalTime from, LocalTime to) { return zone.to_utc(from) <= t && t < zone.to_utc(to); };
  for (const Closure& c : closures) {
    if (within(c.from, c.to)) return false;
  }
  const std::int32_t today = zone.to_local(t).day;
  for (const Shift& s : shifts) {
    for (std::int32_t d = today - 2; d <= today + 1; ++d) {
      if ((s.days >> weekday(d) & 1U) == 0) continue;
      if (!within({d, s.start}, {d + (s.end <= s.start ? 1 : 0), s.end})) continue;
      const bool pausing = std::any_of(s.breaks.begin(), s.breaks.end(), [&](const Break& b) {
        const std::int32_t from = d + (b.start < s.start ? 1 : 0);
        return within({from, b.start}, {from + (b.end <= b.start ? 1 : 0), b.end});
      });
      return !pausing;
    }
  }
  return false;
}

class PlanOf : public testing::TestWithParam<const char*> {};

TEST_P(PlanOf, ThreeShiftsAgreesWithEveryMinuteByHand) {
  const Zone local = zone(GetParam());
  const WallClock wall{local};
  const std::vector<Shift> shifts{shift("early", hours{6}, hours{14}, {{hours{10}, hours{10} + minutes{30}}}),
                                  shift("late", hours{14}, hours{22}),
                                  shift("night", hours{22}, hours{6}, {{hours{2}, hours{2} + minutes{30}}})};
  const std::vector<Closure> closures{closure({day(2026, 10, 26), hours{8}}, {day(2026, 10, 26), hours{9}})};
  const ShiftPlan plan{wall, shifts, closures, {}};
  for (const char* from : {"2026-03-07T00:00:00Z", "2026-03-28T00:00:00Z", "2026-04-04T00:00:00Z",
                           "2026-10-03T00:00:00Z", "2026-10-24T12:00:00Z", "2026-10-31T20:00:00Z"}) {
    const TimeRange range{utc(from), utc(from) + hours{60}};
    Duration sum{0};
    for (Timestamp t = range.begin; t < range.end; t += minutes{1}) {
      const bool planned = planned_by_hand(local, shifts, closures, t);
      ASSERT_EQ(plan.planned_at(t).planned, planned) << format_time(t);
      sum += planned ? Duration{minutes{1}} : Duration{0};
    }
    EXPECT_EQ(plan.planned_time(range), sum) << from;
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, PlanOf,
                         testing::Values("Europe/Berlin", "Australia/Lord_Howe", "America/New_York"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase_if(name,
                                         [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
                           return name;
                         });

TEST(Grain, IsNamedBothWays) {
  for (const Grain grain :
       {Grain::hour, Grain::shift, Grain::day, Grain::week, Grain::month, Grain::year, Grain::total}) {
    EXPECT_EQ(grain_named(name_of(grain)), grain);
  }
  EXPECT_FALSE(grain_named("minute").has_value());
  EXPECT_EQ(format_day(day(2026, 1, 5)), "2026-01-05");
  EXPECT_EQ(weekday(day(2026, 1, 5)), 0U);
  EXPECT_EQ(weekday(day(1969, 12, 31)), 2U);  // a Wednesday, before the epoch
}

}  // namespace
}  // namespace takt
