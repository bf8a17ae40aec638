// A shift that a plant engineer can check with a pencil, through the wire and back.
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

// Monday, 6 January 2025, early shift in Berlin: 06:00 to 14:00 is 05:00 to 13:00 UTC; break 10:00 to 10:30 is
// 09:00 to 09:30 UTC. An X takes 2 s, a Y 4 s.
constexpr std::string_view kPlant = R"(
[plant]
id = "P1"
timezone = "Europe/Berlin"
[[line]]
id = "L1"
[[machine]]
id = "M1"
line = "L1"
ideal_cycle_s = 2.0
minor_stop_s = 300
[[ideal_cycle]]
machine = "M1"
product = "Y"
seconds = 4.0
[[shift]]
id = "early"
start = "06:00"
end = "14:00"
breaks = [["10:00", "10:30"]]
[[reason]]
code = "FAIL"
category = "failure"
[[reason]]
code = "FAIL.MECH"
name = "Mechanical failure"
parent = "FAIL"
)";

Json state(const std::string& time, const std::string& name) {
  return {{"type", "state"}, {"machine", "M1"}, {"ts", "2025-01-06T" + time + "Z"}, {"state", name}};
}

Json count(const std::string& time, const std::string& product, int good, int scrap, int rework) {
  return {{"type", "count"},    {"machine", "M1"}, {"ts", "2025-01-06T" + time + "Z"},
          {"product", product}, {"good", good},    {"scrap", scrap},
          {"rework", rework}};
}

std::vector<Json> shift_events() {
  Json failure = state("07:00:00", "down");
  failure["reason"] = "FAIL.MECH";
  Json first_pieces = count("05:30:00", "X", 0, 30, 0);
  first_pieces["startup"] = true;
  return {
      state("05:00:00", "setup"),  // 600 s of setup
      state("05:10:00", "running"),
      first_pieces,                         // 30 start-up rejects
      count("06:00:00", "X", 1500, 20, 5),  // 1525 X
      state("06:10:00", "idle"),            // 120 s without a reason: a minor stop
      state("06:12:00", "running"),
      failure,                              // 2880 s
      state("07:48:00", "running"),         // through the break: 1800 s of unplanned production
      count("08:30:00", "Y", 1000, 10, 0),  // 1010 Y
      count("09:15:00", "X", 100, 0, 0),    // in the break
      state("10:00:00", "planned_stop"),    // 900 s of planned down time
      state("10:15:00", "running"),
      state("11:00:00", "down"),  // 600 s without a reason: too long to be minor
      state("11:10:00", "running"),
      state("12:00:00", "off"),  // 300 s unknown
      state("12:05:00", "running"),
      count("12:30:00", "X", 5000, 0, 15),  // 5015 X
      state("13:00:00", "off"),
  };
}

class GoldenShift : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.wait_until_ready());
    EXPECT_EQ(client_.send(shift_events())["accepted"], 18);
  }
  TemporaryFolder folder_;
  RunningServer server_{folder_, kPlant};
  Client client_{server_};
  std::string range_ = "from=2025-01-06T05:00:00Z&to=2025-01-06T13:00:00Z";
};

