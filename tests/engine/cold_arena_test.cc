// Room for cold runs: what is put there comes back, what is given back is used again, and a disk that is full is
// no reason to fail.
#include "engine/cold_arena.h"
#include "engine/records.h"
#include "engine/sorted_runs.h"
#include "tests/support/temporary.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace takt {
namespace {

TEST(ColdArena, KeepsWhatIsPutThereWhateverComesAndGoes) {
  const TemporaryFolder folder;
  ColdArena arena{folder.path()};
  std::mt19937_64 random{1};
  std::deque<std::pair<std::string, std::unique_ptr<ColdBytes>>> kept;
  for (int step = 0; step < 4000; ++step) {
    if (kept.size() > 400 && random() % 2 == 0) {
      std::swap(kept[random() % kept.size()], kept.back());
      ASSERT_EQ(kept.back().second->view(), kept.back().first);
      kept.pop_back();
    } else {
      std::string bytes(random() % 5000, static_cast<char>('a' + random() % 26));
      auto put = std::make_unique<ColdBytes>(&arena, bytes);
      kept.emplace_back(std::move(bytes), std::move(put));
    }
  }
  for (const auto& [bytes, put] : kept) ASSERT_EQ(put->view(), bytes);
  EXPECT_GT(arena.used(), 0U);
  EXPECT_LE(arena.used(), arena.size());
  kept.clear();
  EXPECT_EQ(arena.used(), 0U);
}

TEST(ColdArena, UsesWhatWasGivenBackAgain) {
  const TemporaryFolder folder;
  ColdArena arena{folder.path()};
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<ColdBytes>> kept;
    for (int i = 0; i < 100; ++i)
      kept.push_back(std::make_unique<ColdBytes>(&arena, std::string(3000 + i % 7, 'x')));
  }
  EXPECT_LT(arena.size(), std::size_t{2} << 20U) << "15 MB went through it";
}

TEST(ColdArena, LeavesNothingInTheFolder) {
  const TemporaryFolder folder;
  ColdArena arena{folder.path()};
  const ColdBytes bytes{&arena, "abc"};
  EXPECT_GT(arena.used(), 0U);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ColdArena, ThatGetsNoFileLeavesItToTheHeap) {
  ColdArena arena{"/nowhere/at/all"};
  const ColdBytes bytes{&arena, "abc"};
  EXPECT_EQ(bytes.view(), "abc");
  EXPECT_EQ(arena.size(), 0U);
  const ColdBytes without{nullptr, "def"};
  EXPECT_EQ(without.view(), "def");
}

TEST(ColdArena, OfAFullDiskLeavesItToTheHeap) {
  const TemporaryFolder folder;
  ColdArena arena{folder.path()};
  const auto signal_before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{std::size_t{1} << 20U, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::vector<std::unique_ptr<ColdBytes>> kept;
  for (int i = 0; i < 1000; ++i)
    kept.push_back(std::make_unique<ColdBytes>(&arena, std::string(4000, 'a' + i % 26)));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, signal_before);
  EXPECT_GT(arena.used(), 0U);
  EXPECT_LE(arena.size(), std::size_t{1} << 20U);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(kept[i]->view(), std::string(4000, 'a' + i % 26));
}

TEST(ColdArena, HoldsTheColdRunsOfAListUntilItGoes) {
  const TemporaryFolder folder;
  ColdArena arena{folder.path()};
  Names names;
  {
    SortedRuns<StateRecord, ByIdentity> list{{&names}, &arena};
    for (std::int64_t i = 0; i < 20'000; ++i)
      list.put({from_micros(i * 1'000'000), NameId::none, names.intern("running"), NameId::none, {}});
    EXPECT_GT(arena.used(), 0U);
    for (std::int64_t i = 0; i < 20'000; i += 37) {
      list.put({from_micros(i * 1'000'000),
                NameId::none,
                names.intern("down"),
                NameId::none,
                {}});  // opens cold runs, which are packed again
    }
    std::int64_t i = 0;
    for (const StateRecord& state : list) {
      ASSERT_EQ(micros(state.at), i * 1'000'000);
      ASSERT_EQ(names.text(state.state), i % 37 == 0 ? "down" : "running");
      ++i;
    }
  }
  EXPECT_EQ(arena.used(), 0U);
}

}  // namespace
}  // namespace takt
