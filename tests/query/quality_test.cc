// Figures of inspections, worked out by hand.
#include "query/quality.h"

#include "query/oee.h"
#include "tests/engine/engine_store.h"

#include <cmath>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace takt {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();
const TimeRange kDay{kMonday, kMonday + hours{24}};

Timestamp at(int minute) { return kMonday + minutes{minute}; }

Event measured(double value, int minute, std::string_view serial = {}, std::string_view result = {}) {
  Event e = event_at(EventType::quality, "M1", at(minute));
  e.characteristic = "diameter", e.value = {Value::Kind::number, value, {}}, e.serial = serial, e.result = result;
  return e;
}

json quality_of(const EngineStore& s, QualityRequest request = {}) {
  request.machine = "M1";
  if (request.characteristic.empty()) request.characteristic = "diameter";
  request.range = kDay;
  const auto found = quality(s.store->read(), request, s.clock.now());
  if (!found) return found.error().context;
  return json::parse(render_quality(*found));
}

TEST(Capability, IsThatOfTheHandbook) {  // NIST/SEMATECH e-Handbook 6.1.6
  const Capability c = capability(16, 2, 2, 8, 20, 14);
  EXPECT_NEAR(*c.cp, 1.0, 1e-12);
  EXPECT_NEAR(*c.cpk, 0.6667, 1e-4);
  EXPECT_NEAR(*c.cpu, 0.6667, 1e-4);
  EXPECT_NEAR(*c.cpl, 1.3333, 1e-4);
  EXPECT_NEAR(*c.cpm, 0.7071, 1e-4);
  EXPECT_NEAR(*c.pp, 1.0, 1e-12);
}

TEST(Capability, OfOneLimitIsOneSidedAndOfNoneIsNone) {
  const Capability upper = capability(16, 2, 4, std::nullopt, 20, 14);
  EXPECT_FALSE(upper.cp || upper.pp || upper.cpm || upper.cpl);
  EXPECT_NEAR(*upper.cpk, 4.0 / 6, 1e-12);
  EXPECT_NEAR(*upper.ppk, 4.0 / 12, 1e-12);
  const Capability none = capability(16, 2, 4, std::nullopt, std::nullopt, 14);
  EXPECT_FALSE(none.cpk || none.ppk);
  const Capability flat = capability(16, 0, 0, 8, 20, 14);
  EXPECT_FALSE(flat.cp || flat.cpk || flat.pp || flat.cpm);
}

