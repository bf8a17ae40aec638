#include "export/export_target.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <map>

#include "export/migrations.h"
#include "export/postgres_database.h"
#include "export/schema_text.h"
#include "export/sqlite_database.h"

namespace takt {
namespace {

// The same in every database.
constexpr std::string_view kCreateSchemaTable =
    "CREATE TABLE IF NOT EXISTS takt_schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
    "applied_at TEXT NOT NULL, checksum TEXT NOT NULL)";

/// Of what a migration does: comments and layout may change.
std::string checksum_of(const Migration& migration) {
  std::string bare;
  for (std::size_t at = 0; at < migration.up.size();) {
    const std::size_t end = std::min(migration.up.find('\n', at), migration.up.size());
    std::string_view line = migration.up.substr(at, end - at);
    line = line.substr(0, line.find("--"));
    std::copy_if(line.begin(), line.end(), std::back_inserter(bare), [](char c) { return c != ' '; });
    at = end + 1;
  }
  return fmt::format("{:016x}", XXH3_64bits(bare.data(), bare.size()));
}

const Migration* migration_of(std::span<const Migration> migrations, int version) {
  for (const Migration& migration : migrations) {
    if (migration.version == version) return &migration;
  }
  return nullptr;
}

/// Who did something, and what he said of it. Machines, products and orders are nobody's names.
void mask_names(const Table& table, std::vector<SqlRow>& rows) {
  if (&table != &tables::audit_log) return;
  for (SqlRow& row : rows) {
    for (const std::string_view column : {"actor", "person"}) {
      auto& name = std::get<std::string>(row[table.at(column)]);
      if (!name.empty()) name = "masked";
    }
    row[table.at("details")] = std::string{R"({"masked":true})"};
  }
}

Slice row_of_key(const Table& table, const SqlRow& key) {
  Slice slice;
  for (std::size_t i = 0; i < table.key; ++i) {
    slice.where += fmt::format("{}\"{}\" = ?", i == 0 ? "" : " AND ", table.columns[i]);
    slice.values.push_back(key[i]);
  }
  return slice;
}

std::vector<const SqlRow*> pointers_to(const std::vector<SqlRow>& rows) {
  std::vector<const SqlRow*> pointers;
  pointers.reserve(rows.size());
  for (const SqlRow& row : rows) pointers.push_back(&row);
  return pointers;
}

SqlRow key_of(const Table& table, const SqlRow& row) {
  return {row.begin(), row.begin() + static_cast<std::ptrdiff_t>(table.key)};
}

}  // namespace

Result<ExportTarget> ExportTarget::open(const TargetUrl& url, Mode mode) {
  std::unique_ptr<SqlDatabase> database;
  if (const auto* server = std::get_if<PostgresUrl>(&url)) {
    auto opened = PostgresDatabase::open(*server);
    if (!opened) return opened.error();
    database = std::move(*opened);
  } else {
    auto opened = SqliteDatabase::open(std::get<SqliteUrl>(url).file, mode);
    if (!opened) return opened.error();
    database = std::move(*opened);
  }
  ExportTarget target{std::move(database), options_of(url)};
  if (const auto checked = target.check_schema(); !checked)
    return Error{checked.error().code, shown(url) + ": " + checked.error().context};
  return target;
}

Result<void> ExportTarget::check_schema() {
  const auto ours = database_->has_table("takt_schema");
  if (!ours) return ours.error();
  if (!*ours) {
    const auto other = database_->foreign_table();
    if (!other) return other.error();
    if (!*other) return {};
    return Error{ErrorCode::conflict,
                 fmt::format("has a table \"{}\" that is not of Takt; choose a place of its own", **other)};
  }
  const auto steps = database_->query("SELECT version, checksum FROM takt_schema ORDER BY version", {});
  if (!steps) return steps.error();
  for (const SqlRow& step : *steps) {
    const auto version = static_cast<int>(std::get<std::int64_t>(step[0]));
    const Migration* migration = migration_of(database_->migrations(), version);
    if (migration == nullptr) {
      return invalid(fmt::format("its schema has version {}, this Takt knows up to {}; use a newer Takt", version,
                                 newest_version()));
    }
    if (checksum_of(*migration) != std::get<std::string>(step[1])) {
      return invalid(fmt::format("migration {} was not made by this Takt; export to a new file", version));
    }
  }
  return {};
}

std::span<const Migration> migrations_for(const TargetUrl& url) {
  return std::holds_alternative<PostgresUrl>(url) ? postgres_migrations() : sqlite_migrations();
}

int ExportTarget::newest_version() { return sqlite_migrations().back().version; }

Result<int> ExportTarget::version() {
  const auto list = applied();
  if (!list) return list.error();
  return list->empty() ? 0 : list->back().version;
}

Result<std::vector<AppliedMigration>> ExportTarget::applied() {
  std::vector<AppliedMigration> list;
  const auto ours = database_->has_table("takt_schema");
  if (!ours) return ours.error();
  if (!*ours) return list;
  const auto found = database_->query("SELECT version, name, applied_at FROM takt_schema ORDER BY version", {});
  if (!found) return found.error();
  for (const SqlRow& row : *found) {
    list.push_back({static_cast<int>(std::get<std::int64_t>(row[0])), std::get<std::string>(row[1]),
                    std::get<std::string>(row[2])});
  }
  return list;
}

Result<void> ExportTarget::migrate_to(int wanted) {
  if (wanted < 0 || wanted > newest_version()) {
    return invalid(
        fmt::format("there is no schema version {}; they are 0 (empty) to {}", wanted, newest_version()));
  }
  if (const auto begun = begin(); !begun) return begun;
  const auto all_steps = [&]() -> Result<void> {
    const auto from = version();
    if (!from) return from.error();
    if (const auto made = database_->execute(kCreateSchemaTable, {}); !made) return made.error();
    for (int v = *from + 1; v <= wanted; ++v) {
      if (const auto done = step(v, true); !done) return done;
    }
    for (int v = *from; v > wanted; --v) {
      if (const auto done = step(v, false); !done) return done;
    }
    if (wanted == 0) {
      if (const auto dropped = database_->execute("DROP TABLE takt_schema", {}); !dropped) return dropped.error();
    }
    return commit();
  };
  const auto done = all_steps();
  if (!done) rollback();
  return done;
}

Result<void> ExportTarget::step(int version, bool up) {
  const Migration* migration = migration_of(database_->migrations(), version);
  TAKT_INVARIANT(migration != nullptr);
  if (const auto run = database_->run_script(up ? migration->up : migration->down); !run) {
    return Error{run.error().code,
                 fmt::format("migration {} ({}): {}", version, migration->name, run.error().context)};
  }
  if (up && database_->keeps_comments()) {
    const auto so_far = describe(database_->migrations().first(static_cast<std::size_t>(version)));
    if (const auto told = database_->run_script(comment_statements(so_far)); !told) return told.error();
  }
  const auto noted = up ? database_->execute("INSERT INTO takt_schema VALUES (?, ?, ?, ?)",
                                             {std::int64_t{version}, std::string{migration->name},
                                              format_time(Clock::system().now()), checksum_of(*migration)})
                        : database_->execute("DELETE FROM takt_schema WHERE version = ?", {std::int64_t{version}});
  if (!noted) return noted.error();
  return {};
}

Result<void> ExportTarget::begin() { return database_->begin(); }

Result<void> ExportTarget::commit() {
  if (const auto written = appended(); !written) return written;
  const auto done = database_->execute("COMMIT", {});
  if (!done) return done.error();
  return {};
}

void ExportTarget::rollback() {
  if (const auto ignored = appended(); !ignored && !database_->in_transaction()) return;
  if (!database_->in_transaction()) return;
  // If even this fails, closing the file takes the transaction back.
  if (const auto ignored = database_->execute("ROLLBACK", {}); !ignored) return;
}

Result<std::optional<Watermark>> ExportTarget::watermark() {
  const auto found = rows(tables::watermark, whole_table());
  if (!found) return found.error();
  if (found->empty()) return std::optional<Watermark>{};
  const SqlRow& row = found->front();
  const auto& readings = std::get<std::string>(row[6]);
  const auto& names = std::get<std::string>(row[7]);
  return std::optional{Watermark{std::get<std::string>(row[1]),
                                 static_cast<Sequence>(std::get<std::int64_t>(row[2])),
                                 from_micros(std::get<std::int64_t>(row[3])), std::get<std::string>(row[5]),
                                 readings == name_of(ReadingRows::raw) ? ReadingRows::raw : ReadingRows::minutes,
                                 names == name_of(PersonNames::masked) ? PersonNames::masked : PersonNames::given,
                                 from_micros(std::get<std::int64_t>(row[8]))}};
}

Result<void> ExportTarget::set_watermark(const Watermark& w) {
  const auto done =
      replace(tables::watermark, whole_table(),
              {{std::int64_t{1}, w.store_id, static_cast<std::int64_t>(w.commit), std::int64_t{micros(w.flushed)},
                format_time(w.flushed), w.plant_digest, std::string{name_of(w.readings)},
                std::string{name_of(w.names)}, std::int64_t{micros(w.readings_from)}}});
  if (!done) return done.error();
  return {};
}

Result<std::vector<SqlRow>> ExportTarget::rows(const Table& table, const Slice& slice) {
  return query(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {}", column_list(table, table.columns.size()),
                           table.name, slice.where, column_list(table, table.key)),
               slice.values);
}

