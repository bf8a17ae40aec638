// A frame of readings gives back its rows, or says that it cannot.
#include "engine/readings/block.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

namespace takt {
namespace {

ReadingBlock random_block(std::uint64_t seed, std::size_t rows, bool plain) {
  std::mt19937_64 random{seed};
  ReadingBlock block;
  for (std::size_t i = 0; i < rows; ++i) {
    ReadingExtra extra;
    Reading reading{from_micros(static_cast<std::int64_t>(random())), std::bit_cast<double>(random()), kNoQuality,
                    Value::Kind::number, nullptr};
    if (!plain && random() % 3 == 0) reading.quality = 192;
    if (!plain && random() % 3 == 0)
      reading.kind = Value::Kind::text, extra.value = std::string(random() % 9, 'v');
    if (!plain && random() % 3 == 0) extra = {random(), "", "id", R"({"a":1})"};
    if (extra != ReadingExtra{}) reading.extra = &extra;
    block.push_back(SeriesId{static_cast<std::uint32_t>(random() % 100)}, reading);
  }
  return block;
}

void expect_same(const ReadingBlock& a, const ReadingBlock& b) {
  ASSERT_EQ(a.size(), b.size());
  std::vector<std::pair<Reading, ReadingExtra>> rows;
  for_each_row(a,
               [&](std::size_t, const Reading& r) { rows.emplace_back(r, r.extra ? *r.extra : ReadingExtra{}); });
  for_each_row(b, [&](std::size_t i, const Reading& r) {
    EXPECT_EQ(a.series[i], b.series[i]);
    EXPECT_EQ(rows[i].first.at, r.at);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(rows[i].first.number), std::bit_cast<std::uint64_t>(r.number));
    EXPECT_EQ(rows[i].first.quality, r.quality);
    EXPECT_EQ(rows[i].first.kind, r.kind);
    EXPECT_EQ(rows[i].second, r.extra ? *r.extra : ReadingExtra{});
  });
}

TEST(ReadingBlock, ComesBackAsItWas) {
  for (const std::size_t rows : {1U, 2U, 1000U}) {
    for (const bool plain : {true, false}) {
      const ReadingBlock block = random_block(rows, rows, plain);
      const std::string frame = encode_block(block);
      EXPECT_TRUE(is_block(frame));
      ReadingBlock decoded;
      const auto done = decode_block(frame, decoded);
      ASSERT_TRUE(done) << done.error().context;
      expect_same(decoded, block);
    }
  }
}

TEST(ReadingBlock, IsAppendedToWhatIsThere) {
  for (const bool plain_first : {true, false}) {
    const ReadingBlock first = random_block(1, 50, plain_first), second = random_block(2, 70, !plain_first);
    ReadingBlock both, wanted = first;
    ASSERT_TRUE(decode_block(encode_block(first), both) && decode_block(encode_block(second), both));
    for_each_row(second, [&](std::size_t i, const Reading& r) { wanted.push_back(second.series[i], r); });
    expect_same(both, wanted);
  }
}

TEST(DamagedReadingBlock, IsDetectedWhicheverByteIsFlippedOrMissing) {
  const std::string frame = encode_block(random_block(3, 20, false));
  for (std::size_t i = 0; i < frame.size(); ++i) {
    std::string damaged = frame;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    ReadingBlock out;
    ASSERT_FALSE(decode_block(damaged, out)) << i;
    ReadingBlock cut;
    ASSERT_FALSE(decode_block(std::string_view{frame}.substr(0, i), cut)) << i;
  }
}

}  // namespace
}  // namespace takt
