// docs/questions.md: each call of its tables, asked as it stands there, has the answer worked out here by hand.
#include "tests/system/running_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "schema/time.h"

namespace takt::test {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;

// ---------------------------------------- the page

struct NamedCall {
  std::string method, target;
  std::string path() const { return target.substr(0, target.find('?')); }
};

/// What stands between single backticks.
std::vector<std::string> quoted_in(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t open = text.find('`'); open != std::string_view::npos; open = text.find('`')) {
    const std::size_t close = text.find('`', open + 1);
    words.emplace_back(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  return words;
}

/// A row of a table: the name that it begins with, its calls, and the fields that its last cell names.
struct PageRow {
  std::string name;
  std::vector<NamedCall> calls;
  std::vector<std::string> fields;

  explicit PageRow(std::string_view line) {
    const std::size_t last_cell = line.rfind('|', line.size() - 2);
    for (const std::string& word : quoted_in(line.substr(0, last_cell))) {
      const std::size_t space = word.find(' ');
      if (name.empty())
        name = word;
      else if (word.starts_with("GET /") || word.starts_with("POST /") || word.starts_with("PUT /"))
        calls.push_back({word.substr(0, space), word.substr(space + 1)});
    }
    fields = quoted_in(line.substr(last_cell));
  }
};

std::map<std::string, PageRow> rows_of_the_page() {
  std::ifstream page{"docs/questions.md"};
  std::map<std::string, PageRow> rows;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    const PageRow row{line};
    EXPECT_TRUE(rows.emplace(row.name, row).second) << row.name << " is there twice";
  }
  return rows;
}

/// The names of all members of an answer, however deep.
void collect_names(const Json& json, std::set<std::string>& names) {
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) names.insert(name);
  }
  if (json.is_structured()) {
    for (const Json& value : json) collect_names(value, names);
  }
}

// ---------------------------------------- the plant: two days of three machines

// An X takes 2 s on M1, a Y 4 s on M2, a Z 10 s on M3. 06:00 to 14:00 with a break from 10:00 to 10:30: 27000 s.
constexpr const char* kPlant = R"(
[plant]
id = "P1"
[[line]]
id = "L1"
[[line]]
id = "L2"
[[machine]]
id = "M1"
line = "L1"
ideal_cycle_s = 2.0
[[machine]]
id = "M2"
line = "L1"
ideal_cycle_s = 4.0
[[machine]]
id = "M3"
line = "L2"
ideal_cycle_s = 10.0
[[shift]]
id = "early"
start = "06:00"
end = "14:00"
breaks = [["10:00", "10:30"]]
[[reason]]
code = "FAIL.MECH"
name = "Mechanical failure"
category = "failure"
[[reason]]
code = "MAT"
name = "No material"
category = "material"
[[defect]]
code = "BURR"
name = "Burr"
[[defect]]
code = "SCRATCH"
name = "Scratch"
)";

Json order(const char* machine, const char* name, const char* action, const char* ts) {
  return {{"type", "order"}, {"machine", machine}, {"order", name}, {"action", action}, {"ts", ts}};
}

Json planned(Json order, const char* product, int quantity, const char* end) {
  order.update({{"product", product},
                {"quantity", quantity},
                {"planned_start", "2026-01-05T06:00:00Z"},
                {"planned_end", end}});
  return order;
}

Json state(const char* machine, const char* ts, const char* name, const char* reason = "") {
  Json event{{"type", "state"}, {"machine", machine}, {"ts", ts}, {"state", name}};
  if (*reason != '\0') event["reason"] = reason;
  return event;
}

Json made(const char* machine, const char* ts, const char* product, int good, int scrap = 0,
          const char* defect = "") {
  Json event{{"type", "count"}, {"machine", machine}, {"ts", ts}, {"product", product}, {"good", good}};
  if (scrap > 0) event["scrap"] = scrap;
  if (*defect != '\0') event["defect"] = defect;
  return event;
}

