// Shifts small enough to be worked out by hand, with the working beside them. 2026-01-05 is a Monday; cycles are 1
// s unless said otherwise, and the plant is in UTC unless the clock is the point.
#include "tests/oracle/oracle.h"

#include "tests/oracle/wall_clock.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace takt {
namespace {

using Json = nlohmann::json;
using Events = std::vector<Json>;
using namespace std::chrono_literals;

Timestamp at(const std::string& text) { return oracle::read_time(text); }
TimeRange between(const std::string& from, const std::string& to) { return {at(from), at(to)}; }
/// A time of Monday the 5th.
std::string on_monday(const std::string& time) { return "2026-01-05T" + time + "Z"; }
TimeRange monday(const std::string& from, const std::string& to) {
  return between(on_monday(from), on_monday(to));
}

Plant one_press(const std::string& zone = "UTC") {
  Plant plant;
  plant.timezone = zone;
  Machine press;
  press.id = "M1";
  press.name = "Press 1";
  press.ideal_cycle = 1s;
  press.minor_stop = 300s;
  plant.machines = {press};
  auto reason = [](const char* code, const char* name, const char* parent,
                   std::optional<ReasonCategory> category) {
    Reason made;
    made.code = code;
    made.name = name;
    made.parent = parent;
    made.category = category;
    return made;
  };
  plant.reasons = {reason("FAIL", "Failure", "", ReasonCategory::failure),
                   reason("FAIL.MECH", "Mechanical failure", "FAIL", std::nullopt),
                   reason("FAIL.ELEC", "Electrical failure", "FAIL", std::nullopt),
                   reason("SETUP.TOOL", "Tool change", "", ReasonCategory::setup),
                   reason("MAINT", "Maintenance", "", ReasonCategory::planned),
                   reason("MAT", "No material", "", ReasonCategory::material),
                   reason("MISC", "Miscellaneous", "", std::nullopt)};
  return plant;
}

Shift shift(const char* id, Duration start, Duration end, std::vector<Break> breaks = {}) {
  Shift made;
  made.id = id;
  made.start = start;
  made.end = end;
  made.breaks = std::move(breaks);
  return made;
}

Json state(const std::string& ts, const char* name, const char* reason = nullptr) {
  Json event{{"type", "state"}, {"machine", "M1"}, {"ts", ts}, {"state", name}};
  if (reason != nullptr) event["reason"] = reason;
  return event;
}
Json count(const std::string& ts, Json fields) {
  Json event{{"type", "count"}, {"machine", "M1"}, {"ts", ts}};
  event.update(fields);
  return event;
}
Json order(const std::string& ts, const char* id, const char* action, Json fields = Json::object()) {
  Json event{{"type", "order"}, {"machine", "M1"}, {"ts", ts}, {"order", id}, {"action", action}};
  event.update(fields);
  return event;
}
Json classify(const std::string& start, const char* reason, Json fields = Json::object()) {
  Json event{{"type", "classify"}, {"machine", "M1"}, {"start", start}, {"reason", reason}};
  event.update(fields);
  return event;
}

/// Every expected field, numbers to the last bits of a double.
void expect_fields(const Json& actual, const Json& expected) {
  for (const auto& [name, value] : expected.items()) {
    ASSERT_TRUE(actual.contains(name)) << name;
    if (value.is_number()) {
      ASSERT_TRUE(actual[name].is_number()) << name << ": " << actual[name];
      EXPECT_NEAR(actual[name].get<double>(), value.get<double>(), 1e-12) << name;
    } else {
      EXPECT_EQ(actual[name], value) << name;
    }
  }
}

/// The one bucket of `total`.
Json total(const Plant& plant, const Events& events, TimeRange range, const char* now = "2026-02-01T00:00:00Z") {
  const Json buckets = Oracle(plant, events, at(now)).oee("plant", range, "total");
  EXPECT_EQ(buckets.size(), 1U);
  return buckets.at(0);
}

/// Lines of "06:00 06:10 running production - ." (reason; m minor, o open).
std::vector<std::string> lines_of(const Json& timeline) {
  std::vector<std::string> lines;
  for (const Json& interval : timeline) {
    const std::string reason = interval["reason"].is_null() ? "-" : interval["reason"].get<std::string>();
    const std::string marks = std::string(interval["minor_stop"] ? "m" : "") + (interval["open"] ? "o" : "");
    lines.push_back(interval["start"].get<std::string>().substr(11, 5) + " " +
                    interval["end"].get<std::string>().substr(11, 5) + " " + interval["state"].get<std::string>() +
                    " " + interval["category"].get<std::string>() + " " + reason + " " +
                    (marks.empty() ? "." : marks));
  }
  return lines;
}
using Lines = std::vector<std::string>;

Plant early_shift_plant() {
  Plant plant = one_press();
  plant.shifts = {shift("early", 6h, 14h, {{10h, 10h + 30min}})};
  return plant;
}

/// The shift of contract section 5: 8 h less a break of 30 min are 27000 s. 600 s of setup; five longer stops of
/// 1200 + 900 + 600 + 120 + 60 = 2880 s, one of them a failure; four minor ones of 30 s: 3000 s of delay, so that
/// 27000 - 600 - 3000 = 23400 s of production remain. 22800 good, 150 scrap, 50 rework; 30 of the scrap at
/// start-up.
Events early_shift_events() {
  Events events{state(on_monday("06:00:00"), "setup"),
                state(on_monday("06:10:00"), "running"),
                state(on_monday("07:00:00"), "down", "FAIL.MECH"),
                state(on_monday("07:20:00"), "running"),
                state(on_monday("09:00:00"), "down", "MAT"),
                state(on_monday("09:15:00"), "running"),
                state(on_monday("10:00:00"), "idle"),
                state(on_monday("10:30:00"), "running"),
                state(on_monday("11:00:00"), "down"),
                state(on_monday("11:10:00"), "running"),
                state(on_monday("12:00:00"), "idle", "MAT"),
                state(on_monday("12:02:00"), "running"),
                state(on_monday("13:00:00"), "down", "MISC"),
                state(on_monday("13:01:00"), "running"),
                state(on_monday("14:00:00"), "off"),
                count(on_monday("06:30:00"), {{"scrap", 30}, {"startup", true}}),
                count(on_monday("09:30:00"), {{"good", 12800}, {"scrap", 120}}),
                count(on_monday("13:59:59.999999"), {{"good", 10000}, {"rework", 50}})};
  for (const char* minute : {"08:00", "08:10", "08:20", "08:30"}) {
    events.push_back(state(on_monday(minute + std::string(":00")), "idle"));
    events.push_back(state(on_monday(minute + std::string(":30")), "running"));
  }
  return events;
}

TEST(PlainShift, IsTheExampleOfTheContract) {
  const Oracle oracle(early_shift_plant(), early_shift_events(), at("2026-01-06T00:00:00Z"));
  const Json buckets = oracle.oee("machine:M1", monday("00:00:00", "23:59:00"), "shift");
  ASSERT_EQ(buckets.size(), 1U);
  expect_fields(buckets[0], {{"start", "2026-01-05T06:00:00Z"},
                             {"end", "2026-01-05T14:00:00Z"},
                             {"shift", "early"},
                             {"business_date", "2026-01-05"},
                             {"open", false},
                             {"partial", false},
                             {"calendar_time_s", 28800},
                             {"planned_operation_time_s", 27000},
                             {"planned_down_time_s", 0},
                             {"planned_busy_time_s", 27000},
                             {"actual_production_time_s", 23400},
                             {"actual_unit_setup_time_s", 600},
                             {"actual_unit_delay_time_s", 3000},
                             {"minor_stop_time_s", 120},
                             {"unknown_time_s", 0},
                             {"unplanned_production_time_s", 0},
                             {"produced_quantity", 23000},
                             {"good_quantity", 22800},
                             {"scrap_quantity", 150},
                             {"rework_quantity", 50},
                             {"unplanned_produced_quantity", 0},
                             {"unplanned_good_quantity", 0},
                             {"ideal_production_time_s", 23000},
                             {"ideal_good_time_s", 22800},
                             {"stops", 9},
                             {"minor_stops", 4},
                             {"failures", 1},
                             {"availability", 23400.0 / 27000},
                             {"effectiveness", 23000.0 / 23400},
                             {"quality_ratio", 22800.0 / 23000},
                             {"quality_ratio_by_count", 22800.0 / 23000},
                             {"oee", 22800.0 / 27000},
                             {"net_equipment_effectiveness", 22800.0 / 27000 * 24000 / 23400},
                             {"teep", 22800.0 / 28800},
                             {"flags", Json::array()}});
}

TEST(PlainShift, LosesWhatTheContractSays) {
  const Oracle oracle(early_shift_plant(), early_shift_events(), at("2026-01-06T00:00:00Z"));
  const Json expected = Json::parse(R"({"planned_busy_time_s":27000,"valuable_time_s":22800,"losses":[
    {"loss":"equipment_failure","time_s":2880},{"loss":"setup_and_adjustment","time_s":600},
    {"loss":"idling_and_minor_stops","time_s":120},{"loss":"reduced_speed","time_s":400},
    {"loss":"process_defects","time_s":170},{"loss":"reduced_yield","time_s":30}]})");
  EXPECT_EQ(oracle.losses("plant", monday("06:00:00", "14:00:00")), expected);
}