Result<std::vector<SqlRow>> ExportTarget::query(std::string_view sql, const std::vector<SqlValue>& values) {
  if (const auto written = appended(); !written) return written.error();
  return database_->query(sql, values);
}

void ExportTarget::make_storable(const Table& table, std::vector<SqlRow>& rows, PersonNames names) const {
  if (names == PersonNames::masked) mask_names(table, rows);
  for (SqlRow& row : rows) {
    for (SqlValue& value : row) database_->make_storable(value);
  }
}

Result<std::size_t> ExportTarget::replace(const Table& table, const Slice& slice, std::vector<SqlRow> wanted) {
  make_storable(table, wanted, options_.names);
  const auto present = rows(table, slice);
  if (!present) return present.error();
  std::map<SqlRow, const SqlRow*> stale;
  for (const SqlRow& row : *present) stale.emplace(key_of(table, row), &row);
  std::vector<const SqlRow*> changed;
  for (const SqlRow& row : wanted) {
    const auto old = stale.find(key_of(table, row));
    const bool same = old != stale.end() && *old->second == row;
    if (old != stale.end()) stale.erase(old);
    if (!same) changed.push_back(&row);
  }
  if (!changed.empty()) {
    const auto written = present->empty() ? database_->insert(table, changed) : database_->upsert(table, changed);
    if (!written) return written.error();
  }
  for (const auto& [key, row] : stale) {
    if (const auto done = remove(table, row_of_key(table, key)); !done) return done.error();
  }
  return changed.size() + stale.size();
}