// Monday, the 5th, of planned operation time (POT) 27000 s each; planned busy time (PBT) is all of it:
//   M1  runs but for a failure 08-09 and no material 12:00-12:30: production (APT) 21600, delay 5400. Made 9720 X:
//       1500 good and 300 with burrs at 07:00; 7733 good, 186 scratched and a cycle of one piece at 13:30.
//       9234 good. Ideal times 9720 x 2 = 19440, 9234 x 2 = 18468. Availability .8, effectiveness .9, quality .95.
//   M2  setup 06:00-06:30, fails 13:00-14:00: setup 1800, APT 21600, delay 3600. Made 4860 Y, 4374 good, 86 with
//       burrs, 400 scratched: ideal times 19440 and 17496. Availability .8, effectiveness .9, quality .9.
//   M3  runs: APT 27000. Made 2430 Z, all good: ideal times 24300. Availability 1, effectiveness .9, quality 1.
// Tuesday, the 6th:
//   M1  runs: APT 27000. Made 12150 X, all good: ideal times 24300.
//   M2  fails 06-10, then runs: delay 14400, APT 12600. Made 3150 Y, 3000 good, 150 with burrs: 12600 and 12000.
//   M3  is off: time of which nothing is known, and none of it is busy.
std::vector<Json> two_days() {
  return {planned(order("M1", "O1", "plan", "2026-01-04T12:00:00Z"), "X", 9000, "2026-01-05T13:00:00Z"),
          planned(order("M2", "O2", "plan", "2026-01-04T12:00:00Z"), "Y", 4374, "2026-01-05T14:00:00Z"),
          order("M1", "O1", "start", "2026-01-05T06:00:00Z"),
          order("M2", "O2", "start", "2026-01-05T06:30:00Z"),
          state("M1", "2026-01-05T06:00:00Z", "running"),
          made("M1", "2026-01-05T07:00:00Z", "X", 1500, 300, "BURR"),
          state("M1", "2026-01-05T08:00:00Z", "down", "FAIL.MECH"),
          state("M1", "2026-01-05T09:00:00Z", "running"),
          state("M1", "2026-01-05T12:00:00Z", "idle", "MAT"),
          state("M1", "2026-01-05T12:30:00Z", "running"),
          made("M1", "2026-01-05T13:30:00Z", "X", 7733, 186, "SCRATCH"),
          Json{{"type", "cycle"},
               {"machine", "M1"},
               {"product", "X"},
               {"start", "2026-01-05T13:30:00Z"},
               {"end", "2026-01-05T13:30:02Z"}},
          state("M1", "2026-01-05T14:00:00Z", "off"),
          order("M1", "O1", "complete", "2026-01-05T14:00:00Z"),
          state("M2", "2026-01-05T06:00:00Z", "setup"),
          state("M2", "2026-01-05T06:30:00Z", "running"),
          made("M2", "2026-01-05T09:00:00Z", "Y", 2000, 86, "BURR"),
          made("M2", "2026-01-05T12:00:00Z", "Y", 2374, 400, "SCRATCH"),
          state("M2", "2026-01-05T13:00:00Z", "down", "FAIL.MECH"),
          state("M2", "2026-01-05T14:00:00Z", "off"),
          order("M2", "O2", "complete", "2026-01-05T14:00:00Z"),
          state("M3", "2026-01-05T06:00:00Z", "running"),
          made("M3", "2026-01-05T13:00:00Z", "Z", 2430),
          state("M3", "2026-01-05T14:00:00Z", "off"),
          state("M1", "2026-01-06T06:00:00Z", "running"),
          made("M1", "2026-01-06T13:00:00Z", "X", 12150),
          state("M1", "2026-01-06T14:00:00Z", "off"),
          state("M2", "2026-01-06T06:00:00Z", "down", "FAIL.MECH"),
          state("M2", "2026-01-06T10:00:00Z", "running"),
          made("M2", "2026-01-06T13:00:00Z", "Y", 3000, 150, "BURR"),
          state("M2", "2026-01-06T14:00:00Z", "off")};
}

class Questions : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server.wait_until_ready()); }

  /// The answers to the calls of a row, which all read, in their order.
  std::vector<Json> asked(const std::string& name) {
    std::vector<Json> answers;
    const auto row = rows.find(name);
    EXPECT_NE(row, rows.end()) << name << " is not on the page";
    if (row == rows.end()) return {{}};
    for (const NamedCall& call : row->second.calls) {
      if (call.method == "GET" && call.path() != "/v1/live") answers.push_back(client.json(call.target));
    }
    EXPECT_FALSE(answers.empty()) << name;
    return answers;
  }
  /// Whether all fields that the row names are there.
  void expect_fields(const std::string& name, const std::vector<Json>& answers) {
    std::set<std::string> names;
    for (const Json& answer : answers) collect_names(answer, names);
    for (const std::string& field : rows.at(name).fields)
      EXPECT_TRUE(names.contains(field)) << name << " has no " << field;
  }

  const std::map<std::string, PageRow> rows = rows_of_the_page();
  TemporaryFolder folder;
  RunningServer server{folder, kPlant};
  Client client{server};
};

