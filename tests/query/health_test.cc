// Health of small histories, worked out by hand.
#include "query/health.h"
#include "tests/engine/engine_store.h"

#include <nlohmann/json.hpp>

namespace takt {
namespace {

using nlohmann::json;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();

json healthy(const EngineStore& s, const std::string& scope = "machine:M1") {
  const auto found = health(s.store->read(), *parse_scope(scope), s.clock.now());
  return found ? json::parse(render_health(*found))["machines"] : json(found.error().context);
}
json part_of(const json& machine, std::string_view name) {
  for (const json& part : machine.at("parts")) {
    if (part.at("part") == name) return part;
  }
  return nullptr;
}
void expect_part(const json& machine, std::string_view name, double value, double score, double lost) {
  const json part = part_of(machine, name);
  EXPECT_NEAR(part.at("value").get<double>(), value, 1e-9) << name;
  EXPECT_NEAR(part.at("score").get<double>(), score, 1e-9) << name;
  EXPECT_NEAR(part.at("points_lost").get<double>(), lost, 1e-9) << name;
}

TEST(Health, IsWhatItsPartsLeaveOfAHundred) {
  EngineStore s{kMonday + days{1}};
  // A week without a stop. Then a day with a failure of six hours, three minor stops of a minute, and six hours of
  // which nothing is known; a twentieth of the pieces is scrap.
  s.commit({state("M1", kMonday - days{8}, "running"), state("M1", kMonday + hours{6}, "down", "FAIL"),
            state("M1", kMonday + hours{12}, "running"), state("M1", kMonday + hours{18}, "off"),
            count("M1", kMonday + hours{3}, 950, 50)});
  for (const int hour : {13, 14, 15})
    s.commit(
        {state("M1", kMonday + hours{hour}, "idle"), state("M1", kMonday + hours{hour} + minutes{1}, "running")});
  const json m1 = healthy(s).at(0);
  const double ran = 12 - 3 / 60.0, availability = ran / 18;  // hours; of the 18 known
  expect_part(m1, "availability", availability, availability, 30 * (1 - availability));
  expect_part(m1, "availability_trend", availability - 1, 0, 15);   // it fell by more than a fifth
  expect_part(m1, "failures", 1 / ran, 1 - 4 / ran, 20 * 4 / ran);  // none is left at one in four hours
  expect_part(m1, "minor_stops", 3 / ran, 1 - 0.5 / ran, 10 * 0.5 / ran);
  expect_part(m1, "rejects", 0.05, 0.5, 7.5);
  expect_part(m1, "data_coverage", 0.75, 0.75, 2.5);
  double left = 100;
  for (const json& part : m1["parts"]) left -= part["points_lost"].get<double>();
  EXPECT_NEAR(m1["score"].get<double>(), left, 1e-9);
  EXPECT_NEAR(left, 57.8037, 1e-4);
  EXPECT_EQ(m1["lowered_by"],
            json::parse(R"(["availability_trend","availability","rejects","failures","data_coverage",
                                              "minor_stops"])"));
}

TEST(Health, OfAPerfectDayIsAHundred) {
  EngineStore s{kMonday + days{1}};
  s.commit({state("M1", kMonday - days{9}, "running"), count("M1", kMonday, 10)});
  const json m1 = healthy(s).at(0);
  EXPECT_EQ(m1["score"], 100);
  EXPECT_EQ(m1["lowered_by"], json::array());
}

TEST(Health, JudgesOnlyWhatIsKnown) {
  Plant plant = small_plant();
  Closure closed;
  closed.from = {day_number(2026, 1, 5), Duration{0}}, closed.to = {day_number(2026, 1, 6), Duration{0}};
  plant.closures.push_back(closed);
  EngineStore s{kMonday + days{1}, plant};
  const json nothing = healthy(s).at(0);
  EXPECT_TRUE(nothing["score"].is_null()) << "nothing was planned, nothing was done";
  for (const json& part : nothing["parts"]) EXPECT_TRUE(part["score"].is_null()) << part;
  s.describe(small_plant());
  s.commit({state("M1", kMonday, "running")});
  const json m1 = healthy(s).at(0);
  EXPECT_EQ(m1["score"], 100);
  EXPECT_TRUE(part_of(m1, "availability_trend")["score"].is_null()) << "of the week before nothing is known";
  EXPECT_TRUE(part_of(m1, "rejects")["score"].is_null()) << "nothing was made";
}

TEST(Health, OfADayOfFailureHasNoRateAndNoPoints) {
  EngineStore s{kMonday + days{1}};
  s.commit({state("M1", kMonday - hours{1}, "down", "FAIL")});
  const json failures = part_of(healthy(s).at(0), "failures");
  EXPECT_TRUE(failures["value"].is_null());
  EXPECT_EQ(failures["score"], 0);
}

TEST(Health, ListsMachinesThatAreNotSwitchedOff) {
  Plant plant = small_plant();
  plant.machines[1].active = false;
  EngineStore s{kMonday + days{1}, plant};
  const json machines = healthy(s, "plant");
  ASSERT_EQ(machines.size(), 1U);
  EXPECT_EQ(machines[0]["machine"], "M1");
  EXPECT_EQ(healthy(s, "machine:M2").size(), 1U) << "unless it is asked for";
  EXPECT_EQ(health(s.store->read(), {Scope::Kind::area, "A9"}, s.clock.now()).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace takt
