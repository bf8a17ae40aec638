#include "schema/plant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace takt {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// The example of the contract, with what it only mentions written out.
constexpr const char* kContract = R"(
[plant]
id = "P1"
name = "Plant 1"
timezone = "Europe/Berlin"
minor_stops = "performance"
unknown_time = "stop"
auto_register = true
[retention]
readings = 400
events = 0
[[area]]
id = "A1"
[[line]]
id = "L1"
area = "A1"
[[machine]]
id = "M1"
line = "L1"
name = "Press 1"
ideal_cycle_s = 1.0
minor_stop_s = 300
silence_timeout_s = 0.5
counter_modulus = 65536
active = false
[[machine]]
id = "M2 \"\\ ü\u0085"
[[product]]
id = "X"
name = "Housing X"
unit = "kg"
[[tag]]
machine = "M1"
name = "spindle.temp"
unit = "°C"
kind = "counter"
[[tag]]
name = "any"
[[alert]]
id = "low"
on = "oee"
scope = "line:L1"
below = 0.6
clear = 0.65
for_s = 60
send = ["webhook:http://example.com/x", "mqtt:alerts/low"]
[[characteristic]]
product = "X"
name = "diameter"
lsl = 19.9
usl = 20
target = 20.0
subgroup_size = 5
[[recipe]]
id = "R1"
product = "X"
machine = "M1"
setup_s = 600
parameters = { speed = 100, ratio = 1.0, tiny = 1e-300, "odd key" = "a\nb\u0000", on = true, list = [1, "a", [2.5]], deep = { a = {} } }
[[ideal_cycle]]
machine = "M1"
product = "X"
seconds = 0.8
valid_from = 2026-01-01T00:00:00.000001+01:00
valid_to = "2027-01-01T00:00:00Z"
[[shift]]
id = "night"
days = ["mon","tue","wed","thu","fri"]
start = "22:00"
end = "06:00"
breaks = [["02:00","02:30"], ["22:15:30", "22:30"]]
[[shift]]
id = "long"
start = 00:00:00
end = "24:00"
scope = "machine:M1"
valid_from = 1767225600000000
[[closure]]
from = 2026-12-24T00:00:00
to = 2026-12-27
scope = "area:A1"
[[closure]]
id = "easter"
name = "Easter"
from = "2026-04-03"
to = "2026-04-07T06:00"
[[reason]]
code = "FAIL"
category = "failure"
[[reason]]
code = "FAIL.MECH"
name = "Mechanical failure"
parent = "FAIL"
iso14224_mode = "BRD"
iso14224_mechanism = "2.6"
iso14224_cause = "3.2"
iso14224_detection = "5"
iso14224_impact = "critical"
[[reason]]
code = "OPER"
category = "operator"
[[reason]]
code = "ELSE"
[[defect]]
code = "BURR"
name = "Burr"
[[state]]
name = "ACTIVE"
category = "setup"
)";

Plant plant_of(const Result<Plant>& plant) {
  EXPECT_TRUE(plant.has_value()) << (plant ? "" : plant.error().context);
  return plant ? *plant : Plant{};
}
Plant read(std::string_view toml) { return plant_of(parse_plant_toml(toml, "plant.toml")); }

/// What is said about a description that is wrong.
std::string problems(std::string_view toml) {
  const Result<Plant> plant = parse_plant_toml(toml, "plant.toml");
  EXPECT_FALSE(plant.has_value()) << toml;
  if (plant) return {};
  EXPECT_EQ(plant.error().code, ErrorCode::invalid_argument);
  return plant.error().context;
}
std::string json_problems(std::string_view json) {
  const Result<Plant> plant = parse_plant_json(json);
  EXPECT_FALSE(plant.has_value()) << json;
  return plant ? std::string() : plant.error().context;
}

TEST(PlantToml, ReadsEveryKeyOfTheContract) {
  const Plant plant = read(kContract);
  EXPECT_EQ(plant.id, "P1");
  EXPECT_EQ(plant.name, "Plant 1");
  EXPECT_EQ(plant.timezone, "Europe/Berlin");
  EXPECT_EQ(plant.minor_stops, MinorStopPolicy::performance);
  EXPECT_EQ(plant.unknown_time, UnknownTimePolicy::stop);
  EXPECT_TRUE(plant.auto_register);
  EXPECT_EQ(plant.retention_readings_days, 400);
  EXPECT_EQ(plant.retention_events_days, 0);
  EXPECT_EQ(plant.lines.at(0), (Line{"L1", "L1", "A1"}));
  EXPECT_EQ(plant.machines.at(0), (Machine{"M1", "Press 1", "L1", 1s, 300s, 500ms, 65536, false}));
  EXPECT_EQ(plant.machines.at(1).id, "M2 \"\\ ü\u0085");
  EXPECT_EQ(plant.machines.at(1).ideal_cycle, std::nullopt);
  EXPECT_TRUE(plant.machines.at(1).active);
  EXPECT_EQ(plant.products.at(0), (Product{"X", "Housing X", "kg"}));
  EXPECT_EQ(plant.tags.at(0), (Tag{"M1", "spindle.temp", "°C", TagKind::counter}));
  EXPECT_EQ(plant.tags.at(1), (Tag{"", "any", "", TagKind::gauge}));
  const Alert& alert = plant.alerts.at(0);
  EXPECT_EQ(alert.scope, "line:L1");
  EXPECT_EQ(alert.below, 0.6);
  EXPECT_EQ(alert.above, std::nullopt);
  EXPECT_EQ(alert.for_at_least, 60s);
  EXPECT_EQ(alert.send.size(), 2U);
  EXPECT_EQ(plant.characteristics.at(0), (Characteristic{"X", "diameter", 19.9, 20, 20, 5}));
  EXPECT_EQ(plant.recipes.at(0).setup, 600s);
  EXPECT_EQ(plant.recipes.at(0).parameters.at("list").as_array().size(), 3U);
  EXPECT_EQ(plant.recipes.at(0).parameters.at("ratio").as_double(), 1.0);
  EXPECT_EQ(plant.ideal_cycles.at(0).cycle, 800000us);
  EXPECT_EQ(plant.ideal_cycles.at(0).valid.begin, *parse_time("2025-12-31T23:00:00.000001Z"));
  EXPECT_EQ(plant.ideal_cycles.at(0).valid.end, *parse_time("2027-01-01T00:00:00Z"));
  const Shift& night = plant.shifts.at(0);
  EXPECT_EQ(night.days, 0b0011111);
  EXPECT_EQ(night.start, 22h);
  EXPECT_EQ(night.end, 6h);
  EXPECT_EQ(night.breaks.at(0), (Break{2h, 2h + 30min}));
  EXPECT_EQ(night.breaks.at(1), (Break{22h + 15min + 30s, 22h + 30min}));
  EXPECT_EQ(night.scope, Scope{});
  EXPECT_EQ(night.valid, TimeRange{});
  EXPECT_EQ(plant.shifts.at(1).days, 0x7F);
  EXPECT_EQ(plant.shifts.at(1).start, 0s);
  EXPECT_EQ(plant.shifts.at(1).end, 0s);  // 24:00 is the next midnight, and an end at the start is the next day's
  EXPECT_EQ(plant.shifts.at(1).scope, (Scope{Scope::Kind::machine, "M1"}));
  EXPECT_EQ(plant.shifts.at(1).valid.begin, *parse_time("2026-01-01T00:00:00Z"));
  EXPECT_EQ(plant.closures.at(0).from, (LocalTime{20811, 0s}));
  EXPECT_EQ(plant.closures.at(0).to, (LocalTime{20814, 0s}));
  EXPECT_EQ(plant.closures.at(1).to.time, 6h);
  EXPECT_EQ(plant.reasons.at(1).iso14224_impact, "critical");
  EXPECT_EQ(plant.reasons.at(1).category, std::nullopt);
  EXPECT_EQ(plant.defects.at(0), (Defect{"BURR", "Burr"}));
  EXPECT_EQ(plant.states.at(0), (StateName{"ACTIVE", TimeCategory::setup}));
}