class QuestionsOfTwoDays : public Questions {
 protected:
  void SetUp() override {
    Questions::SetUp();
    client.send(two_days());
  }
};

std::vector<Json> column(const Json& buckets, const char* field) {
  std::vector<Json> values;
  for (const Json& bucket : buckets) values.push_back(bucket.at(field));
  return values;
}

Json member_of(const Json& series, const std::string& scope) {
  for (const Json& one : series) {
    if (one.at("scope") == scope) return one.at("buckets");
  }
  ADD_FAILURE() << scope << " is not in " << series;
  return {};
}

// ---------------------------------------- the page is whole and true

TEST_F(Questions, HaveTheProceduresViewsAndSerializersOfAnSqlSystem) {
  const std::set<std::string> expected = {"sp_CalculateRealTimeOEE",
                                          "sp_CalculateHourlyRollups",
                                          "sp_CalculateShiftRollups",
                                          "sp_InsertMachineEvent",
                                          "sp_InsertMachineEventsBatch",
                                          "sp_CompleteCycle",
                                          "sp_GetDowntimePareto",
                                          "sp_GetOEETrends",
                                          "sp_CleanupOldData",
                                          "sp_VerifyOEESetup",
                                          "vw_CurrentShiftOEE",
                                          "vw_LinePerformance",
                                          "vw_MachineHealthIndicators",
                                          "vw_TopDowntimeReasons24h",
                                          "vw_TopQualityDefects7d",
                                          "vw_DailyOEETrends30d",
                                          "vw_MachineAvailabilityTrends72h",
                                          "vw_ProductionScheduleStatus",
                                          "CurrentShiftOEE",
                                          "LinePerformance",
                                          "TopDowntimeReasons",
                                          "MachineHealthIndicator",
                                          "MachineEventBatch",
                                          "ProductionCycle",
                                          "OEETrendData"};
  std::set<std::string> named;
  for (const auto& [name, row] : rows) named.insert(name);
  EXPECT_EQ(named, expected);
}

TEST_F(Questions, NameCallsAndParametersThatTheServerDescribes) {
  const Json paths = client.json("/openapi.json")["paths"];
  for (const auto& [name, row] : rows) {
    EXPECT_FALSE(row.calls.empty()) << name;
    EXPECT_FALSE(row.fields.empty()) << name;
    for (const NamedCall& call : row.calls) {
      std::string method = call.method;
      for (char& c : method) c = static_cast<char>(std::tolower(c));
      ASSERT_TRUE(paths.contains(call.path()) && paths[call.path()].contains(method))
          << name << ": there is no " << call.method << ' ' << call.path();
      std::set<std::string> known;
      for (const Json& p : paths[call.path()][method].value("parameters", Json::array()))
        known.insert(p["name"].get<std::string>());
      for (std::size_t at = call.target.find('?'); at != std::string::npos; at = call.target.find('&', at + 1)) {
        const std::string parameter = call.target.substr(at + 1, call.target.find('=', at) - at - 1);
        EXPECT_TRUE(known.contains(parameter)) << name << ": " << call.path() << " takes no " << parameter;
      }
    }
  }
}

TEST_F(QuestionsOfTwoDays, FindEveryFieldThatIsNamed) {
  for (const auto& [name, row] : rows) {
    const bool only_reads =
        std::all_of(row.calls.begin(), row.calls.end(), [](const NamedCall& c) { return c.method == "GET"; });
    if (only_reads) expect_fields(name, asked(name));
  }
}

// ---------------------------------------- procedures

TEST_F(QuestionsOfTwoDays, OeeOfAnyTime) {
  const Json bucket = asked("sp_CalculateRealTimeOEE")[0]["buckets"].at(0);
  // M1 from 06:20 to 08:30: runs 6000 s, fails 1800 s; 1800 pieces at 07:00, 1500 of them good.
  EXPECT_EQ(bucket["planned_busy_time_s"], 7800);
  EXPECT_EQ(bucket["actual_production_time_s"], 6000);
  EXPECT_EQ(bucket["actual_unit_delay_time_s"], 1800);
  EXPECT_EQ(bucket["availability"], 6000.0 / 7800);
  EXPECT_EQ(bucket["effectiveness"], 3600.0 / 6000);
  EXPECT_EQ(bucket["quality_ratio"], 3000.0 / 3600);
  EXPECT_EQ(bucket["oee"], 3000.0 / 7800);
}

