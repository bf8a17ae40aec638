// One budget, the limits that follow from it, and that the store keeps to them.
#include "engine/memory.h"

#include <future>
#include <thread>

#include "tests/engine/engine_store.h"

namespace takt {
namespace {

using std::chrono::hours;

const Timestamp kStart = parse_time("2026-01-05T06:00:00Z").value();
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

TEST(MemoryBudget, ReadsSizesAsPeopleWriteThem) {
  EXPECT_EQ(*parse_size("2G"), 2048 * kMiB);
  EXPECT_EQ(*parse_size("512m"), 512 * kMiB);
  EXPECT_EQ(*parse_size("1.5GiB"), 1536 * kMiB);
  EXPECT_EQ(*parse_size("786432K"), 768 * kMiB);
  EXPECT_EQ(*parse_size("2GB"), 2048 * kMiB);
  EXPECT_EQ(*parse_size("268435456"), 256 * kMiB);
  for (const char* wrong : {"", "G", "2X", "2 G", "-1G", "nan", "1e300G", "2GG", "2kb b"}) {
    const auto size = parse_size(wrong);
    ASSERT_FALSE(size) << wrong;
    EXPECT_NE(size.error().context.find("512M"), std::string::npos) << "says how: " << size.error().context;
  }
}

TEST(MemoryBudget, SplitsWhatThereIsAndRefusesTooLittle) {
  for (std::uint64_t total = MemoryBudget::kLeast; total <= 64 * 1024 * kMiB; total += total / 3) {
    const auto budget = MemoryBudget::of(total);
    ASSERT_TRUE(budget) << budget.error().context;
    const StoreMemory& store = budget->store;
    // Rows in memory take up to four times what they take in the journal.
    EXPECT_LE(4 * budget->journal + store.memtables + store.block_cache + store.decoded + store.queue +
                  budget->bodies + budget->messages,
              total);
  }
  const auto refused = MemoryBudget::of(MemoryBudget::kLeast - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(refused.error().context.find("--memory"), std::string::npos);
  EXPECT_TRUE(MemoryBudget::of(MemoryBudget::usual()));
}

TEST(StoreMemory, RefusesWhatTheQueueHasNoRoomForUntilItHas) {
  EngineStore s{kStart + hours{8}};
  s.options.memory.queue = 1'000'000;
  s.reopen();
  const SeriesId tag = *s.store->series("M1", "a");
  std::promise<void> go;
  std::shared_future<void> gone{go.get_future()};
  s.store->set_listener([&](const CommitNotice&) { gone.wait(); });
  ReadingBlock block;
  for (int i = 0; i < 4000; ++i)
    block.push_back(tag, {kStart + Duration{i}, 1.0, 192, Value::Kind::number, nullptr});
  std::atomic<int> answered{0};
  int queued = 0;
  const auto submit = [&] { return s.store->submit(block, [&](const Result<Receipt>&) { ++answered; }); };
  while (queued < 1000 && submit()) ++queued;
  EXPECT_GT(queued, 5);
  EXPECT_LT(queued, 50) << "some 25 bytes a reading";
  go.set_value();
  while (answered < queued) std::this_thread::yield();
  EXPECT_TRUE(submit());
  while (answered <= queued) std::this_thread::yield();
}

TEST(StoreMemory, SealsByAgeThoughNoCommitsCome) {
  StoreOptions options;
  options.sealing.age = std::chrono::milliseconds{1};
  options.fold_every = std::chrono::milliseconds{1};
  EngineStore s{kStart + hours{8}, small_plant(), options};
  s.commit({reading("M1", "a", kStart, 1)});
  const auto sealed = [&] {
    const StoreView view = s.store->read();
    return view.series(view.machine("M1")->id(), "a")->chunks().size();
  };
  while (sealed() == 0) std::this_thread::yield();  // ctest ends it if that never comes
  EXPECT_EQ(s.store->statistics().journal_bytes.load(), 0U);
}

}  // namespace
}  // namespace takt
