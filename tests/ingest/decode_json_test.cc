#include "tests/ingest/decoded.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kTs = R"("ts":"2026-01-05T06:00:00Z")";
const Timestamp kSix = *parse_time("2026-01-05T06:00:00Z");

/// One event of the type with the given further members.
std::string event_of(std::string_view type, const std::string& members) {
  return R"({"type":")" + std::string(type) + R"(","machine":"M1",)" + members + "}";
}

/// Decodes one NDJSON line that must be accepted. Static, since the event borrows from the line.
Event accepted(const std::string& line) {
  static std::vector<std::unique_ptr<std::pair<std::string, Decoded>>> kept;
  kept.push_back(std::make_unique<std::pair<std::string, Decoded>>(line, Decoded{}));
  kept.back()->second = decode_all(BodyFormat::ndjson, kept.back()->first);
  const Decoded& all = kept.back()->second;
  EXPECT_TRUE(all.rejected.empty()) << line << "\n" << (all.rejected.empty() ? "" : all.rejected[0].message);
  return all.events.size() == 1 ? all.events[0] : Event{};
}

std::string code_of(const std::string& line) {
  const Decoded all = decode_all(BodyFormat::ndjson, line);
  EXPECT_EQ(all.size(), 1U) << line << all.error;
  if (all.rejected.empty()) return "accepted";
  EXPECT_EQ(all.rejected[0].raw, line.substr(0, 65536));
  EXPECT_TRUE(all.rejected[0].message.ends_with('.')) << all.rejected[0].message;
  return std::string(name_of(all.rejected[0].code));
}

std::string message_of(const std::string& line) {
  const Decoded all = decode_all(BodyFormat::ndjson, line);
  return all.rejected.empty() ? "accepted" : all.rejected[0].message;
}

TEST(DecodeJson, ReadsEveryTypeOfTheContract) {
  const Event state = accepted(event_of("state", kTs + R"(,"state":"down","reason":"FAIL.MECH")"));
  EXPECT_EQ(state.type, EventType::state);
  EXPECT_EQ(state.machine, "M1");
  EXPECT_EQ(state.at, kSix);
  EXPECT_EQ(state.state, "down");
  EXPECT_EQ(state.reason, "FAIL.MECH");
  const Event count = accepted(event_of(
      "count",
      kTs + R"(,"good":3,"scrap":1,"rework":0,"product":"X","order":"O77","defect":"BURR","startup":true)"));
  EXPECT_EQ(count.good, 3);
  EXPECT_EQ(count.scrap, 1);
  EXPECT_EQ(count.rework, 0);
  EXPECT_EQ(count.good_total, kAbsent);
  EXPECT_EQ(count.defect, "BURR");
  EXPECT_TRUE(count.startup);
  const Event totals = accepted(event_of("count", kTs + R"(,"good_total":1200,"scrap_total":7,"rework_total":1)"));
  EXPECT_EQ(totals.good_total, 1200);
  EXPECT_EQ(totals.scrap_total, 7);
  EXPECT_EQ(totals.rework_total, 1);
  EXPECT_EQ(totals.good, kAbsent);
  const Event cycle =
      accepted(event_of("cycle", R"("start":"2026-01-05T06:00:00Z","end":"2026-01-05T06:00:01Z","good":1)"));
  EXPECT_EQ(cycle.at, kSix);
  EXPECT_EQ(cycle.end, kSix + std::chrono::seconds(1));
  const Event reading = accepted(event_of("reading", kTs + R"(,"tag":"spindle.temp","value":61.3,"quality":192)"));
  EXPECT_EQ(reading.value, (Value{Value::Kind::number, 61.3, {}}));
  EXPECT_EQ(reading.value_quality, 192);
  const Event quality = accepted(
      event_of("quality", kTs + R"(,"product":"X","characteristic":"diameter","value":20.01,"serial":"S1",)"
                                R"("subgroup":"17","result":"pass","defect":null,"quantity":1)"));
  EXPECT_EQ(quality.characteristic, "diameter");
  EXPECT_EQ(quality.result, "pass");
  EXPECT_EQ(quality.defect, "");
  EXPECT_EQ(quality.quantity, 1);
  const Event order = accepted(
      event_of("order", R"("order":"O77","product":"X","action":"start","ts":1767592800000000,"quantity":500,)"
                        R"("planned_start":"2026-01-05T06:00:00Z","planned_end":"2026-01-06T06:00:00Z")"));
  EXPECT_EQ(order.action, OrderAction::start);
  EXPECT_EQ(order.at, kSix);
  EXPECT_EQ(order.planned_end, kSix + std::chrono::hours(24));
  const Event classify =
      accepted(event_of("classify", R"("start":"2026-01-05T06:00:00Z","reason":"SETUP.TOOL","by":"anna",)"
                                    R"("recorded_at":"2026-01-05T07:00:00Z")"));
  EXPECT_EQ(classify.end, kBeginOfTime);
  EXPECT_EQ(classify.by, "anna");
  const Event energy = accepted(event_of("energy", kTs + R"(,"kwh_total":1234.5)"));
  EXPECT_EQ(energy.kwh_total, 1234.5);
}