TEST_F(QuestionsOfTwoDays, HoursOfAMachine) {
  const Json buckets = asked("sp_CalculateHourlyRollups")[0]["buckets"];
  // 06 to 13 o'clock; half of 10 o'clock is the break.
  EXPECT_THAT(column(buckets, "planned_operation_time_s"),
              ElementsAre(3600, 3600, 3600, 3600, 1800, 3600, 3600, 3600));
  EXPECT_THAT(column(buckets, "actual_production_time_s"),
              ElementsAre(3600, 3600, 0, 3600, 1800, 3600, 1800, 3600));
  EXPECT_THAT(column(buckets, "actual_unit_delay_time_s"), ElementsAre(0, 0, 3600, 0, 0, 0, 1800, 0));
  EXPECT_THAT(column(buckets, "unplanned_production_time_s"), ElementsAre(0, 0, 0, 0, 1800, 0, 0, 0));
  EXPECT_THAT(column(buckets, "produced_quantity"), ElementsAre(0, 1800, 0, 0, 0, 0, 0, 7920));
  EXPECT_THAT(column(buckets, "stops"), ElementsAre(0, 0, 1, 0, 0, 0, 1, 0));
}

TEST_F(QuestionsOfTwoDays, ShiftsOfALine) {
  const Json buckets = asked("sp_CalculateShiftRollups")[0]["buckets"];
  EXPECT_THAT(column(buckets, "shift"), ElementsAre("early", "early"));
  EXPECT_THAT(column(buckets, "business_date"), ElementsAre("2026-01-05", "2026-01-06"));
  EXPECT_THAT(column(buckets, "open"), ElementsAre(false, false));
  EXPECT_THAT(column(buckets, "planned_busy_time_s"), ElementsAre(54000, 54000));
  EXPECT_THAT(column(buckets, "actual_production_time_s"), ElementsAre(43200, 39600));
  EXPECT_THAT(column(buckets, "actual_unit_setup_time_s"), ElementsAre(1800, 0));
  EXPECT_THAT(column(buckets, "actual_unit_delay_time_s"), ElementsAre(9000, 14400));
  EXPECT_THAT(column(buckets, "ideal_production_time_s"), ElementsAre(38880, 36900));
  EXPECT_THAT(column(buckets, "ideal_good_time_s"), ElementsAre(35964, 36300));
  EXPECT_THAT(column(buckets, "oee"), ElementsAre(35964.0 / 54000, 36300.0 / 54000));
}

TEST_F(Questions, OneEventIsTakenInOnce) {
  const std::string target = rows.at("sp_InsertMachineEvent").calls.at(0).target;
  const std::string event = state("M1", "2026-01-05T06:00:00Z", "running").dump();
  const HttpReply reply = client.post(target, event, "application/json");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json answer = json_of(reply);
  expect_fields("sp_InsertMachineEvent", {answer});
  EXPECT_EQ(answer["accepted"], 1);
  EXPECT_EQ(answer["rejected"], 0);
  EXPECT_EQ(json_of(client.post(target, event, "application/json"))["duplicate"], 1);
  EXPECT_EQ(
      client.json(
          "/v1/timeline?machine=M1&from=2026-01-05T06:00:00Z&to=2026-01-05T07:00:00Z")["intervals"][0]["state"],
      "running");
}

TEST_F(Questions, OfABatchTheGoodEventsAreTakenInAndTheOthersNamed) {
  for (const char* name : {"sp_InsertMachineEventsBatch", "MachineEventBatch"}) {
    const std::string target = rows.at(name).calls.at(0).target;
    std::vector<Json> events = two_days();
    events.insert(events.begin() + 5, state("M9", "2026-01-05T06:00:00Z", "running"));
    const HttpReply reply = client.post(target, ndjson(events));
    ASSERT_EQ(reply.status, 200) << reply.body;
    const Json answer = json_of(reply);
    const bool again = std::string{name} == "MachineEventBatch";
    expect_fields(name, {answer});
    EXPECT_EQ(answer[again ? "duplicate" : "accepted"], two_days().size());
    EXPECT_EQ(answer["rejected"], 1);
    EXPECT_EQ(answer["rejects"][0]["index"], 5);
    EXPECT_EQ(answer["rejects"][0]["code"], "unknown_machine");
  }
}