Result<void> ExportTarget::append(const Table& table, std::vector<SqlRow> rows) {
  make_storable(table, rows, options_.names);
  if (const auto written = appended(); !written) return written;
  appending_ = std::async(std::launch::async, [database = database_.get(), &table, rows = std::move(rows)] {
    return database->insert(table, pointers_to(rows));
  });
  return {};
}

/// Waits for what append() has begun.
Result<void> ExportTarget::appended() { return appending_.valid() ? appending_.get() : Result<void>{}; }

Result<void> ExportTarget::upsert(const Table& table, std::vector<SqlRow> rows) {
  make_storable(table, rows, options_.names);
  if (const auto written = appended(); !written) return written;
  return database_->upsert(table, pointers_to(rows));
}

Result<std::size_t> ExportTarget::remove(const Table& table, const Slice& slice) {
  if (const auto written = appended(); !written) return written.error();
  return database_->execute(fmt::format("DELETE FROM {} WHERE {}", table.name, slice.where), slice.values);
}

Result<void> ExportTarget::remove_readings_before(Timestamp month) {
  if (const auto written = appended(); !written) return written;
  return database_->remove_months(tables::fact_sensor_event, month);
}

Result<void> ExportTarget::tend() {
  if (const auto written = appended(); !written) return written;
  return database_->tend();
}

}  // namespace takt
