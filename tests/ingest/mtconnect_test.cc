// The adapter log of a real machine, with figures worked out from it by awk and Python (docs/tutorial-okuma.md),
// and what a hostile or broken log may do.
#include "ingest/mtconnect/mapping.h"
#include "ingest/mtconnect/shdr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace takt::mtconnect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string file(const std::string& name) {
  std::ifstream in{std::string{TAKT_TEST_DATA} + "/mtconnect/" + name, std::ios::binary};
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>{in}, {}};
}

Mapping mapping(const std::string& toml) {
  Result<Mapping> parsed = parse_mapping(toml, "test.toml");
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().context);
  return parsed ? *parsed : Mapping{};
}

const std::string kSmallMapping = R"(
machine = "M1"
execution = "exec"
availability = "avail"
good_total = "parts"
product = "program"
attributes = ["mode"]
readings = "numeric"
)";

/// Everything one log becomes; owns the text that the samples point to.
struct Import {
  explicit Import(std::string given, const Mapping& mapping)
      : text(std::move(given)), log(read_shdr(text, mapping.keys)) {
    append_events(log, mapping, batch);
  }
  explicit Import(std::string given) : Import(std::move(given), mapping(kSmallMapping)) {}

  std::vector<Event> of(EventType type) const {
    std::vector<Event> events;
    std::copy_if(batch.events.begin(), batch.events.end(), std::back_inserter(events),
                 [type](const Event& event) { return event.type == type; });
    return events;
  }
  std::vector<std::string> states() const {
    std::vector<std::string> names;
    for (const Event& event : of(EventType::state)) names.emplace_back(event.state);
    return names;
  }

  std::string text;
  Log log;
  EventBatch batch;
};

class Okuma : public testing::Test {
 protected:
  Import import{file("okuma.txt"), mapping(file("okuma.mapping.toml"))};

  std::vector<double> values(std::string_view tag) const {
    std::vector<double> numbers;
    for (const Event& event : import.of(EventType::reading)) {
      if (event.tag == tag) numbers.push_back(event.value.number);
    }
    return numbers;
  }
};

