// A Sparkplug host between the broker and the batch.
#include "ingest/mqtt/sparkplug_reader.h"

#include "schema/event_json.h"
#include "tests/support/sparkplug_message.h"

#include <gmock/gmock.h>

#include <limits>

namespace takt {
namespace {

using test::MetricText;
using test::payload_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kT0 = 1'700'000'000'000;
constexpr Timestamp kNow = from_micros(1'700'000'000'000'000);  // 2023-11-14T22:13:20Z

class SparkplugReaderTest : public testing::Test {
 protected:
  SparkplugReaderTest() {
    Plant plant;
    plant.machines.emplace_back().id = "M1";
    reader_ = std::move(make_sparkplug_reader(plant, {}).value());
  }
  std::vector<std::string> read(std::string_view topic, const std::string& payload) {
    batch_ = {}, outcome_ = {};
    reader_->read({topic, payload, 0, false}, kNow, batch_, outcome_);
    std::vector<std::string> out;
    for (const Event& event : batch_.events) append_json(out.emplace_back(), event);
    return out;
  }

  std::unique_ptr<MqttReader> reader_;
  EventBatch batch_;
  MqttOutcome outcome_;
};

// tck-id-host-topic-phid-death-payload, -birth-payload, -birth-sub-required
TEST_F(SparkplugReaderTest, SaysThatItIsOnlineWithTheTimeOfItsWill) {
  EXPECT_FALSE(reader_->keeps_session());
  const auto will = reader_->will(kNow);
  ASSERT_TRUE(will);
  EXPECT_EQ(will->topic, "spBv1.0/STATE/takt");
  EXPECT_EQ(will->payload, R"({"online":false,"timestamp":1700000000000})");
  EXPECT_TRUE(will->retained);
  EXPECT_EQ(will->qos, 1);
  reader_->connected(kNow + std::chrono::seconds{3}, outcome_);
  ASSERT_THAT(outcome_.replies, SizeIs(1));
  EXPECT_EQ(outcome_.replies[0].topic, will->topic);
  EXPECT_EQ(outcome_.replies[0].payload, R"({"online":true,"timestamp":1700000000000})");
  EXPECT_TRUE(outcome_.replies[0].retained);
  std::vector<std::string> filters;
  for (const MqttSubscription& each : reader_->subscriptions()) filters.push_back(each.filter);
  EXPECT_THAT(filters, ElementsAre("spBv1.0/STATE/takt", "spBv1.0/#"));
}

TEST_F(SparkplugReaderTest, MetricsAreOfTheirDeviceOrElseOfTheirNode) {
  const std::vector<MetricText> temperature = {
      MetricText{}.name("oil/temp").type(test::kDouble).double_value(41.5)};
  EXPECT_THAT(
      read("spBv1.0/G/DBIRTH/N/M1", payload_of(kT0, 1, temperature)),
      ElementsAre(
          R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:20Z","tag":"oil/temp","value":41.5})"));
  EXPECT_THAT(read("spBv1.0/G/NBIRTH/N9", payload_of(kT0, 0, temperature)),
              ElementsAre(HasSubstr(R"("machine":"N9")")));
  EXPECT_THAT(read("spBv1.0/G/DBIRTH/N9/D", payload_of(kT0, 0, temperature)),
              ElementsAre(HasSubstr(R"("machine":"D")")));
}

TEST_F(SparkplugReaderTest, NumbersThatAreNoneAreRefused) {
  std::vector<MetricText> metrics;
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    metrics.push_back(
        MetricText{}.name("a" + std::to_string(metrics.size())).type(test::kDouble).double_value(value));
  }
  metrics.push_back(MetricText{}.name("good_total").type(test::kUInt64).long_value(UINT64_MAX));
  metrics.push_back(MetricText{}.name("largest").type(test::kUInt64).long_value(UINT64_MAX));
  EXPECT_THAT(read("spBv1.0/G/DBIRTH/N/M1", payload_of(kT0, 1, metrics)), ElementsAre(HasSubstr("largest")));
  ASSERT_THAT(batch_.rejected, SizeIs(3));
  for (const RejectedEvent& each : batch_.rejected) EXPECT_EQ(each.code, Rejection::bad_value) << each.message;
}

TEST_F(SparkplugReaderTest, AsksForARebirthByACommand) {
  EXPECT_THAT(read("spBv1.0/G/DDATA/N/M1", payload_of(kT0, 1, {MetricText{}.alias(1).int_value(1)})), IsEmpty());
  ASSERT_THAT(outcome_.replies, SizeIs(1));
  EXPECT_EQ(outcome_.replies[0].topic, "spBv1.0/G/NCMD/N");
  EXPECT_THAT(outcome_.replies[0].payload, HasSubstr("Node Control/Rebirth"));
  EXPECT_FALSE(outcome_.replies[0].retained);
  EXPECT_THAT(batch_.rejected, SizeIs(1));
}

TEST(SparkplugOptions, AreNamesOfLevels) {
  const auto problem = [](boost::json::object options) {
    DataSource source;
    source.options = std::move(options);
    const auto reader = make_sparkplug_reader({}, source);
    return reader ? std::string{} : reader.error().context;
  };
  EXPECT_EQ(problem({{"host_id", "scada"}, {"groups", {"A", "B"}}}), "");
  EXPECT_THAT(problem({{"host_id", "a/b"}}), HasSubstr("host_id"));
  EXPECT_THAT(problem({{"groups", {"a", "#"}}}), HasSubstr("groups"));
  EXPECT_THAT(problem({{"group", "a"}}), HasSubstr("\"group\""));
}

}  // namespace
}  // namespace takt
