#include "ingest/signal_mapper.h"

#include "schema/event_json.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Timestamp kSix = *parse_time("2026-01-05T06:00:00Z");
constexpr Duration kMinute = std::chrono::minutes{1};

Signal text(std::string_view address, std::string_view value, Timestamp at = kSix) {
  return {.address = address, .at = at, .value = {Value::Kind::text, 0, value}};
}
Signal whole(std::string_view address, std::int64_t value, Timestamp at = kSix) {
  return {.address = address,
          .at = at,
          .value = {Value::Kind::number, static_cast<double>(value), {}},
          .whole = value};
}
Signal real(std::string_view address, double value) {
  return {.address = address, .at = kSix, .value = {Value::Kind::number, value, {}}};
}
Signal truth(std::string_view address, bool value) {
  return {.address = address, .at = kSix, .value = {Value::Kind::boolean, value ? 1.0 : 0.0, {}}};
}
Signal unknown(std::string_view address, Timestamp at = kSix) {
  return {.address = address, .at = at, .value = {}};
}

/// A plant with two machines, and the mapper of one of its sources.
class SignalMapperTest : public testing::Test {
 protected:
  SignalMapperTest() {
    plant_.machines.emplace_back().id = "M1";
    plant_.machines.emplace_back().id = "M2";
    plant_.reasons.emplace_back().code = "JAM";
    source_.id = "S";
  }

  void rule(std::string_view match, SignalUse as, std::string_view machine = {}, std::string_view tag = {},
            boost::json::object values = {}) {
    plant_.signals.push_back({.source = "S",
                              .match = std::string{match},
                              .as = as,
                              .machine = std::string{machine},
                              .tag = std::string{tag},
                              .values = std::move(values)});
  }
  /// The events of one message as JSON without their time, where it is six o'clock.
  std::vector<std::string> events_of(const std::vector<Signal>& message, std::string_view machine = {}) {
    if (!mapper_) mapper_.emplace(plant_, source_);
    EventBatch batch;
    mapper_->map(message, machine, batch);
    std::vector<std::string> texts;
    for (const Event& event : batch.events) {
      std::string json;
      append_json(json, event);
      const std::string six = R"("ts":"2026-01-05T06:00:00Z",)";
      if (const std::size_t at = json.find(six); at != std::string::npos) json.erase(at, six.size());
      texts.push_back(json);
    }
    EXPECT_EQ(batch.indexes.size(), batch.events.size());
    refused_ = std::move(batch.rejected);
    return texts;
  }

  Plant plant_;
  DataSource source_;
  std::optional<SignalMapper> mapper_;
  std::vector<RejectedEvent> refused_;
};

TEST_F(SignalMapperTest, GoesByTheLastLevelWhereThereIsNoRule) {
  EXPECT_THAT(events_of({text("L1/M1/Execution", "ACTIVE"), whole("L1/M1/GOOD_TOTAL", 7),
                         real("L1/M1/spindle/load", 12.5), truth("L1/M2/door", true)}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"ACTIVE"})",
                          R"({"type":"count","machine":"M1","good_total":7,"id":"good_total"})",
                          R"({"type":"reading","machine":"M1","tag":"spindle/load","value":12.5})",
                          R"({"type":"reading","machine":"M2","tag":"door","value":true})"));
}

TEST_F(SignalMapperTest, TakesTheMachineOfTheSourceOrOfTheConnectorWhereTheAddressNamesNone) {
  EXPECT_THAT(events_of({real("load", 1)}, "M2"),
              ElementsAre(R"({"type":"reading","machine":"M2","tag":"load","value":1})"));
  source_.machine = "M1";
  mapper_.reset();
  EXPECT_THAT(events_of({real("M2/load", 1)}, "M2"),
              ElementsAre(R"({"type":"reading","machine":"M1","tag":"M2/load","value":1})"));
  source_.machine.clear();
  mapper_.reset();
  EXPECT_THAT(events_of({real("cell/load", 1)}), IsEmpty());
  ASSERT_EQ(refused_.size(), 1U);
  EXPECT_EQ(refused_[0].code, Rejection::unknown_machine);
  EXPECT_THAT(refused_[0].message, HasSubstr("\"cell/load\""));
  EXPECT_THAT(refused_[0].raw, HasSubstr("{\"signal\":\"cell/load\",\"type\":\"reading\""));
}