TEST(PlantToml, GivesDefaultsToAnEmptyDescription) {
  const Plant plant = read("");
  EXPECT_EQ(plant.id, "plant");
  EXPECT_EQ(plant.name, "plant");
  EXPECT_EQ(plant.timezone, "UTC");
  EXPECT_EQ(plant.minor_stops, MinorStopPolicy::availability);
  EXPECT_EQ(plant.unknown_time, UnknownTimePolicy::exclude);
  EXPECT_FALSE(plant.auto_register);
  EXPECT_TRUE(plant.machines.empty());
  EXPECT_EQ(plant, plant_of(parse_plant_json("{}")));
}

TEST(PlantToml, NamesEverythingByItsIdUnlessTold) {
  const Plant plant = read(R"(plant.id = "P"
    area = [{ id = "A" }]
    line = [{ id = "L" }]
    machine = [{ id = "M" }]
    product = [{ id = "X" }]
    reason = [{ code = "R" }]
    defect = [{ code = "D" }])");
  EXPECT_EQ(plant.name, "P");
  EXPECT_EQ(plant.areas.at(0).name, "A");
  EXPECT_EQ(plant.lines.at(0).name, "L");
  EXPECT_EQ(plant.machines.at(0).name, "M");
  EXPECT_EQ(plant.products.at(0), (Product{"X", "X", "pcs"}));
  EXPECT_EQ(plant.reasons.at(0).name, "R");
  EXPECT_EQ(plant.defects.at(0).name, "D");
}

TEST(Plant, SurvivesTheRoundTripThroughToml) {
  const Plant plant = read(kContract);
  const std::string toml = to_toml(plant);
  EXPECT_EQ(read(toml), plant) << toml;
  EXPECT_EQ(to_toml(read(toml)), toml);
  EXPECT_EQ(read(to_toml(Plant{})), read(""));
}

TEST(Plant, SurvivesTheRoundTripThroughJson) {
  const Plant plant = read(kContract);
  const std::string json = boost::json::serialize(to_json(plant));
  EXPECT_EQ(plant_of(parse_plant_json(json)), plant) << json;
  EXPECT_EQ(boost::json::serialize(to_json(plant_of(parse_plant_json(json)))), json);
}

TEST(Plant, KeepsEveryMicrosecondOfACycle) {
  for (const std::int64_t us : std::initializer_list<std::int64_t>{1, 2, 3, 7, 100003, 799999, 800000, 800001,
                                                                   1234567, 86399999999, 999999999999999}) {
    Plant plant = read("machine = [{ id = \"M\" }]");
    plant.machines.at(0).ideal_cycle = Duration{us};
    EXPECT_EQ(read(to_toml(plant)).machines.at(0).ideal_cycle, Duration{us});
    EXPECT_EQ(plant_of(parse_plant_json(boost::json::serialize(to_json(plant)))).machines.at(0).ideal_cycle,
              Duration{us});
  }
}

TEST(PlantJson, TakesTheKeysOfToml) {
  const Plant plant = plant_of(parse_plant_json(R"({"plant":{"timezone":"UTC"},"retention":{"readings":4E2},
    "area":[{"id":"A1"}],"line":[{"id":"L1","area":"A1"}],"machine":[{"id":"M1","line":"L1","ideal_cycle_s":1,"name":null}],
    "ideal_cycle":[{"machine":"M1","product":"X","seconds":0.8,"valid_from":1767225600000000}],
    "shift":[{"id":"s","start":"06:00","end":"14:00:00","breaks":[["09:00","09:15"]]}],
    "closure":[{"from":"2026-12-24T00:00:00","to":"2026-12-27T00:00:00.5"}]})"));
  EXPECT_EQ(plant.retention_readings_days, 400);
  EXPECT_EQ(plant.machines.at(0), (Machine{"M1", "M1", "L1", 1s, 0s, 0s, 0, true}));
  EXPECT_EQ(plant.ideal_cycles.at(0).cycle, 800ms);
  EXPECT_EQ(plant.ideal_cycles.at(0).valid.begin, *parse_time("2026-01-01T00:00:00Z"));
  EXPECT_EQ(plant.shifts.at(0).breaks.at(0), (Break{9h, 9h + 15min}));
  EXPECT_EQ(plant.closures.at(0).to.time, 500ms);
}