TEST_F(GoldenShift, HasEveryElementOfItsBucket) {
  const Json answer = client_.json("/v1/oee?scope=machine:M1&grain=shift&" + range_);
  EXPECT_EQ(answer["scope"], "machine:M1");
  EXPECT_EQ(answer["grain"], "shift");
  ASSERT_EQ(answer["buckets"].size(), 1U);
  Json bucket = answer["buckets"][0];
  EXPECT_EQ(bucket["revision"], bucket["revision"].get<std::uint64_t>());
  bucket.erase("revision");

  // APT 05:10-06:10 3600 + 06:12-07:00 2880 + 07:48-09:00 4320 + 09:30-10:00 1800 + 10:15-11:00 2700
  //   + 11:10-12:00 3000 + 12:05-13:00 3300 = 21600. Delay 120 + 2880 + 600 = 3600. PBT 27000 - 900 - 300 = 25800.
  // Ideal production (30 + 1525 + 5015) x 2 + 1010 x 4 = 17180, ideal good 6500 x 2 + 1000 x 4 = 17000.
  const Json expected = {{"start", "2025-01-06T05:00:00Z"},
                         {"end", "2025-01-06T13:00:00Z"},
                         {"shift", "early"},
                         {"business_date", "2025-01-06"},
                         {"open", false},
                         {"partial", false},
                         {"calendar_time_s", 28800},
                         {"planned_operation_time_s", 27000},
                         {"planned_down_time_s", 900},
                         {"planned_busy_time_s", 25800},
                         {"actual_production_time_s", 21600},
                         {"actual_unit_setup_time_s", 600},
                         {"actual_unit_delay_time_s", 3600},
                         {"minor_stop_time_s", 120},
                         {"unknown_time_s", 300},
                         {"unplanned_production_time_s", 1800},
                         {"produced_quantity", 7580},
                         {"good_quantity", 7500},
                         {"scrap_quantity", 60},
                         {"rework_quantity", 20},
                         {"unplanned_produced_quantity", 100},
                         {"unplanned_good_quantity", 100},
                         {"ideal_production_time_s", 17180},
                         {"ideal_good_time_s", 17000},
                         {"stops", 3},
                         {"minor_stops", 1},
                         {"failures", 1},
                         {"availability", 21600.0 / 25800},
                         {"effectiveness", 17180.0 / 21600},
                         {"quality_ratio", 17000.0 / 17180},
                         {"quality_ratio_by_count", 7500.0 / 7580},
                         {"oee", 17000.0 / 25800},
                         {"net_equipment_effectiveness", 17000.0 * 22200 / (25800.0 * 21600)},
                         {"teep", 17000.0 / 28800},
                         {"flags", {"unknown_time"}}};
  for (const auto& [name, value] : expected.items()) {
    ASSERT_TRUE(bucket.contains(name)) << name;
    if (value.is_number_float())
      EXPECT_DOUBLE_EQ(bucket[name].get<double>(), value.get<double>()) << name;
    else
      EXPECT_EQ(bucket[name], value) << name;
    bucket.erase(name);
  }
  EXPECT_TRUE(bucket.empty()) << bucket;
}

TEST_F(GoldenShift, LosesItsTimeToTheSixBigLosses) {
  // Reduced speed 21600 - 17180; defects (20 + 5 + 15) x 2 + 10 x 4; reduced yield 30 x 2. They add up to 25800.
  const Json expected = {{"planned_busy_time_s", 25800},
                         {"valuable_time_s", 17000},
                         {"losses",
                          {{{"loss", "equipment_failure"}, {"time_s", 3480}},
                           {{"loss", "setup_and_adjustment"}, {"time_s", 600}},
                           {{"loss", "idling_and_minor_stops"}, {"time_s", 120}},
                           {{"loss", "reduced_speed"}, {"time_s", 4420}},
                           {{"loss", "process_defects"}, {"time_s", 120}},
                           {{"loss", "reduced_yield"}, {"time_s", 60}}}}};
  EXPECT_EQ(client_.json("/v1/losses?scope=machine:M1&" + range_), expected);
}

TEST_F(GoldenShift, NamesItsStopsLongestFirst) {
  const Json pareto = client_.json("/v1/downtime/pareto?scope=plant&" + range_);
  EXPECT_EQ(pareto["total_time_s"], 3600);
  const Json first = {{"key", "FAIL.MECH"}, {"name", "Mechanical failure"}, {"time_s", 2880}, {"count", 1},
                      {"share", 0.8},       {"cumulative_share", 0.8}};
  const Json second = {{"key", nullptr}, {"name", nullptr}, {"time_s", 720},
                       {"count", 2},     {"share", 0.2},    {"cumulative_share", 1.0}};
  EXPECT_EQ(pareto["items"], (Json{first, second}));
  const Json by_category = client_.json("/v1/downtime/pareto?by=category&" + range_);
  EXPECT_EQ(by_category["items"][0]["key"], "failure");
  const Json by_machine = client_.json("/v1/downtime/pareto?by=machine&" + range_);
  ASSERT_EQ(by_machine["items"].size(), 1U);
  EXPECT_EQ(by_machine["items"][0]["time_s"], 3600);
  EXPECT_EQ(by_machine["items"][0]["count"], 3);
}

