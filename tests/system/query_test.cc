// takt query: the API's answers as table, CSV and JSON, digit by digit.
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Query : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server.wait_until_ready());
    Client client{server};
    client.send({Json{{"type", "state"}, {"machine", "M1"}, {"ts", "2026-01-05T06:00:00Z"}, {"state", "running"}},
                 Json{{"type", "state"}, {"machine", "M1"}, {"ts", "2026-01-05T07:00:00Z"}, {"state", "down"}},
                 Json{{"type", "state"}, {"machine", "M1"}, {"ts", "2026-01-05T07:20:00Z"}, {"state", "running"}},
                 Json{{"type", "reading"},
                      {"machine", "M1"},
                      {"tag", "a b&c"},
                      {"ts", "2026-01-05T07:00:00Z"},
                      {"value", 0.1}},
                 Json{{"type", "count"},
                      {"machine", "M1"},
                      {"ts", "2026-01-05T07:30:00Z"},
                      {"good", 3000},
                      {"scrap", 7},
                      {"defect", "A,\"B\""}}});
  }
  Finished query(std::vector<std::string> words, const std::string& output) {
    words.insert(words.begin(), "query");
    words.insert(words.end(), {"--server", server.url(), "--output", output});
    return run_takt(words);
  }
  std::string answer(const std::vector<std::string>& words, const std::string& output) {
    const Finished done = query(words, output);
    EXPECT_EQ(done.status, 0) << done.error;
    return done.output;
  }
  std::vector<std::string> ranged(std::vector<std::string> words) {
    words.insert(words.end(), {"--from", "2026-01-05T06:00:00Z", "--to", "2026-01-05T08:00:00Z"});
    return words;
  }

  TemporaryFolder folder;
  RunningServer server{folder, simple_plant(2)};
};

TEST_F(Query, AsJsonIsTheApisAnswerByteForByte) {
  Client client{server};
  const std::string range = "from=2026-01-05T06:00:00Z&to=2026-01-05T08:00:00Z";
  EXPECT_EQ(answer(ranged({"oee", "--scope", "machine:M1", "--grain", "hour"}), "json"),
            client.get("/v1/oee?scope=machine:M1&grain=hour&" + range).body + "\n");
  EXPECT_EQ(answer(ranged({"kpis"}), "json"), client.get("/v1/kpis?" + range).body + "\n");
}

TEST_F(Query, AsCsvHasARowForEachAndTheApisDigits) {
  const std::string csv = answer(ranged({"oee", "--group", "machine"}), "csv");
  EXPECT_THAT(csv, StartsWith("scope,start,end,shift,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3) << "a head and two machines";
  EXPECT_THAT(csv, HasSubstr("0.8333333333333334")) << "availability 6000 / 7200 s";
  EXPECT_EQ(answer(ranged({"defects"}), "csv"),
            "key,name,quantity,share,cumulative_share\r\n\"A,\"\"B\"\"\",\"A,\"\"B\"\"\",7,1,1\r\n");
  EXPECT_EQ(answer(ranged({"series", "--machine", "M1", "--tag", "a b&c"}), "csv"),
            "time,value\r\n2026-01-05T07:00:00Z,0.1\r\n");
  EXPECT_THAT(answer(ranged({"reliability", "--scope", "machine:M1"}), "csv"), HasSubstr("operating_time_s"));
}

TEST_F(Query, AsATableHasColumnsAndWhatStandsBeside) {
  const std::string timeline = answer(ranged({"timeline", "--machine", "M1"}), "table");
  EXPECT_EQ(timeline.substr(0, timeline.find('\n')),
            "start                 end                   state    category    reason  minor_stop  open");
  EXPECT_THAT(timeline, HasSubstr("2026-01-05T07:00:00Z  2026-01-05T07:20:00Z  down     stop"));
  EXPECT_THAT(answer(ranged({"losses", "--scope", "machine:M1"}), "table"),
              HasSubstr("equipment_failure         1200"));
  EXPECT_THAT(answer(ranged({"pareto"}), "table"), HasSubstr("total_time_s  1200"));
}

TEST_F(Query, AnswersEveryCall) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"oee"},
                                             {"current"},
                                             {"explain", "--scope", "machine:M1"},
                                             {"timeline", "--machine", "M1"},
                                             {"losses"},
                                             {"pareto", "--by", "machine"},
                                             {"defects"},
                                             {"production"},
                                             {"kpis"},
                                             {"reliability"},
                                             {"quality", "--machine", "M1", "--characteristic", "d"},
                                             {"schedule"},
                                             {"health"},
                                             {"sources"}}) {
    for (const char* output : {"table", "json", "csv"}) {
      const Finished done = query(words, output);
      EXPECT_EQ(done.status, 0) << words[0] << ' ' << output << ": " << done.error;
      EXPECT_FALSE(done.output.empty()) << words[0] << ' ' << output;
    }
  }
}

TEST_F(Query, SaysWhatIsWrongInOneLine) {
  const Finished unknown = query({"oee", "--scope", "machine:M9"}, "table");
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.error, HasSubstr("M9"));
  EXPECT_EQ(unknown.complaints().size(), 1U);
  EXPECT_EQ(query({"timeline"}, "table").status, 2);
  EXPECT_EQ(query({"nothing"}, "table").status, 2);
  EXPECT_EQ(query({"oee"}, "yaml").status, 2);
  EXPECT_EQ(run_takt({"query", "oee", "--server", "http://127.0.0.1:1"}).status, 1);
}

}  // namespace
}  // namespace takt::test
