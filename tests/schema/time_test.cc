#include "schema/time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace takt {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000;

std::int64_t parsed(std::string_view text) {
  const Result<Timestamp> t = parse_time(text);
  EXPECT_TRUE(t.has_value()) << text << ": " << (t ? "" : t.error().context);
  return t ? micros(*t) : INT64_MIN;
}

TEST(ParseTime, ReadsRfc3339) {
  EXPECT_EQ(parsed("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parsed("2026-01-05T06:00:00Z"), 1767592800 * kSecond);
  EXPECT_EQ(parsed("2026-01-05T06:00:00.123456Z"), 1767592800 * kSecond + 123456);
  EXPECT_EQ(parsed("2026-01-05T06:00:00.5Z"), 1767592800 * kSecond + 500000);
  EXPECT_EQ(parsed("2024-02-29T23:59:59Z"), 1709251199 * kSecond);
  EXPECT_EQ(parsed("1969-12-31T23:59:59.999999Z"), -1);
}

TEST(ParseTime, TakesAnyOffset) {
  EXPECT_EQ(parsed("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(parsed("1969-12-31T18:30:00-05:30"), 0);
  EXPECT_EQ(parsed("1970-01-01T00:00:00-00:00"), 0);
  EXPECT_EQ(parsed("1970-01-01T23:59:00+23:59"), 0);
}

TEST(ParseTime, TakesLowerCaseAndABlankAsRfc3339Allows) {
  EXPECT_EQ(parsed("1970-01-01t00:00:00z"), 0);
  EXPECT_EQ(parsed("1970-01-01 00:00:00Z"), 0);
}

TEST(ParseTime, CutsDigitsBeyondMicroseconds) {
  EXPECT_EQ(parsed("1970-01-01T00:00:00.1234569Z"), 123456);
  EXPECT_EQ(parsed("1970-01-01T00:00:00.999999999999999999999999Z"), 999999);
  EXPECT_EQ(parsed("1969-12-31T23:59:59.0000009Z"), -kSecond);
}

TEST(ParseTime, ReadsMicrosecondsSince1970) {
  EXPECT_EQ(parsed("0"), 0);
  EXPECT_EQ(parsed("-1"), -1);
  EXPECT_EQ(parsed("1767592800123456"), 1767592800123456);
}

TEST(ParseTime, KnowsTheYears1900To9999) {
  EXPECT_EQ(parsed("1900-01-01T00:00:00Z"), -2208988800 * kSecond);
  EXPECT_EQ(parsed("9999-12-31T23:59:59.999999Z"), 253402300800 * kSecond - 1);
  EXPECT_EQ(parsed("253402300799999999"), 253402300800 * kSecond - 1);
}

class NoTime : public testing::TestWithParam<const char*> {};

TEST_P(NoTime, IsRefusedWithARemedy) {
  const Result<Timestamp> t = parse_time(GetParam());
  ASSERT_FALSE(t.has_value()) << GetParam();
  EXPECT_EQ(t.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(t.error().context, HasSubstr("write RFC 3339 with an offset"));
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, NoTime,
    testing::Values(
        "", "-", "+5", "now", "NaN", "1.5", "1e9", " 0", "0 ", "--1", "2026-01-05", "2026-01-05T06:00Z",
        "2026-01-05T06:00:00",     // no offset
        "2026-01-05T06:00:00.5",   // neither here
        "2026-01-05T06:00:00.Z",   // no digit
        "2026-01-05T06:00:00,5Z",  // RFC 3339 knows no comma
        "2026-01-05T06:00:60Z",    // a leap second
        "2016-12-31T23:59:60Z",    // even a real one
        "2026-01-05T24:00:00Z", "2026-01-05T06:60:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z", "2026-01-05T06:00:00+0100", "2026-01-05T06:00:00+01", "2026-01-05T06:00:00+24:00",
        "2026-01-05T06:00:00+01:60", "2026-01-05T06:00:00ZZ", "2026-01-05T06:00:00Z ", " 2026-01-05T06:00:00Z",
        "2026-01-05X06:00:00Z", "2026/01/05T06:00:00Z", "2026-1-05T06:00:00.0Z", "-2026-01-05T06:00:00Z",
        "202a-01-05T06:00:00Z", "2026-01-05T0a:00:00Z", "2026-01-05T06:00:00+-1:00", "2026-01-05T06:00:00 01:00",
        "1899-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01", "1900-01-01T00:00:00+00:01",
        "253402300800000000", "-2208988800000001", "9223372036854775808", "-99999999999999999999999999"));

TEST(ParseTime, RepeatsNoStrangersBytes) {
  const Result<Timestamp> t = parse_time(std::string(100000, '\xFF') + "\n");
  ASSERT_FALSE(t.has_value());
  EXPECT_LT(t.error().context.size(), 300U);
  for (const char c : t.error().context) EXPECT_TRUE(c >= ' ' && c <= '~');
}

TEST(FormatTime, WritesOnlyTheDigitsThatAreNeeded) {
  EXPECT_EQ(format_time(from_micros(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(from_micros(500000)), "1970-01-01T00:00:00.5Z");
  EXPECT_EQ(format_time(from_micros(1)), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(format_time(from_micros(120)), "1970-01-01T00:00:00.00012Z");
  EXPECT_EQ(format_time(from_micros(-1)), "1969-12-31T23:59:59.999999Z");
}

TEST(FormatTime, KeepsItsShapeOutsideTheYearsThatCanBeWritten) {
  EXPECT_EQ(format_time(kBeginOfTime), "1900-01-01T00:00:00Z");
  EXPECT_EQ(format_time(kEndOfTime), "9999-12-31T23:59:59.999999Z");
}

TEST(AppendTime, KeepsWhatStoodThere) {
  std::string out = "at ";
  append_time(out, from_micros(0));
  EXPECT_EQ(out, "at 1970-01-01T00:00:00Z");
}

TEST(FormatTime, IsReadBackAsTheSameInstant) {
  std::mt19937_64 random(20260105);
  std::uniform_int_distribution<std::int64_t> any(-2208988800 * kSecond, 253402300800 * kSecond - 1);
  for (int i = 0; i < 20000; ++i) {
    const std::int64_t coarse = std::array<std::int64_t, 3>{1, 1000, kSecond}.at(static_cast<std::size_t>(i % 3));
    const std::int64_t us = any(random) / coarse * coarse;
    EXPECT_EQ(parsed(format_time(from_micros(us))), us);
    EXPECT_EQ(parsed(std::to_string(us)), us);
  }
}

TEST(FormatTime, AgreesWithTheCalendarOnEveryDay) {
  using std::chrono::days;
  for (auto day = std::chrono::sys_days{std::chrono::year{1999} / 1 / 1};
       day < std::chrono::sys_days{std::chrono::year{2101} / 1 / 1}; day += days{1}) {
    const std::chrono::year_month_day date{day};
    std::array<char, 32> expected{};
    std::snprintf(expected.data(), expected.size(), "%04d-%02u-%02uT00:00:00Z", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    ASSERT_EQ(format_time(day), expected.data());
  }
}

TEST(ParseDuration, KnowsItsUnits) {
  using namespace std::chrono_literals;
  EXPECT_EQ(*parse_duration("90"), 90s);
  EXPECT_EQ(*parse_duration("90s"), 90s);
  EXPECT_EQ(*parse_duration("5m"), 5min);
  EXPECT_EQ(*parse_duration("1h"), 1h);
  EXPECT_EQ(*parse_duration("7d"), 168h);
  EXPECT_EQ(*parse_duration("2w"), 336h);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("1us"), 1us);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text :
       {"", "s", "0", "0s", "-5m", "+5m", " 5m", "5 m", "5M", "5min", "1.5h", "1h30m", "5mm", "nan", "1e3",
        "9223372036854775807", "9223372036854775808", "99999999999d", "9223372036854775807w"}) {
    const Result<Duration> d = parse_duration(text);
    ASSERT_FALSE(d.has_value()) << text;
    EXPECT_THAT(d.error().context, HasSubstr("write 90, 90s, 5m, 1h or 7d")) << text;
  }
}

TEST(SystemClock, TellsTheTimeOfTheSystem) {
  const auto before = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const Timestamp now = Clock::system().now();
  EXPECT_LE(before, now);
  EXPECT_GE(std::chrono::system_clock::now(), now);
}

TEST(TimeRange, IsHalfOpen) {
  const TimeRange range{from_micros(10), from_micros(20)};
  EXPECT_TRUE(range.contains(from_micros(10)));
  EXPECT_FALSE(range.contains(from_micros(20)));
  EXPECT_FALSE(range.overlaps({from_micros(20), from_micros(30)}));
  EXPECT_TRUE(range.overlaps({from_micros(19), from_micros(30)}));
  EXPECT_TRUE(intersect(range, {from_micros(20), from_micros(30)}).empty());
  EXPECT_EQ(intersect(range, {from_micros(15), from_micros(30)}).length(), Duration{5});
}

}  // namespace
}  // namespace takt