TEST_F(QuestionsOfTwoDays, ACycleAddsItsPieces) {
  // 1800 + 7919 were counted; one more is of a cycle.
  const Json before = asked("sp_CompleteCycle")[0]["items"].at(0);
  EXPECT_EQ(before["product"], "X");
  EXPECT_EQ(before["produced_quantity"], 9720);
  EXPECT_EQ(before["good_quantity"], 9234);
  EXPECT_EQ(before["ideal_production_time_s"], 19440);
  Json cycle{{"type", "cycle"},
             {"machine", "M1"},
             {"start", "2026-01-05T13:40:00Z"},
             {"end", "2026-01-05T13:40:04Z"},
             {"product", "X"},
             {"order", "O1"},
             {"good", 3},
             {"scrap", 1}};
  const HttpReply reply =
      client.post(rows.at("ProductionCycle").calls.at(0).target, cycle.dump(), "application/json");
  expect_fields("ProductionCycle", {json_of(reply)});
  EXPECT_EQ(json_of(reply)["accepted"], 1);
  const std::vector<Json> answers = asked("sp_CompleteCycle");
  expect_fields("sp_CompleteCycle", answers);
  const Json after = answers[0]["items"].at(0);
  EXPECT_EQ(after["produced_quantity"], 9724);
  EXPECT_EQ(after["good_quantity"], 9237);
  EXPECT_EQ(after["ideal_production_time_s"], 19448);
}

TEST_F(QuestionsOfTwoDays, StopsByReasonCategoryAndMachine) {
  const std::vector<Json> by = asked("sp_GetDowntimePareto");
  ASSERT_EQ(by.size(), 3U);
  // Failures 3600 of M1, 3600 and 14400 of M2; no material 1800 of M1.
  for (const Json& pareto : by) EXPECT_EQ(pareto["total_time_s"], 23400);
  EXPECT_THAT(column(by[0]["items"], "key"), ElementsAre("FAIL.MECH", "MAT"));
  EXPECT_THAT(column(by[0]["items"], "name"), ElementsAre("Mechanical failure", "No material"));
  EXPECT_THAT(column(by[0]["items"], "time_s"), ElementsAre(21600, 1800));
  EXPECT_THAT(column(by[0]["items"], "count"), ElementsAre(3, 1));
  EXPECT_THAT(column(by[0]["items"], "share"), ElementsAre(21600.0 / 23400, 1800.0 / 23400));
  EXPECT_THAT(column(by[0]["items"], "cumulative_share"), ElementsAre(21600.0 / 23400, 1));
  EXPECT_THAT(column(by[1]["items"], "key"), ElementsAre("failure", "material"));
  EXPECT_THAT(column(by[2]["items"], "key"), ElementsAre("M2", "M1"));
  EXPECT_THAT(column(by[2]["items"], "time_s"), ElementsAre(18000, 5400));
  EXPECT_THAT(column(by[2]["items"], "count"), ElementsAre(2, 2));
}

TEST_F(QuestionsOfTwoDays, TrendsInEveryGrain) {
  const std::vector<Json> grains = asked("sp_GetOEETrends");
  ASSERT_EQ(grains.size(), 4U);
  EXPECT_THAT(column(grains[0]["buckets"], "oee"), ElementsAre(35964.0 / 54000, 36300.0 / 54000));
  for (std::size_t i = 1; i < grains.size(); ++i) {
    ASSERT_EQ(grains[i]["buckets"].size(), 1U) << grains[i]["grain"];
    const Json bucket = grains[i]["buckets"][0];
    EXPECT_EQ(bucket["planned_busy_time_s"], 108000);  // 54000 + 54000
    EXPECT_EQ(bucket["ideal_good_time_s"], 72264);     // 35964 + 36300
    EXPECT_EQ(bucket["oee"], 72264.0 / 108000);
  }
}

TEST_F(Questions, OldDataGoesWhenThePlantSaysSo) {
  const Timestamp now = Clock::system().now();
  const auto reading = [&](hours ago) {
    return Json{
        {"type", "reading"}, {"machine", "M1"}, {"tag", "load"}, {"ts", format_time(now - ago)}, {"value", 1.5}};
  };
  client.send({reading(hours{24 * 40}), reading(hours{24 * 39}), reading(hours{1})});
  const std::string target = rows.at("sp_CleanupOldData").calls.at(0).target;
  const HttpReply reply =
      client.put(target, std::string{kPlant} + "[retention]\nreadings = 30\n", "application/toml");
  ASSERT_EQ(reply.status, 200) << reply.body;
  std::string outcome;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (outcome.find("went") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    const Json status = asked("sp_CleanupOldData")[0];
    for (const Json& job : status["jobs"]) {
      if (job["name"] == "retention") outcome = job["outcome"];
    }
  }
  EXPECT_THAT(outcome, HasSubstr("2 went"));
  EXPECT_EQ(asked("sp_CleanupOldData")[1]["items"].back()["action"], "plant.change");
  const std::string all = "/v1/series?machine=M1&tag=load&from=" + format_time(now - hours{24 * 60});
  EXPECT_EQ(client.json(all)["points"].size(), 1U);
}

