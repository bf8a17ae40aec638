#include "ingest/sparkplug/payload.h"

#include "tests/support/sparkplug_message.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace takt {
namespace {

using test::Fields;
using test::MetricText;
using test::payload_of;

/// The one metric of a payload with it, and its value by `type`.
std::optional<SparkplugValue> value(const MetricText& metric, SparkplugType type) {
  static SparkplugDecoder decoder;
  const auto payload = decoder.decode(payload_of(1, 0, {metric}));
  EXPECT_TRUE(payload) << payload.error().context;
  return value_of((*payload)->metrics.at(0), type);
}

TEST(SparkplugPayload, HasTimesSequenceAndMetrics) {
  SparkplugDecoder decoder;
  const std::string bytes = payload_of(
      1'700'000'000'123, 7,
      {MetricText{}.name("a/b").alias(3).at(1'700'000'000'001).type(test::kInt32).int_value(5).quality(192),
       MetricText{}.alias(4).historical().transient().null()});
  const auto payload = decoder.decode(bytes);
  ASSERT_TRUE(payload);
  EXPECT_EQ((*payload)->at, from_micros(1'700'000'000'123'000));
  EXPECT_EQ((*payload)->seq, 7U);
  ASSERT_EQ((*payload)->metrics.size(), 2U);
  const SparkplugMetric& first = (*payload)->metrics[0];
  EXPECT_EQ(first.name, "a/b");
  EXPECT_EQ(first.alias, 3U);
  EXPECT_EQ(first.at, from_micros(1'700'000'000'001'000));
  EXPECT_EQ(first.type, SparkplugType::int32);
  EXPECT_EQ(first.quality, 192);
  EXPECT_FALSE(first.historical || first.transient || first.null);
  const SparkplugMetric& second = (*payload)->metrics[1];
  EXPECT_TRUE(second.historical && second.transient && second.null);
  EXPECT_EQ(second.at, std::nullopt);
  EXPECT_EQ(second.quality, kAbsent);
}

// Senders differ in where they write an integer, and in how far they extend its sign.
TEST(SparkplugPayload, ReadsIntegersInTheWidthOfTheirType) {
  EXPECT_EQ(value(MetricText{}.int_value(0xFFFF'FFFBU), SparkplugType::int8)->whole, -5);
  EXPECT_EQ(value(MetricText{}.int_value(0xFBU), SparkplugType::int8)->whole, -5);
  EXPECT_EQ(value(MetricText{}.int_value(0xFFFBU), SparkplugType::int16)->whole, -5);
  EXPECT_EQ(value(MetricText{}.int_value(0xFFFF'FFFBU), SparkplugType::int32)->whole, -5);
  EXPECT_EQ(value(MetricText{}.long_value(0xFFFF'FFFBU), SparkplugType::int32)->whole, -5);
  EXPECT_EQ(value(MetricText{}.int_value(0xFBU), SparkplugType::uint8)->whole, 251);
  EXPECT_EQ(value(MetricText{}.int_value(0xFFFF'FFFBU), SparkplugType::uint32)->whole, 4'294'967'291);
  EXPECT_EQ(value(MetricText{}.long_value(0xFFFF'FFFBU), SparkplugType::uint32)->whole, 4'294'967'291);
  EXPECT_EQ(value(MetricText{}.long_value(~std::uint64_t{4}), SparkplugType::int64)->whole, -5);
  EXPECT_EQ(value(MetricText{}.long_value(INT64_MAX), SparkplugType::uint64)->whole, INT64_MAX);
  EXPECT_EQ(value(MetricText{}.long_value(1'700'000'000'123), SparkplugType::date_time)->whole, 1'700'000'000'123);
}

TEST(SparkplugPayload, KeepsTheSizeOfIntegersBeyondASign) {
  const auto largest = value(MetricText{}.long_value(UINT64_MAX), SparkplugType::uint64);
  EXPECT_EQ(largest->whole, kAbsent);
  EXPECT_EQ(largest->value.number, 18446744073709551616.0);
}

TEST(SparkplugPayload, ReadsRealsBooleansAndTexts) {
  EXPECT_EQ(value(MetricText{}.float_value(1.5F), SparkplugType::float_)->value.number, 1.5);
  EXPECT_EQ(value(MetricText{}.double_value(-2.25), SparkplugType::double_)->value.number, -2.25);
  EXPECT_TRUE(
      std::isinf(value(MetricText{}.double_value(std::numeric_limits<double>::infinity()), SparkplugType::double_)
                     ->value.number));
  const auto truth = value(MetricText{}.boolean_value(true), SparkplugType::boolean);
  EXPECT_EQ(truth->value, (Value{Value::Kind::boolean, 1, {}}));
  for (const SparkplugType type : {SparkplugType::string, SparkplugType::text, SparkplugType::uuid})
    EXPECT_EQ(value(MetricText{}.string_value("Grün"), type)->value.text, "Grün");
}

TEST(SparkplugPayload, SaysWhatIsNull) {
  EXPECT_EQ(value(MetricText{}.null().int_value(5), SparkplugType::int32)->value.kind, Value::Kind::none);
  EXPECT_EQ(value(MetricText{}, SparkplugType::string)->value.kind, Value::Kind::none);
}

TEST(SparkplugPayload, ReadsNoValueOfAnotherType) {
  EXPECT_FALSE(value(MetricText{}.string_value("5"), SparkplugType::int32));
  EXPECT_FALSE(value(MetricText{}.int_value(1), SparkplugType::boolean));
  EXPECT_FALSE(value(MetricText{}.boolean_value(true), SparkplugType::double_));
  EXPECT_FALSE(value(MetricText{}.string_value("\xFF"), SparkplugType::string));
  EXPECT_FALSE(value(MetricText{}.data_set_value("\x08\x01"), SparkplugType::data_set));
  EXPECT_FALSE(value(MetricText{}.bytes_value("abc"), SparkplugType::bytes));
  EXPECT_FALSE(value(MetricText{}.int_value(1), SparkplugType::unknown));
}

TEST(SparkplugPayload, TakesNoTimeThatIsNone) {
  SparkplugDecoder decoder;
  for (const std::uint64_t time : {std::uint64_t{0}, std::uint64_t{253'402'300'800'000}, UINT64_MAX}) {
    const auto payload = decoder.decode(payload_of(time, 0, {}));
    ASSERT_TRUE(payload);
    EXPECT_EQ((*payload)->at, std::nullopt) << time;
  }
}

TEST(SparkplugPayload, RefusesWhatIsNone) {
  SparkplugDecoder decoder;
  for (const std::string& bytes : {std::string{"\x12\x05"}, std::string{"{\"type\":\"state\"}"},
                                   std::string{"\xFF"}, std::string{"\x0B\x0C"}, std::string{"\x08"}})
    EXPECT_FALSE(decoder.decode(bytes));
  EXPECT_TRUE(decoder.decode("")) << "a payload without anything is one";
}

TEST(SparkplugPayload, RefusesACompressedOne) {
  SparkplugDecoder decoder;
  const auto refused = decoder.decode(Fields{}.bytes(4, "SPBV1.0_COMPRESSED").bytes(5, "x").text());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().context.find("compress"), std::string::npos);
}

// Two bytes on the wire would be more than a hundred in memory.
TEST(SparkplugPayload, CountsMetricsBeforeItReadsThem) {
  SparkplugDecoder decoder;
  std::string bytes;
  for (std::size_t i = 0; i <= SparkplugDecoder::kMostMetrics; ++i) bytes += Fields{}.bytes(2, "").text();
  EXPECT_FALSE(decoder.decode(bytes));
  bytes.resize(bytes.size() - 2);
  EXPECT_TRUE(decoder.decode(bytes));
  EXPECT_FALSE(decoder.decode(std::string(SparkplugDecoder::kMostBytes + 1, '\x08')));
}

TEST(SparkplugPayload, OfACommandIsOneThatIsReadBack) {
  SparkplugDecoder decoder;
  const std::string command = sparkplug_command("Node Control/Rebirth", from_micros(1'700'000'000'123'456));
  const auto payload = decoder.decode(command);
  ASSERT_TRUE(payload);
  ASSERT_EQ((*payload)->metrics.size(), 1U);
  EXPECT_EQ((*payload)->metrics[0].name, "Node Control/Rebirth");
  EXPECT_EQ((*payload)->metrics[0].type, SparkplugType::boolean);
  EXPECT_EQ((*payload)->metrics[0].bits, 1U);
  EXPECT_EQ((*payload)->at, from_micros(1'700'000'000'123'000));
  EXPECT_EQ((*payload)->seq, std::nullopt) << "a command has no sequence number";
}

}  // namespace
}  // namespace takt