TEST(DecodeJson, ReadsWhatEveryTypeMayHave) {
  const Event event = accepted(event_of("state", kTs + R"(,"state":"down","id":"7","revision":3,"deleted":true,)"
                                                       R"("attributes":{"b":1, "a" : "x"})"));
  EXPECT_EQ(event.id, "7");
  EXPECT_EQ(event.revision, 3);
  EXPECT_TRUE(event.deleted);
  EXPECT_EQ(event.attributes, R"({"a":"x","b":1})");
}

TEST(DecodeJson, WithdrawsByTheIdentityAlone) {
  for (const std::string type : {"state", "count", "quality", "energy"}) {
    EXPECT_EQ(code_of(event_of(type, kTs + R"(,"deleted":true)")), "accepted") << type;
  }
  EXPECT_EQ(code_of(event_of("cycle", R"("start":1,"deleted":true)")), "accepted");
  EXPECT_EQ(code_of(event_of("classify", R"("start":1,"deleted":true)")), "accepted");
  EXPECT_EQ(code_of(event_of("reading", kTs + R"(,"tag":"t","deleted":true)")), "accepted");
  EXPECT_EQ(code_of(event_of("reading", kTs + R"(,"deleted":true)")), "missing_field");
  EXPECT_EQ(code_of(event_of("order", kTs + R"(,"order":"O","action":"stop","deleted":true)")), "accepted");
  EXPECT_EQ(code_of(event_of("order", kTs + R"(,"order":"O","deleted":true)")), "missing_field");
  EXPECT_EQ(code_of(event_of("state", R"("state":"down","deleted":true)")), "missing_field");
  EXPECT_EQ(code_of(event_of("count", kTs + R"(,"good":-1,"deleted":true)")), "bad_value");
}

TEST(DecodeJson, NamesTheMissingField) {
  EXPECT_EQ(code_of("{}"), "missing_field");
  EXPECT_THAT(message_of("{}"), HasSubstr("\"type\""));
  EXPECT_THAT(message_of(R"({"type":"state","ts":1,"state":"x"})"), HasSubstr("\"machine\""));
  EXPECT_THAT(message_of(event_of("state", R"("state":"x")")), HasSubstr("\"ts\" is missing"));
  EXPECT_THAT(message_of(event_of("state", R"("ts":null,"state":"x")")), HasSubstr("\"ts\" is missing"));
  for (const auto& [type, members] :
       std::vector<std::pair<std::string, std::string>>{{"state", kTs},
                                                        {"count", kTs + R"(,"product":"X")"},
                                                        {"cycle", R"("start":1)"},
                                                        {"cycle", R"("end":1)"},
                                                        {"reading", kTs + R"(,"value":1)"},
                                                        {"reading", kTs + R"(,"tag":"t")"},
                                                        {"quality", kTs + R"(,"value":1)"},
                                                        {"order", kTs + R"(,"order":"O")"},
                                                        {"order", kTs + R"(,"action":"start")"},
                                                        {"classify", R"("start":1)"},
                                                        {"energy", kTs}}) {
    EXPECT_EQ(code_of(event_of(type, members)), "missing_field") << type << members;
  }
}

