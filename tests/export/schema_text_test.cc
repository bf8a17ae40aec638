// What is generated from the schema's text is of the schema as the databases have it.
#include "export/schema_text.h"
#include "tests/export/warehouse_fixture.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace takt {
namespace {

class SchemaText : public EitherWarehouse {
 protected:
  DescribedSchema described() { return describe(migrations_for(*parse_target_url(url()))); }
};

TEST_P(SchemaText, DescribesTheTablesThatThereAre) {
  ExportTarget t = target();
  std::set<std::string> described_ones, there;
  for (const DescribedTable& table : described().tables) {
    EXPECT_FALSE(table.comment.empty()) << table.name;
    EXPECT_FALSE(table.key.empty()) << table.name;
    for (const DescribedColumn& column : table.columns) {
      EXPECT_FALSE(column.comment.empty()) << table.name << ' ' << column.name;
      const std::string type = kind_ == DatabaseKind::postgres || column.type != "text" ? column.type : "text";
      described_ones.insert(table.name + ' ' + column.name + ' ' + type + (column.nullable ? " null" : ""));
    }
  }
  const auto rows =
      kind_ == DatabaseKind::postgres
          ? t.query(
                "SELECT table_name::text, column_name::text, CASE data_type WHEN 'timestamp with time zone' THEN "
                "'timestamptz' ELSE data_type END, is_nullable = 'YES' FROM information_schema.columns "
                "JOIN information_schema.tables USING (table_schema, table_name) "
                "JOIN pg_class ON oid = (table_schema || '.' || table_name)::regclass AND NOT relispartition "
                "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'takt_schema'")
          : t.query(
                "SELECT m.name, c.name, lower(c.type), NOT c.\"notnull\" AND NOT c.pk FROM sqlite_master m, "
                "pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> 'takt_schema'");
  ASSERT_TRUE(rows) << rows.error().context;
  for (const SqlRow& row : *rows)
    there.insert(text(row[0]) + ' ' + text(row[1]) + ' ' + text(row[2]) + (text(row[3]) == "1" ? " null" : ""));
  EXPECT_EQ(described_ones, there);
}

TEST_P(SchemaText, StandsInADatabaseThatKeepsComments) {
  if (kind_ == DatabaseKind::sqlite) GTEST_SKIP() << "SQLite keeps the text of CREATE TABLE alone";
  ExportTarget t = target();
  EXPECT_EQ(one(t,
                "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind IN "
                "('r', 'p') AND NOT c.relispartition AND "
                "c.relnamespace = 'public'::regnamespace AND c.relname <> 'takt_schema' AND a.attnum > 0 AND "
                "col_description(c.oid, a.attnum) IS NULL"),
            "0");
  EXPECT_EQ(one(t, "SELECT obj_description('oee_rollup_daily'::regclass)"), "Local days.");
  EXPECT_EQ(one(t, "SELECT obj_description('vw_line_performance'::regclass)"), "Lines by business date.");
  ASSERT_TRUE(t.migrate_to(2));
  ASSERT_TRUE(t.migrate_to(ExportTarget::newest_version()));
}

TEST_P(SchemaText, IsAModelATableForPrisma) {
  const std::string models = prisma_schema(described(), "postgresql");
  EXPECT_NE(models.find("model OeeRollupHourly {"), std::string::npos);
  EXPECT_NE(models.find("  @@id([machine, start])"), std::string::npos);
  EXPECT_NE(models.find("  @@map(\"oee_rollup_hourly\")"), std::string::npos);
  if (kind_ == DatabaseKind::postgres) {
    EXPECT_NE(models.find("  open Boolean\n"), std::string::npos);
    EXPECT_NE(models.find("  start DateTime @db.Timestamptz(6)\n"), std::string::npos);
    EXPECT_NE(models.find("  oee Float?\n"), std::string::npos);
  }
}

TEST(DataDictionary, OfTheDocumentsIsThatOfTheSchema) {
  std::ifstream file{"docs/data_dictionary.md"};
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  EXPECT_TRUE(page.ends_with(data_dictionary(describe(postgres_migrations()))))
      << "takt schema print --dictionary differs from docs/data_dictionary.md";
}

TAKT_OF_EITHER_DATABASE(SchemaText);

}  // namespace
}  // namespace takt
