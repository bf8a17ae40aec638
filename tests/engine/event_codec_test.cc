// Frames of the event log and the journal: what was written is read back, or is seen to be damaged.
#include "engine/event_codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <random>

#include "engine/records.h"
#include "tests/support/random_events.h"

namespace takt {
namespace {

std::string frame_of(const std::vector<Event>& events) {
  std::vector<const Event*> pointers;
  for (const Event& event : events) pointers.push_back(&event);
  return encode_frame(pointers);
}

std::string with_checksum(std::string body) {
  const std::uint64_t sum = XXH3_64bits(body.data(), body.size());
  for (int i = 0; i < 8; ++i) body.push_back(static_cast<char>(sum >> (8 * i)));
  return body;
}

TEST(EventFrame, GivesBackAnyEvents) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EventBatch batch;
    RandomEvents random{seed};
    for (std::size_t i = 0; i < seed * 10; ++i) batch.events.push_back(random.next(batch));
    const std::string frame = frame_of(batch.events);
    std::vector<Event> decoded;
    const auto done = decode_frame(frame, decoded);
    ASSERT_TRUE(done) << done.error().context;
    ASSERT_EQ(decoded.size(), batch.events.size());
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      expect_same(decoded[i], batch.events[i]);
      if (HasFatalFailure()) return;
      EXPECT_EQ(rank_of(decoded[i]), rank_of(batch.events[i]));
    }
  }
}

TEST(EventFrame, MayBeEmptyAndAppendsToWhatIsThere) {
  std::vector<Event> decoded(1);
  ASSERT_TRUE(decode_frame(frame_of({}), decoded));
  EXPECT_EQ(decoded.size(), 1U);
  ASSERT_TRUE(decode_frame(frame_of({Event{}}), decoded));
  EXPECT_EQ(decoded.size(), 2U);
}

TEST(DamagedEventFrame, IsDetectedWhicheverByteIsFlipped) {
  EventBatch batch;
  RandomEvents random{77};
  for (int i = 0; i < 12; ++i) batch.events.push_back(random.next(batch));
  const std::string frame = frame_of(batch.events);
  for (std::size_t i = 0; i < frame.size(); ++i) {
    for (const int bit : {0, 4, 7}) {
      std::string damaged = frame;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      std::vector<Event> decoded;
      const auto done = decode_frame(damaged, decoded);
      ASSERT_FALSE(done) << "byte " << i << " of " << frame.size();
      ASSERT_EQ(done.error().code, ErrorCode::corruption);
    }
  }
}

TEST(DamagedEventFrame, IsDetectedWhereverItIsCut) {
  EventBatch batch;
  RandomEvents random{78};
  for (int i = 0; i < 5; ++i) batch.events.push_back(random.next(batch));
  const std::string frame = frame_of(batch.events);
  for (std::size_t size = 0; size < frame.size(); ++size) {
    std::vector<Event> decoded;
    ASSERT_FALSE(decode_frame(std::string_view{frame}.substr(0, size), decoded)) << size;
  }
}

TEST(EventFrame, OfANewerVersionIsRefusedByName) {
  std::string body = frame_of({Event{}});
  body.resize(body.size() - 8);
  body[0] = 2;
  const std::string frame = with_checksum(std::move(body));
  std::vector<Event> decoded;
  const auto done = decode_frame(frame, decoded);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::corruption);
  EXPECT_NE(done.error().context.find("format 2"), std::string::npos) << done.error().context;
}

/// A right checksum over wrong bytes: nothing may read past them, whatever they say.
TEST(EventFrame, OfRandomBytesIsRefusedOrReadWithinItsBounds) {
  std::mt19937_64 random{5};
  for (int round = 0; round < 20'000; ++round) {
    std::string body{"\x01"};
    for (std::size_t size = random() % 40; body.size() < size;) body.push_back(static_cast<char>(random()));
    const std::string frame = with_checksum(std::move(body));
    std::vector<Event> decoded;
    if (!decode_frame(frame, decoded)) continue;
    for (const Event& event : decoded) {
      if (event.machine.empty()) continue;
      ASSERT_GE(event.machine.data(), frame.data());
      ASSERT_LE(event.machine.data() + event.machine.size(), frame.data() + frame.size());
    }
  }
}

TEST(Rank, PutsRevisionBeforeWithdrawalBeforeContent) {
  Event plain;
  plain.machine = "M1";
  plain.good = 1;
  Event other = plain;
  other.good = 2;
  Event gone = plain;
  gone.deleted = true;
  Event newer = plain;
  newer.revision = 1;
  EXPECT_EQ(rank_of(plain), rank_of(plain));
  EXPECT_NE(rank_of(plain), rank_of(other));
  EXPECT_LT(rank_of(plain), rank_of(gone));
  EXPECT_LT(rank_of(other), rank_of(gone));
  EXPECT_LT(rank_of(gone), rank_of(newer));
  EXPECT_TRUE(rank_of(gone).withdrawn());
  // Two withdrawals are one, whatever else they say.
  Event gone_too = gone;
  gone_too.good = 9;
  EXPECT_EQ(rank_of(gone), rank_of(gone_too));
}

TEST(Rank, HoldsTheHighestRevision) {
  Event last;
  last.revision = INT64_MAX;
  Event before = last;
  before.revision = INT64_MAX - 1;
  before.deleted = true;
  EXPECT_LT(rank_of(before), rank_of(last));
}

}  // namespace
}  // namespace takt
