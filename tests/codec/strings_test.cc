#include "engine/codec/strings.h"

#include "tests/codec/random_columns.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

std::string encoded(const std::vector<std::string>& values) {
  std::string out;
  EXPECT_TRUE(append_strings(out, std::vector<std::string_view>(values.begin(), values.end())));
  return out;
}

class StringColumns : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(OfRows, StringColumns, testing::ValuesIn(kColumnSizes));

TEST_P(StringColumns, ComeBack) {
  for (const auto& values : random_string_columns(GetParam(), 1)) {
    const auto column = decode_strings(encoded(values), values.size());
    ASSERT_TRUE(column);
    ASSERT_EQ(column->size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ((*column)[i], values[i]);
  }
}

TEST(Strings, OfFewReasonsTakeABitOrTwo) {
  std::vector<std::string> reasons(8000);
  for (std::size_t i = 0; i < reasons.size(); ++i) reasons[i] = i / 50 % 3 == 0 ? "FAIL.MECH" : "SETUP.TOOL";
  EXPECT_LE(encoded(reasons).size(), 200U);
}

TEST(Strings, ThatAreAllAlikeAreCompressed) {
  std::vector<std::string> attributes(1000);
  for (std::size_t i = 0; i < attributes.size(); ++i)
    attributes[i] = R"({"operator":"anna","batch":)" + std::to_string(i) + "}";
  EXPECT_LE(encoded(attributes).size(), attributes.size() * 8);
}

TEST(Strings, AreRefusedBeyondTheLimit) {
  const std::string half(kStringColumnBytes / 2, 'a');
  const std::string_view one_less = std::string_view{half}.substr(1);
  std::string out;
  ASSERT_TRUE(append_strings(out, std::vector<std::string_view>{half, one_less, "b"}));
  out = "before";
  const auto refused = append_strings(out, std::vector<std::string_view>{half, one_less, "bc"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(out, "before");
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
}

TEST(Strings, ThatPromiseMoreThanTheirBytesCanHoldAreRefused) {
  // Plain and compressed: one string of 64 MiB in a frame of four bytes.
  std::string bytes{"\x80", 1};
  append_integers(bytes, std::vector<std::int64_t>{std::int64_t{kStringColumnBytes}});
  bytes += std::string("\x04", 1) + "zstd";
  EXPECT_FALSE(decode_strings(bytes, 1));
}

}  // namespace
}  // namespace takt
