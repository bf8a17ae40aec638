// What befalls a server: kill -9, hangs, a second exporter, texts that it cannot keep.
#include "export/exporter.h"
#include "export/postgres_database.h"
#include "tests/export/warehouse_fixture.h"

#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace takt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Postgres : public WarehouseTest {
 protected:
  Postgres() {
    kind_ = DatabaseKind::postgres;
    use_plant(kSmallPlant);
    send(R"({"type":"state","machine":"M1","ts":"2026-01-06T05:00:00Z","state":"running"}
{"type":"count","machine":"M1","ts":"2026-01-06T06:00:00Z","good":3000,"scrap":10,"defect":"BURR"}
{"type":"state","machine":"M1","ts":"2026-01-06T07:00:00Z","state":"down","reason":"FAIL.MECH"})");
  }
  void send_more(int i) {
    send(R"({"type":"count","machine":"M1","ts":"2026-01-06T09:00:)" + std::to_string(10 + i % 50) +
         R"(Z","good":1,"id":")" + std::to_string(i) + "\"}");
  }
  /// Of what the engine has; a target that has it is up to date.
  static std::string pieces(ExportTarget& t) {
    return one(t, "SELECT sum(good_quantity)::bigint FROM fact_production");
  }
  template <class Holds>
  static bool comes_true(const Holds& holds) {
    for (const auto end = std::chrono::steady_clock::now() + seconds{60};
         std::chrono::steady_clock::now() < end;) {
      if (holds()) return true;
      std::this_thread::sleep_for(milliseconds{20});
    }
    return false;
  }
};

TEST_F(Postgres, KilledInAFlushLeavesTheLastOne) {
  {
    ExportTarget t = target("wh");
    flushed(t);
  }
  // Killed after ever more writes, at last after the commit: whatever of a flush had been done, the next one makes
  // good.
  bool done = false;
  for (int writes = 0; !done && writes < 200; writes += 1 + writes / 4) {
    send_more(writes);
    int left = writes;
    {
      ExportTarget t = target("wh");
      const auto report = flush(store(), t, std::nullopt, [&] {
        if (left-- == 0) cluster_->kill();
        return false;
      });
      done = report.has_value();
      if (done) {
        cluster_->kill();
      } else {
        EXPECT_EQ(report.error().code, ErrorCode::unavailable) << report.error().context;
      }
    }
    cluster_->start();
    ExportTarget t = target("wh");
    if (!done) flushed(t);
    expect_equal(t);
  }
  EXPECT_TRUE(done);
}

TEST_F(Postgres, ASecondExporterIsRefusedAndLosesNothing) {
  ExportTarget first = target("wh"), second = target("wh");
  ASSERT_TRUE(first.begin());
  const auto refused = flush(store(), second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  first.rollback();
  flushed(second);
  EXPECT_EQ(flushed(first).resynchronised, false);
  expect_equal(first);
}

TEST_F(Postgres, GoneUnderAnOpenTargetIsAnErrorThatPasses) {
  ExportTarget t = target("wh");
  flushed(t);
  cluster_->stop();
  const auto report = flush(store(), t);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::unavailable) << report.error().context;
  const auto opened = ExportTarget::open(
      *parse_target_url("postgresql://takt:s3cret@127.0.0.1:" + std::to_string(cluster_->port()) + "/wh"),
      ExportTarget::Mode::create);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
  EXPECT_EQ(opened.error().context.find("s3cret"), std::string::npos) << opened.error().context;
}

