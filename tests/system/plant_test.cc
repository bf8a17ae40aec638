// GET and PUT /v1/plant: the description as data, and the past as it would have been.
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

using testing::HasSubstr;

constexpr std::string_view kRange = "from=2025-01-06T06:00:00Z&to=2025-01-06T07:00:00Z";

class PlantOverHttp : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.wait_until_ready());
    // One hour of running, 1800 pieces at an ideal second each: effectiveness one half.
    client_.send({{{"type", "state"}, {"machine", "M1"}, {"ts", "2025-01-06T06:00:00Z"}, {"state", "running"}},
                  {{"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T06:30:00Z"}, {"good", 1800}},
                  {{"type", "state"}, {"machine", "M1"}, {"ts", "2025-01-06T07:00:00Z"}, {"state", "off"}}});
  }
  double oee() { return client_.total("scope=machine:M1&" + std::string{kRange})["oee"].get<double>(); }
  Json plant() { return client_.json("/v1/plant"); }
  Json put(const std::string& query, const Json& plant) {
    const HttpReply reply = client_.put("/v1/plant" + query, plant.dump(), "application/json");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json_of(reply);
  }

  TemporaryFolder folder_;
  RunningServer server_{folder_, simple_plant(2)};
  Client client_{server_};
};

TEST_F(PlantOverHttp, ChangesNothingInADryRun) {
  const Json before = plant();
  Json faster = before;
  faster["machine"][0]["ideal_cycle_s"] = 2;
  faster["machine"].push_back({{"id", "M9"}});
  const Json would = put("?dry_run=1", faster);
  EXPECT_EQ(would["dry_run"], true);
  EXPECT_EQ(would["machines_added"], 1);
  EXPECT_EQ(plant(), before);
  EXPECT_EQ(oee(), 0.5);
}

TEST_F(PlantOverHttp, RecomputesThePastWithAnotherIdealCycle) {
  Json plant_now = plant();
  plant_now["machine"][0]["ideal_cycle_s"] = 2;
  const Json change = put("", plant_now);
  EXPECT_GE(change["machines_recomputed"], 1);
  EXPECT_EQ(oee(), 1.0);
  const Json bucket = client_.total("scope=machine:M1&" + std::string{kRange});
  EXPECT_EQ(bucket["revision"], change["sequence"]);
  EXPECT_EQ(plant(), plant_now);
}

TEST_F(PlantOverHttp, SaysWhichMachinesItConcernsAndWhoChangedWhat) {
  Json slower = plant();
  slower["machine"][0]["ideal_cycle_s"] = 2;
  slower["machine"][1]["ideal_cycle_s"] = 2;  // has no history
  EXPECT_EQ(put("?dry_run=1", slower)["machines_recomputed"], 1);
  const Json change = put("?valid_from=2025-01-06T00:00:00Z&by=Anna%20M.", slower);
  EXPECT_EQ(change["machines_recomputed"], 1);
  const Json audit = client_.json("/v1/audit");
  EXPECT_EQ(audit["next"], nullptr);
  ASSERT_EQ(audit["items"].size(), 2U);
  const Json& entry = audit["items"][1];
  EXPECT_EQ(entry["number"], 2);
  EXPECT_EQ(entry["actor"], "http 127.0.0.1");
  EXPECT_EQ(entry["by"], "Anna M.");
  EXPECT_EQ(entry["action"], "plant.change");
  EXPECT_EQ(entry["previous"], audit["items"][0]["hash"]);
  EXPECT_EQ(entry["details"]["sequence"], change["sequence"]);
  EXPECT_EQ(entry["details"]["changed"], Json({"machine"}));
  EXPECT_EQ(audit["items"][0]["actor"], "command line");  // --config
  EXPECT_EQ(client_.json("/v1/audit?after=1&limit=1")["items"][0], entry);
  EXPECT_EQ(client_.get("/v1/audit?limit=0").status, 400);
  for (const char* by : {"a%0Ab", "a%7Fb", "ev%FFil"})
    EXPECT_EQ(client_.put("/v1/plant?by=" + std::string{by}, slower.dump(), "application/json").status, 400) << by;
  const Json jobs = client_.json("/v1/status")["jobs"];
  const auto job =
      std::find_if(jobs.begin(), jobs.end(), [](const Json& j) { return j["name"] == "plant change"; });
  ASSERT_NE(job, jobs.end());
  EXPECT_THAT((*job)["outcome"].get<std::string>(), HasSubstr("done as commit"));
  EXPECT_EQ((*job)["done"], nullptr);
}

