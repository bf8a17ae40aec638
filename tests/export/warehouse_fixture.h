// What the export tests share: a store in a folder of its own with a clock to turn, and databases to export to.
#pragma once

#include "engine/store.h"
#include "export/export_target.h"
#include "export/flush.h"
#include "export/verify.h"
#include "ingest/decode.h"
#include "ingest/validate.h"
#include "tests/support/postgres_cluster.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

class TurnedClock : public Clock {
 public:
  Timestamp now() const override { return from_micros(now_.load()); }
  void set(Timestamp t) { now_ = micros(t); }

 private:
  std::atomic<std::int64_t> now_{0};
};

inline Timestamp at(std::string_view text) { return parse_time(text).value(); }

enum class DatabaseKind { sqlite, postgres };
inline void PrintTo(DatabaseKind kind, std::ostream* out) {
  *out << (kind == DatabaseKind::sqlite ? "sqlite" : "postgres");
}

class WarehouseTest : public testing::Test {
 protected:
  WarehouseTest() {
    std::string name = (std::filesystem::temp_directory_path() / "takt_export_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    clock_.set(at("2026-01-06T12:00:00Z"));
  }
  ~WarehouseTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::filesystem::path file(std::string_view name = "takt.sqlite") const { return folder_ / name; }

  Store& store() {
    if (!store_) open_store("data");
    return *store_;
  }
  void open_store(std::string_view name) {
    store_.reset();
    StoreOptions options;
    options.clock = &clock_;
    options.reserve_bytes = 1;
    auto opened = Store::open(folder_ / name, options);
    ASSERT_TRUE(opened) << opened.error().context;
    store_ = std::move(*opened);
  }
  void use_plant(std::string_view toml) {
    const auto plant = parse_plant_toml(toml, "plant.toml");
    ASSERT_TRUE(plant) << plant.error().context;
    const auto changed = store().set_plant(*plant, std::nullopt, false);
    ASSERT_TRUE(changed) << changed.error().context;
  }
  /// NDJSON as a server takes it; every event must be accepted or a duplicate.
  void send(std::string_view ndjson) {
    Decoder decoder(BodyFormat::ndjson, ndjson);
    const PlantIndex index{*store().plant()};
    while (true) {
      EventBatch batch;
      const auto more = decoder.next(batch);
      ASSERT_TRUE(more) << more.error().context;
      if (!*more) return;
      std::vector<std::string> added;
      validate(batch, index, clock_.now(), added);
      for (const RejectedEvent& rejected : batch.rejected) FAIL() << rejected.message << ": " << rejected.raw;
      const auto done = store().commit(std::move(batch), "test");
      ASSERT_TRUE(done) << done.error().context;
    }
  }
  void commit(EventBatch batch) {
    const auto done = store().commit(std::move(batch), "test");
    ASSERT_TRUE(done) << done.error().context;
  }

  /// Where the target of that name is, whether it is there yet or not.
  std::string url(std::string_view name = "takt.sqlite") {
    if (kind_ == DatabaseKind::sqlite) return "sqlite:" + file(name).string();
    if (!cluster_) cluster_ = std::make_unique<test::PostgresCluster>();
    return cluster_->url(name);
  }
  ExportTarget target(std::string_view name = "takt.sqlite") {
    auto opened = ExportTarget::open(*parse_target_url(url(name)), ExportTarget::Mode::create);
    if (!opened) ADD_FAILURE() << opened.error().context;
    const auto migrated = opened->migrate_to(ExportTarget::newest_version());
    if (!migrated) ADD_FAILURE() << migrated.error().context;
    return std::move(*opened);
  }
  FlushReport flushed(ExportTarget& target) {
    const auto report = flush(store(), target);
    if (!report) ADD_FAILURE() << report.error().context;
    return report ? *report : FlushReport{};
  }
  void expect_equal(ExportTarget& target) {
    const auto report = verify(store(), target);
    ASSERT_TRUE(report) << report.error().context;
    for (const Difference& difference : report->differences) ADD_FAILURE() << to_string(difference);
  }
  /// All that a target holds, but for the watermark and revisions.
  static std::vector<std::string> contents(ExportTarget& target) {
    std::vector<std::string> lines;
    std::vector<const Table*> all = tables::of_machines();
    for (const Table* table :
         {&tables::dim_equipment, &tables::dim_shift, &tables::dim_product, &tables::dim_date,
          &tables::dim_downtime_reason, &tables::dim_date_range, &tables::dim_unit_of_measure}) {
      all.push_back(table);
    }
    for (const Table* table : all) {
      const auto rows = target.rows(*table, whole_table());
      EXPECT_TRUE(rows) << rows.error().context;
      for (const SqlRow& row : *rows) {
        std::string line{table->name};
        for (std::size_t i = 0; i < row.size(); ++i) {
          if (table->columns[i] != "revision") line += " | " + text(row[i]);
        }
        lines.push_back(std::move(line));
      }
    }
    return lines;
  }
  static std::string text(const SqlValue& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
    if (const auto* number = std::get_if<double>(&value)) return std::to_string(*number);
    if (const auto* string = std::get_if<std::string>(&value)) return *string;
    return "null";
  }
  /// The first value that a query answers.
  static std::string one(ExportTarget& target, std::string_view sql) {
    const auto rows = target.query(sql);
    if (!rows) return rows.error().context;
    return rows->empty() ? "no row" : text(rows->front()[0]);
  }

  DatabaseKind kind_ = DatabaseKind::sqlite;
  std::unique_ptr<test::PostgresCluster> cluster_;  // once it is asked for
  TurnedClock clock_;
  std::filesystem::path folder_;
  std::unique_ptr<Store> store_;
};

/// What holds of either kind.
class EitherWarehouse : public WarehouseTest, public testing::WithParamInterface<DatabaseKind> {
 protected:
  EitherWarehouse() { kind_ = GetParam(); }
};
inline std::string name_of_kind(const testing::TestParamInfo<DatabaseKind>& info) {
  return info.param == DatabaseKind::sqlite ? "Sqlite" : "Postgres";
}
#define TAKT_OF_EITHER_DATABASE(suite)                                                                   \
  INSTANTIATE_TEST_SUITE_P(Either, suite, testing::Values(DatabaseKind::sqlite, DatabaseKind::postgres), \
                           name_of_kind)

/// Two shifts and a night, one machine with a breakable history.
inline constexpr std::string_view kSmallPlant = R"(
[plant]
id = "P1"
name = "Plant 'one'"
timezone = "Europe/Berlin"
[[line]]
id = "L1"
[[machine]]
id = "M1"
line = "L1"
ideal_cycle_s = 1.0
minor_stop_s = 300
[[machine]]
id = "M2"
line = "L1"
ideal_cycle_s = 2.0
silence_timeout_s = 600
[[product]]
id = "X"
[[shift]]
id = "early"
start = "06:00"
end = "14:00"
breaks = [["10:00","10:30"]]
[[shift]]
id = "late"
start = "14:00"
end = "22:00"
[[shift]]
id = "night"
start = "22:00"
end = "06:00"
[[reason]]
code = "FAIL"
category = "failure"
[[reason]]
code = "FAIL.MECH"
parent = "FAIL"
[[reason]]
code = "FAIL.EL"
parent = "FAIL"
[[defect]]
code = "BURR"
name = "Burr"
)";

}  // namespace takt