TEST(SigmaLevel, Of25000DefectsAMillionIsThatOfTheTables) {
  EXPECT_NEAR(*sigma_level(25'000), 3.46, 5e-3);
  EXPECT_NEAR(*sigma_level(3.4), 6.0, 1e-2);
  EXPECT_FALSE(sigma_level(0));
}

TEST(Quality, OfSubgroupsInARowLeavesTheLastShortOneOut) {
  EngineStore s{kMonday + hours{24}};
  // Ranges 2, 4 and 3; means 11, 12 and 11.5; a fourth subgroup has one of two.
  int minute = 0;
  for (const double value : {10.0, 12.0, 10.0, 14.0, 13.0, 10.0, 30.0}) s.commit({measured(value, minute++)});
  QualityRequest request;
  request.subgroup_size = 2, request.lsl = 5, request.usl = 20, request.target = 12;
  const json q = quality_of(s, request);
  EXPECT_EQ(q["n"], 7);
  EXPECT_EQ(q["subgroup_size"], 2);
  EXPECT_DOUBLE_EQ(q["mean"], 99.0 / 7);
  const double sigma = 3 / 1.12838;
  EXPECT_NEAR(q["sigma_within"], sigma, 1e-9);
  EXPECT_NEAR(q["cp"], 15 / (6 * sigma), 1e-9);
  EXPECT_NEAR(q["cpk"], (20 - 99.0 / 7) / (3 * sigma), 1e-9);
  ASSERT_EQ(q["charts"].size(), 2U);
  const json xbar = q["charts"][0], r = q["charts"][1];
  EXPECT_EQ(xbar["kind"], "xbar");
  EXPECT_EQ(xbar["points"].size(), 3U);
  EXPECT_EQ(xbar["points"][1], json::array({"2026-01-05T00:02:00Z", 12.0}));
  EXPECT_DOUBLE_EQ(xbar["center"], 11.5);
  EXPECT_NEAR(xbar["ucl"], 11.5 + 1.880 * 3, 3e-3);
  EXPECT_EQ(r["kind"], "r");
  EXPECT_DOUBLE_EQ(r["center"], 3);
  EXPECT_NEAR(r["ucl"], 3.267 * 3, 3e-3);
  EXPECT_EQ(r["lcl"], 0);
}

TEST(Quality, OfSingleValuesIsByTheMovingRange) {
  EngineStore s{kMonday + hours{24}};
  int minute = 0;
  for (const double value : {10.0, 12.0, 11.0, 13.0}) s.commit({measured(value, minute++)});
  const json q = quality_of(s);
  const double mr = (2 + 1 + 2) / 3.0;
  EXPECT_NEAR(q["sigma_within"], mr / 1.128, 1e-12);
  EXPECT_EQ(q["charts"][0]["kind"], "x");
  EXPECT_NEAR(q["charts"][0]["ucl"], 11.5 + 2.66 * mr, 1e-2);
  EXPECT_EQ(q["charts"][1]["kind"], "mr");
  EXPECT_EQ(q["charts"][1]["points"].size(), 3U);
  EXPECT_TRUE(q["cp"].is_null());
}

TEST(Quality, NamedSubgroupsGoTogetherInWhateverOrderTheyCome) {
  EngineStore s{kMonday + hours{24}};
  const auto in = [](std::string_view group, double value, int minute) {
    Event e = measured(value, minute);
    e.subgroup = group;
    return e;
  };
  s.commit({in("b", 5, 3), in("a", 1, 0)});
  s.commit({in("a", 3, 2), in("b", 9, 1)});
  const json q = quality_of(s);
  EXPECT_EQ(q["subgroup_size"], 2) << "as they mostly are";
  EXPECT_EQ(q["charts"][0]["points"],
            json::array({json::array({"2026-01-05T00:00:00Z", 2.0}), json::array({"2026-01-05T00:01:00Z", 7.0})}));
}

TEST(Quality, YieldsAreOfSerialsAtTheirFirstInspection) {
  EngineStore s{kMonday + hours{24}};
  Event before = measured(1, 0, "S1", "fail");
  before.at = kMonday - hours{1};
  s.commit({before, measured(1, 1, "S1", "pass"), measured(1, 2, "S2", "fail"), measured(1, 3, "S2", "pass"),
            measured(1, 4, "S3", "pass"), measured(1, 5, "S4", "pass"), measured(1, 6, {}, "pass")});
  const json q = quality_of(s);
  EXPECT_EQ(q["inspected"], 4);
  EXPECT_EQ(q["first_pass"], 2) << "S1 failed before the range, S2 in it";
  EXPECT_EQ(q["fpy"], 0.5);
  EXPECT_EQ(q["dpu"], 0.25);
  EXPECT_EQ(q["dpmo"], 250'000);
  EXPECT_EQ(q["ppm"], 250'000) << "S2 alone failed in the range";
}

TEST(Quality, WithdrawnAndCorrectedInspectionsAreWhatTheyAreNow) {
  EngineStore s{kMonday + hours{24}};
  s.commit({measured(10, 0), measured(99, 1), measured(12, 2)});
  Event gone = measured(99, 1);
  gone.deleted = true, gone.revision = 1;
  Event other = measured(14, 2);
  other.revision = 1;
  s.commit({gone, other});
  const json q = quality_of(s);
  EXPECT_EQ(q["n"], 2);
  EXPECT_EQ(q["mean"], 12);
}

TEST(Quality, WithoutAnythingIsNothing) {
  EngineStore s{kMonday + hours{24}};
  const json q = quality_of(s);
  EXPECT_EQ(q["n"], 0);
  for (const char* name : {"fpy", "rty", "dpu", "dpmo", "ppm", "mean", "sigma_within", "sigma_overall", "cp",
                           "cpk", "pp", "ppk", "cpm"})
    EXPECT_TRUE(q[name].is_null()) << name;
  EXPECT_TRUE(q["charts"].empty());
  s.commit({measured(10, 0)});
  const json one = quality_of(s);
  EXPECT_EQ(one["mean"], 10);
  EXPECT_TRUE(one["sigma_within"].is_null());
  EXPECT_EQ(one["charts"].size(), 1U);
}

TEST(Quality, ChartsOfFailuresHaveBinomialAndPoissonLimits) {
  EngineStore s{kMonday + hours{24}};
  const std::vector<std::string> lots{"lot0", "lot1", "lot2", "lot3"};
  for (int group = 0; group < 4; ++group) {
    Event good = measured(1, group * 10, {}, "pass"), bad = measured(1, group * 10 + 1, {}, "fail");
    good.subgroup = bad.subgroup = lots[static_cast<std::size_t>(group)];
    bad.quantity = 10 + group * 2, good.quantity = 100 - bad.quantity;
    s.commit({good, bad});
  }
  const auto chart = [&](AttributeChart kind) {
    QualityRequest request;
    request.chart = kind;
    return quality_of(s, request)["charts"][0];
  };
  const double p = 52.0 / 400;
  EXPECT_NEAR(chart(AttributeChart::p)["center"], p, 1e-12);
  EXPECT_NEAR(chart(AttributeChart::p)["ucl"], p + 3 * std::sqrt(p * (1 - p) / 100), 1e-12);
  EXPECT_NEAR(chart(AttributeChart::np)["center"], 13, 1e-12);
  EXPECT_NEAR(chart(AttributeChart::np)["ucl"], 13 + 3 * std::sqrt(13 * (1 - p)), 1e-12);
  EXPECT_NEAR(chart(AttributeChart::c)["ucl"], 13 + 3 * std::sqrt(13.0), 1e-12);
  EXPECT_NEAR(chart(AttributeChart::u)["lcl"], 0.13 - 3 * std::sqrt(0.13 / 100), 1e-12);
  EXPECT_EQ(chart(AttributeChart::np)["points"][3][1], 16);
}

TEST(DefectParetoOf, CountsAndInspectionsAddsUpMostFirst) {
  EngineStore s{kMonday + hours{24}};
  Event burr = count("M1", at(1), 10, 3), unnamed = count("M1", at(2), 10, 2),
        first = event_at(EventType::count, "M1", at(3)), second = event_at(EventType::count, "M1", at(4)),
        failed = measured(1, 5, "S1", "fail"), passed = measured(1, 6, "S2", "pass");
  burr.defect = "BURR", burr.rework = 1;
  first.scrap_total = 100, second.scrap_total = 107, first.defect = second.defect = "CRACK";
  failed.defect = "BURR", failed.quantity = 2, passed.defect = "BURR", passed.quantity = 50;
  s.commit({burr, unnamed, first, second, failed, passed});
  const auto pareto = defect_pareto(s.store->read(), *parse_scope("machine:M1"), kDay, s.clock.now());
  const json answer = json::parse(render_defect_pareto(*pareto));
  EXPECT_EQ(answer["total_quantity"], 15);
  ASSERT_EQ(answer["items"].size(), 3U);
  EXPECT_EQ(answer["items"][0]["key"], "CRACK");
  EXPECT_EQ(answer["items"][0]["quantity"], 7);
  EXPECT_EQ(answer["items"][1]["key"], "BURR");
  EXPECT_EQ(answer["items"][1]["quantity"], 6);
  EXPECT_TRUE(answer["items"][2]["key"].is_null());
  EXPECT_DOUBLE_EQ(answer["items"][1]["cumulative_share"], 13.0 / 15);
}

}  // namespace
}  // namespace takt