TEST_F(Postgres, ExporterConcurrencyOfOneThatHangsHoldsNoOtherUp) {
  const std::string server = url("wh");
  ExporterOptions options;
  options.interval = options.longest_pause = milliseconds{50};
  options.stall = milliseconds{500};
  ExportTarget t = target("wh");
  flushed(t);  // a slow machine may take longer over all the tables than a hanging server is given here
  auto exporter = Exporter::open(store(), {server, "sqlite:" + file("wh.sqlite").string()}, options);
  ASSERT_TRUE(exporter) << exporter.error().context;
  const auto of = [&](std::size_t target) { return (*exporter)->status().at(target); };
  ASSERT_TRUE(comes_true([&] { return of(0).state == "ok" && of(1).state == "ok"; })) << of(0).last_error;
  EXPECT_EQ(of(0).name, server);

  cluster_->hold(true);
  EXPECT_TRUE(comes_true([&] { return of(0).state == "failing"; }));
  send_more(1);
  EXPECT_TRUE(comes_true([&] { return of(1).watermark == store().sequence(); }));
  EXPECT_GT(of(0).lag_s + 1, 0);
  cluster_->hold(false);
  EXPECT_TRUE(comes_true([&] { return of(0).state == "ok" && of(0).watermark == store().sequence(); }));

  // And at the end nobody waits for it longer than allowed.
  cluster_->hold(true);
  EXPECT_TRUE(comes_true([&] { return of(0).state == "failing"; }));
  (*exporter)->finish_by(std::chrono::steady_clock::now());
  exporter->reset();
  cluster_->hold(false);
  expect_equal(t);
}

TEST_F(Postgres, KeepsExtremesAndReplacesWhatItCannotKeep) {
  send(R"({"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:00:01Z","value":1.7976931348623157e308}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:01:01Z","value":4.9406564584124654e-324}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:02:01Z","value":0.1}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:03:01Z","value":"a\u0000b\\N\t\n\r\\."}
{"type":"count","machine":"M2","ts":"2026-01-06T08:00:00Z","good":1000000000,"product":"\\N"}
{"type":"quality","machine":"M1","ts":"2026-01-06T08:00:00Z","characteristic":"\\🏭","value":-0.0,"serial":"O'Brien"})");
  ExportTarget t = target("wh");
  flushed(t);
  expect_equal(t);
  EXPECT_EQ(one(t, "SELECT text_last FROM fact_sensor_event WHERE text_last IS NOT NULL"),
            "a\xEF\xBF\xBD"
            "b\\N\t\n\r\\.");
  EXPECT_EQ(one(t, "SELECT product FROM fact_production WHERE machine = 'M2'"), "\\N");
  EXPECT_EQ(one(t, "SELECT good_quantity FROM fact_production WHERE machine = 'M2'"), "1000000000");
  EXPECT_EQ(flushed(t).rows_written, 0U);
}

TEST_F(Postgres, KeepsReadingsByMonthAndMakesTheNextOneAhead) {
  const auto months = [](ExportTarget& t) {
    return one(
        t,
        "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = "
        "i.inhrelid WHERE i.inhparent = 'fact_sensor_event'::regclass");
  };
  send(R"({"type":"reading","machine":"M1","tag":"t","ts":"2025-12-31T23:59:59Z","value":1}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-01T00:00:00Z","value":2})");
  ExportTarget t = target("wh");
  flushed(t);
  expect_equal(t);
  EXPECT_EQ(months(t), "fact_sensor_event_2025_12 fact_sensor_event_2026_01 fact_sensor_event_2026_02");
  EXPECT_EQ(one(t, "SELECT count(*) FROM fact_sensor_event_2025_12"), "1");
  // A flush that was taken back took its months with it.
  send(R"({"type":"reading","machine":"M1","tag":"t","ts":"2025-10-01T00:00:00Z","value":1})");
  bool given_up = false;
  EXPECT_FALSE(flush(store(), t, std::nullopt, [&] {
    return std::exchange(given_up, true) && months(t).find("2025_10") != std::string::npos;
  }));
  EXPECT_EQ(months(t).find("2025_10"), std::string::npos);
  flushed(t);
  expect_equal(t);
  EXPECT_TRUE(months(t).starts_with("fact_sensor_event_2025_10 fact_sensor_event_2025_11"));
  ASSERT_TRUE(t.migrate_to(0));
}

