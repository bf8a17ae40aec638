// What the server says about itself and of its own accord: /openapi.json, /metrics, the page, /v1/live.
#include "tests/http/raw_client.h"
#include "tests/system/running_server.h"

#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

using testing::HasSubstr;

class Description : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.wait_until_ready()); }
  TemporaryFolder folder_;
  RunningServer server_{folder_, simple_plant(2)};
  Client client_{server_};
};

TEST_F(Description, ListsEveryRouteThatAnswers) {
  const Json openapi = client_.json("/openapi.json");
  EXPECT_THAT(openapi["openapi"].get<std::string>(), testing::StartsWith("3."));
  const std::map<std::string, std::string> routes = {{"/v1/events", "post"},
                                                     {"/v1/oee", "get"},
                                                     {"/v1/oee/current", "get"},
                                                     {"/v1/oee/explain", "get"},
                                                     {"/v1/timeline", "get"},
                                                     {"/v1/losses", "get"},
                                                     {"/v1/downtime/pareto", "get"},
                                                     {"/v1/reliability", "get"},
                                                     {"/v1/kpis", "get"},
                                                     {"/v1/schedule", "get"},
                                                     {"/v1/health", "get"},
                                                     {"/v1/series", "get"},
                                                     {"/v1/live", "get"},
                                                     {"/v1/plant", "put"},
                                                     {"/v1/export", "get"},
                                                     {"/v1/export/run", "post"},
                                                     {"/v1/quarantine", "get"},
                                                     {"/v1/quarantine/replay", "post"},
                                                     {"/v1/data-quality", "get"},
                                                     {"/v1/status", "get"},
                                                     {"/healthz", "get"},
                                                     {"/readyz", "get"},
                                                     {"/metrics", "get"},
                                                     {"/openapi.json", "get"}};
  for (const auto& [path, method] : routes) {
    ASSERT_TRUE(openapi["paths"].contains(path)) << path;
    EXPECT_TRUE(openapi["paths"][path].contains(method)) << path;
  }
}

TEST_F(Description, IsTrueOfEveryPathThatIsRead) {
  const Json openapi = client_.json("/openapi.json");
  std::set<std::string> ids;
  for (const auto& [path, operations] : openapi["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << path;
      EXPECT_FALSE(operation["summary"].get<std::string>().empty()) << path;
    }
    if (!operations.contains("get") || path == "/v1/live") continue;
    const bool needs_tag = path == "/v1/series";
    std::string target = path;
    for (const Json& parameter : operations["get"].value("parameters", Json::array())) {
      if (!parameter["required"].get<bool>()) continue;
      const std::string name = parameter["name"];
      target += (target == path ? "?" : "&") + name + (name == "machine" ? "=M1" : "=none");
    }
    const int status = client_.get(target).status;
    const bool is_empty = status == 204 && path == "/ping";
    EXPECT_TRUE(status == 200 || is_empty || (needs_tag && status == 404)) << target << ' ' << status;
  }
}

TEST_F(Description, GivesExamplesThatAreUnderstood) {
  const Json openapi = client_.json("/openapi.json");
  for (const auto& [path, operations] : openapi["paths"].items()) {
    if (!operations.contains("get") || path == "/v1/live") continue;
    const Json parameters = operations["get"].value("parameters", Json::array());
    for (const Json& tried : parameters) {
      ASSERT_TRUE(tried.contains("example")) << path << ' ' << tried["name"];
      if (tried["name"] == "as_of") continue;  // this server knows nothing of then
      std::string target = path;
      for (const Json& each : parameters) {
        if (each["required"].get<bool>() || each["name"] == tried["name"])
          target += (target == path ? "?" : "&") + each["name"].get<std::string>() + "=" +
                    each["example"].get<std::string>();
      }
      const int status = client_.get(target).status;
      EXPECT_TRUE(status == 200 || status == 404) << target << ' ' << status;
    }
  }
  const Json forms = openapi["paths"]["/v1/oee"]["get"]["responses"]["200"]["content"];
  EXPECT_TRUE(forms.contains("application/json") && forms.contains("text/csv") &&
              forms.contains("application/x-ndjson"));
}

TEST_F(Description, OfItselfInMetricsCountsWhatCameIn) {
  client_.send({{{"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T06:00:00Z"}, {"good", 1}}});
  client_.post("/v1/events", "nonsense\n");
  const HttpReply reply = client_.get("/metrics");
  EXPECT_THAT(std::string{reply.header("Content-Type").value_or("")}, testing::StartsWith("text/plain"));
  EXPECT_THAT(reply.body, HasSubstr("takt_events_accepted_total{type=\"count\"} 1\n"));
  EXPECT_THAT(reply.body, HasSubstr("takt_events_rejected_total{code=\"bad_json\"} 1\n"));
  std::istringstream lines{reply.body};
  for (std::string line; std::getline(lines, line);) {
    const std::string shape = "(# (HELP|TYPE) takt_[a-z_]+ .+)|(takt_[a-z_]+(\\{[^}]*\\})? [-+0-9.eE]+)";
    EXPECT_THAT(line, testing::MatchesRegex(shape));
  }
}

TEST_F(Description, HasAPageAtTheRoot) {
  const HttpReply page = client_.get("/", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(std::string{page.header("Content-Type").value_or("")}, testing::StartsWith("text/html"));
  EXPECT_EQ(page.header("Content-Encoding").value_or(""), "gzip");
  const HttpReply plain = client_.get("/");
  EXPECT_FALSE(plain.header("Content-Encoding"));
  EXPECT_THAT(plain.body, testing::HasSubstr("<!doctype html>"));
}

TEST_F(Description, OfTheMomentFlowsAsEvents) {
  RawClient live{server_.port()};
  live.send(get("/v1/live?scope=machine:M1"));
  std::string head;
  ASSERT_TRUE(live.read_past("\r\n\r\n", &head));
  EXPECT_THAT(head, HasSubstr("text/event-stream"));
  ASSERT_TRUE(live.read_past("event: oee\n"));  // where things stand, so that no change can be missed
  // Another machine's news do not belong here.
  client_.send({{{"type", "state"}, {"machine", "M2"}, {"ts", "2025-01-06T06:00:00Z"}, {"state", "setup"}}});
  client_.send({{{"type", "state"}, {"machine", "M1"}, {"ts", "2025-01-06T06:00:00Z"}, {"state", "running"}}});
  std::string before, data;
  ASSERT_TRUE(live.read_past("event: state\n", &before));
  EXPECT_THAT(before, testing::Not(HasSubstr("\"M2\"")));
  ASSERT_TRUE(live.read_past("data: "));
  ASSERT_TRUE(live.read_past("\n", &data));
  const Json state = Json::parse(data);
  EXPECT_EQ(state["machine"], "M1");
  EXPECT_EQ(state["state"], "running");
  EXPECT_EQ(state["category"], "production");
  client_.send(
      {{{"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T06:01:00Z"}, {"good", 3}, {"scrap", 1}}});
  ASSERT_TRUE(live.read_past("event: count\n"));
  ASSERT_TRUE(live.read_past("data: "));
  ASSERT_TRUE(live.read_past("\n", &data));
  EXPECT_EQ(Json::parse(data)["good"], 3);
  ASSERT_TRUE(live.read_past("event: oee\n"));
}

}  // namespace
}  // namespace takt::test
