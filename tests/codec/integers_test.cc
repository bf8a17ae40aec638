#include "engine/codec/integers.h"

#include "engine/codec/clock_line.h"
#include "engine/codec/entropy.h"
#include "engine/codec/frame.h"
#include "tests/codec/random_columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

namespace takt {
namespace {

using Integers = std::vector<std::int64_t>;

std::string encoded(const Integers& values) {
  std::string out;
  append_integers(out, values);
  return out;
}

class IntegerColumns : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(OfRows, IntegerColumns, testing::ValuesIn(kColumnSizes));

TEST_P(IntegerColumns, ComeBack) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (const auto& [name, values] : random_integer_columns(GetParam(), seed)) {
      const std::string bytes = encoded(values);
      Integers back(values.size(), -1);
      const auto decoded = decode_integers(bytes, back);
      ASSERT_TRUE(decoded) << name << ": " << decoded.error().context;
      ASSERT_EQ(back, values) << name;
    }
  }
}

TEST_P(IntegerColumns, AreNeverLargerThanRaw) {
  for (const auto& [name, values] : random_integer_columns(GetParam(), 4)) {
    EXPECT_LE(encoded(values).size(), 1 + values.size() * sizeof(std::int64_t)) << name;
  }
}

TEST_P(IntegerColumns, AddUpAsTheirValuesDo) {
  for (const auto& [name, values] : random_integer_columns(GetParam(), 5)) {
    const auto summary = summarize_integers(encoded(values), values.size());
    ASSERT_TRUE(summary) << name;
    EXPECT_EQ(summary->count, values.size()) << name;
    __extension__ using Wide = __int128;
    EXPECT_TRUE(summary->sum == std::accumulate(values.begin(), values.end(), Wide{0})) << name;
    if (values.empty()) continue;
    EXPECT_EQ(summary->minimum, *std::min_element(values.begin(), values.end())) << name;
    EXPECT_EQ(summary->maximum, *std::max_element(values.begin(), values.end())) << name;
  }
}

TEST_P(IntegerColumns, AreWrittenBehindWhatIsThere) {
  for (const auto& [name, values] : random_integer_columns(GetParam(), 6)) {
    std::string out = "before";
    append_integers(out, values);
    EXPECT_EQ(out, "before" + encoded(values)) << name;
  }
}

TEST_P(IntegerColumns, PlanFramesToTheByte) {
  for (const auto& [name, values] : random_integer_columns(GetParam(), 7)) {
    std::string out;
    const codec::FramePlan plan{values};
    plan.append(out, values);
    EXPECT_EQ(out.size(), plan.bytes()) << name;
  }
}

TEST_P(IntegerColumns, TakeTheEntropyStageWithoutLoss) {
  for (const auto& [name, values] : random_integer_columns(GetParam(), 8)) {
    const auto plan = codec::plan_entropy(values);
    if (plan.bytes == SIZE_MAX) continue;
    std::string out;
    codec::append_entropy(out, plan, values);
    Integers back(values.size());
    codec::ByteReader in{out};
    ASSERT_TRUE(codec::decode_entropy(in, back) && in.done()) << name;
    ASSERT_EQ(back, values) << name;
  }
}

/// What a column of `bytes` bytes costs a value, in bits.
double bits_a_value(const std::string& bytes, std::size_t rows) {
  return static_cast<double>(bytes.size() * 8) / static_cast<double>(rows);
}

Integers column(std::size_t rows, const std::function<std::int64_t(std::int64_t)>& make) {
  Integers values(rows);
  for (std::size_t i = 0; i < rows; ++i) values[i] = make(static_cast<std::int64_t>(i));
  return values;
}

struct Expected {
  const char* name;
  IntegerCodec codec;
  double most_bits;
  Integers values;
};