TEST(PlantJson, NamesThePlaceOfASyntaxError) {
  EXPECT_THAT(json_problems("{\n  \"plant\": {]\n}"), HasSubstr("line 2, column 13: this is not JSON"));
  EXPECT_THAT(json_problems(""), HasSubstr("line 1, column 1"));
  EXPECT_THAT(json_problems("{} x"), HasSubstr("line 1, column 4"));
  EXPECT_THAT(json_problems("{\"plant\":{\"id\":\"\xFF\"}}"), HasSubstr("this is not JSON"));
  EXPECT_THAT(json_problems(std::string(100000, '[')), HasSubstr("this is not JSON"));
  EXPECT_THAT(json_problems("{\"plant\":{\"id\":\"P"), HasSubstr("this is not JSON"));
}

TEST(PlantJson, RefusesWhatIsNoObject) {
  EXPECT_THAT(json_problems("[]"), HasSubstr("must be a table, not a list"));
  EXPECT_THAT(json_problems("null"), HasSubstr("must be a table, not null"));
  EXPECT_THAT(json_problems("17"), HasSubstr("must be a table, not a number"));
}

TEST(PlantJson, RefusesAKeyThatStandsTwice) {
  EXPECT_THAT(json_problems(R"({"plant":{"id":"A","name":"x","id":"B"}})"), HasSubstr("\"id\" stands twice"));
  EXPECT_THAT(json_problems(R"({"plant":{},"plant":null})"), HasSubstr("\"plant\" stands twice"));
}

TEST(PlantJson, NamesThePathOfAProblem) {
  EXPECT_EQ(json_problems(R"({"machine":[{"id":"M1"},{"id":"M2","line":"L9"}]})"),
            "machine[1].line: \"L9\" is not a line; declare [[line]] id = \"L9\" or mend the name");
  EXPECT_THAT(json_problems(R"({"machine":[{"id":"M1","ideal_cycle_s":1e999}]})"),
              HasSubstr("machine[0].ideal_cycle_s: must be a finite number"));
  EXPECT_THAT(json_problems(R"({"machine":[{"id":"M1","counter_modulus":18446744073709551615}]})"),
              HasSubstr("machine[0].counter_modulus: must be a whole number from 0 to"));
  EXPECT_THAT(json_problems(R"({"recipe":[{"id":"R","parameters":{"a":[1,null]}}]})"),
              HasSubstr("recipe[0].parameters.a[1]: null cannot be kept"));
}

TEST(PlantToml, NamesFileAndLineOfASyntaxError) {
  EXPECT_THAT(problems("[plant]\nid = \"P1\nname = 3\n"), HasSubstr("plant.toml:2: this is not TOML"));
  EXPECT_THAT(problems("[plant]\nid = \"a\"\nid = \"b\"\n"), HasSubstr("plant.toml:3: this is not TOML"));
  EXPECT_THAT(problems("[plant]\nid = \"\xFF\"\n"), HasSubstr("plant.toml:2: this is not TOML"));
  EXPECT_THAT(problems("x = 2026-02-30T00:00:00Z"), HasSubstr("plant.toml:1: this is not TOML"));
  EXPECT_THAT(problems("{\"plant\":{}}"), HasSubstr("plant.toml:1: this is not TOML"));
  EXPECT_THAT(problems("x = " + std::string(100000, '[')), HasSubstr("plant.toml:1: this is not TOML"));
}

TEST(PlantToml, ReportsAllProblemsInTheOrderOfTheFile) {
  EXPECT_EQ(
      problems("[plant]\n"
               "timezone = \"Europe/Berln\"\n"
               "[[machine]]\n"
               "line = \"L9\"\n"
               "ideal_cylce_s = 1\n"
               "active = \"yes\"\n"
               "[[shift]]\n"
               "id = \"s\"\n"
               "start = \"6:00\"\n"
               "end = \"14:00\"\n"),
      "plant.toml:2: plant.timezone: \"Europe/Berln\" is not a time zone; did you mean \"Europe/Berlin\"?\n"
      "plant.toml:3: machine[0].id: is missing; add id = \"...\"\n"
      "plant.toml:4: machine[0].line: \"L9\" is not a line; declare [[line]] id = \"L9\" or mend the name\n"
      "plant.toml:5: machine[0].ideal_cylce_s: unknown key; did you mean ideal_cycle_s?\n"
      "plant.toml:6: machine[0].active: must be true or false, not a string\n"
      "plant.toml:9: shift[0].start: \"6:00\" is not a time of day; write \"HH:MM\" or \"HH:MM:SS\", such as "
      "\"22:00\"");
}

TEST(PlantToml, StaysBrieflyOfAFileOfGarbage) {
  std::string toml;
  for (int i = 0; i < 20000; ++i) toml += "k" + std::to_string(i) + "\n = 1\n";
  EXPECT_LT(problems(toml).size(), 100U << 10U);
  toml.clear();
  for (int i = 0; i < 5000; ++i) toml += "k" + std::to_string(i) + " = 1\n";
  EXPECT_THAT(problems(toml), HasSubstr("\nand 4000 more"));
}

TEST(PlantToml, KeepsOneProblemALineWhateverTheKeysHold) {
  EXPECT_EQ(problems("\"a\\nb\" = 1\n").find('\n'), std::string::npos);
}

struct Wrong {
  const char* toml;
  const char* said;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.toml; }

class WrongPlant : public testing::TestWithParam<Wrong> {};

