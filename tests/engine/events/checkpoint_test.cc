// Checkpoints of machines as bytes.
#include "engine/events/checkpoint.h"

#include <gtest/gtest.h>

#include <random>

namespace takt {
namespace {

MachineCheckpoint random_checkpoint(std::uint64_t seed, std::size_t buckets) {
  std::mt19937_64 random{seed};
  const auto time = [&] { return from_micros(static_cast<std::int64_t>(random() >> 10U)); };
  MachineCheckpoint c;
  c.machine = MachineId{static_cast<std::uint32_t>(random())}, c.events = random();
  c.commit = random(), c.tail_revision = random(), c.digest = random();
  if (random() % 2 == 0) c.first_event = time(), c.last_event = time();
  for (std::size_t i = random() % 20; i > 0; --i) c.heard.push_back({time(), time()});
  Timestamp begin = time();
  for (std::size_t i = 0; i < buckets; ++i) {
    const Grain grain = i < buckets / 2 ? Grain::hour : i < buckets * 2 / 3 ? Grain::shift : Grain::day;
    c.buckets.push_back({grain, {begin, begin + std::chrono::hours{1}}, random() >> 40U});
    begin += std::chrono::hours{1 + random() % 2};
  }
  return c;
}

TEST(Checkpoint, ComesBackWhateverItsSize) {
  for (const std::size_t buckets : {0U, 1U, 840U, 8192U, 30'000U}) {
    const MachineCheckpoint written = random_checkpoint(buckets + 1, buckets);
    const auto read = decode_checkpoint(encode_checkpoint(written));
    ASSERT_TRUE(read) << read.error().context;
    EXPECT_TRUE(*read == written) << buckets;
  }
}

TEST(Checkpoint, WithAnyByteFlippedOrCutOffIsRefused) {
  const std::string whole = encode_checkpoint(random_checkpoint(4, 60));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 4);
    const auto read = decode_checkpoint(bytes);
    ASSERT_FALSE(read) << i;
    ASSERT_EQ(read.error().code, ErrorCode::corruption);
    ASSERT_FALSE(decode_checkpoint(std::string_view{whole}.substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace takt