TEST_F(Postgres, RolesMayDoWhatTheirNamesSayAndNoMore) {
  use_plant(std::string{kSmallPlant} + "[[line]]\nid = \"L2\"\n[[machine]]\nid = \"M3\"\nline = \"L2\"\n");
  send(R"({"type":"state","machine":"M3","ts":"2026-01-06T05:00:00Z","state":"running"}
{"type":"reading","machine":"M3","tag":"t","ts":"2026-01-06T08:00:00Z","value":1})");
  const std::string where = url("wh");
  {
    ExportTarget t = target("wh");
    flushed(t);
  }
  auto owner = PostgresDatabase::open(PostgresUrl{where, {}});
  ASSERT_TRUE(owner);
  for (int twice = 0; twice < 2; ++twice) {
    const auto made = (*owner)->run_script(postgres_roles());
    ASSERT_TRUE(made) << made.error().context;
  }
  ASSERT_TRUE((*owner)->run_script(
      "CREATE ROLE boss LOGIN IN ROLE takt_admin; CREATE ROLE line2 LOGIN IN ROLE takt_scoped_reader;"
      "CREATE ROLE pump LOGIN IN ROLE takt_writer; CREATE ROLE all_of_it LOGIN IN ROLE takt_reader;"
      "CREATE ROLE nobody LOGIN IN ROLE takt_scoped_reader; CREATE ROLE stranger LOGIN;"
      "INSERT INTO takt_reader_scope VALUES ('line2', NULL, 'L2')"));
  const auto opened_as = [&](std::string_view role) {
    std::string mine = where;
    mine.replace(mine.find("takt@"), 4, role);
    return ExportTarget::open(*parse_target_url(mine), ExportTarget::Mode::existing);
  };
  const auto as = [&](std::string_view role) {
    auto opened = opened_as(role);
    EXPECT_TRUE(opened) << opened.error().context;
    return std::move(*opened);
  };
  const auto machines = [](ExportTarget& t, std::string_view from) {
    return one(t, "SELECT string_agg(DISTINCT machine, ' ' ORDER BY machine) FROM " + std::string{from});
  };
  const auto is_denied = [](ExportTarget& t, const std::string& sql) {
    const auto done = t.query(sql);
    return !done && done.error().context.find("denied") != std::string::npos;
  };

  // The writer flushes, also what is new, in a month that is new, and makes the trends anew.
  ExportTarget writer = as("pump");
  for (int i = 0; i < 40; ++i) send_more(i);
  send(R"({"type":"reading","machine":"M3","tag":"t","ts":"2025-06-01T08:00:00Z","value":1})");
  flushed(writer);
  expect_equal(writer);
  const auto tended = writer.tend();
  EXPECT_TRUE(tended) << tended.error().context;
  EXPECT_TRUE(is_denied(writer, "SELECT * FROM takt_reader_scope"));
  EXPECT_TRUE(is_denied(writer, "UPDATE takt_schema SET version = 1"));
  EXPECT_FALSE(writer.query("DROP TABLE fact_downtime"));
  EXPECT_FALSE(writer.migrate_to(0));
  EXPECT_TRUE(writer.remove_readings_before(at("2025-07-01T00:00:00Z")));
  // All of it anew, as a new target would get it.
  ASSERT_TRUE(writer.query("DELETE FROM takt_watermark"));
  flushed(writer);
  expect_equal(writer);

  ExportTarget reader = as("all_of_it");
  EXPECT_EQ(machines(reader, "oee_rollup_hourly"), "M1 M3");
  EXPECT_EQ(machines(reader, "mv_machine_oee_weekly"), "M1 M3");
  EXPECT_TRUE(is_denied(reader, "SELECT * FROM audit_log"));
  EXPECT_TRUE(is_denied(reader, "DELETE FROM fact_downtime"));

  ExportTarget scoped = as("line2");
  for (const char* table : {"oee_rollup_hourly", "oee_rollup_shift", "oee_rollup_daily", "fact_sensor_event",
                            "vw_bi_oee_daily", "vw_current_shift_oee"})
    EXPECT_EQ(machines(scoped, table), "M3") << table;
  EXPECT_EQ(one(scoped, "SELECT count(*) FROM fact_downtime"), "0");
  EXPECT_EQ(one(scoped, "SELECT string_agg(id, ' ' ORDER BY id) FROM dim_equipment WHERE level = 'machine'"),
            "M3");
  EXPECT_TRUE(is_denied(scoped, "SELECT * FROM fact_sensor_event_2026_01"));
  EXPECT_TRUE(is_denied(scoped, "SELECT * FROM mv_machine_oee_weekly"));
  EXPECT_TRUE(is_denied(scoped, "INSERT INTO takt_reader_scope VALUES ('line2', NULL, NULL)"));

  ExportTarget none = as("nobody");
  EXPECT_EQ(one(none, "SELECT count(*) FROM oee_rollup_hourly"), "0");
  const auto stranger = opened_as("stranger");
  ASSERT_FALSE(stranger);
  EXPECT_NE(stranger.error().context.find("denied"), std::string::npos) << stranger.error().context;

  ExportTarget admin = as("boss");
  ASSERT_TRUE(admin.query("SET ROLE takt_admin"));
  EXPECT_EQ(machines(admin, "oee_rollup_hourly"), "M1 M3");
}