TEST_F(QuestionsOfTwoDays, WhetherAllIsInOrder) {
  const std::string target = rows.at("sp_VerifyOEESetup").calls.at(0).target;
  const HttpReply wrong = client.put(target, "[[machine]]\nline = \"L9\"\n", "application/toml");
  EXPECT_THAT(expect_problem(wrong, 400), testing::AllOf(HasSubstr("id"), HasSubstr("L9")));
  const HttpReply right = client.put(target, kPlant, "application/toml");
  EXPECT_EQ(right.status, 200) << right.body;
  EXPECT_EQ(json_of(right)["dry_run"], true);
  std::vector<Json> answers = asked("sp_VerifyOEESetup");
  ASSERT_EQ(answers.size(), 3U);
  answers.push_back(json_of(wrong));
  expect_fields("sp_VerifyOEESetup", answers);
  EXPECT_EQ(answers[0]["status"], "ready");
  EXPECT_EQ(answers[1]["share"], 1);
  EXPECT_TRUE(answers[1]["rejects_by_code"].empty());
  double production = 0, produced = 0;
  for (const Json& interval : answers[2]["intervals"]) {
    if (interval["element"] == "actual_production_time") production += interval["time_s"].get<double>();
  }
  for (const Json& count : answers[2]["counts"]) produced += count["produced_quantity"].get<double>();
  EXPECT_EQ(production, 21600);
  EXPECT_EQ(produced, 9720);
  EXPECT_EQ(answers[2]["figure"]["actual_production_time_s"], 21600);
  EXPECT_EQ(answers[2]["figure"]["produced_quantity"], 9720);
  EXPECT_EQ(server.stop(), 0);
  for (const char* command : {"doctor", "verify"})
    EXPECT_EQ(run_takt({command, "--data", folder.data().string()}).status, 0) << command;
}

// ---------------------------------------- views

TEST_F(QuestionsOfTwoDays, LinesAndTheMachineThatHoldsOneUp) {
  const std::vector<Json> answers = asked("vw_LinePerformance");
  ASSERT_EQ(answers.size(), 2U);
  const Json l1 = member_of(answers[0]["series"], "line:L1")[0],
             l2 = member_of(answers[0]["series"], "line:L2")[0];
  EXPECT_EQ(l1["planned_busy_time_s"], 54000);
  EXPECT_EQ(l1["availability"], 0.8);               // 43200 / 54000
  EXPECT_EQ(l1["effectiveness"], 0.9);              // 38880 / 43200
  EXPECT_EQ(l1["quality_ratio"], 35964.0 / 38880);  // .925
  EXPECT_EQ(l1["oee"], 35964.0 / 54000);            // .666
  EXPECT_EQ(l1["produced_quantity"], 9720 + 4860);
  EXPECT_EQ(l2["oee"], 0.9);                                                            // 24300 / 27000
  EXPECT_EQ(member_of(answers[1]["series"], "machine:M1")[0]["oee"], 18468.0 / 27000);  // .684
  EXPECT_EQ(member_of(answers[1]["series"], "machine:M2")[0]["oee"], 17496.0 / 27000);  // .648: it holds L1 up
}

TEST_F(QuestionsOfTwoDays, StopsOfADay) {
  const Json pareto = asked("vw_TopDowntimeReasons24h")[0];
  // Monday's: failures 3600 of M1 and 3600 of M2, no material 1800 of M1.
  EXPECT_THAT(column(pareto["items"], "key"), ElementsAre("FAIL.MECH", "MAT"));
  EXPECT_THAT(column(pareto["items"], "time_s"), ElementsAre(7200, 1800));
  EXPECT_THAT(column(pareto["items"], "count"), ElementsAre(2, 1));
  EXPECT_THAT(column(pareto["items"], "share"), ElementsAre(0.8, 0.2));
  EXPECT_EQ(pareto["total_time_s"], 9000);
  EXPECT_EQ(asked("TopDowntimeReasons")[0], pareto);
}

