// Shift plans that follow each other within a day.
#include "engine/master_data.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

using std::chrono::hours;

Timestamp utc(std::string_view text) { return parse_time(text).value(); }
Timestamp of_day(int hour) { return utc("2026-06-10T00:00:00Z") + hours{hour}; }

/// Plans of one machine, each from a moment on; without shifts where the list is empty.
class Plans {
 public:
  struct From {
    Timestamp at;
    std::vector<std::pair<int, int>> shifts;  // hours of the day
    std::uint8_t every_weeks = 1;
    std::vector<std::pair<int, int>> breaks = {};  // of each shift
  };
  explicit Plans(const std::vector<From>& plans) {
    numbers_.add("M1", MachineId{0});
    std::vector<std::pair<Timestamp, Plant>> versions;
    for (const From& from : plans) versions.emplace_back(from.at, plant(from));
    master_ = MasterData::compile(std::move(versions), Zone::named("UTC").value(), names_, numbers_);
  }
  /// All that begin from `begin` on, before `end`.
  std::vector<TimeRange> shifts(Timestamp begin, Timestamp end) const {
    std::vector<TimeRange> list;
    for (auto next = master_.next_shift(MachineId{0}, begin); next && next->range.begin < end;
         next = master_.next_shift(MachineId{0}, next->range.begin + Duration{1}))
      list.push_back(next->range);
    return list;
  }
  Duration planned(Timestamp begin, Timestamp end) const {
    return master_.planned_time(MachineId{0}, {begin, end});
  }
  std::optional<TimeRange> at(Timestamp t) const {
    const auto shift = master_.shift_at(MachineId{0}, t);
    return shift ? std::optional{shift->range} : std::nullopt;
  }

 private:
  static constexpr std::int32_t kWeek = 20611;  // 2026-06-07, a Sunday
  static Plant plant(const From& from) {
    Plant plant;
    Machine machine;
    machine.id = machine.name = "M1";
    plant.machines.push_back(machine);
    for (const auto& [start, end] : from.shifts) {
      Shift shift;
      shift.id = std::to_string(start);
      shift.start = hours{start}, shift.end = hours{end};
      shift.every_weeks = from.every_weeks, shift.week_of = from.every_weeks > 1 ? kWeek : 0;
      for (const auto& [begins, ends] : from.breaks) shift.breaks.push_back({hours{begins}, hours{ends}});
      plant.shifts.push_back(shift);
    }
    return plant;
  }
  Names names_;
  MachineNumbers numbers_;
  MasterData master_;
};

/// What shift_at() says of every quarter of an hour is what next_shift() lists, and nothing lies in two.
void expect_one_at_a_time(const Plans& plans, Timestamp begin, Timestamp end) {
  const std::vector<TimeRange> list = plans.shifts(begin - hours{24}, end);
  for (std::size_t i = 1; i < list.size(); ++i) EXPECT_LE(list[i - 1].end, list[i].begin) << i;
  for (Timestamp t = begin; t < end; t += std::chrono::minutes{15}) {
    std::optional<TimeRange> expected;
    for (const TimeRange& range : list) {
      if (range.contains(t)) expected = range;
    }
    EXPECT_EQ(plans.at(t), expected) << format_time(t);
  }
}

TEST(ShiftsOfDescriptionsInTime, AreFollowedByTheRestOfTheDayWhereThereAreNoneAnyMore) {
  const Plans plans{{{kBeginOfTime, {{0, 8}, {8, 16}}}, {of_day(3), {}}}};
  EXPECT_EQ(plans.shifts(of_day(-24), of_day(48)),
            (std::vector<TimeRange>{{of_day(-24), of_day(-16)},
                                    {of_day(-16), of_day(-8)},
                                    {of_day(0), of_day(8)},  // worked to its end
                                    {of_day(8), of_day(24)},
                                    {of_day(24), of_day(48)}}));
  expect_one_at_a_time(plans, of_day(-24), of_day(72));
}

TEST(ShiftsOfDescriptionsInTime, AreFollowedByTheDayFromTheMomentOnThatThereAreNone) {
  const Plans plans{{{kBeginOfTime, {{6, 14}}}, {of_day(16), {}}}};
  EXPECT_EQ(plans.shifts(of_day(0), of_day(48)),
            (std::vector<TimeRange>{{of_day(6), of_day(14)}, {of_day(16), of_day(24)}, {of_day(24), of_day(48)}}));
  expect_one_at_a_time(plans, of_day(0), of_day(72));
}

TEST(ShiftsOfDescriptionsInTime, EndTheDayThatStoodForOne) {
  const Plans plans{{{kBeginOfTime, {}}, {of_day(3), {{6, 14}}}}};
  EXPECT_EQ(
      plans.shifts(of_day(-24), of_day(48)),
      (std::vector<TimeRange>{
          {of_day(-24), of_day(0)}, {of_day(0), of_day(3)}, {of_day(6), of_day(14)}, {of_day(30), of_day(38)}}));
  expect_one_at_a_time(plans, of_day(-24), of_day(72));
}

