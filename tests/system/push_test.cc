// takt push against takt serve --tcp: kill -9 of either in mid-stream, and every event is there exactly once.
#include "tests/system/running_server.h"

#include "schema/time.h"

#include <random>
#include <thread>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

constexpr int kEvents = 20'000;

/// Each a count of one piece and a reading, of its own id and second.
std::string stream(int first, int last) {
  const Timestamp begin = *parse_time("2026-01-05T00:00:00Z");
  std::string lines;
  for (int i = first; i < last; ++i) {
    const std::string ts = format_time(begin + std::chrono::seconds{i});
    lines += R"({"type":"count","machine":"M1","ts":")" + ts + R"(","good":1,"id":"e)" + std::to_string(i) +
             "\"}\n" + R"({"type":"reading","machine":"M1","tag":"n","ts":")" + ts + R"(","value":)" +
             std::to_string(i) + "}\n";
  }
  return lines;
}

struct Scene {
  TemporaryFolder folder;
  std::string address = "127.0.0.1:" + std::to_string(free_port());
  std::unique_ptr<RunningServer> server;

  void start_server() {
    server = std::make_unique<RunningServer>(folder, simple_plant(), std::vector<std::string>{"--tcp", address});
    ASSERT_TRUE(server->wait_until_ready());
  }
  /// takt push of these lines, as a shell would start it.
  std::vector<std::string> push(const std::string& file, const std::string& patience = "60") const {
    return {"/bin/sh", "-c",
            "exec " + takt_binary() + " push --server " + address + " --spool " +
                (folder.path() / "spool").string() + " --patience " + patience + " < " + file};
  }
  void expect_all_once(int events) {
    Client client{*server};
    const std::string range = "&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z";
    const Json total = client.total("scope=machine:M1" + range);
    EXPECT_EQ(total["good_quantity"], events);
    const Json count = client.json("/v1/series?machine=M1&tag=n&step=86400s&agg=count" + range);
    ASSERT_EQ(count["points"].size(), 1U);
    EXPECT_EQ(count["points"][0][1], events);
  }
};

TEST(Push, DeliversExactlyOnceThroughKillsOfEitherSide) {
  Scene scene;
  const std::string file = (scene.folder.path() / "events.ndjson").string();
  write_file(file, stream(0, kEvents));
  scene.start_server();
  std::mt19937 random{1};
  for (int kill = 0; kill < 100; ++kill) {
    // Each begins anew with the same events: what is spooled already goes first.
    ChildProcess push{scene.push(file)};
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % 60});
    if (kill % 2 == 0) {
      push.signal(SIGKILL);
      push.wait();
      continue;
    }
    scene.server->kill();
    scene.start_server();
    push.signal(SIGKILL);
    push.wait();
  }
  const Finished last = run_program(scene.push(file));
  EXPECT_EQ(last.status, 0) << last.error;
  scene.expect_all_once(kEvents);
}

TEST(Push, KeepsWhatItReadsUntilThereIsAServer) {
  Scene scene;
  const std::string file = (scene.folder.path() / "events.ndjson").string();
  write_file(file, stream(0, 1000));
  const Finished alone = run_program(scene.push(file, "0.1"));
  EXPECT_EQ(alone.status, 1);
  EXPECT_NE(alone.error.find("stay in the spool"), std::string::npos) << alone.error;
  write_file(file, "");
  scene.start_server();
  const Finished later = run_program(scene.push(file));
  EXPECT_EQ(later.status, 0) << later.error;
  EXPECT_NE(later.output.find("2000 accepted, 0 duplicate, 0 rejected"), std::string::npos) << later.output;
  scene.expect_all_once(1000);
}

TEST(Push, TellsWhatIsWrongInOneLine) {
  const Finished wrong = run_takt({"push", "--spool", "/nowhere", "--server", "nothing"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_EQ(wrong.complaints().size(), 1U) << wrong.error;
  EXPECT_EQ(run_takt({"push"}).status, 2);
}

}  // namespace
}  // namespace takt::test