TEST_P(WrongPlant, IsAnsweredWithTheKeyAndTheRemedy) {
  const auto said = problems(GetParam().toml);
  EXPECT_THAT(said, AllOf(testing::StartsWith("plant.toml:"), HasSubstr(GetParam().said)));
  EXPECT_THAT(said, Not(HasSubstr("\n"))) << "one cause, one problem";
}

constexpr const char* kLongId =
    "machine = [{ id = "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "01234567890123456789012345678\" }]";

INSTANTIATE_TEST_SUITE_P(
    Keys, WrongPlant,
    testing::Values(
        Wrong{"machines = []", "1: machines: unknown key; did you mean machine?"},
        Wrong{"foo = 1", "foo: unknown key; the keys here are alert, area,"},
        Wrong{"[plant]\ntime_zone = \"UTC\"", "2: plant.time_zone: unknown key; did you mean timezone?"},
        Wrong{"[[machine]]\nid = \"M\"\n[machine.foo]\na = 1", "3: machine[0].foo: unknown key"},
        Wrong{"plant = 1", "plant: must be a table, not a number"},
        Wrong{"[machine]\nid = \"M\"",
              "1: machine: must be a list of tables, not a table; in TOML write [[machine]]"},
        Wrong{"machine = [1]", "machine[0]: must be a table, not a number"},
        Wrong{"[plant]\nid = 1", "2: plant.id: must be a string, not a number"},
        Wrong{"[plant]\nname = 2026-01-01", "plant.name: must be a string, not a local date"},
        Wrong{"[plant]\ntimezone = \"Mars/Olympus\"", "write an IANA name"},
        Wrong{"[plant]\ntimezone = \"\"", "plant.timezone: \"\" is not a time zone"},
        Wrong{"[plant]\ntimezone = \"../../etc/passwd\"", "is not a time zone"},
        Wrong{"[plant]\nminor_stops = \"speed\"",
              "plant.minor_stops: \"speed\" is none of its values; write availability or performance"},
        Wrong{"[plant]\nunknown_time = true",
              "plant.unknown_time: must be a string: exclude or stop, not a boolean"},
        Wrong{"[plant]\nauto_register = 1", "plant.auto_register: must be true or false, not a number"},
        Wrong{"[retention]\nreadings = -1", "retention.readings: must be a whole number from 0 to 1000000"},
        Wrong{"[retention]\nevents = 1.5", "retention.events: must be a whole number from 0"},
        Wrong{"[retention]\nevents = \"1\"",
              "retention.events: must be a whole number from 0 to 1000000, not a string"}));

INSTANTIATE_TEST_SUITE_P(
    Ids, WrongPlant,
    testing::Values(Wrong{"[[area]]\nname = \"A\"", "1: area[0].id: is missing; add id = \"...\""},
                    Wrong{"area = [{ id = \"\" }]", "area[0].id: is empty"},
                    Wrong{kLongId, "has 129 bytes; shorten it to 128"},
                    Wrong{"area = [{ id = \"a\\tb\" }]", "area[0].id: \"a?b\" holds a control character"},
                    Wrong{"area = [{ id = \"a\\u007Fb\" }]", "holds a control character"},
                    Wrong{"[[machine]]\nid = \"M\"\n[[machine]]\nid = \"M\"",
                          "4: machine[1].id: is the same as of machine[0]; take one out or rename it"},
                    Wrong{"area = [{ id = \"A\" }, { id = \"A\" }]", "area[1].id: is the same as of area[0]"},
                    Wrong{"line = [{ id = \"A\" }, { id = \"A\" }]", "line[1].id: is the same"},
                    Wrong{"product = [{ id = \"A\" }, { id = \"A\" }]", "product[1].id: is the same"},
                    Wrong{"reason = [{ code = \"A\" }, { code = \"A\" }]", "reason[1].code: is the same"},
                    Wrong{"defect = [{ code = \"A\" }, { code = \"A\" }]", "defect[1].code: is the same"},
                    Wrong{"recipe = [{ id = \"A\" }, { id = \"A\" }]", "recipe[1].id: is the same"},
                    Wrong{"tag = [{ name = \"A\" }, { name = \"A\" }]", "tag[1].name: is the same"},
                    Wrong{
                        "state = [{ name = \"a\", category = \"stop\" }, { name = \"A\", category = \"setup\" }]",
                        "state[1].name: is the same as of state[0]"}));

INSTANTIATE_TEST_SUITE_P(
    References, WrongPlant,
    testing::Values(Wrong{"line = [{ id = \"L\", area = \"A\" }]", "line[0].area: \"A\" is not an area"},
                    Wrong{"line = [{ id = \"L\", area = \"\" }]", "line[0].area: is empty"},
                    Wrong{"line = [{ id = \"Line1\" }]\nmachine = [{ id = \"M\", line = \"Lime1\" }]",
                          "2: machine[0].line: \"Lime1\" is not a line; declare [[line]] id = \"Lime1\" or did "
                          "you mean \"Line1\"?"},
                    Wrong{"tag = [{ machine = \"M\", name = \"t\" }]", "tag[0].machine: \"M\" is not a machine"},
                    Wrong{"recipe = [{ id = \"r\", machine = \"M\" }]",
                          "recipe[0].machine: \"M\" is not a machine"},
                    Wrong{"ideal_cycle = [{ machine = \"M\", product = \"X\", seconds = 1 }]",
                          "ideal_cycle[0].machine: \"M\" is not a machine"},
                    Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", scope = \"line:L\" }]",
                          "shift[0].scope: \"L\" is not a line"},
                    Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", scope = \"L\" }]",
                          "shift[0].scope: \"L\" is not a scope; write plant, area:ID"},
                    Wrong{"closure = [{ from = 2026-01-01, to = 2026-01-02, scope = \"area:A\" }]",
                          "closure[0].scope: \"A\" is not an area"},
                    Wrong{"closure = [{ from = 2026-01-01, to = 2026-01-02, scope = \"machine:\" }]",
                          "closure[0].scope: \"machine:\" is not a scope"},
                    Wrong{"alert = [{ id = \"a\", on = \"oee\", below = 1, scope = \"machine:M\" }]",
                          "alert[0].scope: \"M\" is not a machine"},
                    Wrong{"reason = [{ code = \"A\", parent = \"B\" }]",
                          "reason[0].parent: \"B\" is not a reason; declare [[reason]] code = \"B\""},
                    Wrong{"reason = [{ code = \"A\", parent = \"A\" }]",
                          "reason[0].parent: \"A\" leads in a circle back to \"A\""},
                    Wrong{"reason = [{ code = \"R\", parent = \"A\" }, { code = \"A\", parent = \"B\" }, { code = "
                          "\"B\", parent = \"C\" }, { code = \"C\", parent = \"A\" }]",
                          "leads in a circle back to"}));

