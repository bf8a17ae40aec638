// `takt import` of tables, as a user runs it: tried first, interrupted, and gone on with.
#include "tests/system/broker.h"
#include "tests/system/child_process.h"
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

namespace takt::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kRows = 200'000;

class ImportOfATable : public testing::Test {
 protected:
  void SetUp() override {
    start_server();
    std::string table = "Maschine;Zeit;Gut\n";
    for (int i = 0; i < kRows; ++i) {
      char row[64];
      std::snprintf(row, sizeof row, "M1;%02d.01.2025 %02d:%02d:%02d;1\n", 1 + i / 86'400, i / 3600 % 24,
                    i / 60 % 60, i % 60);
      table += row;
    }
    write_file(file_, table + "M1;gestern;1\n");
  }
  std::vector<std::string> words(std::vector<std::string> more = {}) const {
    return words_to(server_->url(), more);
  }
  std::vector<std::string> words_to(const std::string& server, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{
        takt_binary(), "import",     file_.string(), "--map",         "machine=Maschine,ts=Zeit,good=Gut",
        "--set",       "type=count", "--timezone",   "Europe/Berlin", "--server",
        server};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static std::string said(ChildProcess& child) {
    child.wait();
    child.wait_for_end_of_output();
    return child.output_text() + child.error_text();
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "shift.csv", state_ = folder_.path() / "shift.csv.takt-import";
  std::string tcp_ = "127.0.0.1:" + std::to_string(free_port());
  std::unique_ptr<RunningServer> server_;

  void start_server() {
    server_ = std::make_unique<RunningServer>(folder_, simple_plant(), std::vector<std::string>{"--tcp", tcp_});
    ASSERT_TRUE(server_->wait_until_ready());
  }
  std::int64_t pieces() const {
    Client client{*server_};
    return client.total("scope=machine:M1&from=2024-12-31T00:00:00Z&to=2025-01-10T00:00:00Z")["good_quantity"];
  }
};

TEST_F(ImportOfATable, SendsNothingInADryRun) {
  ChildProcess trial{words({"--dry-run"})};
  const std::string all = said(trial);
  EXPECT_THAT(all, HasSubstr("200000 readable, 1 rejected; nothing was sent"));
  EXPECT_THAT(all, HasSubstr("shift.csv:200002: bad_value: 'gestern'"));
  EXPECT_THAT(all, HasSubstr(R"("ts":"2024-12-31T23:00:00Z","good":1)"));
  ChildProcess real{words()};
  EXPECT_THAT(said(real), HasSubstr("200000 accepted, 0 duplicate, 1 rejected"));
}

TEST_F(ImportOfATable, GoesOnWhereItWasInterrupted) {
  {
    ChildProcess interrupted{words()};
    for (int i = 0; i < 6000 && !std::filesystem::exists(state_); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    interrupted.signal(SIGKILL);
    interrupted.wait();
  }
  ASSERT_TRUE(std::filesystem::exists(state_));
  ChildProcess again{words()};
  const std::string all = said(again);
  EXPECT_THAT(all, HasSubstr("goes on after "));
  EXPECT_THAT(all, Not(HasSubstr("200000 accepted")));
  EXPECT_FALSE(std::filesystem::exists(state_));
  ChildProcess whole{words({"--from-start"})};
  EXPECT_THAT(said(whole), HasSubstr("0 accepted, 200000 duplicate, 1 rejected"));
}

TEST_F(ImportOfATable, GoesOverTheBinaryProtocolToo) {
  ChildProcess whole{words_to("tcp://" + tcp_)};
  const std::string all = said(whole);
  EXPECT_THAT(all, HasSubstr("200000 accepted, 0 duplicate, 1 rejected"));
  EXPECT_THAT(all, HasSubstr("shift.csv:200002: bad_value: 'gestern'"));
  EXPECT_EQ(pieces(), kRows);
  EXPECT_FALSE(std::filesystem::exists(state_));
  ChildProcess again{words()};
  EXPECT_THAT(said(again), HasSubstr("0 accepted, 200000 duplicate, 1 rejected"));
}

TEST_F(ImportOfATable, OverTheBinaryProtocolCountsOnceThroughKillsOfEitherSide) {
  for (int kill = 0; kill < 3; ++kill) {
    ChildProcess interrupted{words_to("tcp://" + tcp_)};
    const auto begun = std::filesystem::exists(state_) ? std::filesystem::last_write_time(state_)
                                                       : std::filesystem::file_time_type{};
    for (int i = 0; i < 6000; ++i) {  // until more of it is acknowledged
      if (std::filesystem::exists(state_) && std::filesystem::last_write_time(state_) != begun) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    interrupted.signal(SIGKILL);
    interrupted.wait();
  }
  const bool goes_on = std::filesystem::exists(state_);  // else one was faster than its signal
  ChildProcess last{words_to("tcp://" + tcp_)};
  server_->kill();
  start_server();
  const std::string all = said(last);
  if (goes_on) {
    EXPECT_THAT(all, HasSubstr("goes on after "));
  }
  EXPECT_FALSE(std::filesystem::exists(state_)) << all;
  EXPECT_EQ(pieces(), kRows);
}

TEST(ImportOverTcp, NamesTheLinesThatTheServerRefuses) {
  const TemporaryFolder folder;
  const std::string address = "127.0.0.1:" + std::to_string(free_port());
  RunningServer server{folder, simple_plant(), {"--tcp", address}};
  ASSERT_TRUE(server.wait_until_ready());
  const std::string file = (folder.path() / "events.ndjson").string();
  write_file(file, R"({"type":"state","machine":"M1","ts":"2026-01-05T06:00:00Z","state":"running"})"
                   "\n\n"
                   R"({"type":"state","machine":"M1","ts":"2026-01-05T06:00:01Z","state":"dancing"})"
                   "\n"
                   R"({"type":"reading","machine":"M1","ts":"2026-01-05T06:00:02Z","tag":"t","value":1})"
                   "\nbroken\n"
                   R"({"type":"reading","machine":"NOBODY","ts":"2026-01-05T06:00:03Z","tag":"t","value":1})"
                   "\n");
  const Finished done = run_takt({"import", file, "--server", "tcp://" + address});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("2 accepted, 0 duplicate, 3 rejected"));
  EXPECT_THAT(done.error, HasSubstr("events.ndjson:3: unknown_state"));
  EXPECT_THAT(done.error, HasSubstr("events.ndjson:5: bad_json"));
  EXPECT_THAT(done.error, HasSubstr("events.ndjson:6: unknown_machine"));
  const Finished nobody = run_takt({"import", file, "--server", "tcp://nowhere"});
  EXPECT_EQ(nobody.status, 1);
  EXPECT_THAT(nobody.error, HasSubstr("HOST:PORT"));
}

}  // namespace
}  // namespace takt::test