TEST_F(SignalMapperTest, NamesTheTagsOfAMachineThatIsNotDescribedAsItWillOnceItIs) {
  const auto told = [&] { return events_of({real("G/N/M9/oil/temp", 1), real("oil", 1)}, "M9"); };
  const auto before = told();
  EXPECT_THAT(before, ElementsAre(R"({"type":"reading","machine":"M9","tag":"oil/temp","value":1})",
                                  R"({"type":"reading","machine":"M9","tag":"oil","value":1})"));
  plant_.machines.emplace_back().id = "M9";
  mapper_.reset();
  EXPECT_EQ(told(), before);
}

TEST_F(SignalMapperTest, RemembersNothingOfNobody) {
  EXPECT_THAT(events_of({text("X/product", "P"), text("X/state", "down"), whole("X/good", 1)}), IsEmpty());
  ASSERT_EQ(refused_.size(), 2U);
  for (const RejectedEvent& refused : refused_)
    EXPECT_EQ(refused.raw.find("product\":"), std::string::npos) << "it may be another machine's";
}

TEST_F(SignalMapperTest, GoesByTheFirstRuleThatFits) {
  rule("{area}/{m}/temp/{n}", SignalUse::reading, "{m}", "{area}.{n}");
  rule("*/M1/parts", SignalUse::good_total);
  rule("{machine}/#", SignalUse::ignore);
  EXPECT_THAT(events_of({real("A/M2/temp/oil", 3), whole("A/M1/parts", 4), real("M1/x", 1), real("M1/x/y", 1)}),
              ElementsAre(R"({"type":"reading","machine":"M2","tag":"A.oil","value":3})",
                          R"({"type":"count","machine":"M1","good_total":4,"id":"good_total"})"));
}

TEST_F(SignalMapperTest, NamesValuesByTheRule) {
  rule("M1/mode", SignalUse::state, {}, {}, {{"3", "running"}, {"true", "setup"}});
  EXPECT_THAT(events_of({whole("M1/mode", 3)}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"running"})"));
  EXPECT_THAT(events_of({truth("M1/mode", true)}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"setup"})"));
  EXPECT_THAT(events_of({truth("M1/mode", false)}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"stopped"})"));
  EXPECT_THAT(events_of({whole("M1/mode", 4)}), IsEmpty());
  ASSERT_EQ(refused_.size(), 1U);
  EXPECT_EQ(refused_[0].code, Rejection::bad_value);
  EXPECT_THAT(refused_[0].message, HasSubstr("[[signal]]"));
}

TEST_F(SignalMapperTest, GivesCountsTheProductAndOrderOfTheirOwnTime) {
  events_of({text("M1/product", "X", kSix - kMinute), text("M1/order", "O1", kSix - kMinute)});
  events_of({text("M1/product", "Y", kSix + kMinute), text("M2/product", "Z", kSix - kMinute)});
  EXPECT_THAT(events_of({whole("M1/good", 2)}),
              ElementsAre(R"({"type":"count","machine":"M1","good":2,"product":"X","order":"O1","id":"good"})"));
  EXPECT_THAT(events_of({whole("M1/good", 2), text("M1/product", "N")}),
              ElementsAre(R"({"type":"count","machine":"M1","good":2,"product":"N","order":"O1","id":"good"})"))
      << "what is told together is true together, in any order";
  EXPECT_THAT(events_of({unknown("M1/product"), whole("M1/good", 2)}),
              ElementsAre(R"({"type":"count","machine":"M1","good":2,"order":"O1","id":"good"})"));
}

