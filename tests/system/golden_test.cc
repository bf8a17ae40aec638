// Golden shifts through the wire and back; tests/figures feeds all of them to an engine in process.
#include "tests/golden/golden_shift.h"
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

class GoldenShiftOverHttp : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.wait_until_ready()); }
  void expect_answers() {
    golden::expect_answers(shift_,
                           [&](const golden::Question& question) { return client_.json(question.target()); });
  }
  /// Of the first question, without its revision.
  Json first_bucket() {
    Json bucket = client_.json(shift_.questions.front().target())["buckets"][0];
    bucket.erase("revision");
    return bucket;
  }

  const golden::Shift shift_ = golden::read_shift(std::string{"tests/golden/"} + GetParam() + ".shift");
  TemporaryFolder folder_;
  RunningServer server_{folder_, shift_.plants.front().toml};
  Client client_{server_};
};

TEST_P(GoldenShiftOverHttp, HasItsAnswers) {
  for (const golden::EventTable& table : shift_.tables) {
    const HttpReply reply =
        client_.post("/v1/events", table.body, table.csv ? "text/csv" : "application/x-ndjson");
    EXPECT_EQ(json_of(reply)["rejected"], 0) << reply.body;
  }
  expect_answers();
}

INSTANTIATE_TEST_SUITE_P(OfFile, GoldenShiftOverHttp,
                         testing::Values("plain_shift", "aggregated_line", "late_reclassification",
                                         "night_in_autumn"),
                         [](const auto& file) { return std::string{file.param}; });

class PlainShiftOverHttp : public GoldenShiftOverHttp {};

TEST_P(PlainShiftOverHttp, HasEveryElementOfABucketAndNoOther) {
  client_.send(shift_.events);
  const Json bucket = client_.json(shift_.questions.front().target())["buckets"][0];
  EXPECT_TRUE(bucket.at("revision").is_number_unsigned());
  std::set<std::string> shown, expected{"revision"};
  for (const auto& [name, value] : bucket.items()) shown.insert(name);
  for (const golden::Line& line : shift_.questions.front().answer) expected.insert(line.words[0]);
  EXPECT_EQ(shown, expected);
}

TEST_P(PlainShiftOverHttp, StaysWhatItIsAfterDuplicatesAndFollowsACorrection) {
  EXPECT_EQ(client_.send(shift_.events)["accepted"], shift_.events.size());
  const Json before = first_bucket();
  EXPECT_EQ(client_.send(shift_.events)["duplicate"], shift_.events.size());
  EXPECT_EQ(first_bucket(), before);
  Json count = shift_.events.back();
  ASSERT_EQ(count["good"], 5000);
  count.update({{"good", 4990}, {"scrap", 10}, {"revision", 1}});
  EXPECT_EQ(client_.send({count})["accepted"], 1);
  EXPECT_EQ(first_bucket()["good_quantity"], 7490);
  EXPECT_EQ(first_bucket()["produced_quantity"], 7580);
  count.update({{"revision", 2}, {"deleted", true}});
  EXPECT_EQ(client_.send({count})["accepted"], 1);
  EXPECT_EQ(first_bucket()["good_quantity"], 2500);
}

TEST_P(PlainShiftOverHttp, ExplainsItself) {
  client_.send(shift_.events);
  const std::string question = "scope=machine:M1&from=2025-01-06T05:00:00Z&to=2025-01-06T13:00:00Z";
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

INSTANTIATE_TEST_SUITE_P(OfFile, PlainShiftOverHttp, testing::Values("plain_shift"));

}  // namespace
}  // namespace takt::test
