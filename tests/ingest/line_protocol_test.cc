#include "ingest/line_protocol.h"

#include "tests/ingest/any_event.h"
#include "tests/ingest/decoded.h"

#include <gmock/gmock.h>

#include <deque>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Timestamp kReceived = *parse_time("2026-01-05T06:00:00Z");

/// The events of a body as JSON, and what was refused as "line code".
struct Lines {
  std::deque<EventBatch> batches;
  std::vector<std::string> events, refused;
  std::vector<std::size_t> numbers;

  explicit Lines(std::string_view body, LineOptions options = {LinePrecision::nanoseconds, kReceived, {}}) {
    LineDecoder decoder{body, std::move(options)};
    for (;;) {
      EventBatch& batch = batches.emplace_back();
      if (!decoder.next(batch)) return;
      EXPECT_EQ(batch.events.size(), batch.indexes.size());
      for (const Event& event : batch.events) events.push_back(json_of(event));
      numbers.insert(numbers.end(), batch.indexes.begin(), batch.indexes.end());
      for (const RejectedEvent& each : batch.rejected)
        refused.push_back(std::to_string(each.index) + " " + std::string{name_of(each.code)});
    }
  }
};

std::string reading(std::string_view tag, std::string_view value, std::string_view more = "") {
  return R"({"type":"reading","machine":"M1","ts":"2026-01-05T06:00:00Z","tag":")" + std::string{tag} +
         R"(","value":)" + std::string{value} + std::string{more} + "}";
}

TEST(LineProtocol, MakesAReadingOfEachField) {
  const Lines lines{
      "reading,machine=M1 temp=61.3,on=true 1767592800000000000\n"
      "spindle,machine=M1 load=12i,name=\"A 1\" 1767592800000000000\n"};
  EXPECT_THAT(lines.events, ElementsAre(reading("temp", "61.3"), reading("on", "true"),
                                        reading("spindle.load", "12"), reading("spindle.name", "\"A 1\"")));
  EXPECT_THAT(lines.numbers, ElementsAre(1, 1, 2, 2));
}

TEST(LineProtocol, PassesOverTheStatementsOfAnExport) {
  const Lines lines{
      "# DDL\nCREATE DATABASE x WITH NAME autogen\nCREATE RETENTION POLICY a ON x DURATION 0s REPLICATION 1\n# "
      "DML\n"
      "CREATE,machine=M1 DATABASE=1 1767592800000000000\nCREATE INDEX y\n"};
  EXPECT_THAT(lines.events, ElementsAre(reading("CREATE.DATABASE", "1")));
  EXPECT_THAT(lines.refused, ElementsAre("6 bad_json"));
}

TEST(LineProtocol, MakesEventsOfMeasurementsThatAreNamedAsTheirTypes) {
  const Lines lines{
      "state,machine=M1,reason=FAIL state=\"down\" 1767592800000000000\n"
      "count,machine=M1,product=X good=3i,scrap=1i,startup=t 1767592800000000000\n"
      "count,machine=M1,good=2 startup=f 1767592800000000000\n"
      "cycle,machine=M1 end=\"2026-01-05T06:00:10Z\",good=1 1767592800000000000\n"
      "energy,machine=M1 kwh_total=12.5 1767592800000000000\n"
      "quality,machine=M1 characteristic=\"d\",value=20.01,result=\"pass\" 1767592800000000000\n"
      "order,machine=M1,order=O1 action=\"start\" 1767592800000000000\n"
      "classify,machine=M1 reason=\"JAM\",by=\"anna\" 1767592800000000000\n"};
  EXPECT_THAT(lines.refused, IsEmpty());
  ASSERT_EQ(lines.events.size(), 8U);
  EXPECT_EQ(lines.events[0],
            R"({"type":"state","machine":"M1","ts":"2026-01-05T06:00:00Z","state":"down","reason":"FAIL"})");
  EXPECT_THAT(lines.events[1], HasSubstr(R"("good":3,"scrap":1,"product":"X","startup":true)"));
  EXPECT_THAT(lines.events[2], HasSubstr(R"("good":2)"));
  EXPECT_THAT(lines.events[3], HasSubstr(R"("start":"2026-01-05T06:00:00Z","end":"2026-01-05T06:00:10Z")"));
  EXPECT_THAT(lines.events[7], HasSubstr(R"("type":"classify")"));
}

