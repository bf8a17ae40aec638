// JSON over a real broker: what Takt has acknowledged to it is durable, what it has not comes again.
#include "tests/system/broker.h"

#include <fmt/format.h>

#include <random>
#include <thread>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

constexpr std::string_view kDay = "&from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z";

std::string plant_with_source(const std::string& url, std::string_view more = {}) {
  return simple_plant(2) + "[[source]]\nid = \"line\"\nkind = \"mqtt\"\nurl = \"" + url + "\"\n" +
         std::string{more};
}

std::string count_event(int number) {
  return fmt::format(
      R"({{"type":"count","machine":"M1","ts":"2025-01-06T{:02}:{:02}:{:02}Z","good":1,"id":"{}"}})",
      number / 3600 % 24, number / 60 % 60, number % 60, number);
}

std::int64_t good_of(Client& client, std::string_view machine) {
  return client.total(fmt::format("scope=machine:{}{}", machine, kDay)).value("good_quantity", std::int64_t{-1});
}
/// Zero until the first event, when nothing is said of the day.
bool reaches_good(Client& client, std::string_view machine, std::int64_t good) {
  return eventually([&] { return good_of(client, machine) >= good; }) && good_of(client, machine) == good;
}

TEST(Mqtt, EventsAndOtherValuesAreTakenIn) {
  const Broker broker;
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant(2), {"--mqtt", broker.url()}};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  expect_connected(client, "mqtt");
  expect_connected(client, "mqtt.sparkplug");
  broker.publish("takt/M1/state", R"({"ts":"2025-01-06T00:00:00Z","state":"running"})", {"-q", "1"});
  broker.publish("takt/anything", R"({"type":"count","machine":"M1","ts":"2025-01-06T01:00:00Z","good":3})");
  broker.publish("takt/M2", R"({"ts":"2025-01-06T01:00:00Z","good_total":5,"oil":{"temp":41.5}})", {"-q", "2"});
  broker.publish("takt/M2", R"({"ts":"2025-01-06T02:00:00Z","good_total":9,"oil":{"temp":42.5}})");
  broker.publish("takt/M2", "no json at all");
  EXPECT_TRUE(reaches_good(client, "M1", 3));
  EXPECT_TRUE(reaches_good(client, "M2", 4));
  const Json source = wait_for_source(client, "mqtt", [](const Json& s) { return s.at("rejects") == 1; });
  EXPECT_EQ(source.at("rejects_by_code").value("bad_json", 0), 1) << source;
  EXPECT_EQ(client.json("/v1/series?machine=M2&tag=oil/temp&from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z")
                .at("points")
                .size(),
            2U);
  EXPECT_EQ(server.stop(), 0);
}

// Promise 1: nothing that the broker was told is lost when the process dies, and nothing counts twice.
TEST(Mqtt, EveryEventCountsOnceThoughTheServerIsKilled) {
  constexpr int kKillsARound = 5, kEventsARound = 30'000;
  const int rounds = std::getenv("TAKT_SOAK") == nullptr ? 1 : 20;
  Broker broker;
  const TemporaryFolder folder;
  const std::string plant = plant_with_source(broker.url(), "options = {topics = \"events\"}\n");
  auto server = std::make_unique<RunningServer>(folder, plant);
  ASSERT_TRUE(server->wait_until_ready());
  {
    Client client{*server};
    expect_connected(client, "line");  // from now on the broker keeps what comes
  }
  std::mt19937 random{7};
  for (int round = 1; round <= rounds; ++round) {
    std::string lines;
    for (int i = (round - 1) * kEventsARound; i < round * kEventsARound; ++i) lines += count_event(i) + "\n";
    std::thread sender{[&] { broker.publish_lines("events", lines); }};
    for (int i = 0; i < kKillsARound; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{random() % 300});
      server->kill();
      server = std::make_unique<RunningServer>(folder, plant);
      if (!server->wait_until_ready()) break;
    }
    sender.join();
    Client client{*server};
    ASSERT_TRUE(reaches_good(client, "M1", round * kEventsARound)) << good_of(client, "M1");
  }
  Client client{*server};
  EXPECT_EQ(source_of(client, "line").at("rejects"), 0);
}

TEST(Mqtt, ComesBackWhenTheBrokerDoes) {
  Broker broker;
  const TemporaryFolder folder;
  RunningServer server{folder, plant_with_source(broker.url())};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  expect_connected(client, "line");
  broker.stop();
  const Json lost = wait_for_source(client, "line", [](const Json& s) { return s.at("state") == "disconnected"; });
  EXPECT_NE(lost.value("detail", "").find("127.0.0.1:" + std::to_string(broker.port())), std::string::npos);
  broker.start();
  expect_connected(client, "line");
  broker.publish("takt/x", count_event(1), {"-q", "1"});
  EXPECT_TRUE(reaches_good(client, "M1", 1));
}

