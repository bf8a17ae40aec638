// The state machine of a host application against the normative statements of Sparkplug 3.0.
#include "ingest/sparkplug/host.h"

#include "tests/support/sparkplug_message.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using test::MetricText;
using test::payload_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kT0 = 1'700'000'000'000;  // milliseconds

Timestamp at(std::uint64_t milliseconds) { return from_micros(static_cast<std::int64_t>(milliseconds) * 1000); }

/// A signal and whose it is, in words: "M1: Plant1/N1/M1/state = running @5" with milliseconds after kT0.
std::string words(const Signal& signal, std::string_view machine) {
  std::string value = "?";
  if (signal.value.kind == Value::Kind::text) value = signal.value.text;
  if (signal.value.kind == Value::Kind::boolean) value = signal.value.number != 0 ? "true" : "false";
  if (signal.value.kind == Value::Kind::number) value = std::to_string(signal.whole);
  const auto after = micros(signal.at) - static_cast<std::int64_t>(kT0) * 1000;
  std::string when = std::to_string(after / 1000);
  if (after % 1000 != 0) when += "." + std::to_string(after % 1000);
  return std::string{machine} + ": " + std::string{signal.address} + " = " + value + " @" + when +
         (signal.republished ? " again" : "");
}

/// A host that hears of node N1 in group Plant1 and its device M1.
class SparkplugHostTest : public testing::Test {
 protected:
  SparkplugNotes hear(std::string_view verb, const std::string& payload, std::uint64_t now = 0,
                      std::string_view node = "N1/M1") {
    if (now != 0) now_ = kT0 + now;
    const std::string_view who = verb.front() == 'N' ? node.substr(0, node.find('/')) : node;
    return host_.receive("spBv1.0/Plant1/" + std::string{verb} + "/" + std::string{who}, payload, at(now_),
                         sink());
  }
  SparkplugHost::Sink sink() {
    return [this](Signals signals, std::string_view machine) {
      for (const Signal& signal : signals) heard_.push_back(words(signal, machine));
    };
  }
  /// What was heard since it was asked last.
  std::vector<std::string> heard() { return std::exchange(heard_, {}); }

  static MetricText session(std::uint64_t number) {
    return MetricText{}.name("bdSeq").type(test::kInt64).long_value(number);
  }
  SparkplugNotes birth(std::uint64_t session_number = 0, std::uint64_t time = 0, std::uint64_t seq = 0) {
    return hear("NBIRTH",
                payload_of(kT0 + time, seq,
                           {session(session_number),
                            MetricText{}.name("Node Control/Rebirth").type(test::kBoolean).boolean_value(false),
                            MetricText{}.name("load").alias(1).type(test::kInt32).int_value(40)}));
  }
  SparkplugNotes device_birth(std::uint64_t seq = 1, std::uint64_t time = 0) {
    return hear(
        "DBIRTH",
        payload_of(kT0 + time, seq,
                   {MetricText{}.name("state").alias(10).type(test::kString).string_value("running").at(kT0),
                    MetricText{}.name("good_total").alias(11).type(test::kUInt32).int_value(7)}));
  }
  static std::string data(std::uint64_t seq, std::vector<MetricText> metrics) {
    return payload_of(kT0 + 100, seq, metrics);
  }
  static MetricText good(std::uint32_t value) { return MetricText{}.alias(11).int_value(value).at(kT0 + 50); }

  SparkplugHost host_{"takt"};
  std::uint64_t now_ = kT0;
  std::vector<std::string> heard_;
};

TEST_F(SparkplugHostTest, BirthsAreRepublishedValuesWithoutControlsAndSession) {
  birth(), device_birth();
  EXPECT_THAT(heard(), ElementsAre("N1: Plant1/N1/load = 40 @0 again", "M1: Plant1/N1/M1/state = running @0 again",
                                   "M1: Plant1/N1/M1/good_total = 7 @0 again"));
}

// tck-id-payloads-alias-data-cmd-requirement
TEST_F(SparkplugHostTest, DataIsKnownByTheAliasOfItsBirth) {
  birth(), device_birth(), heard();
  const auto notes = hear("DDATA", data(2, {good(9)}));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/good_total = 9 @50"));
  EXPECT_EQ(notes.gaps, 0U);
  EXPECT_THAT(notes.rebirths, IsEmpty());
}

TEST_F(SparkplugHostTest, DataIsKnownByItsNameToo) {
  birth(), device_birth(), heard();
  hear("DDATA", data(2, {MetricText{}.name("good_total").int_value(9)}));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/good_total = 9 @100")) << "with the payload's time";
}