TEST(PlainShift, HasAParetoThatLeavesTheBreakOut) {
  const Oracle oracle(early_shift_plant(), early_shift_events(), at("2026-01-06T00:00:00Z"));
  const Json pareto = oracle.pareto("plant", monday("00:00:00", "23:00:00"), "reason");
  EXPECT_EQ(pareto["total_time_s"], 3000);
  ASSERT_EQ(pareto["items"].size(), 4U);
  expect_fields(pareto["items"][0], {{"key", "FAIL.MECH"},
                                     {"name", "Mechanical failure"},
                                     {"time_s", 1200},
                                     {"count", 1},
                                     {"share", 0.4},
                                     {"cumulative_share", 0.4}});
  // 900 s at nine and 120 s at noon
  expect_fields(pareto["items"][1], {{"key", "MAT"}, {"time_s", 1020}, {"count", 2}, {"cumulative_share", 0.74}});
  // 600 s and four times 30 s; the half hour of the break is not planned
  expect_fields(pareto["items"][2], {{"key", nullptr}, {"name", nullptr}, {"time_s", 720}, {"count", 5}});
  expect_fields(pareto["items"][3], {{"key", "MISC"}, {"time_s", 60}, {"count", 1}, {"cumulative_share", 1}});
  const Json by_category = oracle.pareto("plant", monday("00:00:00", "23:00:00"), "category");
  EXPECT_EQ(by_category["items"][3]["key"], "other");  // MISC says no category
  const Json by_machine = oracle.pareto("plant", monday("00:00:00", "23:00:00"), "machine");
  ASSERT_EQ(by_machine["items"].size(), 1U);
  expect_fields(by_machine["items"][0], {{"key", "M1"}, {"name", "Press 1"}, {"time_s", 3000}, {"count", 9}});
}