// The examples of docs.influxdata.com, "Line protocol": special characters.
TEST(LineProtocol, ReadsEscapesAsInfluxDoes) {
  const Lines lines{
      "my\\ Measurement,machine=M1 fieldKey=\"string value\"\n"
      "my\\,m,machine=M1 a\\=b\\ c=1\n"
      "m,machine=M1 s=\"a \\\"quote\\\" and \\\\ back\"\n"
      "m,machine=M1 s=\"\\u\"\n"
      "m,machine=M1 s=\"x, y=z \"\n"
      "m\\n,machine=M1 a=1\n"};
  EXPECT_THAT(lines.events,
              ElementsAre(reading("my Measurement.fieldKey", "\"string value\""), reading("my,m.a=b c", "1"),
                          reading("m.s", R"("a \"quote\" and \\ back")"), reading("m.s", R"("\\u")"),
                          reading("m.s", "\"x, y=z \""), reading("m\\\\n.a", "1")));
  const Lines tags{"m,machine=M\\ 1\\,a\\=b f=1"};
  ASSERT_EQ(tags.events.size(), 1U);
  EXPECT_THAT(tags.events[0], HasSubstr(R"("machine":"M 1,a=b")"));
}

TEST(LineProtocol, ReadsEveryTypeOfValue) {
  const Lines lines{
      "m,machine=M1 a=1,b=-1.5e3,c=2i,d=18446744073709551615u,e=t,f=F,g=TRUE,h=False,i=.5,j=1.,k=1E-3"};
  EXPECT_THAT(lines.events, ElementsAre(reading("m.a", "1"), reading("m.b", "-1500"), reading("m.c", "2"),
                                        reading("m.d", "18446744073709551616"), reading("m.e", "true"),
                                        reading("m.f", "false"), reading("m.g", "true"), reading("m.h", "false"),
                                        reading("m.i", "0.5"), reading("m.j", "1"), reading("m.k", "0.001")));
  EXPECT_THAT(lines.refused, IsEmpty());
}

TEST(LineProtocol, RefusesTheLineThatIsWrongAndNoOther) {
  const Lines lines{
      "m,machine=M1 a=1\n"
      "nonsense\n"
      "m,machine=M1 a=nan\n"
      "m,machine=M1 a=inf\n"
      "m,machine=M1 a=\"open\n"
      "m,machine=M1 a=1 12x\n"
      "m,machine=M1 a=1 99999999999999999999\n"
      "m,machine=M1 a=9223372036854775808i\n"
      "m,machine=M1 \n"
      ",machine=M1 a=1\n"
      "m,machine a=1\n"
      "m,machine=M1 a=\xFF\n"
      "count,machine=M1 good=-1i\n"
      "state,machine=M1 colour=\"red\",state=\"running\"\n"
      "m a=1\n"
      "m,machine=M1 b=2\n"};
  EXPECT_THAT(lines.events, ElementsAre(reading("m.a", "1"), reading("m.b", "2")));
  EXPECT_THAT(lines.refused, ElementsAre("2 bad_json", "3 bad_json", "4 bad_json", "5 bad_json", "6 bad_json",
                                         "7 bad_json", "8 bad_json", "9 bad_json", "10 bad_json", "11 bad_json",
                                         "12 bad_value", "13 bad_value", "14 unknown_field", "15 missing_field"));
}