TEST(DecodeJson, RefusesFieldsOfOtherTypes) {
  EXPECT_EQ(code_of(event_of("state", kTs + R"(,"state":"x","good":1)")), "unknown_field");
  EXPECT_EQ(code_of(event_of("state", kTs + R"(,"state":"x","colour":"red")")), "unknown_field");
  EXPECT_EQ(code_of(event_of("state", kTs + R"(,"state":"x","startup":true)")), "unknown_field");
  EXPECT_EQ(code_of(event_of("cycle", R"("start":1,"end":2,"good_total":1)")), "unknown_field");
  EXPECT_EQ(code_of(event_of("cycle", R"("start":1,"end":2,"ts":1)")), "unknown_field");
  EXPECT_EQ(code_of(event_of("energy", kTs + R"(,"kwh_total":1,"end":2)")), "unknown_field");
  EXPECT_EQ(code_of(R"({"colour":"red",)" + kTs + R"(,"state":"x","machine":"M1","type":"state"})"),
            "unknown_field");
  EXPECT_THAT(message_of(event_of("state", kTs + R"(,"state":"x","colour":"red")")), HasSubstr("\"colour\""));
  EXPECT_EQ(code_of(event_of("state", kTs + R"(,"state":"x","good":null)")), "accepted");
}

TEST(DecodeJson, RefusesTypesItDoesNotKnow) {
  EXPECT_EQ(code_of(event_of("stat", kTs)), "unknown_type");
  EXPECT_EQ(code_of(event_of("", kTs)), "unknown_type");
  EXPECT_EQ(code_of(R"({"type":"State","foo":1})"), "unknown_type");
  EXPECT_EQ(code_of(R"({"type":1,"machine":"M1"})"), "bad_value");
  EXPECT_EQ(code_of(R"({"type":null,"machine":"M1"})"), "missing_field");
}