TEST(Changeover, IsSetupAndNoStop) {
  // 08:00 to 12:00, half an hour of it set up by a stop's reason: 210 of 240 planned minutes
  const Events events{state(on_monday("08:00:00"), "execute"),
                      state(on_monday("10:00:00"), "stopped", "SETUP.TOOL"),
                      state(on_monday("10:30:00"), "EXECUTE")};
  expect_fields(total(one_press(), events, monday("08:00:00", "12:00:00")), {{"availability", 0.875},
                                                                             {"actual_unit_setup_time_s", 1800},
                                                                             {"stops", 0},
                                                                             {"oee", 0},
                                                                             {"quality_ratio", nullptr},
                                                                             {"flags", {"no_output"}}});
}

/// Six stops without POT edges: 100 s minor; 300 s still minor; 301 s not; 60 s with a reason not; 400 s around
/// 10:00 not, though each hour holds 200 s of it; and one that still lasts at 11:00:20, not ended and so not
/// minor.
Events six_stops() {
  return {state(on_monday("08:00:00"), "running"),       state(on_monday("08:10:00"), "idle"),
          state(on_monday("08:11:40"), "running"),       state(on_monday("08:20:00"), "down"),
          state(on_monday("08:22:00"), "idle"),  // another state of the same stop
          state(on_monday("08:25:00"), "running"),       state(on_monday("09:00:00"), "down"),
          state(on_monday("09:05:01"), "running"),       state(on_monday("09:30:00"), "down", "MAT"),
          state(on_monday("09:31:00"), "running"),       state(on_monday("09:56:40"), "down"),
          state(on_monday("10:03:20"), "running"),       state(on_monday("11:00:00"), "down"),
          count(on_monday("10:30:00"), {{"good", 5000}})};
}

TEST(MinorStops, AreDelayUnderAvailability) {
  // delay 100 + 300 + 301 + 60 + 400 + 20 = 1181 of 10820 s
  const Json bucket = total(one_press(), six_stops(), monday("08:00:00", "12:00:00"), "2026-01-05T11:00:20Z");
  expect_fields(bucket, {{"planned_busy_time_s", 10820},
                         {"actual_unit_delay_time_s", 1181},
                         {"minor_stop_time_s", 400},
                         {"actual_production_time_s", 9639},
                         {"stops", 6},
                         {"minor_stops", 2},
                         {"open", true},
                         {"end", "2026-01-05T12:00:00Z"}});
}

TEST(MinorStops, AreProductionUnderPerformance) {
  Plant plant = one_press();
  plant.minor_stops = MinorStopPolicy::performance;
  const Json bucket = total(plant, six_stops(), monday("08:00:00", "12:00:00"), "2026-01-05T11:00:20Z");
  expect_fields(bucket, {{"actual_unit_delay_time_s", 781},
                         {"minor_stop_time_s", 400},
                         {"actual_production_time_s", 10039},
                         {"effectiveness", 5000.0 / 10039},
                         {"oee", 5000.0 / 10820},
                         {"stops", 6},
                         {"minor_stops", 2}});
  const Json losses =
      Oracle(plant, six_stops(), at("2026-01-05T11:00:20Z")).losses("plant", monday("08:00:00", "12:00:00"));
  EXPECT_EQ(losses["losses"][0]["time_s"], 781);
  EXPECT_EQ(losses["losses"][2]["time_s"], 400);
  EXPECT_EQ(losses["losses"][3]["time_s"], 9639 - 5000);  // the same under either policy
}

