// Frames of the event log and the journal: what was written is read back, or is seen to be damaged.
#include "engine/event_codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "engine/records.h"

namespace takt {
namespace {

constexpr EventType kTypes[] = {EventType::state,   EventType::count, EventType::cycle,    EventType::reading,
                                EventType::quality, EventType::order, EventType::classify, EventType::energy};

/// Events with any fields set, whatever their type: the codec knows no rules but what is given.
class RandomEvents {
 public:
  explicit RandomEvents(std::uint64_t seed) : random_(seed) {}

  Event next(EventBatch& batch) {
    Event e;
    e.type = kTypes[random_() % kEventTypes];
    e.machine = batch.keep("M" + std::to_string(random_() % 9));
    e.at = time();
    for (std::string_view Event::*field :
         {&Event::id, &Event::state, &Event::reason, &Event::product, &Event::order, &Event::defect, &Event::tag,
          &Event::characteristic, &Event::serial, &Event::subgroup, &Event::result, &Event::by,
          &Event::attributes}) {
      if (given()) e.*field = batch.keep(text());
    }
    for (Timestamp Event::*field :
         {&Event::end, &Event::recorded_at, &Event::planned_start, &Event::planned_end}) {
      if (given()) e.*field = time();
    }
    for (std::int64_t Event::*field :
         {&Event::good, &Event::scrap, &Event::rework, &Event::good_total, &Event::scrap_total,
          &Event::rework_total, &Event::quantity, &Event::value_quality}) {
      if (given()) e.*field = number();
    }
    if (given()) e.revision = static_cast<std::int64_t>(random_() >> (1 + random_() % 63));
    if (given()) e.action = static_cast<OrderAction>(random_() % 5);
    if (given()) e.kwh_total = static_cast<double>(random_() % 1000) / 8;
    e.deleted = given();
    e.startup = given();
    value(batch, e.value);
    return e;
  }

 private:
  bool given() { return random_() % 3 == 0; }
  Timestamp time() { return from_micros(static_cast<std::int64_t>(random_() >> 12U) - (std::int64_t{1} << 50U)); }
  std::int64_t number() { return static_cast<std::int64_t>(random_() >> (random_() % 64)) / 2; }
  std::string text() {
    std::string text;
    for (std::size_t size = 1 + random_() % 200; text.size() < size;) text.push_back(static_cast<char>(random_()));
    return text;
  }
  void value(EventBatch& batch, Value& value) {
    value.kind = static_cast<Value::Kind>(random_() % 4);
    if (value.kind == Value::Kind::text) value.text = batch.keep(text());
    if (value.kind == Value::Kind::boolean) value.number = static_cast<double>(random_() % 2);
    if (value.kind == Value::Kind::number)
      value.number = std::bit_cast<double>(random_() & 0x7FEF'FFFF'FFFF'FFFFU);
  }

  std::mt19937_64 random_;
};

bool same_double(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (a != a && b != b);
}

void expect_same(const Event& a, const Event& b) {
  ASSERT_EQ(a.type, b.type);
  ASSERT_EQ(a.deleted, b.deleted);
  ASSERT_EQ(a.startup, b.startup);
  ASSERT_EQ(a.action, b.action);
  ASSERT_EQ(a.revision, b.revision);
  for (std::string_view Event::*field :
       {&Event::machine, &Event::id, &Event::state, &Event::reason, &Event::product, &Event::order, &Event::defect,
        &Event::tag, &Event::characteristic, &Event::serial, &Event::subgroup, &Event::result, &Event::by,
        &Event::attributes}) {
    ASSERT_EQ(a.*field, b.*field);
  }
  for (Timestamp Event::*field :
       {&Event::at, &Event::end, &Event::recorded_at, &Event::planned_start, &Event::planned_end}) {
    ASSERT_EQ(a.*field, b.*field);
  }
  for (std::int64_t Event::*field :
       {&Event::good, &Event::scrap, &Event::rework, &Event::good_total, &Event::scrap_total, &Event::rework_total,
        &Event::quantity, &Event::value_quality}) {
    ASSERT_EQ(a.*field, b.*field);
  }
  ASSERT_EQ(a.value.kind, b.value.kind);
  ASSERT_TRUE(same_double(a.value.number, b.value.number));
  ASSERT_EQ(a.value.text, b.value.text);
  ASSERT_TRUE(same_double(a.kwh_total, b.kwh_total));
}

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
