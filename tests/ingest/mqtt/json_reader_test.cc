// What JSON in MQTT topics means.
#include "ingest/mqtt/json_reader.h"

#include "schema/event_json.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Timestamp kNow = from_micros(1'700'000'000'000'000);  // 2023-11-14T22:13:20Z

class MqttJson : public testing::Test {
 protected:
  /// A source with rules and options in a plant of M1 and M2.
  void use(std::string_view more, std::string_view options = "{}") {
    std::string toml =
        "[[machine]]\nid = \"M1\"\n[[machine]]\nid = \"M2\"\n[[source]]\nid = \"s\"\nkind = \"mqtt\"\n";
    toml += "url = \"mqtt://127.0.0.1\"\noptions = " + std::string{options} + "\n" + std::string{more};
    const auto plant = parse_plant_toml(toml, "test");
    ASSERT_TRUE(plant) << plant.error().context;
    auto reader = make_json_reader(*plant, plant->sources.at(0));
    ASSERT_TRUE(reader) << reader.error().context;
    reader_ = std::move(*reader);
  }
  /// The events of a message, as JSON; what was refused is in rejected().
  std::vector<std::string> read(std::string_view topic, std::string_view payload, bool retained = false) {
    if (!reader_) use("");
    batch_ = {};
    MqttOutcome outcome;
    // A copy of just these bytes, so that AddressSanitizer sees who reads on.
    const std::vector<char> copy{payload.begin(), payload.end()};
    reader_->read({topic, {copy.data(), copy.size()}, 1, retained}, kNow, batch_, outcome);
    EXPECT_EQ(batch_.raw.size(), batch_.events.size());
    EXPECT_EQ(batch_.indexes.size(), batch_.events.size());
    std::vector<std::string> out;
    for (const Event& event : batch_.events) append_json(out.emplace_back(), event);
    return out;
  }
  std::vector<std::string> rejected() const {
    std::vector<std::string> out;
    for (const RejectedEvent& each : batch_.rejected)
      out.push_back(std::string{name_of(each.code)} + ": " + each.message);
    return out;
  }

  std::unique_ptr<MqttReader> reader_;
  EventBatch batch_;
};

TEST_F(MqttJson, AnEventIsTakenAsItIs) {
  EXPECT_THAT(read("takt/x", R"({"type":"state","machine":"M1","ts":"2023-11-14T00:00:00Z","state":"down"})"),
              ElementsAre(R"({"type":"state","machine":"M1","ts":"2023-11-14T00:00:00Z","state":"down"})"));
  EXPECT_THAT(rejected(), IsEmpty());
}

TEST_F(MqttJson, EventsComeInArraysAndInLinesToo) {
  EXPECT_THAT(read("takt/x", R"([{"type":"count","machine":"M1","ts":1700000000000000,"good":1},
                                 {"type":"count","machine":"M2","ts":1700000000000000,"good":2}])"),
              SizeIs(2));
  EXPECT_THAT(read("takt/x",
                   "{\"type\":\"count\",\"machine\":\"M1\",\"ts\":1700000000000000,\"good\":1}\n"
                   "nonsense\n\r\n"
                   "{\"type\":\"count\",\"machine\":\"M2\",\"ts\":1700000000000000,\"good\":2}\n"),
              SizeIs(2));
  EXPECT_THAT(rejected(), ElementsAre(HasSubstr("bad_json: A line of the message")));
  EXPECT_EQ(batch_.rejected[0].index, 1U);
  EXPECT_EQ(batch_.indexes, (std::vector<std::size_t>{0, 2}));
}

TEST_F(MqttJson, ATopicSaysTheMachineAndTheTypeOfEventsThatDoNot) {
  EXPECT_THAT(read("takt/M1/state", R"({"ts":"2023-11-14T00:00:00Z","state":"down"})"),
              ElementsAre(R"({"type":"state","machine":"M1","ts":"2023-11-14T00:00:00Z","state":"down"})"));
  EXPECT_THAT(read("takt/M1/state", R"([{"machine":"M2","ts":"2023-11-14T00:00:00Z","state":"down"}])"),
              ElementsAre(R"({"type":"state","machine":"M2","ts":"2023-11-14T00:00:00Z","state":"down"})"));
  EXPECT_THAT(read("takt/M1/state", "{}"), IsEmpty());
  EXPECT_THAT(rejected(), ElementsAre(HasSubstr("missing_field")));
}