TEST(LineProtocol, KnowsPrecisionsAndTimesOfBefore1970) {
  const auto time_of = [](std::string_view time, LinePrecision precision) {
    const Lines lines{"m,machine=M1 a=1 " + std::string{time}, {precision, kReceived, {}}};
    if (lines.events.empty()) return lines.refused.at(0);
    return lines.events[0].substr(lines.events[0].find("\"ts\":\"") + 6, 27);
  };
  EXPECT_EQ(time_of("1767592800123456789", LinePrecision::nanoseconds), "2026-01-05T06:00:00.123456Z");
  EXPECT_EQ(time_of("-1", LinePrecision::nanoseconds), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(time_of("1767592800123456", LinePrecision::microseconds), "2026-01-05T06:00:00.123456Z");
  EXPECT_EQ(time_of("1767592800123", LinePrecision::milliseconds).substr(0, 23), "2026-01-05T06:00:00.123");
  EXPECT_EQ(time_of("1767592801", LinePrecision::seconds).substr(0, 20), "2026-01-05T06:00:01Z");
  EXPECT_EQ(time_of("29459880", LinePrecision::minutes).substr(0, 20), "2026-01-05T06:00:00Z");
  EXPECT_EQ(time_of("490998", LinePrecision::hours).substr(0, 20), "2026-01-05T06:00:00Z");
  EXPECT_EQ(time_of("9223372036854775807", LinePrecision::hours), "1 bad_value");
  EXPECT_EQ(time_of("9223372036854775807", LinePrecision::microseconds), "1 bad_value");
  EXPECT_EQ(line_precision_named("n"), LinePrecision::nanoseconds);
  EXPECT_EQ(line_precision_named("days"), std::nullopt);
}

TEST(LineProtocol, KeepsFurtherTagsAsAttributesButTheHost) {
  const Lines lines{
      "m,machine=M1,host=gw,slave_id=1,name=oil a=1\n"
      "m,machine=M1,host=gw a=2\n"
      "m,machine=M1,id=7 a=3\n"};
  EXPECT_THAT(lines.events, ElementsAre(reading("m.a", "1", R"(,"attributes":{"name":"oil","slave_id":"1"})"),
                                        reading("m.a", "2"), reading("m.a", "3", R"(,"id":"7")")));
}

TEST(LineProtocol, SkipsCommentsAndBlankLinesAndTakesCrLf) {
  const Lines lines{"# a comment\r\n\r\n  \n  m,machine=M1 a=1\r\nm,machine=M1  a=2  \n"};
  EXPECT_THAT(lines.events, ElementsAre(reading("m.a", "1"), reading("m.a", "2")));
  EXPECT_THAT(lines.numbers, ElementsAre(4, 5));
}

TEST(LineProtocol, TakesAMachineForLinesThatNameNone) {
  const Lines lines{"m a=1\nm,machine=M2 a=1\n", {LinePrecision::nanoseconds, kReceived, "M1"}};
  ASSERT_EQ(lines.events.size(), 2U);
  EXPECT_EQ(lines.events[0], reading("m.a", "1"));
  EXPECT_THAT(lines.events[1], HasSubstr(R"("machine":"M2")"));
}

TEST(LineProtocol, SurvivesEveryChangedByte) {
  any::Random random(3);
  const std::string good = "my\\ m,machine=M1,t=a\\,b a=1i,b=\"x \\\"y\\\" z\",c=t,d=1.5e3 1767592800000000000";
  constexpr std::string_view letters = "\\\",= \n\r#it0.e-\xC2\xFF";
  for (int i = 0; i < 20'000; ++i) {
    std::string line = good;
    for (std::size_t n = 1 + any::below(random, 4); n > 0; --n) {
      const std::size_t at = any::below(random, line.size());
      if (any::maybe(random))
        line[at] = letters[any::below(random, letters.size())];
      else
        line.erase(at, 1 + any::below(random, 5));
      if (line.empty()) line = "x";
    }
    const std::vector<char> exact(line.begin(), line.end());  // ASan guards its end
    const Lines lines{{exact.data(), exact.size()}};
    for (const std::string& event : lines.events) {
      const Decoded again = decode_all(BodyFormat::ndjson, event);
      ASSERT_EQ(again.events.size(), 1U) << line << "\n" << event;
    }
  }
}

}  // namespace
}  // namespace takt