INSTANTIATE_TEST_SUITE_P(
    Values, WrongPlant,
    testing::Values(
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = 0 }]",
              "machine[0].ideal_cycle_s: must be seconds above 0"},
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = -1.5 }]", "must be seconds above 0"},
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = nan }]", "must be a finite number"},
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = inf }]", "must be a finite number"},
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = 1e300 }]", "must be seconds above 0, up to"},
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = 0.0000001 }]", "is not in whole microseconds"},
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = 0.1234567 }]", "is not in whole microseconds"},
        Wrong{"machine = [{ id = \"M\", ideal_cycle_s = \"1\" }]", "must be a number, not a string"},
        Wrong{"machine = [{ id = \"M\", minor_stop_s = -1 }]", "machine[0].minor_stop_s: must be seconds from 0"},
        Wrong{"machine = [{ id = \"M\", silence_timeout_s = -0.5 }]",
              "machine[0].silence_timeout_s: must be seconds from 0"},
        Wrong{"machine = [{ id = \"M\", counter_modulus = -1 }]",
              "machine[0].counter_modulus: must be a whole number from 0"},
        Wrong{"machine = [{ id = \"M\", counter_modulus = 9223372036854775807 }]", "machine[0].counter_modulus"},
        Wrong{"tag = [{ name = \"t\", kind = \"Gauge\" }]",
              "tag[0].kind: \"Gauge\" is none of its values; write gauge, counter or state"},
        Wrong{"tag = [{ unit = \"t\" }]", "tag[0].name: is missing"},
        Wrong{"alert = [{ id = \"a\", on = \"oee\" }]", "alert[0].above: is missing, and so is below"},
        Wrong{"alert = [{ id = \"a\", on = \"oee\", above = 1, below = 0 }]",
              "alert[0].above: stands beside below"},
        Wrong{"alert = [{ id = \"a\", on = \"oee\", above = 1, clear = 2 }]", "alert[0].clear"},
        Wrong{"alert = [{ id = \"a\", on = \"oee\", below = 1, clear = 0.5 }]", "alert[0].clear"},
        Wrong{"alert = [{ id = \"a\", below = 1 }]", "alert[0].on: is missing"},
        Wrong{"alert = [{ id = \"a\", on = \"oee\", below = 1, send = [\"fax:1\"] }]",
              "alert[0].send: \"fax:1\" is no target"},
        Wrong{"alert = [{ id = \"a\", on = \"oee\", below = 1, send = \"mqtt:x\" }]",
              "alert[0].send: must be a list of strings"},
        Wrong{"characteristic = [{ product = \"X\", name = \"d\", lsl = 2, usl = 2 }]",
              "characteristic[0].usl: must be above lsl"},
        Wrong{"characteristic = [{ product = \"X\", name = \"d\", lsl = 1, target = 0.5 }]",
              "characteristic[0].target"},
        Wrong{"characteristic = [{ product = \"X\", name = \"d\", subgroup_size = 0 }]",
              "characteristic[0].subgroup_size"},
        Wrong{"recipe = [{ id = \"R\", setup_s = -1 }]", "recipe[0].setup_s: must be seconds from 0"},
        Wrong{"recipe = [{ id = \"R\", parameters = 1 }]", "recipe[0].parameters: must be a table"},
        Wrong{"recipe = [{ id = \"R\", parameters = { a = nan } }]",
              "recipe[0].parameters.a: a number that is not finite"},
        Wrong{"reason = [{ code = \"A\", category = \"broken\" }]",
              "write failure, setup, planned, material, operator, quality, external, speed or other"},
        Wrong{"state = [{ name = \"A\" }]",
              "state[0].category: is missing; write production, setup, stop, planned_stop or unknown"},
        Wrong{"state = [{ name = \"A\", category = \"run\" }]",
              "state[0].category: \"run\" is none of its values"}));

INSTANTIATE_TEST_SUITE_P(
    Cycles, WrongPlant,
    testing::Values(
        Wrong{"machine = [{ id = \"M\" }]\n[[ideal_cycle]]\nmachine = \"M\"\nproduct = \"X\"",
              "2: ideal_cycle[0].seconds: is missing; add seconds = 1.0"},
        Wrong{"machine = [{ id = \"M\" }]\nideal_cycle = [{ machine = \"M\", seconds = 1 }]",
              "ideal_cycle[0].product: is missing"},
        Wrong{"machine = [{ id = \"M\" }]\nideal_cycle = [{ machine = \"M\", product = \"X\", seconds = 0.0 }]",
              "ideal_cycle[0].seconds: must be seconds above 0"},
        Wrong{"machine = [{ id = \"M\" }]\nideal_cycle = [{ machine = \"M\", product = \"X\", seconds = 1, "
              "valid_from = \"2026-01-01\" }]",
              "ideal_cycle[0].valid_from: \"2026-01-01\" is not a time"},
        Wrong{"machine = [{ id = \"M\" }]\nideal_cycle = [{ machine = \"M\", product = \"X\", seconds = 1, "
              "valid_from = 2026-01-01 }]",
              "ideal_cycle[0].valid_from: must be a time with an offset"},
        Wrong{"machine = [{ id = \"M\" }]\nideal_cycle = [{ machine = \"M\", product = \"X\", seconds = 1, "
              "valid_from = 0001-01-01T00:00:00Z }]",
              "within 1900 to 9999"},
        Wrong{"machine = [{ id = \"M\" }]\nideal_cycle = [{ machine = \"M\", product = \"X\", seconds = 1, "
              "valid_from = 2026-01-01T00:00:00Z, valid_to = 2026-01-01T00:00:00Z }]",
              "ideal_cycle[0].valid_to: is not after valid_from"},
        Wrong{"machine = [{ id = \"M\" }]\nideal_cycle = [{ machine = \"M\", product = \"X\", seconds = 1 }, { "
              "machine = \"M\", product = \"X\", seconds = 2 }]",
              "ideal_cycle[1].valid_from: is the same as of ideal_cycle[0]"}));