TEST(DecodeJson, RefusesBadValuesAndNamesThem) {
  for (const auto& [type, members] : std::vector<std::pair<std::string, std::string>>{
           {"count", kTs + R"(,"good":-1)"},
           {"count", kTs + R"(,"good":1.5)"},
           {"count", kTs + R"(,"good":"3")"},
           {"count", kTs + R"(,"good":1000000001)"},
           {"count", kTs + R"(,"good":1e400)"},
           {"count", kTs + R"(,"good":123456789012345678901234567890)"},
           {"count", kTs + R"(,"good":[1])"},
           {"count", kTs + R"(,"good":{"a":[1,{}]})"},
           {"count", kTs + R"(,"good":true)"},
           {"count", kTs + R"(,"good":1,"good_total":5)"},
           {"count", kTs + R"(,"scrap":1,"scrap_total":5)"},
           {"count", kTs + R"(,"rework":1,"rework_total":5)"},
           {"count", kTs + R"(,"good_total":9007199254740993)"},
           {"count", kTs + R"(,"good":1,"good":1)"},
           {"count", kTs + R"(,"good":null,"good":1)"},
           {"count", kTs + R"(,"good":1,"startup":1)"},
           {"count", kTs + R"(,"good":1,"revision":-1)"},
           {"count", kTs + R"(,"good":1,"revision":9223372036854775808)"},
           {"count", kTs + R"(,"good":1,"deleted":"yes")"},
           {"count", kTs + R"(,"good":1,"product":"")"},
           {"count", kTs + R"(,"good":1,"product":7)"},
           {"count", kTs + R"(,"good":1,"product":"a\u0000b")"},
           {"count", kTs + R"(,"good":1,"product":"a\u0085b")"},
           {"count", kTs + ",\"good\":1,\"product\":\"a\x7F\""},
           {"count", kTs + R"(,"good":1,"product":"\ud800")"},
           {"count", kTs + R"(,"good":1,"product":"\udc00")"},
           {"count", kTs + R"(,"good":1,"product":")" + std::string(129, 'x') + "\""},
           {"count", kTs + R"(,"good":1,"attributes":[1])"},
           {"count", kTs + R"(,"good":1,"attributes":{"a":1,"a":2})"},
           {"count", kTs + R"(,"good":1,"attributes":{"a":1e999})"},
           {"count", kTs + R"(,"good":1,"attributes":{"a":")" + std::string(17000, 'x') + "\"}"},
           {"count", kTs + R"(,"good":1,"attributes":{"a":)" + std::string(40, '[') + std::string(40, ']') + "}"},
           {"cycle", R"("start":2,"end":1)"},
           {"classify", R"("start":2,"end":2,"reason":"R")"},
           {"reading", kTs + R"(,"tag":"t","value":1e999)"},
           {"reading", kTs + R"(,"tag":"t","value":[1])"},
           {"reading", kTs + R"(,"tag":"t","value":1,"quality":65536)"},
           {"reading", kTs + R"(,"tag":"t","value":")" + std::string(65537, 'x') + "\""},
           {"quality", kTs + R"(,"result":"maybe")"},
           {"quality", kTs + R"(,"result":"pass","value":"20")"},
           {"quality", kTs + R"(,"result":"pass","value":true)"},
           {"quality", kTs + R"(,"result":"pass","quantity":0)"},
           {"order", kTs + R"(,"order":"O","action":"begin")"},
           {"order", kTs + R"(,"order":"O","action":"plan","quantity":-5)"},
           {"order", kTs + R"(,"order":"O","action":"plan","planned_end":"tomorrow")"},
           {"energy", kTs + R"(,"kwh_total":-1)"},
           {"energy", kTs + R"(,"kwh_total":"5")"},
           {"state", R"("ts":"2026-01-05 at six","state":"x")"},
           {"state", R"("ts":"2026-01-05T06:00:00","state":"x")"},
           {"state", R"("ts":1.5,"state":"x")"},
           {"state", R"("ts":9223372036854775807,"state":"x")"},
           {"state", R"("ts":true,"state":"x")"}}) {
    EXPECT_EQ(code_of(event_of(type, members)), "bad_value") << type << members.substr(0, 200);
  }
  EXPECT_THAT(message_of(event_of("count", kTs + R"(,"scrap":-1)")),
              HasSubstr("\"scrap\" must be an integer from 0 to 1000000000"));
}

TEST(DecodeJson, TellsBrokenTextFromBadValues) {
  for (const std::string line : {"nonsense",
                                 "{",
                                 "}",
                                 "[1]",
                                 "5",
                                 "\"text\"",
                                 "null",
                                 R"({"type":"state")",
                                 R"({"type":"state",})",
                                 R"({"type" "state"})",
                                 R"({"type":"state"}{"type":"state"})",
                                 R"({"type":"state"} x)",
                                 R"({"type":})",
                                 R"({"type":"sta\x"})",
                                 R"({"typ\q":"state"})",
                                 R"({"type":"state","machine":"\u12"})",
                                 R"({type:"state"})",
                                 R"({"type":"state","ts":01})",
                                 R"({"type":"state","ts":+1})",
                                 R"({"type":"reading","value":NaN})",
                                 R"({"type":"reading","value":-Infinity})",
                                 R"({"type":"reading","value":1.})",
                                 R"({"a":tru})",
                                 R"({"a":nul})",
                                 R"({"a":truex})",
                                 R"({"type":"state" "machine":"M1"})",
                                 "{\"a\":\"\x01\"}",
                                 "{\"a\":\"\xFF\"}",
                                 R"({"attributes":{"a":01}})",
                                 R"({"attributes":{"a":[1,]}})",
                                 R"({"attributes":{"a":"\x"}})",
                                 R"({"attributes":{"a" 1}})",
                                 R"({'type':'state'})",
                                 "{\"type\":\"sta\te\"}"}) {
    EXPECT_EQ(code_of(line), "bad_json") << line;
  }
}

