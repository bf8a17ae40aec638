#include "engine/codec/doubles.h"

#include "tests/codec/random_columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace takt {
namespace {

using Doubles = std::vector<double>;

std::string encoded(const Doubles& values) {
  std::string out;
  append_doubles(out, values);
  return out;
}

/// As bits: a NaN equals itself only there, and -0.0 differs from 0.0 only there.
std::vector<std::uint64_t> bits(const Doubles& values) {
  std::vector<std::uint64_t> all(values.size());
  std::transform(values.begin(), values.end(), all.begin(),
                 [](double v) { return std::bit_cast<std::uint64_t>(v); });
  return all;
}

class DoubleColumns : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(OfRows, DoubleColumns, testing::ValuesIn(kColumnSizes));

TEST_P(DoubleColumns, ComeBackToTheBit) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (const auto& [name, values] : random_double_columns(GetParam(), seed)) {
      const std::string bytes = encoded(values);
      Doubles back(values.size(), -1);
      const auto decoded = decode_doubles(bytes, back);
      ASSERT_TRUE(decoded) << name << ": " << decoded.error().context;
      ASSERT_EQ(bits(back), bits(values)) << name;
      EXPECT_LE(bytes.size(), 1 + values.size() * sizeof(double)) << name;
    }
  }
}

TEST_P(DoubleColumns, AddUpAsTheirValuesDo) {
  for (const auto& [name, values] : random_double_columns(GetParam(), 4)) {
    const auto summary = summarize_doubles(encoded(values), values.size());
    ASSERT_TRUE(summary) << name;
    Doubles numbers;
    std::copy_if(values.begin(), values.end(), std::back_inserter(numbers),
                 [](double v) { return !std::isnan(v); });
    EXPECT_EQ(summary->count, numbers.size()) << name;
    EXPECT_EQ(summary->nans, values.size() - numbers.size()) << name;
    if (numbers.empty()) continue;
    EXPECT_EQ(summary->minimum, *std::min_element(numbers.begin(), numbers.end())) << name;
    EXPECT_EQ(summary->maximum, *std::max_element(numbers.begin(), numbers.end())) << name;
    long double sum = 0, magnitude = 0;
    for (const double v : numbers) sum += v, magnitude += std::abs(v);
    if (!std::isfinite(static_cast<double>(magnitude))) continue;
    EXPECT_NEAR(summary->sum(), static_cast<double>(sum), static_cast<double>(magnitude) * 1e-12) << name;
  }
}

TEST(Decimals, AddUpExactlyInAnyOrder) {
  Doubles values(5000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * 7 % 1000) / 10;
  const auto forward = summarize_doubles(encoded(values), values.size());
  std::reverse(values.begin(), values.end());
  const auto backward = summarize_doubles(encoded(values), values.size());
  ASSERT_TRUE(forward && backward);
  EXPECT_EQ(forward->digits, 1U);
  EXPECT_TRUE(forward->mantissa_sum == 5 * 999 * 1000 / 2);
  EXPECT_TRUE(backward->mantissa_sum == forward->mantissa_sum);
  EXPECT_EQ(forward->sum(), 249750.0);
  EXPECT_EQ(forward->rest, 0);
}

TEST(Decimals, KeepTheirExceptionsOutOfTheSum) {
  const Doubles values{1.5, -0.0, 2.5, std::numeric_limits<double>::quiet_NaN(), 3.5, 1.0 / 3};
  const auto summary = summarize_doubles(encoded(values), values.size());
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->count, 5U);
  EXPECT_EQ(summary->nans, 1U);
  EXPECT_EQ(summary->minimum, 0);
  EXPECT_EQ(summary->maximum, 3.5);
  EXPECT_DOUBLE_EQ(summary->sum(), 7.5 + 1.0 / 3);
}

struct Expected {
  const char* name;
  DoubleCodec codec;
  double most_bytes;  // a value
};

TEST(DoubleChooser, TakesWhatTheColumnIsMadeFor) {
  // Bytes a value with a little room: what the columns of the plant come to.
  const std::vector<Expected> all{
      {"1 digits", DoubleCodec::decimal, 0.12},      {"noise", DoubleCodec::decimal, 1.3},
      {"counter", DoubleCodec::decimal, 0.14},       {"flag", DoubleCodec::decimal, 0.02},
      {"set-point", DoubleCodec::decimal, 0.01},     {"single decimals", DoubleCodec::single_decimal, 0.12},
      {"single reals", DoubleCodec::bits, 3.1},      {"reals", DoubleCodec::bits, 6.8},
      {"reals around zero", DoubleCodec::bits, 7.2}, {"one NaN", DoubleCodec::bits, 0.01},
      {"any bits", DoubleCodec::raw, 8.001}};
  const auto columns = random_double_columns(8192, 12);
  for (const Expected& expected : all) {
    const auto column =
        std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.name == expected.name; });
    ASSERT_NE(column, columns.end()) << expected.name;
    const std::string bytes = encoded(column->values);
    EXPECT_EQ(static_cast<int>(double_codec(bytes)), static_cast<int>(expected.codec)) << expected.name;
    EXPECT_LE(static_cast<double>(bytes.size()) / 8192, expected.most_bytes) << expected.name;
  }
}

TEST(DoubleDecoder, RefusesWhatItDoesNotKnow) {
  Doubles values(3);
  for (unsigned first = 4; first < 0x80; ++first) {
    const auto decoded = decode_doubles(std::string(1, static_cast<char>(first)) + std::string(100, '\0'), values);
    ASSERT_FALSE(decoded) << first;
    EXPECT_EQ(decoded.error().code, ErrorCode::corruption);
  }
}

}  // namespace
}  // namespace takt