TEST_F(GoldenShift, HasAGaplessTimeline) {
  const Json timeline = client_.json("/v1/timeline?machine=M1&" + range_);
  const Json& intervals = timeline["intervals"];
  ASSERT_EQ(intervals.size(), 12U) << intervals.dump(1);
  const Json minor = {{"start", "2025-01-06T06:10:00Z"},
                      {"end", "2025-01-06T06:12:00Z"},
                      {"state", "idle"},
                      {"category", "stop"},
                      {"reason", nullptr},
                      {"minor_stop", true},
                      {"open", false}};
  const Json failure = {
      {"start", "2025-01-06T07:00:00Z"}, {"end", "2025-01-06T07:48:00Z"}, {"state", "down"}, {"category", "stop"},
      {"reason", "FAIL.MECH"},           {"minor_stop", false},           {"open", false}};
  EXPECT_EQ(intervals[2], minor);
  EXPECT_EQ(intervals[4], failure);
  EXPECT_EQ(intervals[10]["category"], "unknown");
  for (std::size_t i = 1; i < intervals.size(); ++i)
    EXPECT_EQ(intervals[i]["start"], intervals[i - 1]["end"]) << i;
}

TEST_F(GoldenShift, ExplainsItself) {
  const std::string question = "scope=machine:M1&" + range_;
  const Json e = client_.json("/v1/oee/explain?" + question);
  EXPECT_EQ(e["figure"], client_.total(question));
  EXPECT_EQ(e["losses"], client_.json("/v1/losses?" + question));
  EXPECT_EQ(e["policies"]["minor_stops"], "availability");
  EXPECT_EQ(e["policies"]["unknown_time"], "exclude");
  ASSERT_EQ(e["plant_versions"].size(), 1U);
  EXPECT_EQ(e["plant_versions"][0]["plant"], e["policies"]["plant"]);
  EXPECT_GT(e["sequence"], 0);

  // Of each interval: its start, length, category, element; * where it is not planned.
  std::vector<std::string> intervals;
  for (const Json& i : e["intervals"]) {
    EXPECT_EQ(i["shift"], "early");
    EXPECT_EQ(i["unplanned"], i["planned"].get<bool>() ? Json(nullptr) : Json("break"));
    intervals.push_back(i["start"].get<std::string>().substr(11, 5) + ' ' + i["time_s"].dump() + ' ' +
                        i["category"].get<std::string>() + ' ' + i["element"].get<std::string>() +
                        (i["planned"].get<bool>() ? "" : " *"));
  }
  const std::vector<std::string> expected = {"05:00 600 setup actual_unit_setup_time",
                                             "05:10 3600 production actual_production_time",
                                             "06:10 120 stop actual_unit_delay_time",
                                             "06:12 2880 production actual_production_time",
                                             "07:00 2880 stop actual_unit_delay_time",
                                             "07:48 4320 production actual_production_time",
                                             "09:00 1800 production unplanned_production_time *",
                                             "09:30 1800 production actual_production_time",
                                             "10:00 900 planned_stop planned_down_time",
                                             "10:15 2700 production actual_production_time",
                                             "11:00 600 stop actual_unit_delay_time",
                                             "11:10 3000 production actual_production_time",
                                             "12:00 300 unknown unknown_time",
                                             "12:05 3300 production actual_production_time"};
  EXPECT_EQ(intervals, expected);

  std::vector<std::string> stops;
  for (const Json& stop : e["stops"]) {
    EXPECT_EQ(stop["counts"], true);
    EXPECT_EQ(stop["minor_stop_s"], 300);
    stops.push_back(stop["time_s"].dump() + ' ' + stop["verdict"].get<std::string>());
  }
  EXPECT_EQ(stops, (std::vector<std::string>{"120 within_limit", "2880 reason", "600 over_limit"}));
  ASSERT_EQ(e["failures"].size(), 1U);
  EXPECT_EQ(e["failures"][0]["start"], "2025-01-06T07:00:00Z");

  // Product, planned, cycle and where it is from, produced, good, ideal production and ideal good time.
  std::vector<std::string> counts;
  for (const Json& c : e["counts"]) {
    counts.push_back(c["product"].get<std::string>() + ' ' + c["planned"].dump() + ' ' +
                     c["ideal_cycle_s"].dump() + ' ' + c["ideal_cycle_from"].get<std::string>() + ' ' +
                     c["produced_quantity"].dump() + ' ' + c["good_quantity"].dump() + ' ' +
                     c["ideal_production_time_s"].dump() + ' ' + c["ideal_good_time_s"].dump());
  }
  EXPECT_EQ(counts, (std::vector<std::string>{"X true 2 machine 6570 6500 13140 13000",
                                              "X false 2 machine 100 100 null null",
                                              "Y true 4 ideal_cycle 1010 1000 4040 4000"}));
  EXPECT_EQ(e["counts"][0]["startup_reject_quantity"], 30);

  const Json availability = {{"id", "availability"},
                             {"formula", "APT / PBT"},
                             {"inputs", {{"APT", 21600}, {"PBT", 25800}}},
                             {"value", 21600.0 / 25800},
                             {"reason", nullptr}};
  ASSERT_EQ(e["formulas"].size(), 7U);
  EXPECT_EQ(e["formulas"][0], availability);
}