TEST(DecodeJson, TakesIntegersHoweverTheyAreSpelled) {
  for (const std::string three : {"3", "3.0", "3e0", "30e-1", "0.3e1"}) {
    EXPECT_EQ(accepted(event_of("count", kTs + ",\"good\":" + three)).good, 3) << three;
  }
  EXPECT_EQ(accepted(event_of("count", kTs + ",\"good\":-0")).good, 0);
  EXPECT_EQ(accepted(event_of("count", kTs + ",\"good\":1000000000")).good, 1000000000);
  EXPECT_EQ(accepted(event_of("count", kTs + ",\"good_total\":9007199254740992")).good_total, 1LL << 53);
  EXPECT_EQ(accepted(event_of("count", kTs + ",\"good\":1,\"revision\":9223372036854775807")).revision, INT64_MAX);
}

TEST(DecodeJson, KeepsValuesToTheBit) {
  const auto value_of = [](const std::string& text) {
    return accepted(event_of("reading", kTs + R"(,"tag":"t","value":)" + text)).value;
  };
  EXPECT_EQ(value_of("5e-324").number, std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(value_of("1e-999").number, 0.0);
  EXPECT_EQ(value_of("1.7976931348623157e308").number, std::numeric_limits<double>::max());
  EXPECT_EQ(value_of("18446744073709551616").number, 18446744073709551616.0);
  EXPECT_TRUE(std::signbit(value_of("-0").number));
  EXPECT_TRUE(std::signbit(value_of("-0.0").number));
  EXPECT_EQ(value_of("true"), (Value{Value::Kind::boolean, 1, {}}));
  EXPECT_EQ(value_of("false"), (Value{Value::Kind::boolean, 0, {}}));
  EXPECT_EQ(value_of("\"\""), (Value{Value::Kind::text, 0, {}}));
  EXPECT_EQ(value_of(R"("two\nlines")").text, "two\nlines");
}

TEST(DecodeJson, UnescapesNamesAndStrings) {
  const Event event =
      accepted(R"({"t\u0079pe":"\u0073tate","machine":"\"\\\/ \u00e4\u20AC\uD83D\uDE00","ts":1,"state":"x"})");
  EXPECT_EQ(event.type, EventType::state);
  EXPECT_EQ(event.machine, "\"\\/ \u00e4\u20ac\U0001F600");
  EXPECT_EQ(accepted(event_of("state", "\"ts\":1,\"state\":\"B\u00fcgeln\"")).state, "B\u00fcgeln");
}

TEST(DecodeJson, SortsAttributesAtEveryLevel) {
  const Event event = accepted(event_of(
      "state",
      R"("ts":1,"state":"x","attributes": { "z" : [ 1.0 , -0 , 1e2, 18446744073709551615, {"b":null,"a":true} ],)"
      R"( "\u0061\n" : {"y":"\u00e4\/","x":1.25}, "e":{}, "l":[] })"));
  EXPECT_EQ(event.attributes,
            "{\"a\\n\":{\"x\":1.25,\"y\":\"\u00e4/\"},\"e\":{},\"l\":[],"
            "\"z\":[1,0,100,18446744073709551615,{\"a\":true,\"b\":null}]}");
  EXPECT_EQ(accepted(event_of("state", R"("ts":1,"state":"x","attributes":{})")).attributes, "");
}

TEST(DecodeJson, CallsAnEventAboveOneMebibyteTooLarge) {
  const std::string line =
      event_of("reading", kTs + R"(,"tag":"t","value":")" + std::string(10U << 20U, 'x') + "\"");
  EXPECT_EQ(code_of(line), "too_large");
  const std::string limit(kMaxEventBytes - 20, ' ');
  EXPECT_EQ(code_of("{\"type\":\"state\"," + limit + "}"), "bad_json");
}