TEST_F(PlantOverHttp, ChangesOnlyWhatComesAfterValidFrom) {
  Json slower = plant();
  slower["machine"][0]["ideal_cycle_s"] = 2;
  put("?valid_from=2025-01-06T06:30:01Z", slower);
  EXPECT_EQ(oee(), 0.5);
  put("?valid_from=2025-01-06T06:30:00Z", slower);
  EXPECT_EQ(oee(), 1.0);
}

TEST_F(PlantOverHttp, KeepsALeftOutMachineInactiveIfEventsReferToIt) {
  Json without = plant();
  without["machine"].erase(1);  // M2 was never heard of
  EXPECT_EQ(put("", without)["kept_inactive"], Json::array());
  EXPECT_EQ(plant()["machine"].size(), 1U);
  without["machine"] = Json::array({{{"id", "M3"}}});
  EXPECT_EQ(put("", without)["kept_inactive"], Json::array({"M1"}));
  const Json machines = plant()["machine"];
  ASSERT_EQ(machines.size(), 2U);
  const Json& kept = machines[0]["id"] == "M1" ? machines[0] : machines[1];
  EXPECT_EQ(kept["id"], "M1");
  EXPECT_EQ(kept["active"], false);
  EXPECT_EQ(oee(), 0.5);  // its history, which ends with its last event
  const Json current = client_.json("/v1/oee/current");
  for (const Json& machine : current["machines"]) EXPECT_NE(machine["machine"], "M1");
}

TEST_F(PlantOverHttp, SpeaksTomlAndJson) {
  const std::string toml = simple_plant(3);
  EXPECT_EQ(client_.put("/v1/plant", toml, "application/toml").status, 200);
  const Json json = plant();
  EXPECT_EQ(json["machine"].size(), 3U);
  const HttpReply as_toml = client_.get("/v1/plant", {{"Accept", "application/toml"}});
  EXPECT_THAT(std::string{as_toml.header("Content-Type").value_or("")}, HasSubstr("toml"));
  put("", json);
  EXPECT_EQ(plant(), json);
  EXPECT_EQ(client_.put("/v1/plant", as_toml.body, "application/toml").status, 200);
  EXPECT_EQ(plant(), json);
}

TEST_F(PlantOverHttp, RefusesAWrongDescriptionWhole) {
  const Json before = plant();
  const std::string detail = expect_problem(
      client_.put("/v1/plant", simple_plant(4) + "[[machine]]\nid = \"M5\"\nline = \"L9\"\n", "application/toml"),
      400);
  EXPECT_THAT(detail, HasSubstr("line"));
  expect_problem(client_.put("/v1/plant", "{\"plant\":", "application/json"), 400);
  expect_problem(client_.put("/v1/plant?valid_from=soon", before.dump(), "application/json"), 400);
  EXPECT_EQ(plant(), before);
}

TEST_F(PlantOverHttp, RefusesAnEmptyDescription) {
  const Json before = plant();
  for (const char* body : {"", " \n\t\n", "{}", "{ \n }\n", "\xEF\xBB\xBF", "# a plant\n  # of nothing"}) {
    for (const char* type : {"application/json", "application/toml", "application/octet-stream"}) {
      EXPECT_THAT(expect_problem(client_.put("/v1/plant", body, type), 400), HasSubstr("empty")) << body << type;
    }
  }
  EXPECT_EQ(plant(), before);
  EXPECT_EQ(client_.put("/v1/plant?dry_run=1", "# a comment\n[plant]\nid = \"P2\"\n", "application/toml").status,
            200);
}

TEST_F(PlantOverHttp, OutlivesARestartAndTheUnchangedPlantFile) {
  Json named = plant();
  named["machine"][0]["name"] = "Press";
  named["machine"][0]["ideal_cycle_s"] = 2;
  put("", named);
  EXPECT_EQ(server_.stop(), 0);
  RunningServer again{folder_, simple_plant(2)};
  ASSERT_TRUE(again.wait_until_ready());
  Client client{again};
  EXPECT_EQ(client.json("/v1/plant"), named);
  EXPECT_EQ(client.total("scope=machine:M1&" + std::string{kRange})["oee"], 1.0);
}

}  // namespace
}  // namespace takt::test