TEST_F(MqttJson, AnEventThatIsWrongIsRefusedWithWhatWasReceived) {
  EXPECT_THAT(read("takt/x", R"({"type":"state","machine":"M1","ts":"soon","state":"down"})"), IsEmpty());
  ASSERT_THAT(rejected(), ElementsAre(HasSubstr("bad_value")));
  EXPECT_EQ(batch_.rejected[0].raw, R"({"type":"state","machine":"M1","ts":"soon","state":"down"})");
  EXPECT_THAT(read("takt/x", R"({"type":"sate","machine":"M1","ts":1,"state":"down"})"), IsEmpty());
  EXPECT_THAT(rejected(), ElementsAre(HasSubstr("unknown_type")));
}

TEST_F(MqttJson, OtherObjectsAreSignalsOfTheirMembers) {
  EXPECT_THAT(
      read("plant/M1/press", R"({"ts":1699999999,"oil":{"temp":41.5,"ok":true},"state":"running","axes":[1,2]})"),
      ElementsAre(
          R"({"type":"state","machine":"M1","ts":"2023-11-14T22:13:19Z","state":"running"})",
          R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:19Z","tag":"press/oil/temp","value":41.5})",
          R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:19Z","tag":"press/oil/ok","value":true})",
          R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:19Z","tag":"press/axes/0","value":1})",
          R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:19Z","tag":"press/axes/1","value":2})"));
}

TEST_F(MqttJson, AScalarIsOneSignalAtItsTopic) {
  EXPECT_THAT(
      read("plant/M1/good_total", "12"),
      ElementsAre(
          R"({"type":"count","machine":"M1","ts":"2023-11-14T22:13:20Z","good_total":12,"id":"good_total"})"));
  EXPECT_THAT(read("plant/M1/state", "\"idle\""),
              ElementsAre(R"({"type":"state","machine":"M1","ts":"2023-11-14T22:13:20Z","state":"idle"})"));
  EXPECT_THAT(read("plant/M1/state", "null"),
              ElementsAre(R"({"type":"state","machine":"M1","ts":"2023-11-14T22:13:20Z","state":"unavailable"})"));
}

TEST_F(MqttJson, ATopicOfTaktNamesTheMachineThoughItIsNew) {
  EXPECT_THAT(read("takt/M9/state", R"("idle")"), SizeIs(1)) << "a scalar is no event";
  EXPECT_THAT(read("takt/M9/oil/temp", "4"), ElementsAre(HasSubstr(R"("machine":"M9")")));
}

TEST_F(MqttJson, TimesAreReadBySize) {
  for (const std::string_view time : {"1699999999", "1699999999000", "1699999999000000", "1699999999000000000",
                                      "\"2023-11-14T23:13:19+01:00\"", "\"1699999999\"", "1699999999.0"})
    EXPECT_THAT(
        read("p/M1", "{\"timestamp\":" + std::string{time} + ",\"v\":1}"),
        ElementsAre(R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:19Z","tag":"v","value":1})"))
        << time;
}

TEST_F(MqttJson, AMemberTimeThatIsNoTimeIsAValue) {
  EXPECT_THAT(
      read("p/M1", R"({"time":12.5})"),
      ElementsAre(R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:20Z","tag":"time","value":12.5})"));
}

TEST_F(MqttJson, ATimeThatTheOptionNamesHasToBeOne) {
  use("", R"({time = "_ts"})");
  EXPECT_THAT(
      read("p/M1", R"({"_ts":1699999999000,"ts":3})"),
      ElementsAre(R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:19Z","tag":"ts","value":3})"));
  EXPECT_THAT(read("p/M1", R"({"_ts":"later","v":3})"), IsEmpty());
  EXPECT_THAT(rejected(), ElementsAre(HasSubstr("bad_value: The time of the message in \"p/M1\"")));
}