TEST_F(SparkplugHostTest, ANewBirthGivesAliasesAnew) {
  birth(), device_birth(), heard();
  hear("DBIRTH", payload_of(kT0, 2, {MetricText{}.name("scrap").alias(11).type(test::kUInt32).int_value(0)}));
  heard();
  hear("DDATA", data(3, {good(9)}));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/scrap = 9 @50"));
}

// tck-id-operational-behavior-data-commands-rebirth-name
TEST_F(SparkplugHostTest, AnUnknownAliasAsksForARebirth) {
  birth(), device_birth(), heard();
  const auto notes = hear("DDATA", data(2, {MetricText{}.alias(99).int_value(1), good(9)}));
  EXPECT_THAT(notes.rebirths, ElementsAre("spBv1.0/Plant1/NCMD/N1"));
  ASSERT_THAT(notes.rejected, SizeIs(1));
  EXPECT_NE(notes.rejected[0].message.find("alias 99"), std::string::npos);
  EXPECT_NE(notes.rejected[0].raw.find("spBv1.0/Plant1/DDATA/N1/M1"), std::string::npos);
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/good_total = 9 @50")) << "the rest is good";
}

TEST_F(SparkplugHostTest, DataBeforeABirthAsksForOne) {
  const auto notes = hear("DDATA", data(2, {good(9)}));
  EXPECT_THAT(notes.rebirths, ElementsAre("spBv1.0/Plant1/NCMD/N1"));
  EXPECT_THAT(notes.rejected, SizeIs(1));
  EXPECT_EQ(notes.gaps, 0U) << "what came before is not known";
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(SparkplugHostTest, DataOfADeviceThatIsNotBornAsksForItsNodesRebirth) {
  birth(), heard();
  const auto notes = hear("DDATA", data(1, {good(9)}));
  EXPECT_THAT(notes.rebirths, ElementsAre("spBv1.0/Plant1/NCMD/N1"));
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(SparkplugHostTest, DataThatNamesItselfAndItsTypeIsTakenBeforeABirth) {
  const auto notes =
      hear("DDATA", data(2, {MetricText{}.name("good_total").type(test::kUInt32).int_value(9).at(kT0 + 3)}));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/good_total = 9 @3"));
  EXPECT_THAT(notes.rebirths, SizeIs(1));
  EXPECT_THAT(notes.rejected, IsEmpty());
}

TEST_F(SparkplugHostTest, RebirthsAreAskedForWithPauses) {
  EXPECT_THAT(hear("DDATA", data(2, {good(1)}), 1).rebirths, SizeIs(1));
  EXPECT_THAT(hear("DDATA", data(3, {good(2)}), 9'999).rebirths, IsEmpty());
  EXPECT_THAT(hear("DDATA", data(4, {good(3)}), 10'001).rebirths, SizeIs(1));
  EXPECT_THAT(hear("DDATA", data(4, {good(3)}), 0, "N2/M1").rebirths, SizeIs(1)) << "another node's are its own";
}

// tck-id-payloads-sequence-num-incrementing
TEST_F(SparkplugHostTest, CountsWhatIsMissingInTheSequenceAndAsksForARebirth) {
  birth(), device_birth(1), heard();
  const auto notes = hear("DDATA", data(5, {good(9)}));
  EXPECT_EQ(notes.gaps, 3U);
  EXPECT_THAT(notes.rebirths, SizeIs(1));
  EXPECT_THAT(heard(), SizeIs(1)) << "what came is good";
  EXPECT_EQ(hear("NDATA", data(6, {MetricText{}.alias(1).int_value(3)})).gaps, 0U);
}

TEST_F(SparkplugHostTest, TheSequenceOfANodeBeginsAnewAfter255) {
  birth(0, 0, 254), device_birth(255), heard();
  EXPECT_EQ(hear("DDATA", data(0, {good(9)})).gaps, 0U);
  EXPECT_EQ(hear("DDATA", data(2, {good(9)})).gaps, 1U);
}

TEST_F(SparkplugHostTest, AMessageTwiceIsNoGap) {
  birth(), device_birth(1);
  EXPECT_EQ(hear("DDATA", data(2, {good(9)})).gaps, 0U);
  EXPECT_EQ(hear("DDATA", data(2, {good(9)})).gaps, 0U);
}

TEST_F(SparkplugHostTest, DeathsOfDevicesCountInTheSequence) {
  birth(), device_birth(1);
  EXPECT_EQ(hear("DDEATH", payload_of(kT0 + 200, 2, {})).gaps, 0U);
  EXPECT_EQ(hear("NDATA", data(3, {MetricText{}.alias(1).int_value(3)})).gaps, 0U);
}

// tck-id-payloads-ddeath-timestamp
TEST_F(SparkplugHostTest, ADeadDeviceIsUnknownFromTheTimeItSays) {
  birth(), device_birth(), heard();
  hear("DDEATH", payload_of(kT0 + 200, 2, {}), 300);
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/state = ? @200", "M1: Plant1/N1/M1/good_total = ? @200"));
  hear("DDEATH", payload_of(kT0 + 400, 3, {}), 500);
  EXPECT_THAT(heard(), IsEmpty()) << "it is unknown already";
}

// tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-offline
TEST_F(SparkplugHostTest, ADeadNodeIsUnknownWithItsDevicesFromTheTimeOfReceipt) {
  birth(4), device_birth(), heard();
  hear("NDEATH", payload_of(kT0 - 60'000, std::nullopt, {session(4)}), 700);
  EXPECT_THAT(heard(), ElementsAre("N1: Plant1/N1/load = ? @700", "M1: Plant1/N1/M1/state = ? @700",
                                   "M1: Plant1/N1/M1/good_total = ? @700"));
}

// tck-id-operational-behavior-host-application-bdseq / payloads-ndeath-bdseq
TEST_F(SparkplugHostTest, TheDeathOfAnOlderSessionMeansNothing) {
  birth(4), device_birth(), heard();
  hear("NDEATH", payload_of(kT0, std::nullopt, {session(3)}), 700);
  EXPECT_THAT(heard(), IsEmpty());
  hear("DDATA", data(2, {good(9)}));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/good_total = 9 @50"));
}

TEST_F(SparkplugHostTest, ADeathIsLaterThanAllThatWasSaid) {
  birth(4), device_birth(), heard();
  hear("DDATA", data(2, {MetricText{}.alias(10).string_value("idle").at(kT0 + 900)}), 901), heard();
  hear("NDEATH", payload_of(kT0, std::nullopt, {session(4)}), 800);
  EXPECT_THAT(heard(), testing::Contains("M1: Plant1/N1/M1/state = ? @900.1"))
      << "two states of one instant would correct each other";
}

TEST_F(SparkplugHostTest, DataAfterADeathAsksForABirth) {
  birth(4), device_birth();
  hear("NDEATH", payload_of(kT0, std::nullopt, {session(4)}), 700), heard();
  const auto notes = hear("DDATA", data(2, {good(9)}));
  EXPECT_THAT(notes.rebirths, SizeIs(1));
  EXPECT_EQ(notes.gaps, 0U);
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(SparkplugHostTest, WhatHeldBeforeADeathHoldsAgainFromTheBirthOn) {
  birth(4), device_birth();
  hear("NDEATH", payload_of(kT0, std::nullopt, {session(4)}), 700), heard();
  birth(5, 1000), device_birth(1, 1001);
  EXPECT_THAT(heard(),
              ElementsAre("N1: Plant1/N1/load = 40 @1000 again", "M1: Plant1/N1/M1/state = running @1001 again",
                          "M1: Plant1/N1/M1/good_total = 7 @1001 again"));
  birth(5, 2000), device_birth(1, 2001);
  EXPECT_THAT(heard(), testing::Contains("M1: Plant1/N1/M1/state = running @0 again"))
      << "a rebirth without a death repeats what is known";
}

TEST_F(SparkplugHostTest, DevicesThatAreNotBornAgainAreUnknown) {
  birth(4), device_birth(), heard();
  birth(5, 1000), heard();
  host_.passing_time(at(kT0 + 1000), sink());
  EXPECT_THAT(heard(), IsEmpty()) << "it may come";
  host_.passing_time(at(kT0 + 31'000), sink());
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/state = ? @1000", "M1: Plant1/N1/M1/good_total = ? @1000"));
}

TEST_F(SparkplugHostTest, DevicesThatAreBornAgainGoOn) {
  birth(4), device_birth();
  birth(5, 1000), device_birth(1, 1001), heard();
  host_.passing_time(at(kT0 + 31'000), sink());
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(SparkplugHostTest, HistoryKeepsItsOwnTimesAndSaysNothingOfNow) {
  birth(4), device_birth(), heard();
  hear("DDATA", data(2, {MetricText{}.alias(11).int_value(5).historical().at(kT0 - 3'600'000)}));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/good_total = 5 @-3600000"));
}

TEST_F(SparkplugHostTest, NullAndStaleAreNotKnown) {
  birth(4), device_birth(), heard();
  hear("DDATA", data(2, {MetricText{}.alias(10).null().at(kT0 + 5)}));
  hear("DDATA", data(3, {MetricText{}.alias(10).string_value("running").quality(500).at(kT0 + 6)}));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/state = ? @5", "M1: Plant1/N1/M1/state = ? @6"));
}

TEST_F(SparkplugHostTest, WhatIsTransientOrOfAnUnreadTypeIsIgnoredAndCounted) {
  birth(4), device_birth(), heard();
  EXPECT_EQ(hear("DDATA", data(2, {MetricText{}.alias(11).int_value(9).transient()})).ignored, 1U);
  const auto notes =
      hear("DBIRTH", payload_of(kT0, 3,
                                {MetricText{}.name("curve").type(test::kDataSet).data_set_value("x"),
                                 MetricText{}.name("blob").type(test::kBytes).bytes_value("x")}));
  EXPECT_EQ(notes.ignored, 2U);
  EXPECT_THAT(notes.rejected, IsEmpty());
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(SparkplugHostTest, AValueOfAnotherTypeHurtsItselfAlone) {
  birth(4), device_birth(), heard();
  const auto notes =
      hear("DDATA",
           data(2, {MetricText{}.alias(11).string_value("many"), MetricText{}.alias(10).string_value("idle")}));
  EXPECT_THAT(notes.rejected, SizeIs(1));
  EXPECT_THAT(heard(), ElementsAre("M1: Plant1/N1/M1/state = idle @100"));
}

TEST_F(SparkplugHostTest, BytesThatAreNoPayloadAreRefused) {
  const auto notes = hear("DDATA", "no payload");
  ASSERT_THAT(notes.rejected, SizeIs(1));
  EXPECT_EQ(notes.rejected[0].code, Rejection::bad_value);
  EXPECT_NE(notes.rejected[0].raw.find("6e6f207061796c6f6164"), std::string::npos) << notes.rejected[0].raw;
}

TEST_F(SparkplugHostTest, OtherTopicsAndCommandsMeanNothing) {
  for (const std::string_view topic :
       {"spBv1.0/Plant1/NCMD/N1", "spBv1.0/Plant1/DCMD/N1/M1", "spBv1.0/Plant1/NDATA",
        "spBv1.0/Plant1/NDATA/N1/M1", "spBv1.0/Plant1/DDATA/N1", "spAv1.0/P/NDATA/N", "spBv1.0//NDATA/N1",
        "spBv1.0/Plant1/DDATA/N1/M1/more", "spBv1.0/STATE/"}) {
    const auto notes = host_.receive(topic, "no payload", at(now_), sink());
    EXPECT_TRUE(notes.rejected.empty() && notes.rebirths.empty()) << topic;
  }
}

// tck-id-operational-behavior-host-application-... : a host that hears that it is offline says that it is not.
TEST_F(SparkplugHostTest, HearsThatItIsSaidToBeOffline) {
  const auto said = [&](std::string_view host, std::string_view text) {
    return host_.receive("spBv1.0/STATE/" + std::string{host}, text, at(now_), sink()).said_offline;
  };
  EXPECT_TRUE(said("takt", R"({"online": false, "timestamp": 1})"));
  EXPECT_FALSE(said("takt", R"({"online":true,"timestamp":1})"));
  EXPECT_FALSE(said("other", R"({"online":false,"timestamp":1})"));
}

TEST_F(SparkplugHostTest, AfterItsOwnConnectionWasLostItAsksEverybodyForBirths) {
  birth(4), device_birth(), heard();
  EXPECT_THAT(host_.reconnected(at(kT0 + 5000)).rebirths, ElementsAre("spBv1.0/Plant1/NCMD/N1"));
  EXPECT_THAT(heard(), IsEmpty()) << "that the host was away says nothing of the machines";
  const auto notes = hear("DDATA", data(77, {good(9)}), 5001);
  EXPECT_THAT(heard(), IsEmpty()) << "aliases may be others by now";
  EXPECT_EQ(notes.gaps, 0U);
  EXPECT_THAT(notes.rebirths, IsEmpty()) << "it was asked a moment ago";
}

TEST_F(SparkplugHostTest, RefusesBirthsBeyondItsMemory) {
  std::vector<MetricText> metrics;
  for (std::size_t i = 0; i < SparkplugDecoder::kMostMetrics; ++i)
    metrics.push_back(MetricText{}.name(std::to_string(i)).type(test::kBoolean));
  const std::string large = payload_of(kT0, 0, metrics);
  const std::size_t fit = SparkplugHost::kMostPoints / SparkplugDecoder::kMostMetrics;
  for (std::size_t i = 0; i < fit; ++i)
    EXPECT_THAT(hear("NBIRTH", large, 0, "N" + std::to_string(i)).rejected, IsEmpty()) << i;
  const auto notes = hear("NBIRTH", large, 0, "another");
  ASSERT_THAT(notes.rejected, SizeIs(1));
  EXPECT_EQ(notes.rejected[0].code, Rejection::too_large);
  heard();
  EXPECT_THAT(hear("NBIRTH", large, 0, "N0").rejected, IsEmpty()) << "a rebirth needs no more than there was";
}

}  // namespace
}  // namespace takt
