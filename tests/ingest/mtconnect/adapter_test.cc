// Live adapters over a real socket: the same events as of the imported log, whatever becomes of the connection.
#include "ingest/mtconnect/adapter_connector.h"
#include "ingest/mtconnect/adapter_options.h"
#include "ingest/mtconnect/mapping.h"
#include "ingest/mtconnect/shdr_stream.h"
#include "schema/event_json.h"
#include "tests/engine/engine_store.h"
#include "tests/support/loopback_server.h"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <thread>

namespace takt::mtconnect {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const Timestamp kNow = *parse_time("2026-01-05T06:00:00Z");

std::string file(const std::string& name) {
  std::ifstream in{std::string{TAKT_TEST_DATA} + "/mtconnect/" + name, std::ios::binary};
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A store, and a connector that feeds it.
class Adapter : public testing::Test {
 protected:
  Adapter() {
    Plant plant = small_plant();
    plant.machines[0].id = plant.machines[0].name = "OKUMA-MULTUS";
    here.describe(plant);
  }
  std::unique_ptr<Connector> start(const LoopbackServer& server, const std::string& options,
                                   const std::string& machine = "OKUMA-MULTUS") {
    DataSource description;
    description.id = "adapter", description.kind = "shdr", description.url = "shdr://" + server.address();
    description.machine = machine;
    description.options = boost::json::parse(options).as_object();
    source = ingestor.sources().get("adapter", "shdr");
    auto started = start_adapter({ingestor, here.clock, here.store->plant(), description, source});
    EXPECT_TRUE(started) << (started ? "" : started.error().context);
    return started ? std::move(*started) : nullptr;
  }
  SourceReport report() const { return source->report(here.clock.now()); }
  static void wait_for(const std::function<bool()>& done) {
    for (int i = 0; i < 3000 && !done(); ++i) std::this_thread::sleep_for(10ms);
    EXPECT_TRUE(done());
  }
  std::vector<std::string> states() const {
    std::vector<std::string> lines;
    const auto seen = here.store->events_since(0, [&](Sequence, const Event& event) {
      if (event.type == EventType::state)
        lines.push_back(format_time(event.at).substr(11) + " " + std::string{event.machine} + " " +
                        std::string{event.state} + " " + std::string{event.id});
      return true;
    });
    EXPECT_TRUE(seen);
    return lines;
  }
  /// A peer that sends a text and then stays.
  static LoopbackServer::Talk sends(const std::string& text) {
    return [text](LoopbackServer::Peer& peer, int, const std::atomic<bool>& stopping) {
      peer.send(text);
      while (!stopping && !peer.closed) peer.receive();
    };
  }

  EngineStore here{kNow};
  Ingestor ingestor{*here.store};
  std::shared_ptr<Source> source;
};

const std::string kOkumaOptions = R"({"execution":"pexecution","availability":"avail","good_total":"ppartcount",
  "product":"pprogram","attributes":["fmode","pmode"],"readings":"numeric","without":["ApplicationVersion","p1ToolAssetId"],
  "tags":{"S1load":"spindle1.load","S1speed":"spindle1.speed","X1load":"x.load","Z1load":"z.load","p1Fact":"path.feedrate"}})";
constexpr std::size_t kOkumaEvents = 16 + 8 + 21'032;

EventBatch okuma_import(std::string& text) {
  text = file("okuma.txt");
  const auto mapping = parse_mapping(file("okuma.mapping.toml"), "okuma");
  EXPECT_TRUE(mapping);
  Log log = read_shdr(text, mapping->keys);
  EventBatch batch;
  append_events(log, *mapping, batch);
  return batch;
}

TEST_F(Adapter, OfARealMachineTellsTheEventsOfItsLog) {
  const LoopbackServer server{sends(file("okuma.txt"))};
  {
    const auto connector = start(server, kOkumaOptions);
    wait_for([&] { return report().accepted + report().duplicate + report().rejected >= kOkumaEvents; });
  }
  EXPECT_EQ(report().accepted, kOkumaEvents);
  std::string text;
  const auto imported = ingestor.accept(okuma_import(text), "import");
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->accepted, 0U);
  EXPECT_EQ(imported->duplicate, kOkumaEvents);
}