TEST(ShiftsOfDescriptionsInTime, LeaveDaysWholeWhereThereWereNoneBefore) {
  const Plans plans{{{kBeginOfTime, {}}, {of_day(3), {}}, {of_day(5), {}}}};
  EXPECT_EQ(plans.shifts(of_day(-24), of_day(48)),
            (std::vector<TimeRange>{{of_day(-24), of_day(0)}, {of_day(0), of_day(24)}, {of_day(24), of_day(48)}}));
  expect_one_at_a_time(plans, of_day(-24), of_day(72));
}

TEST(ShiftsOfDescriptionsInTime, MayLastOverMidnightIntoADayWithoutAny) {
  const Plans plans{{{kBeginOfTime, {{22, 6}}}, {of_day(-1), {}}, {of_day(30), {{22, 6}}}}};
  EXPECT_EQ(
      plans.shifts(of_day(-24), of_day(48)),
      (std::vector<TimeRange>{
          {of_day(-2), of_day(6)}, {of_day(6), of_day(24)}, {of_day(24), of_day(30)}, {of_day(46), of_day(54)}}));
  expect_one_at_a_time(plans, of_day(-24), of_day(72));
}

TEST(ShiftsOfDescriptionsInTime, AreWorkedToTheirEndWhateverComesMeanwhile) {
  const std::vector<std::pair<int, int>> night{{22, 6}};
  const Plans again{{{kBeginOfTime, night}, {of_day(-1), night}, {of_day(1), night}}};
  EXPECT_EQ(again.planned(of_day(-2), of_day(22)), hours{8});
  const Plans without{{{kBeginOfTime, night}, {of_day(0), {}}, {of_day(3), night}}};
  EXPECT_EQ(without.planned(of_day(-2), of_day(22)), hours{8});
  expect_one_at_a_time(without, of_day(-2), of_day(48));
}

TEST(ShiftsOfDescriptionsInTime, EndWhereOneOfTheNextBegins) {
  const Plans early{{{kBeginOfTime, {{22, 6}}}, {of_day(0), {{5, 13}}}}};
  EXPECT_EQ(early.shifts(of_day(-24), of_day(24)),
            (std::vector<TimeRange>{{of_day(-2), of_day(5)}, {of_day(5), of_day(13)}}));
  EXPECT_EQ(early.planned(of_day(-2), of_day(13)), hours{15});
  expect_one_at_a_time(early, of_day(-24), of_day(48));
  const Plans at_once{{{kBeginOfTime, {{22, 6}}}, {of_day(0), {{0, 8}, {8, 16}}}}};
  expect_one_at_a_time(at_once, of_day(-24), of_day(48));
  const Plans third{{{kBeginOfTime, {{22, 6}}}, {of_day(1), {}}, {of_day(2), {{4, 12}}}}};
  EXPECT_EQ(third.at(of_day(3)), (TimeRange{of_day(-2), of_day(4)}));
  expect_one_at_a_time(third, of_day(-24), of_day(48));
}

TEST(ShiftsOfDescriptionsInTime, KeepTheirBreaksWhereThereAreNoShiftsAnyMore) {
  const Plans plans{{{kBeginOfTime, {{6, 14}}, 1, {{9, 10}, {12, 13}}}, {of_day(11), {}}}};
  EXPECT_EQ(plans.planned(of_day(6), of_day(14)), hours{6});
  EXPECT_EQ(plans.planned(of_day(12), of_day(13)), hours{0});
  EXPECT_EQ(plans.planned(of_day(11), of_day(24)), hours{12});
}

TEST(ShiftsOfDescriptionsInTime, AreFoundThoughTheyAreWeeksApart) {
  const Plans plans{{{kBeginOfTime, {{6, 14}}, 8}, {of_day(24 * 365), {{6, 14}}}}};
  const auto next = [&](Timestamp t, Timestamp end) {
    std::vector<TimeRange> list;
    for (; t < end; t += hours{24 * 39}) {
      const std::vector<TimeRange> some = plans.shifts(t, std::min(end, t + hours{24 * 39}));
      list.insert(list.end(), some.begin(), some.end());
    }
    return list;
  };
  // Of the 53 weeks from Wednesday on these: the rest of none, 7 days each of those 8, 16, ... 48 weeks on.
  const std::vector<TimeRange> year = next(of_day(0), of_day(24 * 365));
  EXPECT_EQ(year.size(), 6U * 7);
  for (const TimeRange& shift : year) EXPECT_EQ(plans.planned(shift.begin, shift.end), hours{8});
}

}  // namespace
}  // namespace takt
