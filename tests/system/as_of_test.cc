// `as_of`: what was answered then is answered again, through the server as it is run.
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "schema/time.h"

namespace takt::test {
namespace {

using testing::HasSubstr;

constexpr const char* kDay = "from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z";

Json state(const char* ts, const char* name, const char* reason = "") {
  Json event{{"type", "state"}, {"machine", "M1"}, {"ts", ts}, {"state", name}};
  if (*reason != '\0') event["reason"] = reason;
  return event;
}

class AsOf : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.wait_until_ready()); }

  /// A moment at which nothing happens: after all before, and before all that comes.
  static std::string moment() {
    const std::string now = format_time(Clock::system().now());
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
    return now;
  }
  static std::vector<std::string> questions() {
    const std::string day = kDay;
    return {"/v1/oee?" + day,
            "/v1/oee?grain=hour&" + day,
            "/v1/oee?grain=shift&whole=1&group=machine&" + day,
            "/v1/oee?grain=day&scope=machine:M1&" + day,
            "/v1/losses?" + day,
            "/v1/downtime/pareto?" + day,
            "/v1/timeline?machine=M1&" + day,
            "/v1/oee/explain?" + day,
            "/v1/reliability?" + day,
            "/v1/kpis?" + day,
            "/v1/schedule?" + day};
  }
  std::vector<std::string> answers(const std::string& more = "") {
    std::vector<std::string> list;
    for (const std::string& question : questions()) {
      const HttpReply reply = client_.get(question + more);
      EXPECT_EQ(reply.status, 200) << question << more << ' ' << reply.body;
      Json answer = Json::parse(reply.body);
      answer.erase("now");  // explain says when it was asked
      list.push_back(answer.dump());
    }
    return list;
  }

  TemporaryFolder folder_;
  RunningServer server_{folder_, simple_plant(2)};
  Client client_{server_};
};

TEST_F(AsOf, AMomentIsWhatWasAnsweredThen) {
  client_.send({state("2025-01-06T06:00:00Z", "running"),
                state("2025-01-06T10:00:00Z", "down"),
                state("2025-01-06T11:00:00Z", "running"),
                state("2025-01-06T14:00:00Z", "off"),
                {{"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T09:00:00Z"}, {"good", 9000}}});
  std::vector<std::pair<std::string, std::vector<std::string>>> known;
  const auto know = [&] {
    auto all = answers();
    known.emplace_back(moment(), std::move(all));
  };
  know();
  client_.send({{{"type", "classify"},
                 {"machine", "M1"},
                 {"start", "2025-01-06T10:00:00Z"},
                 {"end", "2025-01-06T11:00:00Z"},
                 {"reason", "JAM"},
                 {"by", "anna"}}});
  know();
  const HttpReply plant = client_.get("/v1/plant", {{"Accept", "application/json"}});
  ASSERT_EQ(plant.status, 200);
  Json description = Json::parse(plant.body);
  for (Json& machine : description["machine"]) machine["ideal_cycle_s"] = 2.0;
  ASSERT_EQ(client_.put("/v1/plant", description.dump(), "application/json").status, 200);
  know();
  Json withdrawn = state("2025-01-06T11:00:00Z", "running");
  withdrawn["deleted"] = true;
  client_.send({withdrawn});
  know();

  for (std::size_t i = 1; i < known.size(); ++i) EXPECT_NE(known[i].second[0], known[i - 1].second[0]) << i;
  for (const auto& [then, then_answered] : known) EXPECT_EQ(answers("&as_of=" + then), then_answered) << then;
  ASSERT_EQ(server_.stop(), 0);
  RunningServer again{folder_};
  ASSERT_TRUE(again.wait_until_ready());
  client_ = Client{again};
  for (const auto& [then, then_answered] : known) EXPECT_EQ(answers("&as_of=" + then), then_answered) << then;
}

TEST_F(AsOf, StandsForNow) {
  client_.send({state("2025-01-06T06:00:00Z", "running")});
  const std::string then = moment();
  client_.send({state("2025-01-06T07:00:00Z", "down")});
  const Json total = client_.json("/v1/oee?scope=machine:M1&as_of=" + then)["buckets"][0];
  EXPECT_EQ(total["end"], then);
  EXPECT_EQ(*parse_time(total["end"].get<std::string>()) - *parse_time(total["start"].get<std::string>()),
            std::chrono::hours{24});
}

TEST_F(AsOf, WhatCannotBeToldIsAProblem) {
  const auto refused = [&](const std::string& target, int status) {
    return expect_problem(client_.get(target), status);
  };
  client_.send({state("2025-01-06T06:00:00Z", "running")});
  const std::string then = moment();
  client_.send({state("2025-01-06T07:00:00Z", "down")});
  EXPECT_THAT(refused("/v1/oee?as_of=2999-01-01T00:00:00Z", 400), HasSubstr("still to come"));
  EXPECT_THAT(refused("/v1/oee?as_of=yesterday", 400), HasSubstr("as_of"));
  EXPECT_THAT(refused("/v1/oee?as_of=2020-01-01T00:00:00Z", 400), HasSubstr("from 20"));
  EXPECT_THAT(refused("/v1/oee?scope=machine:M9&as_of=" + then, 404), HasSubstr("M9"));
  EXPECT_THAT(refused("/v1/oee/current?as_of=" + then, 400), HasSubstr("as_of"));
}

}  // namespace
}  // namespace takt::test
