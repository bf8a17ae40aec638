// What a target's URL asks for, what is done for it now and then, and what stands beside the facts: trends, tables
// for tools that join badly.
#include <fmt/format.h>

#include "tests/export/warehouse_fixture.h"

namespace takt {
namespace {

class TargetCare : public EitherWarehouse {
 protected:
  TargetCare() { use_plant(kSmallPlant); }
  ExportTarget open(const std::string& options) {
    auto opened = ExportTarget::open(*parse_target_url(url("wh") + options), ExportTarget::Mode::create);
    EXPECT_TRUE(opened) << opened.error().context;
    EXPECT_TRUE(opened->migrate_to(ExportTarget::newest_version()));
    return std::move(*opened);
  }
  static std::string count(ExportTarget& t) { return one(t, "SELECT count(*) FROM fact_sensor_event"); }
};

TEST(TargetOptions, AreTakenOutOfTheUrl) {
  const auto url = parse_target_url(
      "postgresql://db/"
      "x?readings=raw&sslmode=require&names=masked&readings_days=90&batch_rows=500&interval_s=1&stall_s=30");
  ASSERT_TRUE(url) << url.error().context;
  const TargetOptions& options = options_of(*url);
  EXPECT_EQ(options.readings, ReadingRows::raw);
  EXPECT_EQ(options.names, PersonNames::masked);
  EXPECT_EQ(options.readings_days, 90);
  EXPECT_EQ(options.batch_rows, 500U);
  EXPECT_EQ(options.interval, std::chrono::seconds{1});
  EXPECT_EQ(options.stall, std::chrono::seconds{30});
  EXPECT_EQ(std::get<PostgresUrl>(*url).connection, "postgresql://db/x?sslmode=require");
  for (const char* wrong : {"names=", "names=all", "readings_days=-1", "readings_days=x", "batch_rows=0",
                            "batch_rows=1x", "interval_s=0", "stall_s=1", "stall_s"}) {
    const auto refused = parse_target_url(std::string{"sqlite:a.db?"} + wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(refused.error().context.find(wrong), std::string::npos) << refused.error().context;
  }
}

TEST_P(TargetCare, DropsMonthsOfReadingsThatNobodyWantsAnyMore) {
  for (const char* time :
       {"2025-09-30T23:59:59Z", "2025-10-01T00:00:00Z", "2025-11-15T08:00:00Z", "2026-01-06T08:00:00Z"})
    send(R"({"type":"reading","machine":"M1","tag":"t","value":1,"ts":")" + std::string{time} + "\"}");
  ExportTarget all = open("");
  flushed(all);
  EXPECT_EQ(count(all), "4");
  // 90 days before 2026-01-06 lie in October: that month stays, whole.
  ExportTarget some = open("?readings_days=90");
  flushed(some);
  EXPECT_EQ(count(some), "3");
  EXPECT_EQ(one(some, "SELECT count(*) FROM fact_sensor_event WHERE minute < '2025-10-01T00:00:00Z'"), "0");
  expect_equal(some);
  // What comes late of a time that is not kept is not taken up; time goes on.
  send(R"({"type":"reading","machine":"M1","tag":"t","value":2,"ts":"2025-09-30T12:00:00Z"})");
  send(R"({"type":"reading","machine":"M1","tag":"t","value":2,"ts":"2025-10-02T12:00:00Z"})");
  flushed(some);
  EXPECT_EQ(count(some), "4");
  clock_.set(at("2026-02-06T12:00:00Z"));
  flushed(some);
  EXPECT_EQ(count(some), "2");
  expect_equal(some);
  // From further back again: the engine still has them.
  ExportTarget again = open("");
  flushed(again);
  EXPECT_EQ(count(again), "6");
  expect_equal(again);
}

TEST_P(TargetCare, MasksPeoplesNamesWhereATargetAsksForIt) {
  send(R"({"type":"state","machine":"M1","ts":"2026-01-06T07:00:00Z","state":"down"})");
  send(R"({"type":"classify","machine":"M1","start":"2026-01-06T07:00:00Z","reason":"FAIL","by":"Jane Doe"})");
  ExportTarget given = open("");
  flushed(given);
  ASSERT_NE(one(given, "SELECT count(*) FROM audit_log"), "0");
  const auto names = [](ExportTarget& t) {
    std::string all;
    for (const SqlRow& row : *t.query("SELECT actor, person, details FROM audit_log ORDER BY id")) {
      for (const SqlValue& value : row) all += text(value) + ' ';
    }
    return all;
  };
  EXPECT_NE(names(given).find("command line"), std::string::npos) << names(given);
  EXPECT_NE(names(given).find("Jane"), std::string::npos) << names(given);
  ExportTarget masked = open("?names=masked");
  flushed(masked);
  EXPECT_EQ(names(masked).find("command line"), std::string::npos) << names(masked);
  EXPECT_EQ(names(masked).find("Jane"), std::string::npos) << names(masked);
  EXPECT_NE(names(masked).find("masked"), std::string::npos) << names(masked);
  expect_equal(masked);
  flushed(given);
  EXPECT_EQ(names(given).find("masked"), std::string::npos) << names(given);
  expect_equal(given);
}

TEST_P(TargetCare, TrendsAreRatiosOfSumsAndFollowWhenTheyAreTended) {
  clock_.set(at("2026-01-14T12:00:00Z"));
  send(R"({"type":"state","machine":"M1","ts":"2026-01-06T05:00:00Z","state":"running"}
{"type":"count","machine":"M1","ts":"2026-01-06T06:00:00Z","good":3000,"scrap":10,"defect":"BURR"}
{"type":"state","machine":"M1","ts":"2026-01-06T07:00:00Z","state":"down","reason":"FAIL.MECH"}
{"type":"state","machine":"M1","ts":"2026-01-06T09:00:00Z","state":"running"}
{"type":"state","machine":"M1","ts":"2026-01-12T05:00:00Z","state":"down"}
{"type":"state","machine":"M1","ts":"2026-01-12T06:00:00Z","state":"running"}
{"type":"quality","machine":"M1","ts":"2026-01-06T08:00:00Z","product":"X","characteristic":"d","value":20.5,"result":"pass"})");
  ExportTarget t = open("");
  flushed(t);
  ASSERT_TRUE(t.tend());
  EXPECT_EQ(one(t, "SELECT count(*) FROM mv_machine_oee_weekly WHERE machine = 'M1'"), "2");
  // Week 2 begins on Monday 2026-01-05; its sums are those of its days.
  EXPECT_EQ(one(t, "SELECT iso_week FROM mv_machine_oee_weekly ORDER BY first_day"), "2");
  EXPECT_EQ(one(t, "SELECT produced_quantity FROM mv_machine_oee_weekly WHERE iso_week = 2"), "3010");
  EXPECT_EQ(one(t, "SELECT round(oee * 1000000) FROM mv_machine_oee_weekly WHERE machine = 'M1' AND iso_week = 2"),
            one(t,
                "SELECT round(1000000 * sum(ideal_good_time_s) / sum(planned_busy_time_s)) FROM oee_rollup_daily "
                "WHERE machine = 'M1' AND business_date >= '2026-01-05' AND business_date <= '2026-01-11'"));
  EXPECT_EQ(one(t, "SELECT sum(duration_s) FROM mv_downtime_reason_weekly WHERE reason = 'FAIL.MECH'"),
            "7200.000000");
  EXPECT_EQ(one(t, "SELECT machines FROM mv_line_oee_monthly WHERE line = 'L1'"), "1");
  EXPECT_EQ(one(t, "SELECT reason_name FROM vw_bi_downtime WHERE reason IS NULL"), "no reason given");
  EXPECT_EQ(one(t, "SELECT line FROM vw_bi_oee_daily WHERE machine = 'M1'"), "L1");
  EXPECT_EQ(one(t, "SELECT sum(produced_quantity) FROM vw_bi_production"), "3010");
  EXPECT_EQ(one(t, "SELECT count(*) FROM vw_bi_quality"), "1");
  EXPECT_EQ(one(t, "SELECT count(*) FROM vw_bi_oee_shift"), one(t, "SELECT count(*) FROM oee_rollup_shift"));
  send(R"({"type":"count","machine":"M1","ts":"2026-01-06T08:30:00Z","good":90})");
  flushed(t);
  ASSERT_TRUE(t.tend());
  EXPECT_EQ(one(t, "SELECT produced_quantity FROM mv_machine_oee_weekly WHERE iso_week = 2"), "3100");
}

TEST_P(TargetCare, ReadingsAndQuantitiesCarryTheirUnits) {
  use_plant(
      std::string{kSmallPlant} +
      "[[tag]]\nname = \"temp\"\nunit = \"degC\"\n[[tag]]\nmachine = \"M1\"\nname = \"temp\"\nunit = \"K\"\n");
  for (const char* machine : {"M1", "M2"}) {
    for (const char* tag : {"temp", "other"})
      send(fmt::format(R"({{"type":"reading","machine":"{}","tag":"{}","value":1,"ts":"2026-01-06T08:00:00Z"}})",
                       machine, tag));
  }
  send(R"({"type":"count","machine":"M1","product":"X","ts":"2026-01-06T08:00:00Z","good":3})");
  ExportTarget t = open("");
  flushed(t);
  const auto unit_of = [&](const char* machine, const char* tag) {
    return one(t,
               fmt::format("SELECT unit FROM vw_bi_readings WHERE machine = '{}' AND tag = '{}'", machine, tag));
  };
  EXPECT_EQ(unit_of("M1", "temp"), "K");
  EXPECT_EQ(unit_of("M2", "temp"), "degC");
  EXPECT_EQ(unit_of("M2", "other"), "null");
  EXPECT_EQ(one(t, "SELECT count(*) FROM vw_bi_readings"), "4");
  EXPECT_EQ(one(t, "SELECT unit FROM vw_bi_production"), "pcs");
  EXPECT_EQ(one(t,
                "SELECT count(*) FROM dim_tag g LEFT JOIN dim_unit_of_measure u ON u.unit = g.unit WHERE u.unit "
                "IS NULL"),
            "0");
  expect_equal(t);
}

TAKT_OF_EITHER_DATABASE(TargetCare);

}  // namespace
}  // namespace takt