TEST(MinorStops, AreJudgedWholeOnTheTimeline) {
  const Oracle oracle(one_press(), six_stops(), at("2026-01-05T11:00:20Z"));
  EXPECT_EQ(
      lines_of(oracle.timeline("M1", monday("08:21:00", "08:26:00"))),
      (Lines{"08:21 08:22 down stop - m", "08:22 08:25 idle stop - m", "08:25 08:26 running production - ."}));
  EXPECT_EQ(
      lines_of(oracle.timeline("M1", monday("10:00:00", "12:00:00"))),
      (Lines{"10:00 10:03 down stop - .", "10:03 11:00 running production - .", "11:00 11:00 down stop - o"}));
}

TEST(ABreak, TakesProductionOutOfThePlan) {
  // The machine runs through the break 10:00..10:30: half an hour and 7 pieces are unplanned.
  const Events events{
      state(on_monday("06:00:00"), "running"), count(on_monday("09:59:59.999999"), {{"good", 100}}),
      count(on_monday("10:00:00"), {{"good", 5}, {"scrap", 2}}), count(on_monday("10:30:00"), {{"good", 200}})};
  expect_fields(total(early_shift_plant(), events, monday("09:00:00", "11:00:00")),
                {{"planned_operation_time_s", 5400},
                 {"actual_production_time_s", 5400},
                 {"unplanned_production_time_s", 1800},
                 {"good_quantity", 300},
                 {"unplanned_produced_quantity", 7},
                 {"unplanned_good_quantity", 5},
                 {"oee", 300.0 / 5400},
                 {"teep", 300.0 / 7200}});
}

Plant berlin_nights() {
  Plant plant = one_press("Europe/Berlin");
  plant.shifts = {shift("night", 22h, 6h, {{2h, 2h + 30min}})};
  return plant;
}