INSTANTIATE_TEST_SUITE_P(
    Calendar, WrongPlant,
    testing::Values(
        Wrong{"shift = [{ id = \"s\", end = \"14:00\" }]", "shift[0].start: is missing; add start = \"06:00\""},
        Wrong{"shift = [{ id = \"s\", start = \"24:00\", end = \"06:00\" }]",
              "shift[0].start: \"24:00\" is not a time of day"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"24:01\" }]",
              "shift[0].end: \"24:01\" is not a time of day"},
        Wrong{"shift = [{ id = \"s\", start = \"06:60\", end = \"08:00\" }]", "shift[0].start"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00Z\" }]", "shift[0].end"},
        Wrong{"shift = [{ id = \"s\", start = \"0x:00\", end = \"14:00\" }]", "shift[0].start"},
        Wrong{"shift = [{ id = \"s\", start = 06:00:00.5, end = \"14:00\" }]",
              "shift[0].start: a time of day is not"},
        Wrong{"shift = [{ id = \"s\", start = 6, end = \"14:00\" }]",
              "shift[0].start: a number is not a time of day"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", days = [\"Mon\"] }]",
              "shift[0].days: \"Mon\" is not a day; write mon, tue,"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", days = [] }]",
              "shift[0].days: names no day"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", days = \"mon\" }]",
              "shift[0].days: must be a list of strings"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", breaks = [[\"05:00\", \"05:30\"]] }]",
              "shift[0].breaks: a break lies outside its shift"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", breaks = [[\"13:45\", \"14:15\"]] }]",
              "lies outside"},
        Wrong{"shift = [{ id = \"s\", start = \"22:00\", end = \"06:00\", breaks = [[\"05:45\", \"06:15\"]] }]",
              "lies outside"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", breaks = [[\"09:00\", \"09:00\"]] }]",
              "shift[0].breaks[0]: is empty"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", breaks = [\"09:00\"] }]",
              "shift[0].breaks[0]: must be a start and an end"},
        Wrong{"shift = [{ id = \"s\", start = \"06:00\", end = \"14:00\", breaks = [[\"9\", \"09:30\"]] }]",
              "shift[0].breaks[0][0]: \"9\" is not a time of day"},
        Wrong{"closure = [{ to = 2026-01-02 }]", "closure[0].from: is missing"},
        Wrong{"closure = [{ from = 2026-01-02, to = 2026-01-02 }]", "closure[0].to: is not after from"},
        Wrong{"closure = [{ from = 2026-01-01T00:00:00Z, to = 2026-01-02 }]",
              "closure[0].from: must be a date or time of the plant's wall clock without an offset"},
        Wrong{"closure = [{ from = \"2026-01-01T00:00:00Z\", to = 2026-01-02 }]",
              "closure[0].from: \"2026-01-01T00:00:00Z\" is not a date or time"},
        Wrong{"closure = [{ from = 2026-01-01, to = \"2026-02-30\" }]",
              "closure[0].to: \"2026-02-30\" is not a date"}));

/// Two shifts of one plan, and whether they may stand beside each other.
TEST(PlantToml, ReadsARotationOfShifts) {
  constexpr std::string_view kShift = "[[shift]]\nid = \"sat\"\nstart = \"06:00\"\nend = \"14:00\"\n";
  const auto toml = [&](std::string_view more) { return std::string{kShift} + std::string{more}; };
  const Plant plant = read(toml("every_weeks = 3\nweek_of = 2026-01-08"));
  const Shift& shift = plant.shifts.at(0);
  EXPECT_EQ(shift.every_weeks, 3);
  EXPECT_EQ(shift.week_of, 20461);             // days from 1970-01-01 to 2026-01-08, a Thursday
  for (std::int64_t day = 0; day < 42; ++day)  // from Monday, 2025-12-29
    EXPECT_EQ(shift.is_set_for(20451 + day), day / 7 == 1 || day / 7 == 4) << day;
  for (std::int64_t day = -24; day < 14; ++day)  // Monday, 1970-01-05, is 2922 weeks before: 974 rotations
    EXPECT_EQ(shift.is_set_for(day), (day >= 4 && day < 11) || (day >= -17 && day < -10)) << day;
  EXPECT_EQ(read(toml("")).shifts.at(0).every_weeks, 1);
  const auto again = parse_plant_json(boost::json::serialize(to_json(plant)));
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(*again, plant);
  EXPECT_THAT(problems(toml("every_weeks = 2")), HasSubstr("shift[0].week_of"));
  EXPECT_THAT(problems(toml("week_of = 2026-01-05")), HasSubstr("every_weeks"));
  for (const char* weeks : {"0", "9", "-2", "1.5"})
    EXPECT_THAT(problems(toml("every_weeks = " + std::string{weeks} + "\nweek_of = 2026-01-05")),
                HasSubstr("a whole number from 1 to 8"));
}

TEST(PlantJson, ThatIsStoredOutlivesItsTimeZone) {
  constexpr std::string_view kStored = R"({"plant":{"id":"P","timezone":"Mars/Olympus"},"machine":[{"id":"M"}]})";
  EXPECT_THAT(json_problems(kStored), HasSubstr("Mars/Olympus"));
  const auto plant = parse_stored_plant_json(kStored);
  ASSERT_TRUE(plant) << plant.error().context;
  EXPECT_EQ(plant->timezone, "Mars/Olympus");
  EXPECT_FALSE(parse_stored_plant_json(R"({"plant":{"colour":"red"}})"));
}

