// A frame of readings gives back its rows, or says that it cannot.
#include "engine/readings/block_frame.h"

#include <gtest/gtest.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

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

/// Ten rows a series, at times and of qualities as far from each other as told.
ReadingBlock spread_block(std::int64_t step_micros, std::int32_t quality_step) {
  ReadingBlock block;
  for (std::uint32_t i = 0; i < 50; ++i) {
    const std::int64_t at = (i % 7) * step_micros - 40'000'000;
    const auto quality = static_cast<std::int32_t>(i % 3) * quality_step - 1;
    block.push_back(SeriesId{i / 10}, {from_micros(at), i * 0.1, quality, Value::Kind::number, nullptr});
  }
  return block;
}

TEST(ReadingBlock, ComesBackHoweverFarItsValuesLieApart) {
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max() / 6;
  std::size_t before = 0;
  for (const std::int64_t step : {std::int64_t{0}, std::int64_t{42}, std::int64_t{43}, std::int64_t{715'827'882},
                                  std::int64_t{715'827'883}, kFar}) {
    for (const std::int32_t quality : {0, 127, 128, 1'000'000'000}) {
      const ReadingBlock block = spread_block(step, quality);
      ReadingBlock decoded;
      ASSERT_TRUE(decode_block(encode_block(block), decoded));
      expect_same(decoded, block);
    }
    const std::size_t size = encode_block(spread_block(step, 0)).size();
    EXPECT_GE(size, before) << step;
    before = size;
  }
}

TEST(ReadingBlock, OfRowsOfOneSeriesTogetherTakesThirteenBytesARow) {
  constexpr std::size_t kHead = 29, kSeal = 8, kRun = 8;
  const ReadingBlock block = spread_block(1'000'000, 64);
  EXPECT_EQ(encode_block(block).size(), kHead + 5 * kRun + 13 * block.size() + kSeal);
  EXPECT_EQ(encode_block(spread_block(1'000'000, 0)).size(), kHead + 5 * kRun + 12 * block.size() + kSeal);
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

// ---------------------------------------- golden bytes

std::string golden_file(const std::string& name) { return std::string{TAKT_TEST_DATA} + "/frames/" + name; }

std::string bytes_of(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream{path, std::ios::binary}.rdbuf();
  return bytes.str();
}

/// The rows that the golden files were made of.
ReadingBlock golden_block() {
  constexpr std::int64_t kStart = 1'767'592'800'000'000;
  const ReadingExtra text{0, "text one", "", ""}, whole{7, "", "id-1", R"({"a":1})"}, both{4, "\xc3\xa4", "x", ""};
  ReadingBlock block;
  const auto add = [&](std::uint32_t series, std::int64_t after, double number, std::int32_t quality,
                       Value::Kind kind, const ReadingExtra* extra = nullptr) {
    block.push_back(SeriesId{series}, {from_micros(kStart + after), number, quality, kind, extra});
  };
  for (int i = 0; i < 5; ++i) add(3, i * 1'000'100, 20.5 + i, i == 3 ? 64 : 192, Value::Kind::number);
  add(70'000, 0, 1, kNoQuality, Value::Kind::boolean);
  add(70'000, 900, 0, 192, Value::Kind::text, &text);
  add(1, -60'000'000, -0.0, 192, Value::Kind::number, &whole);
  add(1, -60'000'000, 0, 0, Value::Kind::none);
  add(1, -59'000'000, 0, 192, Value::Kind::text, &both);
  return block;
}

TEST(GoldenReadingBlock, OfEveryVersionDecodes) {
  for (const char* name : {"readings_version_2.frame", "readings_version_3.frame"}) {
    const std::string frame = bytes_of(golden_file(name));
    EXPECT_TRUE(is_block(frame)) << name;
    ReadingBlock decoded;
    const auto done = decode_block(frame, decoded);
    ASSERT_TRUE(done) << name << ": " << done.error().context;
    expect_same(decoded, golden_block());
  }
}

TEST(GoldenReadingBlock, IsWhatIsWrittenToday) {
  // A change of these bytes is a new version of the format: give it a number, a file and a reader for the old one.
  const std::string path = golden_file("readings_version_3.frame");
  const std::string frame = encode_block(golden_block());
  if (std::getenv("TAKT_WRITE_GOLDEN") != nullptr) std::ofstream{path, std::ios::binary} << frame;
  EXPECT_EQ(frame, bytes_of(path));
}

// ---------------------------------------- damage

void expect_that_damage_is_detected(const std::string& frame) {
  for (std::size_t i = 0; i < frame.size(); ++i) {
    std::string damaged = frame;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    ReadingBlock out;
    ASSERT_FALSE(decode_block(damaged, out)) << i;
    ReadingBlock cut;
    ASSERT_FALSE(decode_block(std::string_view{frame}.substr(0, i), cut)) << i;
  }
}

TEST(DamagedReadingBlock, IsDetectedWhicheverByteIsFlippedOrMissing) {
  expect_that_damage_is_detected(encode_block(random_block(3, 20, false)));
  expect_that_damage_is_detected(encode_block(golden_block()));
  expect_that_damage_is_detected(bytes_of(golden_file("readings_version_2.frame")));
}

/// Whatever a frame claims behind a checksum that is right: an error or some rows, as many in each column.
TEST(DamagedReadingBlock, BehindARightChecksumIsRefusedOrWhole) {
  const std::string golden[] = {encode_block(golden_block()), bytes_of(golden_file("readings_version_2.frame"))};
  std::size_t refused = 0;
  for (const std::string& frame : golden) {
    for (std::size_t i = 0; i < frame.size() - 8; ++i) {
      for (const int flip : {1, 4, 0x80, 0xff}) {
        std::string forged = frame.substr(0, frame.size() - 8);
        forged[i] = static_cast<char>(forged[i] ^ flip);
        const XXH64_hash_t seal = XXH3_64bits(forged.data(), forged.size());
        forged.append(reinterpret_cast<const char*>(&seal), sizeof seal);
        ReadingBlock out;
        if (!decode_block(forged, out)) {
          ++refused;
          continue;
        }
        ASSERT_EQ(out.at.size(), out.series.size()) << i;
        ASSERT_EQ(out.number.size(), out.series.size()) << i;
        ASSERT_TRUE(out.quality.empty() || out.quality.size() == out.size()) << i;
        ASSERT_TRUE(out.kind.empty() || out.kind.size() == out.size()) << i;
        for (const Value::Kind kind : out.kind) ASSERT_LE(kind, Value::Kind::text) << i;
      }
    }
  }
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace takt