// Differing content would be a correction in one of the two orders.
TEST_F(Adapter, OfAMachineWhoseLogWasImportedTellsNothingNew) {
  std::string text;
  ASSERT_TRUE(ingestor.accept(okuma_import(text), "import"));
  const LoopbackServer server{sends(file("okuma.txt"))};
  {
    const auto connector = start(server, kOkumaOptions);
    wait_for([&] { return report().accepted + report().duplicate + report().rejected >= kOkumaEvents; });
  }
  EXPECT_EQ(report().accepted, 0U);
  EXPECT_EQ(report().duplicate, kOkumaEvents);
}

TEST_F(Adapter, ThatIsLostMakesTheMachineUnavailableUntilItIsBack) {
  const std::string line = "2026-01-05T05:00:00Z|execution|ACTIVE\n";
  const LoopbackServer server{[&](LoopbackServer::Peer& peer, int number, const std::atomic<bool>& stopping) {
    peer.send(line);
    while (!stopping && !peer.closed) {
      peer.receive();
      if (number == 0 && report().accepted > 0) return;
    }
  }};
  source = ingestor.sources().get("adapter", "shdr");
  {
    const auto connector = start(server, "{}");
    wait_for([&] { return report().accepted >= 3; });
  }
  EXPECT_THAT(states(), ElementsAre("05:00:00Z OKUMA-MULTUS ACTIVE ", "06:00:00Z OKUMA-MULTUS unavailable ",
                                    "06:00:00.000001Z OKUMA-MULTUS ACTIVE "));
}

TEST_F(Adapter, ThatFallsSilentForTwiceItsHeartbeatIsLeft) {
  std::atomic<int> connections = 0;
  const LoopbackServer server{[&](LoopbackServer::Peer& peer, int, const std::atomic<bool>& stopping) {
    ++connections;
    std::string heard;
    while (!stopping && !peer.closed) {
      heard += peer.receive();
      if (heard == "* PING\n") peer.send("* PONG 100\n2026-01-05T05:00:00Z|execution|ACTIVE\n"), heard += "!";
    }
  }};
  const auto connector = start(server, "{}");
  wait_for([&] { return connections >= 2; });
  EXPECT_THAT(states(), testing::Contains(HasSubstr("unavailable")));
}

TEST_F(Adapter, ThatAnswersEachPingIsKept) {
  std::atomic<int> connections = 0, pings = 0;
  const LoopbackServer server{[&](LoopbackServer::Peer& peer, int, const std::atomic<bool>& stopping) {
    ++connections;
    while (!stopping && !peer.closed) {
      if (peer.receive().find("* PING") == std::string::npos) continue;
      ++pings;
      peer.send("* PONG 1000\n");
    }
  }};
  const auto connector = start(server, "{}");
  wait_for([&] { return pings >= 4; });
  EXPECT_EQ(connections, 1);
}

TEST_F(Adapter, OfSeveralDevicesNamesTheirMachinesBeforeTheKey) {
  const LoopbackServer server{
      sends("2026-01-05T05:00:00Z|M2:execution|READY|M2:good_total|7|M2:program|1.50\n"
            "2026-01-05T05:00:01Z|nobody\n2026-01-05T05:00:02Z|M2:load|007\n")};
  const auto connector = start(server, "{}", "");
  wait_for([&] { return report().accepted + report().rejected >= 5; });
  EXPECT_EQ(report().accepted, 4U);
  EXPECT_EQ(report().rejected_by_code[static_cast<std::size_t>(Rejection::bad_value)], 1U);
  EXPECT_THAT(states(), ElementsAre("05:00:00Z M2 READY "));
}

TEST_F(Adapter, ThatSaysMoreThanALineMayHoldLosesThatLine) {
  const LoopbackServer server{sends(std::string(3'000'000, 'x') + "\n2026-01-05T05:00:00Z|execution|READY\n")};
  const auto connector = start(server, "{}");
  wait_for([&] { return report().accepted >= 1; });
  EXPECT_EQ(report().rejected_by_code[static_cast<std::size_t>(Rejection::too_large)], 1U);
}

TEST_F(Adapter, WhoseClockIsNotTrustedIsStampedAsItArrives) {
  const LoopbackServer server{sends("1999-01-05T05:00:00Z|execution|READY\n")};
  const auto connector = start(server, R"({"clock":"server"})");
  wait_for([&] { return report().accepted >= 1; });
  EXPECT_THAT(states(), ElementsAre("06:00:00Z OKUMA-MULTUS READY "));
}

