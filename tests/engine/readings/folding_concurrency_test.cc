// Readers, the thread that folds and the committer at once: every look shows whole commits, and nothing gets lost.
#include "tests/engine/engine_store.h"

#include <atomic>
#include <thread>

namespace takt {
namespace {

using std::chrono::hours;

const Timestamp kStart = parse_time("2026-01-05T06:00:00Z").value();
const TimeRange kDay{kStart, kStart + hours{24}};
constexpr std::int64_t kRows = 50;  // of each commit and tag
constexpr int kCommits = 150;

TEST(FoldingConcurrency, LooksShowWholeCommitsWhateverIsSealedAndFolded) {
  const TemporaryFolder folder;
  TestClock clock;
  clock.set(kStart + hours{48});
  StoreOptions options;
  options.clock = &clock;
  options.sealing.journal_bytes = 1;  // seal with every commit
  options.fold_every = std::chrono::milliseconds{1};
  auto opened = Store::open(folder.path(), options);
  ASSERT_TRUE(opened) << opened.error().context;
  Store& store = **opened;
  ASSERT_TRUE(store.set_plant(small_plant(), std::nullopt, false));
  const SeriesId in_order = *store.series("M1", "a"), backwards = *store.series("M1", "b");

  std::atomic<bool> done{false};
  const auto look = [&] {
    while (!done) {
      SeriesSnapshot a, b;
      const ChunkSource* source = nullptr;
      {
        const StoreView view = store.read();
        const MachineId machine = view.machine("M1")->id();
        a = view.series(machine, "a")->snapshot(kDay);
        b = view.series(machine, "b")->snapshot(kDay);
        source = &view.chunks();  // outlives the view, with the store
      }
      const auto rows = a.rows(*source);
      const auto total = b.total(*source, false);
      ASSERT_TRUE(rows && total);
      EXPECT_EQ(rows->size(), total->rows) << "both tags come in one commit";
      EXPECT_EQ(rows->size() % kRows, 0U);
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) readers.emplace_back(look);
  for (int commit = 0; commit < kCommits; ++commit) {
    ReadingBlock block;
    for (std::int64_t i = 0; i < kRows; ++i) {
      const auto at = [&](int nth) { return kStart + Duration{(nth * kRows + i) * 1'000'000}; };
      block.push_back(in_order, {at(commit), static_cast<double>(i), 192, Value::Kind::number, nullptr});
      block.push_back(backwards, {at(kCommits - commit), 1, 192, Value::Kind::number, nullptr});
    }
    const auto receipt = store.commit(std::move(block));
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_EQ(receipt->accepted, std::size_t{2 * kRows});
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  ASSERT_TRUE(store.seal());
  while (*store.fold()) continue;
  const StoreView view = store.read();
  for (const ReadingSeries* series : view.series_of(view.machine("M1")->id())) {
    EXPECT_EQ(series->chunks().size(), 1U) << series->tag();
    EXPECT_EQ(series->snapshot(kDay).total(view.chunks(), true)->rows, std::uint64_t{kRows * kCommits});
  }
}

}  // namespace
}  // namespace takt