TEST(Chooser, TakesWhatTheColumnIsMadeFor) {
  std::mt19937_64 random{9};
  const auto below = [&](std::int64_t limit) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
  };
  constexpr std::int64_t kNow = 1'767'592'800'000'000;
  std::int64_t count = 0, code = 0;
  const std::vector<Expected> all{
      {"one value", IntegerCodec::constant, 0.1, column(8192, [](auto) { return 42; })},
      {"a clock with jitter", IntegerCodec::linear, 12.1,
       column(5000, [&](auto i) { return kNow + i * 1'000'000 + below(4001); })},
      {"milliseconds", IntegerCodec::linear, 2.5,
       column(5000, [&](auto i) { return kNow + i * 1'000'000 + below(5) * 1000; })},
      {"a clock that lost samples", IntegerCodec::linear, 12.6,
       column(5000, [&](auto i) { return kNow + (i + i / 200) * 1'000'000 + below(4001); })},
      {"a short clock", IntegerCodec::linear, 13.9,
       column(100, [&](auto i) { return kNow + i * 1'000'000 + below(4001); })},
      {"a counter", IntegerCodec::delta, 1.1, column(8192, [&](auto) { return count += 25 + below(2); })},
      {"noise", IntegerCodec::frame, 10.1, column(8192, [&](auto) { return below(1000); })},
      {"states", IntegerCodec::runs, 0.3,
       column(8192, [&](auto i) { return code = i % 64 == 0 ? below(17) : code; })},
      {"few far values", IntegerCodec::dictionary, 2.2,
       column(8192,
              [&](auto) { return static_cast<std::int64_t>(std::uint64_t(below(4)) * 0x9e3779b97f4a7c15); })},
      {"any bits", IntegerCodec::raw, 64.1,
       column(8192, [&](auto) { return static_cast<std::int64_t>(random()); })}};
  for (const Expected& expected : all) {
    const std::string bytes = encoded(expected.values);
    EXPECT_EQ(static_cast<int>(integer_codec(bytes)), static_cast<int>(expected.codec)) << expected.name;
    EXPECT_LE(bits_a_value(bytes, expected.values.size()), expected.most_bits) << expected.name;
  }
}

TEST(Chooser, PatchesOutliersOnBothSides) {
  const Integers values =
      column(1024, [](auto i) { return i % 100 == 7 ? 1'000'000 * (i % 200 == 7 ? 1 : -1) : (i * 37) % 16; });
  // 4 bits a value, and a few bytes for each of the eleven outliers.
  EXPECT_LE(codec::FramePlan{values}.bytes(), 512 + 11 * 5);
}

TEST(Chooser, TakesTheEntropyStageForUnevenNoise) {
  std::mt19937_64 random{10};
  const Integers values = column(8192, [&](auto) {
    std::int64_t sum = 0;
    for (int k = 0; k < 12; ++k) sum += static_cast<std::int64_t>(random() % 866);
    return sum;
  });
  const std::string bytes = encoded(values);
  EXPECT_TRUE(has_entropy_stage(bytes));
  // The variance is that of twelve even spreads: 250 squared times twelve, and a bell's entropy 0.5 log2(2 pi e
  // v).
  const double entropy = 0.5 * std::log2(2 * 3.14159265 * 2.71828183 * 12 * 866.0 * 866.0 / 12);
  EXPECT_LE(bits_a_value(bytes, values.size()), entropy * 1.02);
}

TEST(ClockLine, FindsTheRoundStepBehindTheJitter) {
  std::mt19937_64 random{11};
  const Integers values =
      column(5000, [&](auto i) { return 77 + i * 1'000'000 + static_cast<std::int64_t>(random() % 4001); });
  Integers differences(values.size());
  std::adjacent_difference(values.begin(), values.end(), differences.begin());
  const auto line = codec::ClockLine::fit(values, std::span{differences}.subspan(1));
  ASSERT_TRUE(line);
  EXPECT_EQ(line->step, std::uint64_t{1'000'000} << 16);
  EXPECT_TRUE(line->skips.empty());
}

TEST(Decoder, RefusesWhatItDoesNotKnow) {
  Integers values(3);
  for (unsigned first = 7; first < 0x40; ++first) {
    const std::string bytes = std::string(1, static_cast<char>(first)) + std::string(100, '\0');
    const auto decoded = decode_integers(bytes, values);
    ASSERT_FALSE(decoded) << first;
    EXPECT_EQ(decoded.error().code, ErrorCode::corruption);
  }
}

TEST(Decoder, RefusesWhatIsLeftOver) {
  const Integers values = column(100, [](auto i) { return i * i; });
  Integers back(values.size());
  EXPECT_FALSE(decode_integers(encoded(values) + "x", back));
}

TEST(Decoder, RefusesColumnsWithinColumnsWithinColumns) {
  // Runs whose values are runs.
  const std::string bytes{"\x05\x01\x05\x01\x01\x02\x01\x02\x01\x02", 10};
  Integers back(1);
  EXPECT_FALSE(decode_integers(bytes, back));
}

TEST(Codes, ComeBack) {
  std::vector<std::uint8_t> codes(3000), back(3000);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i / 100 % 5 * 60);
  std::string bytes;
  append_codes(bytes, codes);
  ASSERT_TRUE(decode_codes(bytes, back));
  EXPECT_EQ(back, codes);
  EXPECT_LT(bytes.size(), 60U);
}

TEST(Codes, RefuseWhatIsNoByte) {
  std::vector<std::uint8_t> back(2);
  EXPECT_FALSE(decode_codes(encoded({1, 256}), back));
  EXPECT_FALSE(decode_codes(encoded({-1, 0}), back));
}

}  // namespace
}  // namespace takt