TEST_F(Postgres, GrafanasDashboardAsksWhatCanBeAnswered) {
  send(R"({"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:00:00Z","value":1})");
  ExportTarget t = target("wh");
  flushed(t);
  std::ifstream file{"docs/grafana/takt_oee.json"};
  const auto dashboard = nlohmann::json::parse(file);
  const auto answered = [&](std::string sql) {
    constexpr std::string_view filter = "$__timeFilter(";
    for (std::size_t at = 0; (at = sql.find(filter, at)) != std::string::npos;) {
      sql.erase(at, filter.size());
      const std::size_t end = sql.find(')', at);
      if (end == std::string::npos) break;  // what is left is no SQL, and refused
      sql.replace(end, 1, " BETWEEN '2026-01-01T00:00:00Z' AND '2026-02-01T00:00:00Z'");
    }
    for (const auto& [variable, value] :
         {std::pair{"$line", "'L1'"}, std::pair{"$machine", "'M1'"}, std::pair{"$tag", "'t'"}}) {
      for (std::size_t at = 0; (at = sql.find(variable, at)) != std::string::npos;)
        sql.replace(at, std::string_view{variable}.size(), value);
    }
    const auto rows = t.query(sql);
    EXPECT_TRUE(rows) << sql << '\n' << rows.error().context;
    return rows && !rows->empty();
  };
  std::size_t panels = 0;
  for (const auto& panel : dashboard.at("panels")) {
    for (const auto& asked : panel.at("targets"))
      EXPECT_TRUE(answered(asked.at("rawSql"))) << panel.at("title") << " shows nothing";
    ++panels;
  }
  EXPECT_EQ(panels, 8U);
  // The tags offered are those of the last day of now, which is none of the test's.
  for (const auto& variable : dashboard.at("templating").at("list"))
    EXPECT_EQ(answered(variable.at("query")), variable.at("name") != "tag");
}

TEST_F(Postgres, OtherTablesMayStandBesideTaktsButNoneInTheirPlace) {
  const std::string where = url("shared");
  {
    auto database = PostgresDatabase::open(PostgresUrl{where, {}});
    ASSERT_TRUE(database);
    ASSERT_TRUE((*database)->run_script("CREATE TABLE recipes (name text)"));
  }
  {
    ExportTarget t = target("shared");
    flushed(t);
    ASSERT_TRUE(t.migrate_to(0));
    EXPECT_EQ(one(t, "SELECT count(*) FROM recipes"), "0");
    ASSERT_TRUE(t.query("CREATE TABLE dim_product (id int)"));
  }
  const auto opened = ExportTarget::open(*parse_target_url(where), ExportTarget::Mode::create);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::conflict) << opened.error().context;
  EXPECT_NE(opened.error().context.find("dim_product"), std::string::npos);
}

}  // namespace
}  // namespace takt