TEST(DecodeNdjson, LosesOnlyTheBrokenLine) {
  std::string body;
  for (int i = 0; i < 1000; ++i) {
    body += i == 17 ? R"({"type":"state","machine":"M1","ts":"unclosed)"
                    : event_of("state", "\"ts\":" + std::to_string(i) + R"(,"state":"down")");
    body += i % 2 == 0 ? "\n" : "\r\n";
  }
  const Decoded all = decode_all(BodyFormat::ndjson, body);
  ASSERT_EQ(all.events.size(), 999U);
  ASSERT_EQ(all.rejected.size(), 1U);
  EXPECT_EQ(all.rejected[0].index, 17U);
  EXPECT_EQ(all.rejected[0].code, Rejection::bad_json);
  EXPECT_EQ(all.indexes[16], 16U);
  EXPECT_EQ(all.indexes[17], 18U);
  EXPECT_EQ(all.batches[0].raw[0], event_of("state", R"("ts":0,"state":"down")"));
}

TEST(DecodeNdjson, CountsNoBlankLines) {
  const std::string body = "\xEF\xBB\xBF\n \t\r\n{}\n\n\n{}\n   ";
  const Decoded all = decode_all(BodyFormat::ndjson, body);
  ASSERT_EQ(all.rejected.size(), 2U);
  EXPECT_EQ(all.rejected[1].index, 1U);
  EXPECT_NE(decode_all(BodyFormat::ndjson, " \n\n").error, "");
  EXPECT_NE(decode_all(BodyFormat::ndjson, "").error, "");
}

TEST(DecodeNdjson, NumbersEventsOnOverBatches) {
  std::string body;
  const std::size_t lines = 2 * kMaxBatchEvents + 5;
  for (std::size_t i = 0; i < lines; ++i) {
    body += i % 100 == 0 ? "broken\n"
                         : event_of("state", "\"ts\":" + std::to_string(i) + R"(,"state":"\u0064own")") + "\n";
  }
  const Decoded all = decode_all(BodyFormat::ndjson, body);
  EXPECT_EQ(all.batches.size(), 3U);
  EXPECT_EQ(all.size(), lines);
  for (std::size_t i = 0; i < all.events.size(); ++i) {
    ASSERT_EQ(all.events[i].at, from_micros(static_cast<std::int64_t>(all.indexes[i])));
    ASSERT_EQ(all.events[i].state, "down");
  }
  EXPECT_EQ(all.rejected.back().index, lines - 1 - (lines - 1) % 100);
}

TEST(DecodeJsonBody, TakesAnObjectOrAnArray) {
  const std::string event = event_of("state", R"("ts":1,"state":"]},{")");
  const auto count = [](const std::string& body) { return decode_all(BodyFormat::json, body).events.size(); };
  EXPECT_EQ(count(event), 1U);
  EXPECT_EQ(count(" \n" + event + "\n "), 1U);
  EXPECT_EQ(count("[" + event + "]"), 1U);
  EXPECT_EQ(count("[ " + event + " ,\n" + event + " ] "), 2U);
  const Decoded none = decode_all(BodyFormat::json, "[]");
  EXPECT_EQ(none.error, "");
  EXPECT_EQ(none.size(), 0U);
}

TEST(DecodeJsonBody, KeepsWhatStandsBeforeTheBreak) {
  const std::string event = event_of("state", R"("ts":1,"state":"x")");
  for (const std::string& rest :
       std::vector<std::string>{"", ",", "," + event.substr(0, 30), event, " nonsense", ",]", ",}", ",nonsense]",
                                "]]", "] " + event, ",\"open]"}) {
    const std::string body = "[" + event + "," + event + rest;
    const Decoded all = decode_all(BodyFormat::json, body);
    EXPECT_EQ(all.events.size(), 2U) << body;
    ASSERT_EQ(all.rejected.size(), 1U) << body;
    EXPECT_EQ(all.rejected[0].index, 2U);
    EXPECT_EQ(all.rejected[0].code, Rejection::bad_json);
  }
}