TEST(ANightShift, IsSevenHoursLongInSpring) {
  // 21:00Z..04:00Z; the break 02:00..02:30 is skipped with its hour: both ends are 03:00 summer time.
  const Events events{state("2026-03-01T00:00:00Z", "running")};
  const Json nights = Oracle(berlin_nights(), events, at("2026-06-01T00:00:00Z"))
                          .oee("plant", between("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), "shift");
  ASSERT_EQ(nights.size(), 1U);
  expect_fields(nights[0], {{"start", "2026-03-28T21:00:00Z"},
                            {"end", "2026-03-29T04:00:00Z"},
                            {"business_date", "2026-03-28"},
                            {"calendar_time_s", 25200},
                            {"planned_operation_time_s", 25200}});
}

TEST(ANightShift, IsNineHoursLongInAutumn) {
  // 20:00Z..05:00Z; the break is the first 02:00..02:30, at 00:00Z.
  const Events events{state("2026-10-01T00:00:00Z", "running")};
  const Oracle oracle(berlin_nights(), events, at("2026-12-01T00:00:00Z"));
  const Json nights = oracle.oee("plant", between("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), "shift");
  ASSERT_EQ(nights.size(), 1U);
  expect_fields(nights[0], {{"start", "2026-10-24T20:00:00Z"},
                            {"end", "2026-10-25T05:00:00Z"},
                            {"calendar_time_s", 32400},
                            {"planned_operation_time_s", 30600},
                            {"unplanned_production_time_s", 1800}});
  const Json first_two = oracle.oee("plant", between("2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"), "hour");
  ASSERT_EQ(first_two.size(), 1U);
  EXPECT_EQ(first_two[0]["planned_operation_time_s"], 1800);
}

TEST(Days, Have23And25HoursOnTheDaysOfChange) {
  const Oracle oracle(one_press("Europe/Berlin"), {}, at("2026-12-01T00:00:00Z"));
  const Json spring = oracle.oee("plant", between("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), "day");
  ASSERT_EQ(spring.size(), 1U);
  expect_fields(spring[0], {{"calendar_time_s", 23 * 3600}, {"business_date", "2026-03-29"}, {"partial", false}});
  const TimeRange autumn = between("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
  EXPECT_EQ(oracle.oee("plant", autumn, "day")[0]["calendar_time_s"], 25 * 3600);
  EXPECT_EQ(oracle.oee("plant", autumn, "hour").size(), 25U);
  EXPECT_EQ(oracle.oee("plant", autumn, "shift")[0]["shift"], nullptr);  // without a plan, days stand for shifts
}

TEST(Hours, AreCutWhereLordHoweMovesItsClockByHalfAnHour) {
  // 2026-04-05 02:00 +11:00 becomes 01:30 +10:30: at 15:00Z a half hour runs a second time.
  const Oracle oracle(one_press("Australia/Lord_Howe"), {}, at("2026-12-01T00:00:00Z"));
  const Json hours = oracle.oee("plant", between("2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z"), "hour");
  ASSERT_EQ(hours.size(), 3U);
  expect_fields(hours[1],
                {{"start", "2026-04-04T15:00:00Z"}, {"end", "2026-04-04T15:30:00Z"}, {"partial", false}});
}

TEST(Days, LackTheOneThatSamoaSkipped) {
  const Oracle oracle(one_press("Pacific/Apia"), {}, at("2012-02-01T00:00:00Z"));
  const Json days = oracle.oee("plant", between("2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z"), "day");
  ASSERT_EQ(days.size(), 2U);
  expect_fields(days[0], {{"business_date", "2011-12-29"}, {"calendar_time_s", 86400}});
  expect_fields(days[1], {{"business_date", "2011-12-31"}, {"start", "2011-12-30T10:00:00Z"}});
}

TEST(TwoProducts, AddTheirOwnIdealTimes) {
  // X 1 s a piece, Y 2 s, in four hours of production: ideal 3000 + 2 x 2000 = 7000 s, good 2700 + 2 x 2000 = 6700
  // s.
  Plant plant = one_press();
  plant.ideal_cycles = {{"M1", "Y", 2s, {}}};
  const Events events{state(on_monday("08:00:00"), "running"),
                      order(on_monday("08:00:00"), "O1", "start", {{"product", "X"}}),
                      count(on_monday("09:00:00"), {{"good", 2700}, {"scrap", 300}}),
                      order(on_monday("10:00:00"), "O1", "stop"),
                      order(on_monday("07:00:00"), "O2", "plan", {{"product", "Y"}}),
                      order(on_monday("10:00:00"), "O2", "start"),  // its product is the plan's
                      count(on_monday("11:00:00"), {{"good", 2000}})};
  expect_fields(total(plant, events, monday("08:00:00", "12:00:00")), {{"ideal_production_time_s", 7000},
                                                                       {"ideal_good_time_s", 6700},
                                                                       {"effectiveness", 7000.0 / 14400},
                                                                       {"quality_ratio", 6700.0 / 7000},
                                                                       {"quality_ratio_by_count", 4700.0 / 5000},
                                                                       {"oee", 6700.0 / 14400}});
}

TEST(AnIdealCycle, IsTheOneOfItsTime) {
  // Y takes 2 s until noon and 3 s from then on.
  Plant plant = one_press();
  plant.ideal_cycles = {{"M1", "Y", 2s, {}}, {"M1", "Y", 3s, {at(on_monday("12:00:00")), kEndOfTime}}};
  const Events events{count(on_monday("11:59:59"), {{"good", 10}, {"product", "Y"}}),
                      count(on_monday("12:00:00"), {{"good", 10}, {"product", "Y"}})};
  EXPECT_EQ(total(plant, events, monday("08:00:00", "14:00:00"))["ideal_good_time_s"], 50);
}

TEST(AMissingIdealCycle, IsNeverMadeUp) {
  Plant plant = one_press();
  plant.machines[0].ideal_cycle.reset();
  plant.ideal_cycles = {{"M1", "X", 1s, {}}};
  const Events events{state(on_monday("08:00:00"), "running"),
                      count(on_monday("09:00:00"), {{"good", 9}, {"scrap", 1}, {"product", "Z"}}),
                      count(on_monday("09:30:00"), {{"good", 10}, {"product", "X"}})};
  const Json bucket = total(plant, events, monday("08:00:00", "12:00:00"));
  expect_fields(bucket, {{"ideal_production_time_s", nullptr},
                         {"ideal_good_time_s", nullptr},
                         {"effectiveness", nullptr},
                         {"quality_ratio", nullptr},
                         {"oee", nullptr},
                         {"net_equipment_effectiveness", nullptr},
                         {"teep", nullptr},
                         {"availability", 1},
                         {"quality_ratio_by_count", 0.95},
                         {"flags", {"ideal_cycle_missing"}}});
  const Json losses =
      Oracle(plant, events, at("2026-01-06T00:00:00Z")).losses("plant", monday("08:00:00", "12:00:00"));
  EXPECT_EQ(losses["valuable_time_s"], nullptr);
  EXPECT_EQ(losses["losses"][5], (Json{{"loss", "reduced_yield"}, {"time_s", nullptr}}));
  EXPECT_EQ(losses["losses"][2]["time_s"], 0);
}

TEST(NothingPlanned, HasNoAvailability) {
  // Planned maintenance all the time; still three pieces come out, in planned operation time.
  const Events events{state(on_monday("08:00:00"), "stopped", "MAINT"),
                      count(on_monday("09:00:00"), {{"good", 3}})};
  expect_fields(total(one_press(), events, monday("08:00:00", "12:00:00")), {{"planned_operation_time_s", 14400},
                                                                             {"planned_down_time_s", 14400},
                                                                             {"planned_busy_time_s", 0},
                                                                             {"availability", nullptr},
                                                                             {"oee", nullptr},
                                                                             {"effectiveness", nullptr},
                                                                             {"quality_ratio", 1},
                                                                             {"good_quantity", 3},
                                                                             {"teep", 3.0 / 14400},
                                                                             {"stops", 0},
                                                                             {"flags", {"not_planned"}}});
}

TEST(AClosure, LeavesTheShiftWithNothingPlanned) {
  Plant plant = early_shift_plant();
  plant.closures = {{"holiday", "", {20458, 0h}, {20458, 12h}, {}}};  // 2026-01-05, morning
  const Events events{state(on_monday("05:00:00"), "running"), count(on_monday("07:00:00"), {{"good", 3}})};
  const Json shifts =
      Oracle(plant, events, at("2026-01-05T11:00:00Z")).oee("plant", monday("00:00:00", "23:00:00"), "shift");
  ASSERT_EQ(shifts.size(), 1U);
  // Five hours of the shift have gone by, all of them closed.
  expect_fields(shifts[0], {{"planned_operation_time_s", 0},
                            {"calendar_time_s", 18000},
                            {"open", true},
                            {"unplanned_production_time_s", 18000},
                            {"unplanned_good_quantity", 3},
                            {"good_quantity", 0},
                            {"flags", {"not_planned"}}});
}

TEST(ProductionOutsideThePlan, StaysOutOfOee) {
  // Running 13:00..15:00, the shift ends at 14:00: an hour and 40 pieces belong to nobody.
  const Events events{state(on_monday("13:00:00"), "running"), count(on_monday("13:30:00"), {{"good", 60}}),
                      count(on_monday("14:00:00"), {{"good", 40}}), state(on_monday("15:00:00"), "down")};
  expect_fields(total(early_shift_plant(), events, monday("13:00:00", "16:00:00")),
                {{"planned_busy_time_s", 3600},
                 {"actual_production_time_s", 3600},
                 {"unplanned_production_time_s", 3600},
                 {"good_quantity", 60},
                 {"unplanned_good_quantity", 40},
                 {"oee", 60.0 / 3600},
                 {"stops", 0}});
}

TEST(Silence, MakesTheStateUnknownUntilSomethingIsHeard) {
  // Heard at 08:00, 08:20 (a reading) and 09:00; after 30 min of silence, at 08:50, the state is unknown till
  // 09:00, and again from 09:30. A classification is not heard.
  Plant plant = one_press();
  plant.machines[0].silence_timeout = 30min;
  const Events events{
      state(on_monday("08:00:00"), "down"),
      {{"type", "reading"}, {"machine", "M1"}, {"tag", "t"}, {"ts", on_monday("08:20:00")}, {"value", 1}},
      classify(on_monday("08:45:00"), "MAT"),
      count(on_monday("09:00:00"), {{"good", 1}})};
  const Oracle oracle(plant, events, at(on_monday("10:00:00")));
  EXPECT_EQ(
      lines_of(oracle.timeline("M1", monday("07:00:00", "12:00:00"))),
      (Lines{"07:00 08:00 unknown unknown - .", "08:00 08:45 down stop - .", "08:45 08:50 down stop MAT .",
             "08:50 09:00 unknown unknown - .", "09:00 09:30 down stop - .", "09:30 10:00 unknown unknown - o"}));
}

TEST(UnknownTime, IsLeftOutOrAStopWithoutReason) {
  // 08:00..09:00 running, 09:00..10:00 off, 10:00..12:00 running, 3600 pieces.
  const Events events{state(on_monday("08:00:00"), "running"), state(on_monday("09:00:00"), "off"),
                      state(on_monday("10:00:00"), "running"), count(on_monday("11:00:00"), {{"good", 3600}})};
  Plant plant = one_press();
  expect_fields(total(plant, events, monday("08:00:00", "12:00:00")), {{"planned_busy_time_s", 10800},
                                                                       {"unknown_time_s", 3600},
                                                                       {"availability", 1},
                                                                       {"oee", 3600.0 / 10800},
                                                                       {"flags", {"unknown_time"}}});
  plant.unknown_time = UnknownTimePolicy::stop;
  plant.machines[0].minor_stop = 7200s;  // and never minor
  expect_fields(total(plant, events, monday("08:00:00", "12:00:00")), {{"planned_busy_time_s", 14400},
                                                                       {"unknown_time_s", 3600},
                                                                       {"actual_unit_delay_time_s", 3600},
                                                                       {"minor_stop_time_s", 0},
                                                                       {"stops", 0},
                                                                       {"availability", 0.75},
                                                                       {"oee", 0.25},
                                                                       {"flags", {"unknown_time"}}});
  const Oracle oracle(plant, events, at("2026-01-06T00:00:00Z"));
  EXPECT_EQ(oracle.losses("plant", monday("08:00:00", "12:00:00"))["losses"][0]["time_s"], 3600);
  const Json items = oracle.pareto("plant", monday("08:00:00", "12:00:00"), "reason")["items"];
  ASSERT_EQ(items.size(), 1U);
  expect_fields(items[0], {{"key", nullptr}, {"time_s", 3600}, {"count", 0}, {"share", 1}});
}

TEST(Reclassification, OverridesTheStatesReasonHoweverLate) {
  // Down 08:00..10:00 for MAT. Anna says tool change for 08:30..09:00, later still someone says failure from 08:45
  // to the end of the stretch; the later record wins where both apply.
  const Events events{state(on_monday("08:00:00"), "down", "MAT"), state(on_monday("09:30:00"), "idle"),
                      state(on_monday("10:00:00"), "running"),
                      classify(on_monday("08:45:00"), "FAIL.ELEC", {{"recorded_at", "2026-01-07T00:00:00Z"}}),
                      classify(on_monday("08:30:00"), "SETUP.TOOL",
                               {{"end", on_monday("09:00:00")}, {"recorded_at", "2026-01-06T00:00:00Z"}})};
  const Oracle oracle(one_press(), events, at("2026-01-08T00:00:00Z"));
  EXPECT_EQ(lines_of(oracle.timeline("M1", monday("08:00:00", "11:00:00"))),
            (Lines{"08:00 08:30 down stop MAT .", "08:30 08:45 down setup SETUP.TOOL .",
                   "08:45 09:30 down stop FAIL.ELEC .", "09:30 10:00 idle stop FAIL.ELEC .",
                   "10:00 11:00 running production - ."}));
  expect_fields(
      oracle.oee("plant", monday("08:00:00", "11:00:00"), "total")[0],
      {{"actual_unit_setup_time_s", 900}, {"actual_unit_delay_time_s", 6300}, {"stops", 2}, {"failures", 1}});
}

TEST(Reclassification, HasNoEffectFromWithinProduction) {
  const Events events{state(on_monday("08:00:00"), "running"), classify(on_monday("08:30:00"), "MAT"),
                      state(on_monday("09:00:00"), "down")};
  const Oracle oracle(one_press(), events, at("2026-01-08T00:00:00Z"));
  EXPECT_EQ(oracle.pareto("plant", monday("08:00:00", "11:00:00"), "reason")["items"][0]["key"], nullptr);
}

TEST(AFailure, MayHaveSeveralReasonsAndCountsOnce) {
  // Two stops of one failure that begins before the shift: both failure and first stop count from 06:00.
  const Events events{state(on_monday("05:00:00"), "down", "FAIL.MECH"),
                      state(on_monday("07:30:00"), "down", "FAIL.ELEC"), state(on_monday("09:00:00"), "running")};
  const Json hours = Oracle(early_shift_plant(), events, at("2026-01-08T00:00:00Z"))
                         .oee("plant", monday("05:00:00", "10:00:00"), "hour");
  ASSERT_EQ(hours.size(), 5U);
  expect_fields(hours[0], {{"stops", 0}, {"failures", 0}});
  expect_fields(hours[1], {{"stops", 1}, {"failures", 1}});
  expect_fields(hours[2], {{"stops", 1}, {"failures", 0}});
  expect_fields(hours[3], {{"stops", 0}, {"failures", 0}});
}

TEST(ACounter, AddsItsIncreaseAfterAReset) {
  // baseline 100; +20; reset to 7: +7; +3. The scrap counter has its own baseline of 5.
  const Events events{count(on_monday("08:00:00"), {{"good_total", 100}}),
                      count(on_monday("08:10:00"), {{"good_total", 120}}),
                      count(on_monday("08:20:00"), {{"good_total", 7}, {"scrap_total", 5}}),
                      count(on_monday("08:30:00"), {{"good_total", 10}, {"scrap_total", 6}})};
  expect_fields(total(one_press(), events, monday("08:00:00", "09:00:00")),
                {{"good_quantity", 30}, {"scrap_quantity", 1}});
  // The increase belongs to the later reading's time.
  expect_fields(total(one_press(), events, monday("08:10:00", "08:20:00")), {{"good_quantity", 20}});
}

TEST(ACounter, WrapsWhereTheIncreaseIsLessThanHalfOfTheModulus) {
  // 1000: 990 to 15 is +25; 15 to 14 would be +999, so that is a reset: +14.
  Plant plant = one_press();
  plant.machines[0].counter_modulus = 1000;
  const Events events{count(on_monday("08:00:00"), {{"good_total", 990}}),
                      count(on_monday("08:10:00"), {{"good_total", 15}}),
                      count(on_monday("08:20:00"), {{"good_total", 14}})};
  EXPECT_EQ(total(plant, events, monday("08:00:00", "09:00:00"))["good_quantity"], 39);
}

TEST(ACycle, CountsOneGoodPieceAtItsEndUnlessItSaysOtherwise) {
  auto cycle = [](const char* start, const char* end, Json fields) {
    Json event{{"type", "cycle"}, {"machine", "M1"}, {"start", on_monday(start)}, {"end", on_monday(end)}};
    event.update(fields);
    return event;
  };
  const Events events{cycle("07:59:30", "08:00:00", Json::object()), cycle("08:10:00", "08:10:30", {{"scrap", 1}}),
                      cycle("08:59:30", "09:00:00", Json::object())};
  expect_fields(total(one_press(), events, monday("08:00:00", "09:00:00")),
                {{"good_quantity", 1}, {"scrap_quantity", 1}});
}

TEST(TheSetOfEvents, DecidesNotTheirOrder) {
  // The count is sent as 5, corrected to 6, repeated in another spelling; another one is withdrawn before it
  // comes.
  Json first = count(on_monday("08:10:00"), {{"good", 5}});
  Json corrected = count(on_monday("08:10:00"), {{"good", 6}, {"revision", 1}});
  Json repeated = count("2026-01-05T09:10:00+01:00", {{"good", 5}});
  Json withdrawal = count(on_monday("08:20:00"), {{"deleted", true}});
  Json withdrawn = count(on_monday("08:20:00"), {{"good", 100}});
  const TimeRange range = monday("08:00:00", "09:00:00");
  EXPECT_EQ(total(one_press(), {first, corrected, repeated, withdrawal, withdrawn}, range)["good_quantity"], 6);
  EXPECT_EQ(total(one_press(), {withdrawn, repeated, withdrawal, corrected, first}, range)["good_quantity"], 6);
  withdrawn["revision"] = 1;
  EXPECT_EQ(total(one_press(), {withdrawn, withdrawal}, range)["good_quantity"], 100);
  first["id"] = "a";  // two true events of one instant
  EXPECT_EQ(total(one_press(), {first, repeated}, range)["good_quantity"], 10);
}

TEST(StatesOfOneInstant, LeaveTheLastById) {
  Json down = state(on_monday("08:00:00"), "down");
  Json running = state(on_monday("08:00:00"), "running");
  down["id"] = "a";
  running["id"] = "b";
  EXPECT_EQ(total(one_press(), {running, down}, monday("08:00:00", "09:00:00"))["stops"], 0);
  down["id"] = "c";
  EXPECT_EQ(total(one_press(), {running, down}, monday("08:00:00", "09:00:00"))["stops"], 1);
}

TEST(AGroup, IsASumOfItsMachines) {
  // M1 runs one hour with 1800 pieces; M2, on a line of its own with a shift plan, is planned for half of it and
  // idle.
  Plant plant = one_press();
  Machine second = plant.machines[0];
  second.id = "M2";
  second.line = "L1";
  plant.machines.push_back(second);
  plant.lines = {{"L1", "", "A1"}};
  plant.areas = {{"A1", ""}};
  plant.shifts = {shift("half", 8h, 8h + 30min)};
  plant.shifts[0].scope = {Scope::Kind::line, "L1"};
  Json idle = state(on_monday("08:00:00"), "idle");
  idle["machine"] = "M2";
  const Events events{state(on_monday("08:00:00"), "running"), count(on_monday("08:30:00"), {{"good", 1800}}),
                      idle};
  expect_fields(total(plant, events, monday("08:00:00", "09:00:00")), {{"calendar_time_s", 7200},
                                                                       {"planned_busy_time_s", 5400},
                                                                       {"availability", 3600.0 / 5400},
                                                                       {"oee", 1800.0 / 5400},
                                                                       {"teep", 0.25},
                                                                       {"stops", 1},
                                                                       {"minor_stops", 0}});
  const Oracle oracle(plant, events, at("2026-01-08T00:00:00Z"));
  EXPECT_EQ(oracle.oee("area:A1", monday("08:00:00", "09:00:00"), "total")[0]["calendar_time_s"], 3600);
  const Json shifts = oracle.oee("plant", monday("08:00:00", "09:00:00"), "shift");
  ASSERT_EQ(shifts.size(), 2U);  // M1's day and M2's half hour
  expect_fields(shifts[0], {{"shift", nullptr}, {"calendar_time_s", 3600}, {"partial", true}});
  expect_fields(shifts[1], {{"shift", "half"}, {"calendar_time_s", 1800}, {"partial", false}});
}

TEST(Buckets, OfWeekMonthAndYearBeginAtLocalMidnight) {
  const Oracle oracle(one_press("Europe/Berlin"), {}, at("2026-12-31T12:00:00Z"));
  const TimeRange range = between("2026-01-07T00:00:00Z", "2026-02-10T00:00:00Z");
  const Json weeks = oracle.oee("plant", range, "week");
  ASSERT_EQ(weeks.size(), 6U);
  expect_fields(weeks[0], {{"business_date", "2026-01-05"}, {"start", "2026-01-07T00:00:00Z"}, {"partial", true}});
  expect_fields(weeks[1],
                {{"business_date", "2026-01-12"}, {"start", "2026-01-11T23:00:00Z"}, {"partial", false}});
  const Json months = oracle.oee("plant", range, "month");
  ASSERT_EQ(months.size(), 2U);
  EXPECT_EQ(months[1]["start"], "2026-01-31T23:00:00Z");
  const Json years = oracle.oee("plant", between("2025-12-31T22:00:00Z", "2027-01-01T00:00:00Z"), "year");
  ASSERT_EQ(years.size(), 2U);
  expect_fields(years[1], {{"business_date", "2026-01-01"},
                           {"start", "2025-12-31T23:00:00Z"},
                           {"open", true},
                           {"end", "2026-12-31T23:00:00Z"}});
}

}  // namespace
}  // namespace takt
