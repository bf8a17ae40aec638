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

INSTANTIATE_TEST_SUITE_P(OfFile, PlainShiftOverHttp, testing::Values("plain_shift"));

}  // namespace
}  // namespace takt::test
