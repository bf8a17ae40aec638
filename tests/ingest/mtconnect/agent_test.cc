// Agents over a real HTTP connection: what they observed, once, across gaps, restarts and new instances.
#include "ingest/mtconnect/agent_connector.h"
#include "ingest/mtconnect/agent_document.h"
#include "schema/event_json.h"
#include "tests/engine/engine_store.h"
#include "tests/support/loopback_server.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <thread>

namespace takt::mtconnect {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

const Timestamp kNow = *parse_time("2026-01-05T06:00:00Z");

std::string file(const std::string& name) {
  std::ifstream in{std::string{TAKT_TEST_DATA} + "/mtconnect/" + name, std::ios::binary};
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// An agent that answers each target as a test says.
class ScriptedAgent {
 public:
  using Answer = std::function<std::string(const std::string& target)>;
  explicit ScriptedAgent(Answer answer)
      : answer_(std::move(answer)),
        server_([this](LoopbackServer::Peer& peer, int, const std::atomic<bool>& stopping) {
          serve(peer, stopping);
        }) {}
  std::string url() const { return "http://" + server_.address(); }
  std::vector<std::string> asked() {
    const std::lock_guard lock{mutex_};
    return asked_;
  }

 private:
  void serve(LoopbackServer::Peer& peer, const std::atomic<bool>& stopping) {
    std::string heard;
    while (!stopping && !peer.closed) {
      heard += peer.receive();
      const auto end = heard.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const std::string target = heard.substr(4, heard.find(' ', 4) - 4);
      heard.erase(0, end + 4);
      {
        const std::lock_guard lock{mutex_};
        asked_.push_back(target);
      }
      const std::string body = answer_(target);
      if (body.empty()) return;  // hangs up
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
  }

  Answer answer_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  LoopbackServer server_;  // last: it uses everything above
};

class Agent : public testing::Test {
 protected:
  std::unique_ptr<Connector> start(const ScriptedAgent& agent, const std::string& path = "") {
    DataSource description;
    description.id = "agent", description.kind = "mtconnect", description.url = agent.url() + path;
    source = ingestor.sources().get("agent", "mtconnect");
    auto started = start_agent({ingestor, here.clock, here.store->plant(), description, source});
    EXPECT_TRUE(started) << (started ? "" : started.error().context);
    return started ? std::move(*started) : nullptr;
  }
  SourceReport report() const { return source->report(here.clock.now()); }
  static void wait_for(const std::function<bool()>& done) {
    for (int i = 0; i < 3000 && !done(); ++i) std::this_thread::sleep_for(10ms);
    EXPECT_TRUE(done());
  }
  static bool was_asked(ScriptedAgent& agent, const std::string& target) {
    const auto asked = agent.asked();
    return std::count(asked.begin(), asked.end(), target) > 0;
  }
  /// Everything but readings, as JSON.
  std::vector<std::string> events() const {
    std::vector<std::string> lines;
    const auto seen = here.store->events_since(0, [&](Sequence, const Event& event) {
      std::string json;
      append_json(json, event);
      lines.push_back(json);
      return true;
    });
    EXPECT_TRUE(seen);
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  /// Answers of version 1.3 with ten observations; then none.
  static std::string version_1_3(const std::string& target) {
    if (target.ends_with("/probe")) return file("agent_1.3_probe.xml");
    if (target.ends_with("/current")) return file("agent_1.3_current.xml");
    if (target.find("from=10&") != std::string::npos) return file("agent_1.3_sample.xml");
    return nothing_new("1000", "20");
  }
  static std::string nothing_new(const std::string& instance, const std::string& next) {
    return "<MTConnectStreams><Header instanceId='" + instance + "' nextSequence='" + next +
           "' firstSequence='10' lastSequence='19'/><Streams/></MTConnectStreams>";
  }

  EngineStore here{kNow};
  Ingestor ingestor{*here.store};
  std::shared_ptr<Source> source;
};

TEST_F(Agent, OfVersion13TellsStatesTotalsAndReadings) {
  ScriptedAgent agent{version_1_3};
  {
    const auto connector = start(agent, "/M1");
    wait_for([&] { return was_asked(agent, "/M1/sample?from=20&count=1000"); });
  }
  EXPECT_THAT(events(), ElementsAre(HasSubstr(R"("good_total":41)"), HasSubstr(R"("good_total":42)"),
                                    HasSubstr(R"("scrap_total":1)"), HasSubstr(R"("state":"ACTIVE")"),
                                    HasSubstr(R"("state":"unavailable")")));
  // Beside them the speed, the condition, and the execution of the second path.
  EXPECT_EQ(report().accepted, 5U + 3U);
  EXPECT_EQ(report().rejected, 0U);
  EXPECT_EQ(report().gaps, 0U);
}

std::string version_2_3(const std::string& target) {
  if (target == "/probe") return file("agent_2.3_probe.xml");
  if (target == "/current" || target == "/sample?from=1&count=1000") return file("agent_2.3_sample.xml");
  return "<MTConnectStreams><Header instanceId='2000' nextSequence='9'/></MTConnectStreams>";
}

TEST_F(Agent, OfVersion23CountsGoodPartsAndLeavesItselfOut) {
  ScriptedAgent agent{version_2_3};
  {
    const auto connector = start(agent);
    wait_for([&] { return was_asked(agent, "/sample?from=9&count=1000"); });
  }
  EXPECT_THAT(events(), ElementsAre(HasSubstr(R"("good_total":11)"), HasSubstr(R"("state":"READY")"),
                                    HasSubstr(R"("state":"ACTIVE")")));
  EXPECT_EQ(report().accepted, 3U + 3U);  // and the temperature, the count of all parts, the program
}

TEST_F(Agent, FollowsTheRulesOfThePlantFirst) {
  Plant plant = small_plant();
  SignalRule program;
  program.match = "*/program", program.as = SignalUse::product;
  SignalRule count;
  count.match = "M2/good_count", count.as = SignalUse::ignore;
  SignalRule all;
  all.match = "M2/count", all.as = SignalUse::good_total;
  plant.signals = {program, count, all};
  here.describe(plant);
  ScriptedAgent agent{version_2_3};
  {
    const auto connector = start(agent);
    wait_for([&] { return was_asked(agent, "/sample?from=9&count=1000"); });
  }
  EXPECT_THAT(events(),
              Contains(testing::AllOf(HasSubstr(R"("good_total":12)"), HasSubstr(R"("product":"O1.50")"))));
  EXPECT_EQ(report().accepted, 3U + 1U);
}

TEST_F(Agent, IsAskedOnFromWhereItWasLeft) {
  ScriptedAgent agent{version_1_3};
  {
    const auto connector = start(agent);
    wait_for([&] { return was_asked(agent, "/sample?from=20&count=1000"); });
  }
  EXPECT_EQ(here.store->note("mtconnect agent"), "1000 20");
  ScriptedAgent again{version_1_3};
  {
    const auto connector = start(again);
    wait_for([&] { return was_asked(again, "/sample?from=20&count=1000"); });
  }
  EXPECT_THAT(again.asked(), testing::Not(Contains("/current")));
}

TEST_F(Agent, WhoseBufferRanOverTellsTheGap) {
  ASSERT_TRUE(here.store->set_note("mtconnect agent", "1000 3"));
  ScriptedAgent agent{[](const std::string& target) {
    return target.find("from=3&") != std::string::npos ? file("agent_2.6_error.xml") : version_1_3(target);
  }};
  {
    const auto connector = start(agent);
    wait_for([&] { return was_asked(agent, "/sample?from=20&count=1000"); });
  }
  EXPECT_EQ(report().gaps, 7U);
  EXPECT_EQ(report().accepted, 5U + 3U);
}

TEST_F(Agent, ThatIsAnotherInstanceIsReadFromItsBeginning) {
  ASSERT_TRUE(here.store->set_note("mtconnect agent", "999 500"));
  std::atomic<bool> restarted = false;
  ScriptedAgent agent{[&](const std::string& target) {
    std::string answer = version_1_3(target);
    if (target.find("from=20&") != std::string::npos) restarted = true;
    return restarted ? replaced(answer, "1000", "1001") : answer;
  }};
  {
    const auto connector = start(agent);
    wait_for([&] {
      const auto asked = agent.asked();
      return std::count(asked.begin(), asked.end(), "/sample?from=10&count=1000") == 2;
    });
    wait_for([&] { return agent.asked().back() == "/sample?from=20&count=1000"; });
  }
  EXPECT_EQ(report().accepted, 5U + 3U);
  EXPECT_EQ(report().gaps, 0U);
  EXPECT_EQ(here.store->note("mtconnect agent"), "1001 20");
}

TEST_F(Agent, ThatAnswersNonsenseIsToldAndAskedAgain) {
  std::atomic<int> answers = 0;
  ScriptedAgent agent{[&](const std::string& target) {
    switch (answers++) {
      case 0:
        return std::string{"<html><p>no"};
      case 1:
        return std::string{};
      default:
        return version_1_3(target);
    }
  }};
  const auto connector = start(agent);
  wait_for([&] { return report().state == SourceState::disconnected; });
  EXPECT_THAT(report().detail, HasSubstr("XML"));
  wait_for([&] { return report().accepted == 8; });
}

TEST_F(Agent, IsLetGoOfAtOnceThoughItNeverAnswers) {
  std::atomic<bool> over = false;
  ScriptedAgent agent{[&](const std::string&) {
    while (!over) std::this_thread::sleep_for(1ms);
    return std::string{};
  }};
  auto connector = start(agent);
  wait_for([&] { return !agent.asked().empty(); });
  const auto begun = std::chrono::steady_clock::now();
  connector.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  over = true;
}

TEST_F(Agent, IsRefusedWithoutAnAddressOrWithOptions) {
  const auto problem = [&](const std::string& url, bool with_options) {
    DataSource description;
    description.url = url;
    if (with_options) description.options["interval"] = 1;
    const auto started =
        start_agent({ingestor, here.clock, here.store->plant(), description, ingestor.sources().get("a", "b")});
    return started ? std::string{} : started.error().context;
  };
  EXPECT_THAT(problem("ftp://agent:5000", false), HasSubstr("http://host:5000"));
  EXPECT_THAT(problem("agent", false), HasSubstr("http://host:5000"));
  EXPECT_THAT(problem("http://agent:5000", true), HasSubstr("no options"));
}

TEST(AgentDocument, IsRefusedIfItIsNoneOrHasADoctype) {
  EXPECT_FALSE(read_agent_document(""));
  EXPECT_FALSE(read_agent_document("<a"));
  EXPECT_THAT(read_agent_document("<html/>").error().context, HasSubstr("no document of MTConnect"));
  const auto bomb =
      read_agent_document("<!DOCTYPE a [<!ENTITY x 'xxxx'>]><MTConnectStreams>&x;</MTConnectStreams>");
  ASSERT_FALSE(bomb);
  EXPECT_THAT(bomb.error().context, HasSubstr("DOCTYPE"));
  std::string deep = "<MTConnectStreams>";
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  EXPECT_THAT(read_agent_document(deep).error().context, HasSubstr("deeply"));
}

TEST(AgentDocument, HoldsTheErrorsOfOldAndNewAgents) {
  const auto newer = read_agent_document(file("agent_2.6_error.xml"));
  const auto older = read_agent_document(
      "<MTConnectError xmlns='urn:mtconnect.org:MTConnectError:1.2'><Header instanceId='5'/><Errors>"
      "<Error errorCode='OUT_OF_RANGE'>'from' must be greater than 1</Error></Errors></MTConnectError>");
  ASSERT_TRUE(newer && older);
  EXPECT_EQ(newer->error_code, "OUT_OF_RANGE");
  EXPECT_EQ(older->error_code, "OUT_OF_RANGE");
  EXPECT_EQ(older->error, "'from' must be greater than 1");
  EXPECT_EQ(older->header.instance, 5U);
}

}  // namespace
}  // namespace takt::mtconnect
