// Alerts from the plant's description to a real receiver and a real broker.
#include "tests/client/scripted_server.h"
#include "tests/system/broker.h"

#include "schema/time.h"

#include <signal.h>

#include <algorithm>

#include <gmock/gmock.h>

namespace takt::test {
namespace {

using testing::HasSubstr;
using testing::Not;

Json alert_of(Client& client, std::string_view id) {
  const Json all = client.json("/v1/alerts");
  for (const Json& alert : all.at("alerts")) {
    if (alert.at("id") == id) return alert;
  }
  return Json::object();
}

std::int64_t deliveries_that_are(Client& client, std::string_view state) {
  const Json all = client.json("/v1/alerts");
  return std::ranges::count_if(all.at("deliveries"), [&](const Json& each) { return each.at("state") == state; });
}

bool comes_to(Client& client, std::string_view id, std::string_view state) {
  return eventually([&] { return alert_of(client, id).value("state", "") == state; });
}

std::string now_text() { return format_time(Clock::system().now()); }

std::string alert(std::string_view id, std::string_view rest) {
  return "[[alert]]\nid = \"" + std::string{id} + "\"\n" + std::string{rest};
}

TEST(Alerts, AreToldAcknowledgedAndOverThoughTheServerIsKilled) {
  const Broker broker;
  const std::string port = std::to_string(broker.port());
  const std::vector<std::string> subscriber{
      "mosquitto_sub", "-p", port, "-t", "plant/alerts", "-q", "1", "-c", "-i", "wall"};
  const auto listen = [&](std::vector<std::string> more) {
    more.insert(more.begin(), subscriber.begin(), subscriber.end());
    return more;
  };
  ASSERT_EQ(ChildProcess{listen({"-E"})}.wait(), 0);  // from here on the broker keeps what comes
  ScriptedServer receiver{{{.status = 500}, {.status = 200}, {.status = 204}}};
  const std::string plant =
      simple_plant(2) +
      alert("low", "on = \"oee\"\nscope = \"machine:M1\"\nbelow = 0.5\nclear = 0.6\nsend = [\"webhook:" +
                       receiver.url() + "/hook?key=secret\", \"mqtt:plant/alerts\"]\n") +
      alert("quiet", "on = \"availability\"\nscope = \"machine:M2\"\nbelow = 0.5\n");
  const TemporaryFolder folder;
  std::string first_delivery;
  {
    RunningServer server{folder, plant, {"--mqtt", broker.url()}};
    ASSERT_TRUE(server.wait_until_ready());
    Client client{server};
    EXPECT_EQ(client.post("/v1/alerts/acknowledge", R"({"id":"low","by":"anna"})").status, 409)
        << "it does not fire";
    client.send({{{"type", "state"}, {"machine", "M1"}, {"ts", now_text()}, {"state", "running"}}});
    ASSERT_TRUE(comes_to(client, "low", "firing"));
    const Json all = client.json("/v1/alerts");
    EXPECT_EQ(alert_of(client, "low")["value"], 0);
    EXPECT_EQ(alert_of(client, "low")["acknowledged"], nullptr);
    EXPECT_EQ(alert_of(client, "quiet")["state"], "ok");
    EXPECT_EQ(alert_of(client, "quiet")["value"], nullptr) << "nothing is known of M2";
    ASSERT_EQ(all["deliveries"].size(), 2U);
    EXPECT_THAT(all.dump(), Not(HasSubstr("secret")));
    ASSERT_TRUE(eventually([&] { return deliveries_that_are(client, "delivered") == 2; }));
    EXPECT_EQ(client.post("/v1/alerts/acknowledge", R"({"id":"low","by":"anna","comment":"on it"})").status, 200);
    EXPECT_EQ(client.post("/v1/alerts/acknowledge", R"({"id":"none"})").status, 404);
    EXPECT_EQ(client.post("/v1/alerts/acknowledge", R"({"id":7})").status, 400);
    EXPECT_THAT(client.get("/metrics").body, HasSubstr("takt_alerts_firing 1\n"));
    EXPECT_EQ(client.json("/v1/alerts?scope=machine:M2")["alerts"].size(), 1U);
    EXPECT_EQ(client.get("/v1/alerts?scope=machine:M3").status, 404);
    const Json audit = client.json("/v1/audit")["items"].back();
    EXPECT_EQ(audit["action"], "alert.acknowledge");
    EXPECT_EQ(audit["by"], "anna");
    server.process().signal(SIGKILL);
    server.process().wait();
  }
  {
    RunningServer server{folder, {}, {"--mqtt", broker.url()}};
    ASSERT_TRUE(server.wait_until_ready());
    Client client{server};
    ASSERT_TRUE(eventually([&] { return alert_of(client, "low")["value"] == 0; })) << "it has been looked at";
    EXPECT_EQ(alert_of(client, "low")["state"], "firing");
    EXPECT_EQ(alert_of(client, "low")["acknowledged"]["by"], "anna");
    EXPECT_EQ(client.json("/v1/alerts")["deliveries"].size(), 2U) << "nothing is told twice";
    client.send({{{"type", "count"}, {"machine", "M1"}, {"ts", now_text()}, {"good", 200'000}}});
    ASSERT_TRUE(comes_to(client, "low", "ok"));
    EXPECT_EQ(alert_of(client, "low")["acknowledged"], nullptr);
    ASSERT_TRUE(eventually([&] { return deliveries_that_are(client, "delivered") == 4; }));
    EXPECT_EQ(server.stop(), 0);
  }
  const auto& requests = receiver.requests();
  ASSERT_EQ(requests.size(), 3U);
  const Json fired = Json::parse(requests[1].body()), over = Json::parse(requests[2].body());
  EXPECT_EQ(requests[0].body(), requests[1].body()) << "tried again as it was";
  EXPECT_EQ(requests[0]["Takt-Delivery"], requests[1]["Takt-Delivery"]);
  EXPECT_EQ(requests[1]["Takt-Delivery"], fired["delivery"].get<std::string>());
  EXPECT_EQ(requests[0].target(), "/hook?key=secret");
  EXPECT_EQ(fired["status"], "firing");
  EXPECT_EQ(fired["alert"], "low");
  EXPECT_EQ(fired["message"], "oee of machine:M1 is below 0.5: 0");
  EXPECT_EQ(over["status"], "resolved");
  ChildProcess heard{listen({"-C", "2"})};
  EXPECT_EQ(heard.wait(), 0);
  heard.wait_for_end_of_output();
  EXPECT_THAT(heard.output_text(), HasSubstr(R"("status":"firing")"));
  EXPECT_THAT(heard.output_text(), HasSubstr(R"("status":"resolved")"));
}

TEST(Alerts, SayWhatIsWrongWithThem) {
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant() + alert("odd", "on = \"happiness\"\nabove = 1\n") +
                                   alert("lost", "on = \"disk_free_bytes\"\nabove = 1\nsend = [\"mqtt:t\"]\n") +
                                   alert("kpi", "on = \"allocation_ratio\"\nbelow = 0.1\n") +
                                   alert("fresh", "on = \"freshness_s\"\nabove = 1000\n")};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  ASSERT_TRUE(comes_to(client, "lost", "firing"));
  EXPECT_THAT(alert_of(client, "odd")["problem"].get<std::string>(), HasSubstr("happiness"));
  EXPECT_EQ(alert_of(client, "kpi")["problem"], nullptr);
  ASSERT_TRUE(eventually([&] { return client.json("/v1/alerts")["deliveries"][0]["attempts"] > 1; }));
  EXPECT_THAT(client.json("/v1/alerts")["deliveries"][0]["last_error"].get<std::string>(),
              HasSubstr("there is no broker"));
  client.send({{{"type", "state"}, {"machine", "M1"}, {"ts", "2025-01-06T00:00:00Z"}, {"state", "running"}}});
  ASSERT_TRUE(comes_to(client, "fresh", "firing"));
  EXPECT_EQ(alert_of(client, "fresh")["subject"], "M1");
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace takt::test