TEST_F(MqttJson, ListsMayNameTheirValues) {
  use("", R"({time = "_ts", name = "address"})");
  EXPECT_THAT(
      read("l/M1/read", R"([{"address":"%Q0.1","keys":["a"],"value":1,"_ts":1699999999000},
                                    {"address":"%Q0.2","value":{"x":2}}])"),
      ElementsAre(
          R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:19Z","tag":"read/%Q0.1","value":1})",
          R"({"type":"reading","machine":"M1","ts":"2023-11-14T22:13:20Z","tag":"read/%Q0.2/x","value":2})"));
}

TEST_F(MqttJson, WhatIsRetainedIsNoIncrement) {
  EXPECT_THAT(read("p/M1/good", "1"), SizeIs(1));
  EXPECT_THAT(read("p/M1/good", "1", true), IsEmpty());
  EXPECT_THAT(read("p/M1/good_total", "1", true), SizeIs(1));
}

TEST_F(MqttJson, RulesSayWhatToIgnoreAndWhatIsAnEvent) {
  use("[[signal]]\nmatch = \"p/cmd/#\"\nas = \"ignore\"\n[[signal]]\nmatch = \"p/ev\"\nas = \"event\"\n");
  EXPECT_THAT(read("p/cmd/run", "no json"), IsEmpty());
  EXPECT_THAT(rejected(), IsEmpty());
  EXPECT_THAT(read("p/ev", R"({"machine":"M1"})"), IsEmpty());
  EXPECT_THAT(rejected(), ElementsAre(HasSubstr("missing_field")));
}

TEST_F(MqttJson, WhatIsNoJsonIsQuarantined) {
  for (const std::string_view payload : {"running", "{", "[1,", "{\"a\":1}{\"a\":2}", "\xFF", "\"\xFF\"", "NaN"}) {
    EXPECT_THAT(read("p/M1", payload), IsEmpty());
    ASSERT_THAT(rejected(), ElementsAre(HasSubstr("bad_json: The message in \"p/M1\""))) << payload;
    EXPECT_EQ(batch_.rejected[0].raw, payload);
  }
  EXPECT_THAT(read("p/M1", ""), IsEmpty());
  EXPECT_THAT(rejected(), IsEmpty()) << "an empty message clears what was retained";
}

TEST_F(MqttJson, DepthAndSizeHaveLimits) {
  EXPECT_THAT(read("p/M1", std::string(100, '[') + std::string(100, ']')), IsEmpty());
  EXPECT_THAT(rejected(), SizeIs(1));
  std::string many = "[0";
  for (int i = 0; i < 100'000; ++i) many += ",0";
  EXPECT_THAT(read("p/M1", many + "]"), IsEmpty());
  EXPECT_THAT(rejected(), ElementsAre(HasSubstr("too many values")));
  EXPECT_THAT(read("p/M1", "\"" + std::string(9U << 20U, 'x') + "\""), IsEmpty());
  EXPECT_THAT(rejected(), ElementsAre(HasSubstr("too_large")));
  EXPECT_LE(batch_.rejected[0].raw.size(), 65'536U);
}

TEST_F(MqttJson, AMachineThatNobodyNamesIsUnknown) {
  EXPECT_THAT(read("plant/x", "5"), IsEmpty());
  EXPECT_THAT(rejected(), SizeIs(1));
}

TEST(MqttOptions, SayWhichThereAre) {
  DataSource source;
  source.options = {{"topcis", "x"}};
  const auto reader = make_json_reader({}, source);
  ASSERT_FALSE(reader);
  EXPECT_THAT(reader.error().context, HasSubstr("\"topcis\""));
  EXPECT_THAT(reader.error().context, HasSubstr("topics"));
  source.options = {{"topics", 5}};
  EXPECT_FALSE(make_json_reader({}, source));
}

}  // namespace
}  // namespace takt
