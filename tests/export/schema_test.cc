// The schema goes up and down, also with rows in place, and refuses what is not its own.
#include "export/iso_audit.h"
#include "export/migrations.h"
#include "export/target_url.h"
#include "tests/export/warehouse_fixture.h"

#include <fstream>

namespace takt {
namespace {

class Schema : public EitherWarehouse {
 protected:
  std::string tables(ExportTarget& t) const {
    if (kind_ == DatabaseKind::postgres)
      return one(t,
                 "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', "
                 "'p', 'v')");
    return one(t,
               "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'");
  }
  void send_something() {
    use_plant(kSmallPlant);
    send(R"({"type":"state","machine":"M1","ts":"2026-01-06T08:00:00Z","state":"down","reason":"FAIL.EL"}
{"type":"count","machine":"M1","ts":"2026-01-06T09:00:00Z","good":3,"scrap":1}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:00:01Z","value":1})");
  }
};

TEST_P(Schema, MigrationsAreNumberedWithoutGaps) {
  int expected = 1;
  for (const Migration& migration : migrations_for(*parse_target_url(url()))) {
    EXPECT_EQ(migration.version, expected++);
    EXPECT_FALSE(migration.up.empty());
    EXPECT_FALSE(migration.down.empty());
  }
}

TEST_P(Schema, GoesUpDownAndUpAgainWithRowsInPlace) {
  send_something();
  ExportTarget t = target();
  const std::string all = tables(t);
  flushed(t);
  for (int version = ExportTarget::newest_version(); version >= 0; --version) {
    ASSERT_TRUE(t.migrate_to(version));
    EXPECT_EQ(t.version().value(), version);
  }
  EXPECT_EQ(tables(t), "0");
  ASSERT_TRUE(t.migrate_to(ExportTarget::newest_version()));
  EXPECT_EQ(tables(t), all);
  EXPECT_TRUE(flushed(t).resynchronised);
  expect_equal(t);
}

TEST_P(Schema, HasTheTablesAndViewsOfTheContractAndEveryViewAnswers) {
  send_something();
  ExportTarget t = target();
  flushed(t);
  for (const char* name : {"dim_date",
                           "dim_time",
                           "dim_shift",
                           "dim_equipment",
                           "dim_product",
                           "dim_unit_of_measure",
                           "dim_quality_defect_type",
                           "dim_downtime_reason",
                           "dim_date_range",
                           "fact_production",
                           "fact_downtime",
                           "fact_quality",
                           "fact_scrap",
                           "fact_sensor_event",
                           "oee_rollup_hourly",
                           "oee_rollup_shift",
                           "oee_rollup_daily",
                           "ontology_term",
                           "audit_log",
                           "vw_current_shift_oee",
                           "vw_line_performance",
                           "vw_machine_health_indicators",
                           "vw_top_downtime_reasons_24h",
                           "vw_top_quality_defects_7d",
                           "vw_daily_oee_trends_30d",
                           "vw_machine_availability_trends_72h",
                           "vw_production_schedule_status"}) {
    const auto rows = t.query(std::string{"SELECT * FROM "} + name);
    EXPECT_TRUE(rows) << name << ": " << rows.error().context;
  }
  EXPECT_EQ(one(t, "SELECT round(duration_s) FROM vw_top_downtime_reasons_24h"), "14400.000000");
  EXPECT_EQ(one(t, "SELECT scrap_quantity FROM vw_top_quality_defects_7d"), "1");
  EXPECT_EQ(one(t, "SELECT machine FROM vw_current_shift_oee"), "M1");
}

/// The statements of the page's ```sql blocks.
std::vector<std::string> questions_of_the_page() {
  std::ifstream file{"docs/warehouse.md"};
  std::vector<std::string> questions;
  std::string statement;
  bool sql = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      sql = line == "```sql";
    } else if (sql && !line.starts_with("--")) {
      statement += line + '\n';
      if (!line.ends_with(';')) continue;
      questions.push_back(statement.substr(0, statement.rfind(';')));
      statement.clear();
    }
  }
  return questions;
}

TEST_P(Schema, AnswersTheQuestionsOfItsPage) {
  clock_.set(at("2026-01-06T12:00:00Z"));
  send_something();
  send(R"({"type":"reading","machine":"M1","tag":"spindle.temp","ts":"2026-01-06T08:30:01Z","value":61.5})");
  ExportTarget t = target();
  flushed(t);
  const std::vector<std::string> questions = questions_of_the_page();
  EXPECT_GE(questions.size(), 4U);
  for (const std::string& question : questions) {
    const auto rows = t.query(question);
    ASSERT_TRUE(rows) << question << rows.error().context;
    EXPECT_FALSE(rows->empty()) << question;
  }
}

TEST_P(Schema, PassesTheChecksOfTheComplianceReport) {
  send_something();
  ExportTarget t = target();
  EXPECT_FALSE(audit_tables(t));
  flushed(t);
  const auto report = audit_tables(t);
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_EQ(report->plant_name, "Plant 'one'");
  std::size_t warnings = 0;
  for (const ComplianceFinding& finding : report->findings) {
    EXPECT_NE(finding.verdict, ComplianceVerdict::fail) << finding.check << ": " << finding.text;
    if (finding.verdict == ComplianceVerdict::warn) ++warnings;
  }
  EXPECT_EQ(warnings, 2U);  // reasons without failure modes, scrap without a defect
  EXPECT_NE(to_html(*report).find("Plant 'one'"), std::string::npos);
}

