// Sparkplug B through a real broker with an edge node of a public library.
#include "tests/system/broker.h"

#include <fmt/format.h>
#include <signal.h>

#include <gmock/gmock.h>

namespace takt::test {
namespace {

using testing::HasSubstr;

constexpr std::string_view kDay = "&from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z";

constexpr std::string_view kRules = R"(
[[signal]]
match = "*/*/{machine}/Status/State"
as = "state"
)";

/// The edge node as a process.
class EdgeNode {
 public:
  /// The times are milliseconds of the day.
  EdgeNode(const Broker& broker, int state_at, int first_total)
      : process_({"/usr/bin/env", "node", "tests/sparkplug/edge_node.mjs", std::to_string(broker.port()),
                  std::to_string(state_at), std::to_string(first_total)}) {}

  void take_step(int number) {
    process_.signal(SIGUSR2);
    expect_said("step " + std::to_string(number));
  }
  void expect_said(const std::string& text) {
    EXPECT_TRUE(eventually([&] { return process_.output_text().find(text) != std::string::npos; }))
        << text << " was not said, but: " << process_.output_text() << process_.error_text();
  }
  void kill() {
    process_.signal(SIGKILL);
    process_.wait();
  }

 private:
  ChildProcess process_;
};

/// The retained message in a topic; empty if there is none.
std::string retained(const Broker& broker, const std::string& topic) {
  const Finished finished = run_program(
      {"/usr/bin/mosquitto_sub", "-p", std::to_string(broker.port()), "-t", topic, "-C", "1", "-W", "2"});
  return finished.output;
}

/// The states of M1 and when they began, "running 00:00:00 idle 00:00:50 ...", without what came before the day.
std::string states(Client& client) {
  std::string out;
  const Json timeline = client.json(fmt::format("/v1/timeline?machine=M1{}", kDay));
  for (const Json& each : timeline.at("intervals")) {
    if (each.at("state") == "unknown") continue;
    const std::string start = each.at("start");
    out += (out.empty() ? "" : " ") + each.value("state", "") + " " + start.substr(11, 8);
  }
  return out;
}
bool reach_states(Client& client, std::string_view wanted) {
  return eventually([&] { return states(client) == wanted; });
}
std::string state_now(Client& client) { return client.json("/v1/oee/current?scope=machine:M1").dump(); }
bool is_now(Client& client, const std::string& state) {
  return eventually([&] { return state_now(client).find("\"state\":\"" + state + "\"") != std::string::npos; });
}

std::int64_t good(Client& client) {
  return client.total(fmt::format("scope=machine:M1{}", kDay)).value("good_quantity", std::int64_t{-1});
}

class Sparkplug : public testing::Test {
 protected:
  void start_server() {
    server_ = std::make_unique<RunningServer>(folder_, simple_plant(1) + std::string{kRules},
                                              std::vector<std::string>{"--mqtt", broker_.url()});
    ASSERT_TRUE(server_->wait_until_ready());
    client_ = std::make_unique<Client>(*server_);
    expect_connected(*client_, "mqtt.sparkplug");
  }

  Broker broker_;
  TemporaryFolder folder_;
  std::unique_ptr<RunningServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(Sparkplug, FromBirthToDeathEveryFigureIsThere) {
  start_server();
  EdgeNode node{broker_, 0, 100};
  node.expect_said("born");
  node.take_step(1);
  EXPECT_TRUE(eventually([&] { return good(*client_) == 100; })) << good(*client_);
  EXPECT_TRUE(reach_states(*client_, "running 00:00:00 idle 00:00:50")) << states(*client_);
  const Json temperatures = client_->json(fmt::format("/v1/series?machine=M1&tag=spindle/temp{}", kDay));
  EXPECT_EQ(temperatures.at("points").size(), 101U) << "that of the birth, and a hundred";
  const Json mean =
      client_->json(fmt::format("/v1/series?machine=M1&tag=spindle/temp{}&step=86400s&agg=sum", kDay));
  EXPECT_NE(mean.at("points").dump().find("1282.5"), std::string::npos)
      << "20 and the quarters of 1 to 100: " << mean;
  EXPECT_NE(client_->json(fmt::format("/v1/series?machine=M1&tag=offset{}", kDay)).at("points").dump().find("-5"),
            std::string::npos);

  node.take_step(2);
  node.take_step(3);
  EXPECT_TRUE(reach_states(*client_, "running 00:00:00 idle 00:00:50 unavailable 00:03:20 running 00:05:00"))
      << states(*client_);
  const Json source = source_of(*client_, "mqtt.sparkplug");
  EXPECT_EQ(source.at("gaps"), 0) << source;
  EXPECT_EQ(source.at("rejects"), 0) << source;
  EXPECT_THAT(source.value("detail", ""), HasSubstr("values ignored")) << "the data set is counted";
}

TEST_F(Sparkplug, ANodeThatDiesIsUnavailableUntilItIsBornAgain) {
  start_server();
  {
    EdgeNode node{broker_, 0, 100};
    node.expect_said("born");
    EXPECT_TRUE(is_now(*client_, "running")) << state_now(*client_);
    node.kill();
    EXPECT_TRUE(is_now(*client_, "unavailable")) << state_now(*client_);
  }
  EdgeNode node{broker_, 0, 100};
  EXPECT_TRUE(is_now(*client_, "running")) << "though its state began before the death: " << state_now(*client_);
}

TEST_F(Sparkplug, AHostThatComesBackAsksForABirth) {
  start_server();
  EdgeNode node{broker_, 0, 100};
  node.expect_said("born");
  EXPECT_TRUE(reach_states(*client_, "running 00:00:00"));
  EXPECT_EQ(server_->stop(), 0);
  start_server();
  node.take_step(1);
  node.expect_said("asked for a rebirth");
  EXPECT_TRUE(eventually([&] { return good(*client_) == 100; })) << good(*client_);
}

// tck-id-host-topic-phid-birth-message, tck-id-host-topic-phid-death-payload
TEST_F(Sparkplug, TheHostTellsWhetherItIsOnline) {
  const std::string topic = "spBv1.0/STATE/takt";
  start_server();
  EXPECT_THAT(retained(broker_, topic), HasSubstr(R"({"online":true,"timestamp":)"));
  broker_.publish(topic, R"({"online":false,"timestamp":1})", {"-r", "-q", "1"});
  EXPECT_TRUE(eventually([&] { return retained(broker_, topic).find("\"online\":true") != std::string::npos; }));
  EXPECT_EQ(server_->stop(), 0);
  EXPECT_THAT(retained(broker_, topic), HasSubstr("\"online\":false"));
  start_server();
  EXPECT_THAT(retained(broker_, topic), HasSubstr("\"online\":true"));
  server_->kill();
  EXPECT_TRUE(eventually([&] { return retained(broker_, topic).find("\"online\":false") != std::string::npos; }));
}

}  // namespace
}  // namespace takt::test