TEST_F(QuestionsOfTwoDays, DefectsOfAWeek) {
  const Json pareto = asked("vw_TopQualityDefects7d")[0];
  EXPECT_THAT(column(pareto["items"], "key"), ElementsAre("SCRATCH", "BURR"));
  EXPECT_THAT(column(pareto["items"], "name"), ElementsAre("Scratch", "Burr"));
  EXPECT_THAT(column(pareto["items"], "quantity"), ElementsAre(586, 536));  // 186 + 400, 300 + 86 + 150
  EXPECT_THAT(column(pareto["items"], "share"), ElementsAre(586.0 / 1122, 536.0 / 1122));
  EXPECT_EQ(pareto["total_quantity"], 1122);
}

TEST_F(QuestionsOfTwoDays, DaysOfAMonth) {
  const Json buckets = asked("vw_DailyOEETrends30d")[0]["buckets"];
  ASSERT_EQ(buckets.size(), 30U);
  for (std::size_t day = 0; day < 28; ++day) EXPECT_TRUE(buckets[day]["oee"].is_null()) << buckets[day]["start"];
  EXPECT_EQ(buckets[28]["business_date"], "2026-01-05");
  EXPECT_EQ(buckets[28]["oee"], 60264.0 / 81000);  // 35964 + M3's 24300; 54000 + 27000
  EXPECT_EQ(buckets[29]["business_date"], "2026-01-06");
  EXPECT_EQ(buckets[29]["oee"], 36300.0 / 54000);  // M3 is off
  const Json shifts = asked("OEETrendData")[0]["buckets"];
  EXPECT_THAT(column(shifts, "oee"), ElementsAre(60264.0 / 81000, 36300.0 / 54000));
}

TEST_F(QuestionsOfTwoDays, AvailabilityByHourAndMachine) {
  const Json series = asked("vw_MachineAvailabilityTrends72h")[0]["series"];
  // From Sunday 14:00 on, 72 hours: Monday 06:00 is the 16th, Tuesday 06:00 the 40th.
  const auto availability = [&](const char* machine, std::size_t from, std::size_t count) {
    const std::vector<Json> all = column(member_of(series, std::string{"machine:"} + machine), "availability");
    EXPECT_EQ(all.size(), 72U);
    return std::vector<Json>(all.begin() + static_cast<int>(from), all.begin() + static_cast<int>(from + count));
  };
  EXPECT_THAT(availability("M1", 16, 8), ElementsAre(1, 1, 0, 1, 1, 1, 0.5, 1));
  EXPECT_THAT(availability("M2", 16, 8), ElementsAre(0.5, 1, 1, 1, 1, 1, 1, 0));
  EXPECT_THAT(availability("M3", 16, 8), testing::Each(1));
  EXPECT_THAT(availability("M1", 40, 8), testing::Each(1));
  EXPECT_THAT(availability("M2", 40, 8), ElementsAre(0, 0, 0, 0, 1, 1, 1, 1));
  EXPECT_THAT(availability("M3", 40, 8), testing::Each(Json{}));
  EXPECT_THAT(availability("M1", 0, 16), testing::Each(Json{}));
}

TEST_F(QuestionsOfTwoDays, OrdersAndWhatBecameOfThem) {
  const Json schedule = asked("vw_ProductionScheduleStatus")[0];
  ASSERT_EQ(schedule["orders"].size(), 2U);
  const Json o1 = schedule["orders"][0], o2 = schedule["orders"][1];
  EXPECT_EQ(o1["order"], "O1");
  EXPECT_EQ(o1["status"], "completed_late");
  EXPECT_EQ(o1["lateness_s"], 3600);  // 14:00 instead of 13:00
  EXPECT_EQ(o1["good_quantity"], 9234);
  EXPECT_EQ(o1["completion"], 9234.0 / 9000);
  EXPECT_EQ(o2["order"], "O2");
  EXPECT_EQ(o2["status"], "completed");
  EXPECT_EQ(o2["actual_start"], "2026-01-05T06:30:00Z");
  EXPECT_EQ(o2["lateness_s"], 0);
  EXPECT_EQ(o2["completion"], 1);
  EXPECT_EQ(schedule["totals"]["adherence"], 0.5);
  EXPECT_EQ(schedule["totals"]["quantity_adherence"], 13608.0 / 13374);  // 9234 + 4374; 9000 + 4374
}

TEST_F(QuestionsOfTwoDays, ALineAsOneBucket) {
  const Json answer = asked("LinePerformance")[0];
  EXPECT_EQ(answer["scope"], "line:L1");
  EXPECT_EQ(answer["buckets"][0]["oee"], 35964.0 / 54000);
  EXPECT_EQ(answer["buckets"][0]["actual_unit_delay_time_s"], 9000);
  EXPECT_EQ(answer["buckets"][0]["stops"], 3);
}