TEST_F(Adapter, IsLetGoOfAtOnceThoughItNeverAnswers) {
  const LoopbackServer server{sends("")};
  auto connector = start(server, "{}");
  wait_for([&] { return report().state == SourceState::connected; });
  const auto begun = std::chrono::steady_clock::now();
  connector.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
}

TEST(AdapterOptions, SayWhatIsWrongWithThem) {
  const auto problem = [](const std::string& url, const std::string& options, const std::string& machine = "M1") {
    DataSource source;
    source.url = url, source.machine = machine, source.options = boost::json::parse(options).as_object();
    const auto read = read_adapter_options(source);
    return read ? std::string{} : read.error().context;
  };
  EXPECT_EQ(problem("shdr://10.0.0.5:7878", "{}"), "");
  EXPECT_EQ(problem("shdr://[::1]:7878", "{}"), "");
  EXPECT_EQ(problem("shdr://okuma", R"({"execution":"e","readings":"numeric"})"), "");
  for (const char* url : {"http://a:1", "shdr://", "shdr://a:x", "shdr://a:0", "shdr://a:70000", "shdr://a/b"})
    EXPECT_THAT(problem(url, "{}"), HasSubstr("shdr://host:7878")) << url;
  EXPECT_THAT(problem("shdr://a", R"({"clock":"mine"})"), HasSubstr("options.clock"));
  EXPECT_THAT(problem("shdr://a", R"({"execution":"e"})", ""), HasSubstr("machine"));
  EXPECT_THAT(problem("shdr://a", R"({"execution":7})"), HasSubstr("must be a string"));
  EXPECT_THAT(problem("shdr://a", R"({"executoin":"e"})"), HasSubstr("unknown"));
  EXPECT_THAT(problem("shdr://a", R"({"machine":"e"})"), HasSubstr("beside"));
}

std::string streamed(const std::string& text, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  ShdrStream stream;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = 1 + random() % 40;
    stream.feed(std::string_view{text}.substr(at, size), kNow, out);
    at += size;
  }
  return out;
}

TEST(ShdrStream, IsTheSameHoweverItIsCut) {
  const std::string text =
      "* PONG 10000\n2026-01-05T05:00:00Z|a|1\r\n\n"
      "2026-01-05T05:00:01Z|prog|--multiline--AB\nline | one\n\n* PING inside\n--multiline--AB\n"
      "2026-01-05T05:00:02Z|b|2\n";
  const std::string whole = streamed(text, 1);
  const Log log = read_shdr(whole);
  ASSERT_EQ(log.samples.size(), 3U);
  EXPECT_EQ(log.samples[1].value, "line | one\n\n* PING inside");
  for (std::uint64_t seed = 2; seed < 50; ++seed) EXPECT_EQ(streamed(text, seed), whole);
}

TEST(ShdrStream, KeepsNoMoreThanARecordOfWhatNeverEnds) {
  ShdrStream stream;
  std::string out;
  const std::string chunk(100'000, 'x');
  for (int i = 0; i < 50; ++i) stream.feed(chunk, kNow, out);
  EXPECT_EQ(out, "");
  EXPECT_EQ(stream.skipped(), 1U);
  stream.feed("\n2026-01-05T05:00:00Z|a|1\n2026-01-05T05:00:00Z|p|--multiline--Q\n", kNow, out);
  for (int i = 0; i < 15'000; ++i)
    stream.feed("2026-01-05T05:00:01Z|a|2 and a text that is made long by this\n" + std::string(50, ' ') + "\n",
                kNow, out);
  const Log log = read_shdr(out);
  EXPECT_EQ(log.faults.size(), 1U);
  EXPECT_GT(log.samples.size(), 10'000U);
}

TEST(ShdrStream, CountsRelativeTimesFromTheFirst) {
  ShdrStream stream;
  std::string out;
  stream.feed("1000|a|1\n", kNow, out);
  stream.feed("2500.5|a|2\n", kNow + 9s, out);
  EXPECT_EQ(out, "2026-01-05T06:00:00Z|a|1\n2026-01-05T06:00:01.5005Z|a|2\n");
}

}  // namespace
}  // namespace takt::mtconnect
