#include "engine/commit_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/engine_store.h"

namespace takt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

const Timestamp kStart = *parse_time("2026-01-05T06:00:00Z");
constexpr Duration kTick{1};

std::vector<CommitTime> some_times() {
  std::vector<CommitTime> times;
  for (int i = 0; i < 5000; ++i)
    times.push_back({kStart + Duration{i / 3 * 1000}, static_cast<Sequence>(7 + 2 * i)});
  return times;
}

TEST(CommitTimes, ComeBackFromABlockOfAFewBytesEach) {
  const std::vector<CommitTime> times = some_times();
  const std::string bytes = encode_commit_times(times);
  EXPECT_LT(bytes.size(), 2 * times.size());
  const auto decoded = decode_commit_times(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, times);
}

TEST(CommitTimes, OfADamagedBlockAreRefused) {
  const std::string bytes = encode_commit_times(some_times());
  for (std::size_t at = 0; at < bytes.size(); at += 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    EXPECT_FALSE(decode_commit_times(damaged)) << at;
    EXPECT_FALSE(decode_commit_times(std::string_view{bytes}.substr(0, at))) << at;
  }
}

TEST(CommitTimes, HaveKeysThatSortAsTheyDo) {
  const CommitTime first{from_micros(-5), 9}, second{from_micros(3), 1};
  EXPECT_LT(commit_time_key(first), commit_time_key(second));
  EXPECT_LT(commit_times_key(second), commit_time_key(first));
  EXPECT_EQ(commit_time_of_key(commit_times_key(first)), first);
  EXPECT_EQ(commit_time_of_key("s1234"), std::nullopt);
}

class CommitTimesOfAStore : public testing::Test {
 protected:
  Result<Sequence> commit_at(Timestamp then) const {
    const auto view = s.store->as_of(then, [](const StoreView&) { return std::vector<MachineId>{MachineId{0}}; });
    if (!view) return view.error();
    return view->sequence();
  }
  EngineStore s{kStart + hours{12}};
};

TEST_F(CommitTimesOfAStore, CountFromTheirVeryMicrosecondOn) {
  std::map<Timestamp, Sequence> made;
  Timestamp then = s.clock.now();
  for (int i = 0; i < 40; ++i) {
    then += seconds{i + 1};
    s.clock.set(then);
    s.commit({count("M1", kStart + minutes{i}, 1)});
    made[then] = s.store->sequence();
  }
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_TRUE(s.store->seal());
    }
    for (auto at = std::next(made.begin()); at != made.end(); ++at) {
      EXPECT_EQ(commit_at(at->first).value(), at->second);
      EXPECT_EQ(commit_at(at->first - kTick).value(), std::prev(at)->second);
    }
  }
}

TEST_F(CommitTimesOfAStore, StayInOrderWhenTheClockIsSetBack) {
  const Timestamp noon = s.clock.now() + hours{1};
  s.clock.set(noon);
  s.commit({count("M1", kStart, 1)});
  const Sequence before = s.store->sequence();
  s.clock.set(noon - minutes{30});
  s.commit({count("M1", kStart + minutes{1}, 1)});
  EXPECT_LT(commit_at(noon - kTick).value(), before);
  EXPECT_EQ(commit_at(noon).value(), before + 1);
}

TEST_F(CommitTimesOfAStore, OfFormat4AreKnownFromItsOpeningOn) {
  s.commit({count("M1", kStart, 1)});
  ASSERT_TRUE(s.store->seal());
  s.store.reset();
  {
    auto disk = Store::Disk::open(s.data());
    ASSERT_TRUE(disk);
    auto* family = (**disk)[Store::Disk::commit_time];
    rocksdb::WriteBatch batch;
    batch.DeleteRange(family, "a", "z");
    ASSERT_TRUE((*disk)->write(batch));
  }
  const Timestamp opened = s.clock.now() + hours{5};
  s.clock.set(opened);
  s.open();
  s.clock.set(opened + seconds{9});
  s.commit({count("M1", kStart + minutes{1}, 1)});
  const Sequence newest = s.store->sequence();
  EXPECT_EQ(commit_at(opened).value(), newest - 1);
  const auto before = commit_at(opened - kTick);
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(before.error().context, HasSubstr("from " + format_time(opened) + " on"));
}

TEST_F(CommitTimesOfAStore, AreOfNoUseToWhoWaitsNoMore) {
  s.commit({count("M1", kStart, 1)});
  const Timestamp then = s.clock.now();
  s.clock.set(then + seconds{1});
  s.commit({count("M1", kStart + minutes{1}, 1)});
  std::stop_source stop;
  stop.request_stop();
  const auto view = s.store->as_of(
      then, [](const StoreView&) { return std::vector<MachineId>{MachineId{0}}; }, stop.get_token());
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace takt
