// Reliability, KPIs, schedule and health as a client sees them.
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "schema/time.h"

namespace takt::test {
namespace {

using testing::HasSubstr;

const std::string kDay = "from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z";

Json state(const char* ts, const char* name, const char* reason = "") {
  Json event{{"type", "state"}, {"machine", "M1"}, {"ts", ts}, {"state", name}};
  if (*reason != '\0') event["reason"] = reason;
  return event;
}

class Kpis : public testing::Test {
 protected:
  /// M1 runs from 6 to 14, but for a failure from 9 to 10.
  void SetUp() override {
    ASSERT_TRUE(server_.wait_until_ready());
    client_.send({state("2025-01-06T06:00:00Z", "running"), state("2025-01-06T09:00:00Z", "down", "JAM"),
                  state("2025-01-06T10:00:00Z", "running"), state("2025-01-06T14:00:00Z", "off")});
  }
  std::string refused(const std::string& target, int status) {
    return expect_problem(client_.get(target), status);
  }

  TemporaryFolder folder_;
  RunningServer server_{folder_, simple_plant(2)};
  Client client_{server_};
};

TEST_F(Kpis, ReliabilityHasTheContractsShape) {
  const Json r = client_.json("/v1/reliability?scope=machine:M1&" + kDay);
  EXPECT_EQ(r["failures"], 1);
  EXPECT_EQ(r["operating_time_s"], 7 * 3600);
  EXPECT_EQ(r["down_time_s"], 3600);
  EXPECT_EQ(r["mtbf_s"], 25200);
  EXPECT_EQ(r["mttf_s"], 25200);
  EXPECT_EQ(r["mttr_s"], 3600);
  EXPECT_EQ(r["mdt_s"], 3600);
  EXPECT_EQ(r["failure_rate_per_h"], 1 / 7.0);
  EXPECT_EQ(r["inherent_availability"], 7 / 8.0);
  EXPECT_EQ(r["mtbf_basis"], "operating_time/failures");
  EXPECT_EQ(client_.json("/v1/reliability?" + kDay), r) << "of M2 nothing is known";
  EXPECT_TRUE(client_.json("/v1/reliability?scope=machine:M2&" + kDay)["mtbf_s"].is_null());
}

TEST_F(Kpis, AllOfTheStandardHaveTheContractsShape) {
  const Json answer = client_.json("/v1/kpis?scope=machine:M1&" + kDay);
  ASSERT_EQ(answer["kpis"].size(), 34U);
  EXPECT_EQ(answer["kpis"][7], (Json{{"id", "availability"},
                                     {"number", 8},
                                     {"value", 7 / 8.0},
                                     {"unit", "1"},
                                     {"formula", "APT / PBT"},
                                     {"inputs", {{"APT", 25200}, {"PBT", 28800}}},
                                     {"reason", nullptr}}));
  EXPECT_TRUE(answer["kpis"][0]["value"].is_null());
  EXPECT_THAT(answer["kpis"][0]["reason"].get<std::string>(), HasSubstr("personnel"));
}

TEST_F(Kpis, KnowTheMeterAndTheInspectionsOfThen) {
  const auto meter = [&](const char* ts, double kwh) {
    client_.send({{{"type", "energy"}, {"machine", "M1"}, {"ts", ts}, {"kwh_total", kwh}}});
  };
  meter("2025-01-06T06:00:00Z", 100);
  meter("2025-01-06T08:00:00Z", 110);
  const std::string then = format_time(Clock::system().now());
  std::this_thread::sleep_for(std::chrono::milliseconds{2});
  meter("2025-01-06T13:00:00Z", 130);
  client_.send({{{"type", "quality"},
                 {"machine", "M1"},
                 {"ts", "2025-01-06T08:00:00Z"},
                 {"serial", "S1"},
                 {"result", "pass"}}});
  const Json now = client_.json("/v1/kpis?" + kDay), before = client_.json("/v1/kpis?" + kDay + "&as_of=" + then);
  EXPECT_EQ(now["energy"]["kwh"], 30);
  EXPECT_EQ(now["kpis"][14]["value"], 1);
  EXPECT_EQ(before["energy"]["kwh"], 10);
  EXPECT_TRUE(before["kpis"][14]["value"].is_null());
}

TEST_F(Kpis, ScheduleFollowsTheOrders) {
  const auto order = [&](const char* action, const char* ts, Json more = Json::object()) {
    more.update({{"type", "order"}, {"machine", "M1"}, {"order", "O77"}, {"action", action}, {"ts", ts}});
    client_.send({more});
  };
  order("plan", "2025-01-05T12:00:00Z",
        {{"quantity", 500},
         {"product", "X"},
         {"planned_start", "2025-01-06T06:00:00Z"},
         {"planned_end", "2025-01-06T10:00:00Z"}});
  EXPECT_EQ(client_.json("/v1/schedule?" + kDay)["orders"][0]["status"], "late");
  order("start", "2025-01-06T06:30:00Z");
  client_.send({{{"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T08:00:00Z"}, {"good", 400}}});
  order("complete", "2025-01-06T09:00:00Z");
  const Json answer = client_.json("/v1/schedule?scope=machine:M1&" + kDay);
  EXPECT_EQ(answer["orders"][0]["status"], "completed");
  EXPECT_EQ(answer["orders"][0]["lateness_s"], -3600);
  EXPECT_EQ(answer["orders"][0]["completion"], 0.8);
  EXPECT_EQ(answer["totals"]["adherence"], 1);
  EXPECT_EQ(client_.json("/v1/kpis?" + kDay)["kpis"][1]["inputs"]["AOET"], 9000);
}

TEST_F(Kpis, HealthIsOfTheLastDay) {
  const Json machines = client_.json("/v1/health")["machines"];
  ASSERT_EQ(machines.size(), 2U);
  EXPECT_EQ(machines[0]["machine"], "M1");
  EXPECT_EQ(machines[0]["score"], 0) << "in the last day nothing was heard of it";
  EXPECT_EQ(machines[0]["lowered_by"], Json::array({"data_coverage"}));
  client_.send({state(format_time(Clock::system().now() - std::chrono::hours{48}).c_str(), "running")});
  EXPECT_EQ(client_.json("/v1/health?scope=machine:M1")["machines"][0]["score"], 100);
}

TEST_F(Kpis, WhatCannotBeAskedIsAProblem) {
  EXPECT_THAT(refused("/v1/reliability?scope=line:L9", 404), HasSubstr("L9"));
  EXPECT_THAT(refused("/v1/kpis?scope=machine:M9", 404), HasSubstr("M9"));
  EXPECT_THAT(refused("/v1/schedule?as_of=2999-01-01T00:00:00Z", 400), HasSubstr("still to come"));
  EXPECT_THAT(refused("/v1/health?scope=area:A9", 404), HasSubstr("A9"));
  EXPECT_THAT(refused("/v1/health?from=2025-01-06T00:00:00Z", 400), HasSubstr("from"));
  EXPECT_THAT(refused("/v1/reliability?machine=M1", 400), HasSubstr("machine"));
  EXPECT_THAT(refused("/v1/reliability?from=2025-01-07T00:00:00Z&to=2025-01-06T00:00:00Z", 400),
              HasSubstr("reversed"));
}

}  // namespace
}  // namespace takt::test