TEST_F(Okuma, IsReadWithoutAFault) {
  EXPECT_THAT(import.log.faults, IsEmpty());
  EXPECT_EQ(import.log.lines, 10'770U);
  EXPECT_EQ(import.log.assets, 118U + 30U + 4U);             // @ASSET@, @REMOVE_ASSET@, @REMOVE_ALL_ASSETS@
  EXPECT_THAT(import.log.samples, SizeIs(25'467 + 4 * 10));  // and ten conditions at the head of each block
}

TEST_F(Okuma, ComesInOrderOfTimeThoughItsBlocksDoNot) {
  const auto earlier = [](const auto& a, const auto& b) { return a.at < b.at; };
  const Log unsorted = read_shdr(import.text);
  EXPECT_FALSE(std::is_sorted(unsorted.samples.begin(), unsorted.samples.end(), earlier));
  EXPECT_TRUE(std::is_sorted(import.batch.events.begin(), import.batch.events.end(), earlier));
  EXPECT_EQ(format_time(import.batch.events.front().at), "2022-08-08T13:37:18.850148Z");  // of ...8501483, cut
}

TEST_F(Okuma, SpendsTheTimesInItsStatesThatWereWorkedOutByHand) {
  const std::vector<Event> states = import.of(EventType::state);
  ASSERT_THAT(states, SizeIs(16));
  std::map<std::string, Duration> spent;
  int changes = 0;
  for (std::size_t i = 1; i < states.size(); ++i) {
    spent[std::string{states[i - 1].state}] += states[i].at - states[i - 1].at;
    changes += states[i].state != states[i - 1].state;
  }
  EXPECT_EQ(changes, 12);
  EXPECT_EQ(spent["ACTIVE"].count(), 1'357'376'086);
  EXPECT_EQ(spent["READY"].count(), 1'822'482'847);
  EXPECT_EQ(spent["PROGRAM_COMPLETED"].count(), 963'683);
  EXPECT_EQ(format_time(states.back().at), "2022-08-08T14:30:19.672764Z");
}

TEST_F(Okuma, CountsWithResets) {
  std::vector<std::int64_t> totals;
  std::vector<std::string> products;
  for (const Event& event : import.of(EventType::count)) {
    totals.push_back(event.good_total);
    products.emplace_back(event.product);
  }
  EXPECT_THAT(totals, ElementsAre(0, 1, 0, 1, 0, 1, 2, 3));
  EXPECT_THAT(products, ElementsAre("IMTS-2022-1E-mm.MIN", "IMTS-2022-1E-mm.MIN", "IMTS-2022-2-HOB.MIN",
                                    "IMTS-2022-2-HOB.MIN", "IMTS-2022-3-TRAN.MIN", "IMTS-2022-3-TRAN.MIN",
                                    "IMTS-2022-4B-mm.MIN", "IMTS-2022-4B-mm.MIN"));
}

TEST_F(Okuma, HasTheReadingsThatAwkFinds) {
  EXPECT_THAT(import.of(EventType::reading), SizeIs(21'032));
  const std::vector<double> x_load = values("x.load"), spindle = values("spindle1.load"),
                            feed = values("path.feedrate");
  EXPECT_THAT(x_load, SizeIs(1484));
  EXPECT_EQ(*std::min_element(x_load.begin(), x_load.end()), 1);
  EXPECT_EQ(*std::max_element(x_load.begin(), x_load.end()), 127);
  EXPECT_THAT(spindle, SizeIs(158));
  EXPECT_EQ(*std::max_element(spindle.begin(), spindle.end()), 176);
  EXPECT_THAT(feed, SizeIs(2503));
  EXPECT_EQ(*std::max_element(feed.begin(), feed.end()), 49'999.875);
}

TEST_F(Okuma, TellsWhichModeTheMachineWasIn) {
  EXPECT_EQ(import.of(EventType::state).front().attributes,
            R"({"fmode":"PROCESS_DEVELOPMENT","pmode":"AUTOMATIC"})");
}

TEST(Shdr, ReadsPairsConditionsAndMessages) {
  ShdrKeys keys;
  keys.conditions = {"coolant"};
  keys.messages = {"note"};
  const std::string text =
      "2022-08-08T13:51:34.7167146Z|a|1|b|two words\r\n"
      "2022-08-08T13:51:35Z|system|FAULT|17|1|HIGH|Spindle too warm\n"
      "2022-08-08T13:51:36Z|coolant|UNAVAILABLE|||||c|3\n"
      "2022-08-08T13:51:37Z|note|N17|Change the filter|d|4";
  const Log log = read_shdr(text, keys);
  EXPECT_THAT(log.faults, IsEmpty());
  std::map<std::string_view, std::string_view> values;
  for (const Sample& sample : log.samples) values[sample.key] = sample.value;
  EXPECT_THAT(values,
              ElementsAre(testing::Pair("a", "1"), testing::Pair("b", "two words"), testing::Pair("c", "3"),
                          testing::Pair("coolant", "UNAVAILABLE"), testing::Pair("d", "4"),
                          testing::Pair("note", "Change the filter"), testing::Pair("system", "FAULT")));
}

TEST(Shdr, TakesThreePairsForPairsThoughAConditionHasSixFieldsToo) {
  const Log log = read_shdr("2022-08-08T13:51:34Z|a|1|b|2|c|3");
  EXPECT_THAT(log.samples, SizeIs(3));
}

TEST(Shdr, KeepsEmptyAndUnavailableValuesAsTheyAre) {
  const Log log = read_shdr("2022-08-08T13:51:34Z|a||b|UNAVAILABLE|c|");
  ASSERT_THAT(log.samples, SizeIs(3));
  EXPECT_EQ(log.samples[0].value, "");
  EXPECT_EQ(log.samples[1].value, "UNAVAILABLE");
  EXPECT_EQ(log.samples[2].value, "");
}

TEST(Shdr, SkipsBlocksOfAssetsAndGoesOnAfterThem) {
  const Log log = read_shdr(
      "2022-08-08T13:51:34Z|@ASSET@|T1|CuttingTool|--multiline--AB\n<a|b>\n--multiline--ABC\n--multiline--AB\n"
      "2022-08-08T13:51:35Z|@REMOVE_ASSET@|T1\n2022-08-08T13:51:36Z|k|v\n");
  EXPECT_THAT(log.faults, IsEmpty());
  EXPECT_EQ(log.assets, 2U);
  ASSERT_THAT(log.samples, SizeIs(1));
  EXPECT_EQ(log.samples[0].line, 6U);
}

TEST(Shdr, LosesOnlyTheHeadOfABlockThatNeverEnds) {
  const Log log = read_shdr("2022-08-08T13:51:34Z|@ASSET@|T1|Tool|--multiline--AB\n2022-08-08T13:51:36Z|k|v\n");
  ASSERT_THAT(log.faults, SizeIs(1));
  EXPECT_EQ(log.faults[0].line, 1U);
  EXPECT_THAT(log.samples, SizeIs(1));
}

TEST(Shdr, KeepsTheGoodLinesBesideBrokenOnes) {
  const Log log = read_shdr(
      "\n* PONG 10000\nnonsense\n2022-13-08T13:51:34Z|a|1\n2022-08-08T13:51:34Z|a|1|lonely\n"
      "2022-08-08T13:51:34Z@10.5|b|2\n2022-08-08T13:51:35.5|c|\"x|y\"\n2022-08-08T13:51:36Z|\n");
  std::vector<std::size_t> lines;
  for (const Fault& fault : log.faults) lines.push_back(fault.line);
  EXPECT_THAT(lines, ElementsAre(3, 4, 5));
  ASSERT_THAT(log.samples, SizeIs(3));
  EXPECT_EQ(log.samples[2].value, "x|y");
  EXPECT_EQ(format_time(log.samples[2].at), "2022-08-08T13:51:35.5Z");
}

TEST(ShdrMapping, TurnsALostAdapterIntoUnavailableAndBack) {
  const Import import{
      "2022-08-08T10:00:00Z|avail|AVAILABLE|exec|ACTIVE\n2022-08-08T10:01:00Z|avail|UNAVAILABLE\n"
      "2022-08-08T10:02:00Z|avail|AVAILABLE\n2022-08-08T10:03:00Z|exec|UNAVAILABLE\n2022-08-08T10:04:00Z|exec|\n"};
  EXPECT_THAT(import.states(), ElementsAre("ACTIVE", "unavailable", "ACTIVE", "unavailable", "unavailable"));
}

TEST(ShdrMapping, CountsNothingWhileTheCounterIsUnavailable) {
  const Import import{
      "2022-08-08T10:00:00Z|parts|7\n2022-08-08T10:01:00Z|parts|UNAVAILABLE\n2022-08-08T10:02:00Z|parts|\n"
      "2022-08-08T10:03:00Z|parts|-1\n2022-08-08T10:04:00Z|parts|1.5\n2022-08-08T10:05:00Z|parts|9.0\n"};
  std::vector<std::int64_t> totals;
  for (const Event& event : import.of(EventType::count)) totals.push_back(event.good_total);
  EXPECT_THAT(totals, ElementsAre(7, 9));
  EXPECT_THAT(import.log.faults, SizeIs(2));
}

TEST(ShdrMapping, KnowsTheProgramOfTheSameInstantWhereverItStands) {
  const Import import{"2022-08-08T10:00:00Z|parts|7|program|P\n2022-08-08T10:01:00Z|parts|8\n"};
  for (const Event& event : import.of(EventType::count)) EXPECT_EQ(event.product, "P");
}

TEST(ShdrMapping, TellsStatesAndCountsOfOneInstantApartButKeepsTheLastReading) {
  const Import import{
      "2022-08-08T10:00:00.1234561Z|exec|READY|parts|5|load|1\n2022-08-08T10:00:00.1234569Z|exec|ACTIVE|parts|0|"
      "load|2\n"};
  const std::vector<Event> states = import.of(EventType::state), counts = import.of(EventType::count);
  ASSERT_THAT(states, SizeIs(2));
  EXPECT_EQ(states[0].id, "");
  EXPECT_EQ(states[1].id, "0001");
  EXPECT_EQ(states[1].state, "ACTIVE");
  ASSERT_THAT(counts, SizeIs(2));
  EXPECT_EQ(counts[1].id, "0001");
  const std::vector<Event> readings = import.of(EventType::reading);
  ASSERT_THAT(readings, SizeIs(1));
  EXPECT_EQ(readings[0].value.number, 2);
}

TEST(ShdrMapping, MakesReadingsOfNumbersAloneUnlessAKeyIsNamed) {
  EXPECT_THAT(Import{"2022-08-08T10:00:00Z|load|1e3|text|abc|nan|nan|inf|inf|path|1 2 3"}.of(EventType::reading),
              SizeIs(1));
  const Import named{"2022-08-08T10:00:00Z|load|1|text|abc|gone|UNAVAILABLE",
                     mapping("machine = \"M1\"\nreadings = [\"text\", \"gone\"]\n[tags]\ntext = \"note\"")};
  const std::vector<Event> readings = named.of(EventType::reading);
  ASSERT_THAT(readings, SizeIs(1));
  EXPECT_EQ(readings[0].tag, "note");
  EXPECT_EQ(readings[0].value.text, "abc");
}

TEST(ShdrMapping, IsRefusedWithTheKeyThatIsWrong) {
  const auto problem = [](const std::string& toml) {
    const Result<Mapping> parsed = parse_mapping(toml, "m.toml");
    return parsed ? std::string{} : parsed.error().context;
  };
  EXPECT_THAT(problem(""), testing::HasSubstr("'machine' is missing"));
  EXPECT_THAT(problem("machine = 1"), testing::HasSubstr("'machine' must be a string"));
  EXPECT_THAT(problem("machine = \"M\"\nreadings = 3"), testing::HasSubstr("'readings' must be"));
  EXPECT_THAT(problem("machine = \"M\"\nexekution = \"e\""), testing::HasSubstr("'exekution' is unknown"));
  EXPECT_THAT(problem("machine = \"M\"\nx ="), testing::HasSubstr("m.toml:2"));
}

/// Bytes of the real log with some of them replaced, removed, doubled or swapped.
std::string mutated(std::string text, std::mt19937_64& random) {
  const std::string alphabet = "|\n\r\"@-:Z0\\ \xff\x00";
  for (int i = 0; i < 200; ++i) {
    const std::size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text[at] = alphabet[random() % alphabet.size()];
        break;
      case 1:
        text.erase(at, random() % 30);
        break;
      case 2:
        text.insert(at, text.substr(random() % text.size(), random() % 200));
        break;
      default:
        text.insert(at, "--multiline--ABCD\n");
    }
  }
  return text;
}

class NastyShdr : public testing::TestWithParam<int> {};

TEST_P(NastyShdr, NeverBreaksTheReaderNorTheOrderOfTheEvents) {
  std::mt19937_64 random{static_cast<std::uint64_t>(GetParam())};
  const std::string original = file("okuma.txt").substr(0, 60'000);
  for (int round = 0; round < 20; ++round) {
    const Import import{mutated(original, random), mapping(file("okuma.mapping.toml"))};
    EXPECT_TRUE(std::is_sorted(import.batch.events.begin(), import.batch.events.end(),
                               [](const Event& a, const Event& b) { return a.at < b.at; }));
    EXPECT_EQ(import.batch.events.size(), import.batch.indexes.size());
    for (const Event& event : import.batch.events) EXPECT_EQ(event.machine, "OKUMA-MULTUS");
    for (const Fault& fault : import.log.faults) {
      EXPECT_GE(fault.line, 1U);
      EXPECT_LE(fault.line, import.log.lines);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, NastyShdr, testing::Range(1, 9));

}  // namespace
}  // namespace takt::mtconnect