TEST_F(GoldenShift, IsTheSumOfItsHours) {
  const Json hours = client_.json("/v1/oee?scope=line:L1&grain=hour&" + range_)["buckets"];
  ASSERT_EQ(hours.size(), 8U);
  EXPECT_EQ(hours[0]["shift"], nullptr);
  EXPECT_EQ(hours[2]["failures"], 1);                     // 07:00 to 08:00 UTC
  EXPECT_EQ(hours[4]["planned_operation_time_s"], 1800);  // half of it is break
  const Json total = client_.total("scope=line:L1&" + range_);
  EXPECT_EQ(total["business_date"], nullptr);
  for (const char* element :
       {"planned_busy_time_s", "actual_production_time_s", "unplanned_production_time_s", "good_quantity",
        "unplanned_good_quantity", "ideal_good_time_s", "stops", "calendar_time_s"}) {
    double sum = 0;
    for (const Json& hour : hours) sum += hour[element].get<double>();
    EXPECT_EQ(sum, total[element].get<double>()) << element;
  }
}

TEST_F(GoldenShift, StaysWhatItIsAfterALateDuplicateAndACorrection) {
  const std::string question = "scope=machine:M1&" + range_;
  const Json before = client_.total(question);
  const Json duplicates = client_.send(shift_events());
  EXPECT_EQ(duplicates["duplicate"], 18);
  EXPECT_EQ(client_.total(question), before);
  Json correction = count("12:30:00", "X", 4990, 10, 15);
  correction["revision"] = 1;
  EXPECT_EQ(client_.send({correction})["accepted"], 1);
  EXPECT_EQ(client_.total(question)["good_quantity"], 7490);
  EXPECT_EQ(client_.total(question)["produced_quantity"], 7580);
  Json withdrawal = count("12:30:00", "X", 0, 0, 0);
  withdrawal["revision"] = 2;
  withdrawal["deleted"] = true;
  EXPECT_EQ(client_.send({withdrawal})["accepted"], 1);
  EXPECT_EQ(client_.total(question)["good_quantity"], 2500);
}

}  // namespace
}  // namespace takt::test
