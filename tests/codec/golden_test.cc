// The stored bytes of every codec (docs/codecs.md). These must not change: data folders have them.
#include "engine/codec/doubles.h"
#include "engine/codec/entropy.h"
#include "engine/codec/strings.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

namespace takt {
namespace {

using Integers = std::vector<std::int64_t>;

std::string hex(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += kDigits[value >> 4];
    out += kDigits[value & 15];
  }
  return out;
}

std::string bytes_of(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string{digits.substr(i, 2)}, nullptr, 16)));
  }
  return out;
}

// Jitter below 61, a tick every 100,000, and two ticks skipped before row 20.
Integers clock() {
  Integers values(40);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t tick = i < 20 ? i : i + 2;
    values[i] = static_cast<std::int64_t>(1'000'000 + tick * 100'000 + i * i * 29 % 61);
  }
  return values;
}

struct GoldenIntegers {
  const char* name;
  Integers values;
  const char* bytes;
};

const std::vector<GoldenIntegers>& golden_integers() {
  static const std::vector<GoldenIntegers> all{
      {"nothing", {}, "00"},
      {"raw", {std::numeric_limits<std::int64_t>::min()}, "000000000000000080"},
      {"constant", {-3, -3, -3}, "0105"},
      {"frame", {100, 103, 101, 102, 100, 103, 107}, "0203c80158841d"},
      {"frame with an exception above",
       {1, 0, 1, 1, 0, 1, 0, 0, 9000, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0},
       "028100010d0894112dba06"},
      {"frame with exceptions on both sides",
       {3, 1, 2, 0, 3, -5000, 2, 1, 0, 3, 2, 1, 3, 0, 2, 70000, 1, 3, 2, 0, 1, 3, 2, 0, 3, 1, 0, 2, 1, 3, 0, 2},
       "0282000290e501c309b88827636c232d2d878d"},
      {"scaled frame", {7, 36'000'007, 72'000'007, 7, 36'000'007}, "420e80a2951102002401"},
      {"delta", {1000, 1025, 1051, 1076, 1102, 1127, 1153, 1179, 1204}, "03d00f01326a"},
      {"linear", clock(),
       "0480897a808080b5180114040600407747a57d48da17825cb5ec2b26980a6a7833728dac5cd7323b5ec8ec19"},
      {"runs",
       {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
        5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
        5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 9, 9},
       "0502420a04010002420444010001"},
      {"dictionary",
       {0x1122334455667788, -0x1122334455667701, 0x1122334455667788, 3, 3, -0x1122334455667701, 0x1122334455667788,
        3, -0x1122334455667701, 0x1122334455667788},
       "06034381dcb3d68ad199a222030006d89e91f2d8c588b60bc00a020200626108"}};
  return all;
}

TEST(Golden, IntegersAreWrittenAsEver) {
  for (const auto& [name, values, bytes] : golden_integers()) {
    std::string out;
    append_integers(out, values);
    EXPECT_EQ(hex(out), bytes) << name;
  }
}

TEST(Golden, IntegersAreReadAsEver) {
  for (const auto& [name, values, bytes] : golden_integers()) {
    Integers back(values.size());
    ASSERT_TRUE(decode_integers(bytes_of(bytes), back)) << name;
    EXPECT_EQ(back, values) << name;
  }
}

// Squares modulo 64 bunch together, and -1 and 7000 are escapes.
Integers uneven() {
  Integers values(96);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i * i % 64 / 4);
  values[40] = -1;
  values[41] = 7000;
  return values;
}
constexpr const char* kUneven =
    "0100084e102d1030101010050f306a63001b7b08003aee020050fe4af1b4c962ee14da841958a4c193ef4b634bd8fb53014d5c7844be3"
    "eb829affa0c0100d0da444444444445444444444444";

TEST(Golden, EntropyStageIsWrittenAsEver) {
  std::string out;
  codec::append_entropy(out, {0, 1, 0}, uneven());
  EXPECT_EQ(hex(out), kUneven);
}

TEST(Golden, EntropyStageIsReadAsEver) {
  const std::string bytes = bytes_of(kUneven);
  codec::ByteReader in{bytes};
  Integers back(uneven().size());
  ASSERT_TRUE(codec::decode_entropy(in, back) && in.done());
  EXPECT_EQ(back, uneven());
}

struct GoldenDoubles {
  const char* name;
  std::vector<double> values;
  const char* bytes;
};

const std::vector<GoldenDoubles>& golden_doubles() {
  static const std::vector<GoldenDoubles> all{
      {"raw double", {0.1234567890123456}, "0059f64637dd9abf3f"},
      {"decimal", {61.3, 61.4, 61.3, 61.5, 61.2}, "01010202c809d900"},
      {"decimal with exceptions",
       {1.5, -0.0, 2.5, 2.5, 3.5, 2.5, std::numeric_limits<double>::infinity(), 1.5, 2.5},
       "810102420205010002000100000000000000000000000000e0ff421e0a0200501601"},
      {"single decimal",
       {static_cast<double>(61.3F), static_cast<double>(61.4F), static_cast<double>(61.1F)},
       "02010202c6090e"},
      {"bits",
       {0x1.23456789abcdfp0, 0x1.23456789abcdfp1, 0x1.23456789abcdfp0, -0x1.23456789abcdfp0},
       "03060300be7935f1ac680480be7935f1ac68e47fbf7935f1ac68e47f02020091"}};
  return all;
}

TEST(Golden, DoublesAreWrittenAsEver) {
  for (const auto& [name, values, bytes] : golden_doubles()) {
    std::string out;
    append_doubles(out, values);
    EXPECT_EQ(hex(out), bytes) << name;
  }
}

TEST(Golden, DoublesAreReadAsEver) {
  for (const auto& [name, values, bytes] : golden_doubles()) {
    std::vector<double> back(values.size());
    ASSERT_TRUE(decode_doubles(bytes_of(bytes), back)) << name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint64_t>(back[i]), std::bit_cast<std::uint64_t>(values[i])) << name;
    }
  }
}

struct GoldenStrings {
  const char* name;
  std::vector<std::string_view> values;
  const char* bytes;
};

const std::vector<GoldenStrings>& golden_strings() {
  static const std::vector<GoldenStrings> all{
      {"plain", {"O77", "", "order 78"}, "0002040003084f37376f72646572203738"},
      {"string dictionary",
       {"FAIL", "FAIL", "SETUP", "FAIL", "SETUP", ""},
       "010302020010090203002c004641494c5345545550"},
  };
  return all;
}

TEST(Golden, StringsAreWrittenAsEver) {
  for (const auto& [name, values, bytes] : golden_strings()) {
    std::string out;
    ASSERT_TRUE(append_strings(out, values));
    EXPECT_EQ(hex(out), bytes) << name;
  }
}

// zstd may compress better one day; what it wrote must stay readable.
TEST(Golden, StringsAreReadAsEver) {
  auto all = golden_strings();
  const std::string once = "temperature above limit; ";
  std::string repeated;
  for (int i = 0; i < 8; ++i) repeated += once;
  all.push_back({"compressed",
                 {repeated},
                 "800190032928b52ffd20c8050100c874656d70657261747572652061626f7665206c696d69743b200100b1989a63"});
  for (const auto& [name, values, bytes] : all) {
    const auto column = decode_strings(bytes_of(bytes), values.size());
    ASSERT_TRUE(column) << name;
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ((*column)[i], values[i]) << name;
  }
}

}  // namespace
}  // namespace takt