TEST_P(Schema, OfANewerTaktIsRefused) {
  {
    ExportTarget t = target();
    ASSERT_TRUE(t.query("INSERT INTO takt_schema VALUES (99, 'future', '2030-01-01T00:00:00Z', 'x')"));
  }
  const auto opened = ExportTarget::open(*parse_target_url(url()), ExportTarget::Mode::existing);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().context.find("newer"), std::string::npos);
}

TAKT_OF_EITHER_DATABASE(Schema);

class SchemaOfAFile : public WarehouseTest {};

TEST_F(SchemaOfAFile, OfAnotherProgramIsRefusedAndLeftAlone) {
  {
    auto database = SqliteDatabase::open(file(), SqliteDatabase::Mode::create);
    ASSERT_TRUE(database);
    ASSERT_TRUE((*database)->run_script("CREATE TABLE recipes (name TEXT)"));
  }
  const auto opened = ExportTarget::open(SqliteUrl{file()}, ExportTarget::Mode::create);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::conflict);
}

TEST_F(SchemaOfAFile, OfAFileThatIsNoDatabaseIsRefused) {
  std::filesystem::create_directories(folder_);
  std::string text(10'000, 'x');
  FILE* out = std::fopen(file().c_str(), "w");
  std::fputs(text.c_str(), out);
  std::fclose(out);
  const auto opened = ExportTarget::open(SqliteUrl{file()}, ExportTarget::Mode::create);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corruption);
}

TEST(TargetUrl, IsShownWithoutItsPassword) {
  const auto shown_of = [](std::string_view url) { return shown(*parse_target_url(url)); };
  EXPECT_EQ(shown_of("postgresql://anna:s3cr:t@db:5432/takt?sslmode=require"),
            "postgresql://anna:***@db:5432/takt?sslmode=require");
  EXPECT_EQ(shown_of("postgresql://db/takt?user=anna&password=s3cret&sslmode=require"),
            "postgresql://db/takt?user=anna&password=***&sslmode=require");
  EXPECT_EQ(shown_of("postgres://anna@db"), "postgres://anna@db");
  EXPECT_EQ(shown_of("sqlite:a.db"), "sqlite:a.db");
}

TEST(TargetUrl, NamesAFile) {
  EXPECT_EQ(std::get<SqliteUrl>(*parse_target_url("sqlite:a/b.db")).file, "a/b.db");
  EXPECT_EQ(std::get<SqliteUrl>(*parse_target_url("sqlite:///a/b.db")).file, "/a/b.db");
  EXPECT_EQ(options_of(*parse_target_url("sqlite:a.db?readings=raw")).readings, ReadingRows::raw);
  EXPECT_EQ(options_of(*parse_target_url("postgresql://db/x?sslmode=require")).readings, ReadingRows::minutes);
  const auto raw = parse_target_url("postgresql://db/x?readings=raw&sslmode=require");
  EXPECT_EQ(options_of(*raw).readings, ReadingRows::raw);
  EXPECT_EQ(shown(*raw), "postgresql://db/x?sslmode=require");
  for (const char* wrong : {"sqlite:", "a.db", "mysql://x", "sqlite:a.db?colour=red", "sqlite:a.db?readings=some",
                            "postgresql://db/x?readings=", ""}) {
    EXPECT_FALSE(parse_target_url(wrong)) << wrong;
  }
}

class Verify : public Schema {};

TEST_P(Verify, FindsEveryAlteredMissingAndAddedRow) {
  send_something();
  ExportTarget t = target();
  flushed(t);
  const std::pair<const char*, const char*> changes[] = {
      {"UPDATE oee_rollup_hourly SET actual_unit_delay_time_s = actual_unit_delay_time_s + 0.000001 WHERE machine "
       "= 'M1' AND "
       "start = '2026-01-06T08:00:00Z'",
       "actual_unit_delay_time_s"},
      {"DELETE FROM oee_rollup_shift WHERE shift = 'early'", "row"},
      {"UPDATE oee_rollup_daily SET good_quantity = 4", "good_quantity"},
      {"UPDATE fact_downtime SET reason = NULL", "reason"},
      {"UPDATE fact_production SET good_quantity = 2", "good_quantity"},
      {"DELETE FROM fact_scrap", "row"},
      {"UPDATE fact_sensor_event SET value_max = 2", "value_max"},
      {"INSERT INTO fact_quality VALUES ('M1', 1, 'd', 's', '', '2026-01-06T08:00:00Z', '2026-01-06', 'X', 1, "
       "NULL, NULL, NULL, 1)",
       "count"},
      {"INSERT INTO fact_scrap VALUES ('M9', '2026-01-06T08:00:00Z', '', '', '2026-01-06', 1, 0, 0)", "row"},
      {"UPDATE dim_equipment SET name = 'other' WHERE id = 'M1'", "name"},
      {"UPDATE audit_log SET actor = 'nobody' WHERE id = 1", "actor"},
      {"DELETE FROM audit_log WHERE id = 1", "row"},
  };
  expect_equal(t);
  for (const auto& [sql, column] : changes) {
    ASSERT_TRUE(t.begin());
    ASSERT_TRUE(t.query(sql)) << sql;
    const auto report = verify(store(), t);
    ASSERT_TRUE(report) << report.error().context;
    ASSERT_FALSE(report->equal()) << sql;
    EXPECT_EQ(report->differences.front().column, column) << sql;
    t.rollback();
  }
  expect_equal(t);
}
TAKT_OF_EITHER_DATABASE(Verify);

}  // namespace
}  // namespace takt