TEST(Mqtt, GetsWhatCameWhileItWasAway) {
  const Broker broker;
  const TemporaryFolder folder;
  const std::string plant = plant_with_source(broker.url());
  {
    RunningServer server{folder, plant};
    ASSERT_TRUE(server.wait_until_ready());
    Client client{server};
    expect_connected(client, "line");
    EXPECT_EQ(server.stop(), 0);
  }
  broker.publish("takt/x", count_event(1), {"-q", "1"});
  RunningServer server{folder, plant};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  EXPECT_TRUE(reaches_good(client, "M1", 1));
}

TEST(Mqtt, RetainedTotalsAreBaselinesAndRetainedIncrementsNothing) {
  const Broker broker;
  const std::string total = R"({"ts":"2025-01-06T01:00:00Z","good_total":5})";
  broker.publish("takt/M1/counter", total, {"-r", "-q", "1"});
  broker.publish("takt/M2/counter", R"({"ts":"2025-01-06T01:00:00Z","good":5})", {"-r", "-q", "1"});
  const TemporaryFolder folder;
  RunningServer server{folder, plant_with_source(broker.url())};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  expect_connected(client, "line");
  broker.publish("takt/M1/counter", R"({"ts":"2025-01-06T02:00:00Z","good_total":6})");
  broker.publish("takt/M2/counter", R"({"ts":"2025-01-06T02:00:00Z","good":1})");
  EXPECT_TRUE(reaches_good(client, "M1", 1));
  EXPECT_TRUE(reaches_good(client, "M2", 1));
}

TEST(Mqtt, TellsInWordsThatThePasswordIsWrong) {
  const Broker broker{"allow_anonymous false\n"};
  const TemporaryFolder folder;
  RunningServer server{folder, plant_with_source(broker.url(), "user = \"takt\"\n")};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  const Json source = wait_for_source(
      client, "line", [](const Json& s) { return s.value("detail", "").find("authorise") != std::string::npos; });
  EXPECT_EQ(source.at("state"), "disconnected");
}

TEST(Mqtt, SpeaksTlsWithAPassword) {
  const TemporaryFolder secrets;
  const std::string dir = secrets.path().string();
  const Finished made = run_program(
      {"/bin/sh", "-c",
       "cd \"$0\" && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext "
       "subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem && mosquitto_passwd -b -c passwords takt secret",
       dir});
  ASSERT_EQ(made.status, 0) << made.error;
  write_file(secrets.path() / "password", "secret\n");
  write_file(secrets.path() / "wrong", "sesame\n");
  const Broker broker{"allow_anonymous false\npassword_file " + dir + "/passwords\ncertfile " + dir +
                      "/cert.pem\nkeyfile " + dir + "/key.pem\n"};
  const auto settings = [&](const std::string& password, const std::string& ca) {
    return plant_with_source(broker.url("mqtts"),
                             "user = \"takt\"\npassword_file = \"" + dir + "/" + password + "\"\n" + ca);
  };
  const std::string ca = "ca_file = \"" + dir + "/cert.pem\"\n";
  const TemporaryFolder folder;
  RunningServer server{folder, settings("password", ca)};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  expect_connected(client, "line");
  broker.publish("takt/x", count_event(1),
                 {"-q", "1", "--cafile", dir + "/cert.pem", "-u", "takt", "-P", "secret"});
  EXPECT_TRUE(reaches_good(client, "M1", 1));

  // A new description starts the source anew.
  EXPECT_EQ(client.put("/v1/plant", settings("wrong", ca), "application/toml").status, 200);
  wait_for_source(client, "line",
                  [](const Json& s) { return s.value("detail", "").find("authorise") != std::string::npos; });
  EXPECT_EQ(client.put("/v1/plant", settings("password", ""), "application/toml").status, 200);
  wait_for_source(client, "line",
                  [](const Json& s) { return s.value("detail", "").find("TLS") != std::string::npos; });
  EXPECT_EQ(client.put("/v1/plant", settings("none", ca), "application/toml").status, 200);
  const Json failed = wait_for_source(client, "line", [](const Json& s) { return s.at("state") == "failed"; });
  EXPECT_NE(failed.value("detail", "").find("password_file"), std::string::npos);
}

TEST(Mqtt, AnUrlThatIsNoneIsWrongUsage) {
  const TemporaryFolder folder;
  const Finished finished = run_takt({"serve", "--data", folder.data().string(), "--mqtt", "http://broker"});
  EXPECT_EQ(finished.status, 2);
  EXPECT_NE(finished.error.find("mqtt://HOST:1883"), std::string::npos) << finished.error;
}

}  // namespace
}  // namespace takt::test