// ---------------------------------------- of now

/// One machine whose shift of 16 hours began 12 to 13 hours ago, so that it lasts, whatever the time of day:
///   runs 4 h, fails 1 h, runs 4 h, then nothing is known. APT 28800, PBT 32400 s. An ideal cycle of 1 s, 25920
///   pieces, 24624 of them good: availability 8/9, effectiveness .9, quality .95, OEE .76.
class QuestionsOfNow : public Questions {
 protected:
  void SetUp() override {
    Questions::SetUp();
    const auto clock_time = [&](Timestamp t) { return '"' + format_time(t).substr(11, 5) + '"'; };
    const std::string plant =
        "[plant]\nid = \"P1\"\n[[machine]]\nid = \"M1\"\nideal_cycle_s = 1.0\n[[shift]]\nid = \"now\"\nstart = " +
        clock_time(begin) + "\nend = " + clock_time(begin + hours{16}) +
        "\n[[reason]]\ncode = \"JAM\"\ncategory = \"failure\"\n";
    const HttpReply changed = client.put("/v1/plant", plant, "application/toml");
    ASSERT_EQ(changed.status, 200) << changed.body;
    client.send({state("M1", at(0).c_str(), "running"), made("M1", at(1).c_str(), "X", 24624, 1296),
                 state("M1", at(4).c_str(), "down", "JAM"), state("M1", at(5).c_str(), "running"),
                 state("M1", at(9).c_str(), "off")});
  }
  std::string at(int hour) const { return format_time(begin + hours{hour}); }

  const Timestamp begin = std::chrono::floor<hours>(Clock::system().now()) - hours{12};
};

TEST_F(QuestionsOfNow, TheRunningShiftOfEveryMachine) {
  for (const char* name : {"vw_CurrentShiftOEE", "CurrentShiftOEE"}) {
    const Json machines = asked(name)[0]["machines"];
    ASSERT_EQ(machines.size(), 1U);
    const Json& m1 = machines[0];
    EXPECT_EQ(m1["machine"], "M1");
    EXPECT_EQ(m1["state"], "off");
    EXPECT_EQ(m1["category"], "unknown");
    EXPECT_EQ(m1["since"], at(9));
    EXPECT_EQ(m1["product"], "X");
    EXPECT_EQ(m1["shift"], "now");
    EXPECT_EQ(m1["start"], at(0));
    EXPECT_EQ(m1["end"], at(16));
    EXPECT_EQ(m1["open"], true);
    EXPECT_EQ(m1["planned_busy_time_s"], 32400);
    EXPECT_EQ(m1["availability"], 8.0 / 9);
    EXPECT_EQ(m1["effectiveness"], 0.9);
    EXPECT_EQ(m1["quality_ratio"], 0.95);
    EXPECT_EQ(m1["oee"], 0.76);
  }
}

TEST_F(QuestionsOfNow, HealthAndWhatLowersIt) {
  for (const char* name : {"vw_MachineHealthIndicators", "MachineHealthIndicator"}) {
    const Json m1 = asked(name)[0]["machines"].at(0);
    std::map<std::string, Json> parts;
    for (const Json& part : m1["parts"]) parts[part["part"]] = part;
    EXPECT_EQ(parts["availability"]["value"], 8.0 / 9);
    EXPECT_TRUE(parts["availability_trend"]["value"].is_null()) << "nothing is known of the week before";
    EXPECT_EQ(parts["failures"]["value"], 0.125);  // one in 8 h of operation
    EXPECT_EQ(parts["failures"]["score"], 0.5);    // of 0.25, the worst
    EXPECT_EQ(parts["minor_stops"]["score"], 1);
    EXPECT_NEAR(parts["rejects"]["value"].get<double>(), 0.05, 1e-12);
    EXPECT_NEAR(parts["rejects"]["score"].get<double>(), 0.5, 1e-12);
    // Any 24 hours hold 16 of the shift; 9 of them are known.
    EXPECT_NEAR(parts["data_coverage"]["value"].get<double>(), 9.0 / 16, 1e-12);
    // Weights 30, 20, 10, 15 and 10 of 85, since the trend has none.
    EXPECT_NEAR(m1["score"].get<double>(), 100 * (30 * 8.0 / 9 + 20 * 0.5 + 10 + 15 * 0.5 + 10 * 9.0 / 16) / 85,
                1e-9);
    EXPECT_THAT(m1["lowered_by"], ElementsAre("failures", "rejects", "data_coverage", "availability"));
  }
}

}  // namespace
}  // namespace takt::test