struct Pair {
  const char* first;
  const char* second;
  bool overlap;
};
void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.first << " | " << pair.second; }

class TwoShifts : public testing::TestWithParam<Pair> {};

TEST_P(TwoShifts, MayNotOverlap) {
  for (const auto& [a, b] :
       {std::pair{GetParam().first, GetParam().second}, std::pair{GetParam().second, GetParam().first}}) {
    const std::string toml =
        std::string("[plant]\ntimezone = \"Europe/Berlin\"\n[[machine]]\nid = \"M\"\n[[shift]]\nid = \"a\"\n") +
        a + "\n[[shift]]\nid = \"b\"\n" + b;
    const Result<Plant> plant = parse_plant_toml(toml, "plant.toml");
    EXPECT_EQ(!plant, GetParam().overlap) << toml << (plant ? "" : plant.error().context);
    if (!plant) {
      EXPECT_THAT(plant.error().context,
                  AllOf(HasSubstr("shift[1].start: \"b\" of "), HasSubstr("overlaps \"a\" of "),
                        HasSubstr("(shift[0]) in the plan of plant; mend")));
    }
  }
}

#define SHIFT(from, to) "start = \"" from "\"\nend = \"" to "\"\n"
INSTANTIATE_TEST_SUITE_P(
    OfOnePlan, TwoShifts,
    testing::Values(
        Pair{SHIFT("06:00", "14:00"), SHIFT("14:00", "22:00"), false},
        Pair{SHIFT("06:00", "14:00"), SHIFT("13:59:59", "22:00"), true},
        Pair{SHIFT("06:00", "14:00"), SHIFT("06:00", "14:00"), true},
        Pair{SHIFT("06:00", "14:00"), SHIFT("08:00", "09:00"), true},
        Pair{SHIFT("22:00", "06:00"), SHIFT("06:00", "14:00"), false},
        Pair{SHIFT("22:00", "06:00"), SHIFT("05:00", "14:00"), true},
        Pair{SHIFT("06:00", "06:00"), SHIFT("12:00", "13:00"), true},
        Pair{SHIFT("06:00", "06:00") "days = [\"mon\"]", SHIFT("06:00", "06:00") "days = [\"tue\"]", false},
        Pair{SHIFT("06:00", "06:00") "days = [\"sun\"]", SHIFT("05:00", "07:00") "days = [\"mon\"]",
             true},  // across the week
        Pair{SHIFT("22:00", "06:00") "days = [\"fri\"]", SHIFT("05:00", "12:00") "days = [\"sat\"]", true},
        Pair{SHIFT("22:00", "06:00") "days = [\"fri\"]", SHIFT("05:00", "12:00") "days = [\"fri\"]", false},
        Pair{SHIFT("06:00", "14:00") "days = [\"mon\"]", SHIFT("06:00", "12:00") "days = [\"fri\"]", false},
        Pair{SHIFT("06:00", "14:00"), SHIFT("06:00", "14:00") "scope = \"machine:M\"", false},
        // Rotations: weeks from Monday, whatever day of the week is named.
        Pair{SHIFT("06:00", "14:00") "every_weeks = 2\nweek_of = 2026-01-05",
             SHIFT("06:00", "14:00") "every_weeks = 2\nweek_of = 2026-01-12", false},
        Pair{SHIFT("06:00", "14:00") "every_weeks = 2\nweek_of = 2026-01-05",
             SHIFT("06:00", "14:00") "every_weeks = 2\nweek_of = 2025-12-28", true},
        Pair{SHIFT("06:00", "14:00") "every_weeks = 2\nweek_of = 2026-01-05", SHIFT("06:00", "14:00"), true},
        Pair{SHIFT("06:00", "14:00") "every_weeks = 2\nweek_of = 2026-01-05",
             SHIFT("06:00", "14:00") "every_weeks = 3\nweek_of = 2026-01-12", true},
        Pair{SHIFT("06:00", "14:00") "every_weeks = 4\nweek_of = 2026-01-05",
             SHIFT("06:00", "14:00") "every_weeks = 6\nweek_of = 2026-01-12", false},
        Pair{SHIFT("22:00", "06:00") "days = [\"sun\"]\nevery_weeks = 2\nweek_of = 2026-01-05",
             SHIFT("05:00", "06:00") "days = [\"mon\"]\nevery_weeks = 2\nweek_of = 2026-01-12", true},
        Pair{SHIFT("22:00", "06:00") "days = [\"sun\"]\nevery_weeks = 2\nweek_of = 2026-01-05",
             SHIFT("05:00", "06:00") "days = [\"mon\"]\nevery_weeks = 2\nweek_of = 2026-01-05", false},
        // Succession: the old plan to the new year of the wall clock, the new one from there.
        Pair{SHIFT("06:00", "14:00") "valid_to = 2026-01-01T00:00:00+01:00",
             SHIFT("07:00", "15:00") "valid_from = 2026-01-01T00:00:00+01:00", false},
        Pair{SHIFT("06:00", "14:00") "valid_to = 2026-01-02T00:00:00+01:00",
             SHIFT("07:00", "15:00") "valid_from = 2026-01-01T00:00:00+01:00", true},
        // The last night began before the change and runs into the first early shift.
        Pair{SHIFT("22:00", "06:00") "valid_to = 2026-01-01T00:00:00+01:00",
             SHIFT("05:00", "12:00") "valid_from = 2026-01-01T00:00:00+01:00", true},
        Pair{SHIFT("22:00", "06:00") "valid_to = 2026-01-01T00:00:00+01:00",
             SHIFT("23:00", "07:00") "valid_from = 2026-01-01T00:00:00+01:00", false},
        // One day together, but not a day on which both begin.
        Pair{SHIFT("06:00", "14:00") "days = [\"mon\"]\nvalid_to = 2026-01-08T00:00:00+01:00",
             SHIFT("06:00", "14:00") "valid_from = 2026-01-06T00:00:00+01:00", false}));