TEST(DecodeJsonBody, LosesOnlyTheElementThatIsWrongInside) {
  const std::string event = event_of("state", R"("ts":1,"state":"x")");
  for (const std::string wrong : {"{\"type\":bad}", "17", "\"x\"", "[[]]", "null", "{}", "{\"a\":\"\\q\"}"}) {
    const std::string body = "[" + wrong + "," + event + "," + wrong + "," + event + "]";
    const Decoded all = decode_all(BodyFormat::json, body);
    EXPECT_THAT(all.indexes, ElementsAre(1, 3)) << wrong;
    ASSERT_EQ(all.rejected.size(), 2U) << wrong;
    EXPECT_EQ(all.rejected[1].index, 2U);
    EXPECT_EQ(all.rejected[1].raw, wrong);
  }
}

TEST(DecodeJsonBody, IsAnErrorIfNothingIsReadable) {
  for (const std::string body : {"", "  \n", "nonsense", "17", "\"x\"", "null", "{\"type\":", "{\"type\":bad}",
                                 "{", "[", "[{", "[nonsense", "[,", "\x1f\x8b\x08", "type,machine\nstate,M1"}) {
    const Decoded all = decode_all(BodyFormat::json, body);
    EXPECT_NE(all.error, "") << body;
    EXPECT_EQ(all.size(), 0U) << body;
  }
}

TEST(DecodeJsonBody, JudgesAnObjectThatIsJsonAsAnEvent) {
  const Decoded all = decode_all(BodyFormat::json, "{\"hello\":1}");
  ASSERT_EQ(all.rejected.size(), 1U);
  EXPECT_EQ(all.rejected[0].code, Rejection::missing_field);
  const std::string large = "[{\"a\":\"" + std::string(2U << 20U, 'x') + "\"},{}]";
  const Decoded two = decode_all(BodyFormat::json, large);
  ASSERT_EQ(two.rejected.size(), 2U);
  EXPECT_EQ(two.rejected[0].code, Rejection::too_large);
  EXPECT_EQ(two.rejected[0].raw.size(), 65536U);
}

TEST(DecodeJsonBody, SurvivesDeepNesting) {
  const std::string body = "[" + std::string(1U << 19U, '[') + std::string(1U << 19U, ']') + ",{}]";
  const Decoded all = decode_all(BodyFormat::json, body);
  EXPECT_EQ(all.rejected.size(), 2U);
  EXPECT_NE(decode_all(BodyFormat::json, std::string(1U << 20U, '[')).error, "");
  const std::string own = event_of("state", R"("ts":1,"state":"x","attributes":{"a":)" + std::string(5000, '[') +
                                                "1" + std::string(5000, ']') + "}");
  EXPECT_NE(code_of(own), "accepted");
}

// Every prefix decodes without reading outside of it, and one character more or less never turns into another
// event.
TEST(DecodeNdjson, JudgesEveryPrefixOfALine) {
  const std::string line =
      event_of("reading", kTs + R"(,"tag":"t\u00e4","value":"\ud83d\ude00","attributes":{"a":[1,{}]})");
  for (std::size_t size = 1; size < line.size(); ++size) {
    const std::vector<char> exact(line.begin(),
                                  line.begin() + static_cast<std::ptrdiff_t>(size));  // ASan guards its end
    const Decoded all = decode_all(BodyFormat::ndjson, {exact.data(), exact.size()});
    ASSERT_EQ(all.rejected.size(), 1U);
    EXPECT_EQ(all.rejected[0].code, Rejection::bad_json);
  }
  EXPECT_EQ(code_of(line), "accepted");
}

}  // namespace
}  // namespace takt
