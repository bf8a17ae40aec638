// `takt import` of tables, as a user runs it: tried first, interrupted, and gone on with.
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
    ASSERT_TRUE(server_.wait_until_ready());
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
    std::vector<std::string> all{
        takt_binary(), "import",     file_.string(), "--map",         "machine=Maschine,ts=Zeit,good=Gut",
        "--set",       "type=count", "--timezone",   "Europe/Berlin", "--server",
        server_.url()};
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
  RunningServer server_{folder_, simple_plant()};
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

}  // namespace
}  // namespace takt::test