#undef SHIFT

TEST(PlantToml, LetsShiftsOfOneIdSucceedEachOther) {
  const Plant plant = read(R"(shift = [{ id = "early", start = "06:00", end = "14:00", days = ["mon"] },
                                       { id = "early", start = "06:00", end = "12:00", days = ["fri"] }])");
  EXPECT_EQ(plant.shifts.size(), 2U);
}

TEST(PlantToml, PutsABreakBeforeItsShiftsStartOnTheNextDay) {
  const Plant plant = read(
      R"(shift = [{ id = "n", start = "22:00", end = "06:00", breaks = [["05:45", "06:00"], ["22:00", "22:15"], ["23:50", "00:10"], ["23:30", "24:00"]] }])");
  EXPECT_EQ(plant.shifts.at(0).breaks.at(2), (Break{23h + 50min, 10min}));
  EXPECT_EQ(plant.shifts.at(0).breaks.at(3), (Break{23h + 30min, 0min}));
}

TEST(Scope, ReadsAndWritesItsFourKinds) {
  for (const char* text : {"plant", "area:A1", "line:L:1", "machine: M"})
    EXPECT_EQ(to_string(*parse_scope(text)), text);
  for (const char* text : {"", "plant:", "Plant", "machine", "machine:", "cell:1", "line"}) {
    EXPECT_FALSE(parse_scope(text).has_value()) << text;
  }
}

TEST(Plant, FindsItsPartsById) {
  const Plant plant = read(kContract);
  EXPECT_EQ(plant.machine("M1"), &plant.machines.at(0));
  EXPECT_EQ(plant.machine("m1"), nullptr);
  EXPECT_EQ(plant.line("L1"), &plant.lines.at(0));
  EXPECT_EQ(plant.line(""), nullptr);
  EXPECT_EQ(plant.area("A1"), &plant.areas.at(0));
  EXPECT_EQ(plant.reason("FAIL.MECH"), &plant.reasons.at(1));
  EXPECT_EQ(plant.reason("nothing"), nullptr);
}

TEST(EffectiveCategory, FollowsTheParents) {
  const Plant plant = read(kContract);
  EXPECT_EQ(effective_category(plant, *plant.reason("FAIL.MECH")), ReasonCategory::failure);
  EXPECT_EQ(effective_category(plant, *plant.reason("OPER")), ReasonCategory::operator_);
  EXPECT_EQ(effective_category(plant, *plant.reason("ELSE")), ReasonCategory::other);
}

TEST(EffectiveCategory, EndsEvenInACircle) {
  Plant plant;
  plant.reasons.resize(2);
  plant.reasons.at(0).code = plant.reasons.at(1).parent = "A";
  plant.reasons.at(1).code = plant.reasons.at(0).parent = "B";
  EXPECT_EQ(effective_category(plant, plant.reasons.at(0)), ReasonCategory::other);
}

TEST(MeaningOfState, KnowsTheBuiltInNames) {
  const auto category = [](std::string_view state) {
    const auto meaning = meaning_of_state(Plant{}, state);
    return meaning ? std::optional(meaning->category) : std::nullopt;
  };
  for (const char* state : {"running", "execute", "active"})
    EXPECT_EQ(category(state), TimeCategory::production) << state;
  EXPECT_EQ(category("setup"), TimeCategory::setup);
  EXPECT_EQ(category("planned_stop"), TimeCategory::planned_stop);
  for (const char* state : {"off", "unknown", "unavailable"})
    EXPECT_EQ(category(state), TimeCategory::unknown) << state;
  for (const char* state : {"idle",
                            "down",
                            "stopped",
                            "starting",
                            "suspending",
                            "suspended",
                            "unsuspending",
                            "stopping",
                            "aborting",
                            "aborted",
                            "clearing",
                            "holding",
                            "held",
                            "unholding",
                            "completing",
                            "complete",
                            "resetting",
                            "ready",
                            "interrupted",
                            "wait",
                            "feed_hold",
                            "optional_stop",
                            "program_stopped",
                            "program_completed",
                            "program_optional_stop"}) {
    EXPECT_EQ(category(state), TimeCategory::stop) << state;
  }
  for (const char* state : {"", "run", "running ", "fault", "plannedstop"})
    EXPECT_EQ(category(state), std::nullopt) << state;
}

TEST(MeaningOfState, SpellsBuiltInNamesInLowerCase) {
  EXPECT_EQ(meaning_of_state(Plant{}, "Feed_HOLD")->name, "feed_hold");
  EXPECT_EQ(meaning_of_state(Plant{}, "EXECUTE")->name, "execute");
}

TEST(MeaningOfState, LetsOwnNamesGoFirstAsTheyAreSpelled) {
  Plant plant;
  plant.states = {{"ACTIVE", TimeCategory::setup}, {"Rüsten", TimeCategory::setup}};
  EXPECT_EQ(meaning_of_state(plant, "active")->category, TimeCategory::setup);
  EXPECT_EQ(meaning_of_state(plant, "active")->name, "ACTIVE");
  EXPECT_EQ(meaning_of_state(plant, "RüSTEN")->name, "Rüsten");
  EXPECT_EQ(meaning_of_state(plant, "execute")->category, TimeCategory::production);
}

TEST(Categories, HaveTheNamesOfTheContract) {
  EXPECT_EQ(name_of(TimeCategory::production), "production");
  EXPECT_EQ(name_of(TimeCategory::planned_stop), "planned_stop");
  EXPECT_EQ(name_of(TimeCategory::unknown), "unknown");
  EXPECT_EQ(name_of(ReasonCategory::failure), "failure");
  EXPECT_EQ(name_of(ReasonCategory::operator_), "operator");
  EXPECT_EQ(name_of(ReasonCategory::other), "other");
}

}  // namespace
}  // namespace takt
