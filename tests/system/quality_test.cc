// GET /v1/quality and /v1/quality/pareto as their users meet them.
#include "tests/system/running_server.h"

#include <gtest/gtest.h>

namespace takt::test {
namespace {

constexpr const char* kPlant = R"(
[plant]
id = "P1"
[[machine]]
id = "M1"
[[defect]]
code = "BURR"
name = "Burr"
[[characteristic]]
product = "X"
name = "diameter"
lsl = 73.95
usl = 74.05
target = 74.0
subgroup_size = 5
)";
constexpr const char* kRange = "&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z";

Json measured(int i, double value, const char* result = "pass") {
  return {{"type", "quality"},
          {"machine", "M1"},
          {"ts", "2026-01-05T00:00:" + std::string(i < 10 ? "0" : "") + std::to_string(i) + "Z"},
          {"product", "X"},
          {"characteristic", "diameter"},
          {"value", value},
          {"serial", "S" + std::to_string(i)},
          {"result", result}};
}

class QualityCall : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server.wait_until_ready());
    client = std::make_unique<Client>(server);
  }
  TemporaryFolder folder;
  RunningServer server{folder, kPlant};
  std::unique_ptr<Client> client;
};

TEST_F(QualityCall, TakesLimitsOfThePlantUnlessItIsTold) {
  std::vector<Json> events;
  for (int i = 0; i < 25; ++i) events.push_back(measured(i, 74 + (i % 5 - 2) * 0.01, i == 7 ? "fail" : "pass"));
  client->send(events);
  client->send(events);
  const std::string target = std::string{"/v1/quality?machine=M1&characteristic=diameter"} + kRange;
  const Json q = client->json(target);
  EXPECT_EQ(q["n"], 25);
  EXPECT_EQ(q["subgroup_size"], 5);
  EXPECT_EQ(q["inspected"], 25);
  EXPECT_EQ(q["first_pass"], 24);
  EXPECT_EQ(q["fpy"], 0.96);
  EXPECT_NEAR(q["sigma_within"].get<double>(), 0.04 / 2.326, 1e-5);  // every range is 0.04
  EXPECT_NEAR(q["cp"].get<double>(), 0.1 / (6 * 0.04 / 2.326), 1e-3);
  ASSERT_EQ(q["charts"].size(), 2U);
  EXPECT_EQ(q["charts"][0]["kind"], "xbar");
  EXPECT_EQ(q["charts"][0]["points"].size(), 5U);
  EXPECT_TRUE(q["charts"][0]["violations"].empty());
  const Json told = client->json(target + "&usl=74.2&subgroup_size=1&rules=western_electric");
  EXPECT_EQ(told["usl"], 74.2);
  EXPECT_EQ(told["lsl"], 73.95);
  EXPECT_EQ(told["charts"][0]["kind"], "x");
}

TEST_F(QualityCall, NamesTheRulesThatAPointBreaks) {
  std::vector<Json> events;
  for (int i = 0; i < 20; ++i) events.push_back(measured(i, 10 + i % 2));
  events.push_back(measured(20, 40));
  client->send(events);
  const std::string target =
      std::string{"/v1/quality?machine=M1&characteristic=diameter&subgroup_size=1"} + kRange;
  const Json nelson = client->json(target)["charts"][0]["violations"];
  ASSERT_FALSE(nelson.empty());
  EXPECT_EQ(nelson.back()["index"], 20);
  EXPECT_EQ(nelson.back()["rules"][0], "nelson1");
  EXPECT_EQ(client->json(target + "&rules=western_electric")["charts"][0]["violations"].back()["rules"][0],
            "western_electric1");
  EXPECT_TRUE(client->json(target + "&rules=none")["charts"][0]["violations"].empty());
}

TEST_F(QualityCall, SaysWhatIsWrongWithAQuestion) {
  expect_problem(client->get("/v1/quality?machine=M1"), 400);
  expect_problem(client->get("/v1/quality?characteristic=diameter"), 400);
  expect_problem(client->get("/v1/quality?machine=M9&characteristic=diameter"), 404);
  for (const char* wrong :
       {"lsl=nan", "usl=1e999", "lsl=x", "lsl=80&usl=70", "subgroup_size=0", "subgroup_size=26",
        "subgroup_size=-1", "rules=all", "chart=pie", "from=2026-01-06T00:00:00Z&to=2026-01-05T00:00:00Z"})
    expect_problem(client->get(std::string{"/v1/quality?machine=M1&characteristic=diameter&"} + wrong), 400);
}

TEST_F(QualityCall, ParetoHasNamesAndShares) {
  client->send(
      {Json{{"type", "count"},
            {"machine", "M1"},
            {"ts", "2026-01-05T01:00:00Z"},
            {"good", 5},
            {"scrap", 3},
            {"defect", "BURR"}},
       Json{{"type", "count"}, {"machine", "M1"}, {"ts", "2026-01-05T01:00:00Z"}, {"good", 5}, {"rework", 1}}});
  const Json pareto = client->json(std::string{"/v1/quality/pareto?scope=machine:M1"} + kRange);
  EXPECT_EQ(pareto["total_quantity"], 4);
  EXPECT_EQ(
      pareto["items"][0],
      (Json{{"key", "BURR"}, {"name", "Burr"}, {"quantity", 3}, {"share", 0.75}, {"cumulative_share", 0.75}}));
  EXPECT_TRUE(pareto["items"][1]["key"].is_null());
  expect_problem(client->get("/v1/quality/pareto?scope=machine:M9"), 404);
}

}  // namespace
}  // namespace takt::test