TEST_F(SignalMapperTest, LetsAStateBeginAgainWithItsReason) {
  EXPECT_THAT(events_of({text("M1/state", "down")}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"down"})"));
  EXPECT_THAT(
      events_of({text("M1/reason", "JAM", kSix + kMinute)}),
      ElementsAre(R"({"type":"state","machine":"M1","ts":"2026-01-05T06:01:00Z","state":"down","reason":"JAM"})"));
  EXPECT_THAT(events_of({text("M1/reason", "JAM"), text("M1/state", "idle")}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"idle","reason":"JAM"})"));
  EXPECT_THAT(events_of({text("M2/reason", "JAM")}), IsEmpty()) << "no state is known yet";
}

TEST_F(SignalMapperTest, KeepsAStateWhoseReasonIsNotDescribed) {
  EXPECT_THAT(events_of({text("M1/state", "down"), text("M1/reason", "E42")}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"down"})"));
  ASSERT_EQ(refused_.size(), 1U);
  EXPECT_EQ(refused_[0].code, Rejection::unknown_reason);
  EXPECT_THAT(refused_[0].raw, HasSubstr(R"("state":"down","reason":"E42")"));
  EXPECT_THAT(refused_[0].raw, HasSubstr(R"("revision":1)")) << "tried again it corrects the state";
}

TEST_F(SignalMapperTest, KnowsNoCountAndNoReadingOfAValueThatIsNotKnown) {
  EXPECT_THAT(events_of({unknown("M1/state"), unknown("M1/good_total"), unknown("M1/load")}),
              ElementsAre(R"({"type":"state","machine":"M1","state":"unavailable"})"));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(SignalMapperTest, CountsPulsesAndNothingTwice) {
  EXPECT_THAT(events_of({truth("M1/good", true), truth("M1/scrap", false)}),
              ElementsAre(R"({"type":"count","machine":"M1","good":1,"id":"good"})"));
  Signal again = whole("M1/good", 5);
  again.republished = true;
  EXPECT_THAT(events_of({again}), IsEmpty());
  again = whole("M1/good_total", 5);
  again.republished = true;
  EXPECT_THAT(events_of({again}),
              ElementsAre(R"({"type":"count","machine":"M1","good_total":5,"id":"good_total"})"));
}

TEST_F(SignalMapperTest, RefusesCountsThatAreNone) {
  EXPECT_THAT(
      events_of({real("M1/good_total", 1.5), whole("M1/good_total", -1), text("M1/good_total", "many"),
                 whole("M1/good_total", INT64_MAX), real("M1/load", std::numeric_limits<double>::infinity()),
                 text("M1/product", "\xFF"), text("M1/kwh_total", "12.5"), whole("M2/scrap", 1)}),
      ElementsAre(R"({"type":"energy","machine":"M1","kwh_total":12.5})",
                  R"({"type":"count","machine":"M2","scrap":1,"id":"scrap"})"));
  EXPECT_EQ(refused_.size(), 5U);
  for (const RejectedEvent& refused : refused_) EXPECT_EQ(refused.code, Rejection::bad_value);
}

TEST_F(SignalMapperTest, RefusesOnlyWhatATextThatIsNoUtf8BelongsTo) {
  EXPECT_THAT(events_of({text("M1/product", "\xFF"), whole("M1/good", 1), real("M1/load", 1)}),
              ElementsAre(R"({"type":"reading","machine":"M1","tag":"load","value":1})"));
  ASSERT_EQ(refused_.size(), 1U);
  EXPECT_EQ(refused_[0].code, Rejection::bad_value);
}

TEST_F(SignalMapperTest, RemembersAsManyChangesAsItSays) {
  for (std::size_t i = 0; i <= SignalMapper::kMostSteps; ++i)
    events_of({text("M1/product", "P" + std::to_string(i), kSix + kMinute * static_cast<int>(i))});
  EXPECT_THAT(events_of({whole("M1/good", 1)}),
              ElementsAre(R"({"type":"count","machine":"M1","good":1,"id":"good"})"))
      << "the oldest is forgotten";
  EXPECT_THAT(events_of({whole("M1/good", 1, kSix + kMinute)}), ElementsAre(HasSubstr(R"("product":"P1")")));
}

}  // namespace
}  // namespace takt
