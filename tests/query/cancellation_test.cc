// Long queries end soon after nobody waits for them any more: within one chunk, or one machine's bucket.
#include "query/oee.h"
#include "query/series.h"
#include "query/stoppable_source.h"
#include "tests/engine/engine_store.h"

#include <chrono>
#include <stop_token>

namespace takt {
namespace {

using namespace std::chrono_literals;
constexpr int kDays = 6;
constexpr Timestamp kMonday = from_micros(1'767'571'200'000'000);  // 2026-01-05
constexpr TimeRange kWeek{kMonday, kMonday + 24h * 7};

/// A tag with a chunk a day.
struct Readings : EngineStore {
  Readings() : EngineStore(kMonday + 24h * 7) {
    for (int day = 0; day < kDays; ++day)
      for (int minute = 0; minute < 30; ++minute)
        commit({reading("M1", "t", kMonday + 24h * day + 1min * minute, minute)});
    EXPECT_TRUE(store->seal());
  }
};

/// The store's chunks; asks for the stop while the last allowed one is read.
class Interrupting final : public ChunkSource {
 public:
  Interrupting(const ChunkSource& chunks, std::stop_source& stop, int allowed)
      : chunks_(chunks), stop_(stop), allowed_(allowed) {}
  Result<void> load(const ChunkKey& key,
                    const std::function<Result<void>(std::string_view)>& read) const override {
    if (++loads_ == allowed_) stop_.request_stop();
    return chunks_.load(key, read);
  }
  Result<std::shared_ptr<const ReadingColumns>> rows(const ChunkKey& key, GroupId group) const override {
    return chunks_.rows(key, group);
  }
  int loads() const { return loads_; }

 private:
  const ChunkSource& chunks_;
  std::stop_source& stop_;
  int allowed_;
  mutable int loads_ = 0;
};

TEST(Cancellation, OfAScanReadsNoFurtherChunk) {
  const Readings s;
  const StoreView view = s.store->read();
  const SeriesSnapshot snapshot = view.series(MachineId{0}, "t")->snapshot(kWeek);
  std::stop_source stop;
  const Interrupting chunks{view.chunks(), stop, 2};
  int blocks = 0;
  const auto scanned = snapshot.scan(StoppableSource{chunks, stop.get_token()},
                                     [&](const auto&, std::size_t, std::size_t) { return ++blocks, true; });
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, ErrorCode::cancelled);
  EXPECT_EQ(chunks.loads(), 2);
  EXPECT_EQ(blocks, 2);
}

TEST(Cancellation, OfStepsReadsNoFurtherChunk) {
  const Readings s;
  const StoreView view = s.store->read();
  const SeriesSnapshot snapshot = view.series(MachineId{0}, "t")->snapshot(kWeek);
  std::stop_source stop;
  const Interrupting chunks{view.chunks(), stop, 3};
  const auto steps = snapshot.steps(StoppableSource{chunks, stop.get_token()}, 1min, false);
  ASSERT_FALSE(steps);
  EXPECT_EQ(steps.error().code, ErrorCode::cancelled);
  EXPECT_EQ(chunks.loads(), 3);
}

TEST(Cancellation, EndsASeriesOfAnyKind) {
  const Readings s;
  std::stop_source stop;
  stop.request_stop();
  SeriesRequest request{"M1", "t", kWeek, std::nullopt, Aggregate::avg, false};
  EXPECT_EQ(series(*s.store, request)->size(), 30U * kDays);
  EXPECT_EQ(series(*s.store, request, stop.get_token()).error().code, ErrorCode::cancelled);
  request.step = 1min;
  for (const Aggregate aggregate : {Aggregate::avg, Aggregate::last}) {
    request.aggregate = aggregate;
    EXPECT_EQ(series(*s.store, request, stop.get_token()).error().code, ErrorCode::cancelled);
  }
}

TEST(Cancellation, EndsOeeOfEveryGrain) {
  const EngineStore s{kMonday + 24h * 7};
  std::stop_source stop;
  stop.request_stop();
  OeeRequest request;
  request.range = kWeek;
  for (const Grain grain : {Grain::total, Grain::hour, Grain::shift, Grain::day}) {
    request.grain = grain;
    EXPECT_TRUE(oee(s.store->read(), request, s.clock.now()));
    const auto cut = oee(s.store->read(), request, s.clock.now(), stop.get_token());
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, ErrorCode::cancelled);
  }
}

TEST(OeeLimits, HoldForAllSeriesTogether) {
  const EngineStore s{kMonday + 24h * 7};
  OeeRequest request;
  request.grain = Grain::hour;
  request.group = GroupBy::machine;
  request.range = {kMonday - 1h * 125'000, kMonday};
  const auto both = oee(s.store->read(), request, s.clock.now());
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, ErrorCode::invalid_argument);
  request.range = {kMonday - 1h * 400, kMonday};
  EXPECT_EQ(oee(s.store->read(), request, s.clock.now())->size(), 2U);
}

TEST(OeeWork, GrowsWithMachinesAndBuckets) {
  const EngineStore s{kMonday + 24h * 7};
  OeeRequest request;
  request.range = {kMonday, kMonday + 24h};
  request.grain = Grain::hour;
  EXPECT_EQ(work_of(s.store->read(), request, s.clock.now()), 50U);
  request.scope = {Scope::Kind::machine, "M1"};
  EXPECT_EQ(work_of(s.store->read(), request, s.clock.now()), 25U);
  request.grain = Grain::total;
  EXPECT_EQ(work_of(s.store->read(), request, s.clock.now()), 2U);
  request.range = {kMonday + 24h * 8, kMonday + 24h * 9};  // not begun
  EXPECT_EQ(work_of(s.store->read(), request, s.clock.now()), 0U);
}

}  // namespace
}  // namespace takt
