#include "export/sqlite_database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <map>

namespace takt {
namespace {

/// A writer waits this long for another one before it gives up and tries at its next turn.
constexpr int kBusyMilliseconds = 2000;

ErrorCode code_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::unavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corruption;
    default:
      return ErrorCode::io;
  }
}

void bind(sqlite3_stmt* statement, int at, const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    sqlite3_bind_int64(statement, at, *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    sqlite3_bind_double(statement, at, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  } else {
    sqlite3_bind_null(statement, at);
  }
}

SqlValue column(sqlite3_stmt* statement, int at) {
  switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, at)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, at);
    case SQLITE_NULL:
      return {};
    default: {
      const auto* text = static_cast<const char*>(sqlite3_column_blob(statement, at));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, at));
      return text == nullptr ? std::string{} : std::string{text, size};
    }
  }
}

/// VALUES (?, ?, ...) for a row.
std::string marks_for(const Table& table) {
  std::string marks;
  for (std::size_t i = 0; i < table.columns.size(); ++i) marks += i == 0 ? "?" : ", ?";
  return fmt::format("VALUES ({})", marks);
}

}  // namespace

struct SqliteDatabase::State {
  std::filesystem::path file;
  sqlite3* handle = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements;  // prepared once, by their text

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    forget_statements();
    sqlite3_close(handle);
  }
  void forget_statements() {
    for (const auto& [sql, statement] : statements) sqlite3_finalize(statement);
    statements.clear();
  }
  Error error() const {
    return {code_of(sqlite3_extended_errcode(handle)),
            fmt::format("{}: {}", file.string(), sqlite3_errmsg(handle))};
  }

  Result<sqlite3_stmt*> prepare(std::string_view sql, const std::vector<SqlValue>& values) {
    auto found = statements.find(sql);
    if (found == statements.end()) {
      sqlite3_stmt* statement = nullptr;
      const int code = sqlite3_prepare_v3(handle, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
      if (code != SQLITE_OK) return error();
      found = statements.emplace(std::string{sql}, statement).first;
    }
    TAKT_INVARIANT(sqlite3_bind_parameter_count(found->second) == static_cast<int>(values.size()));
    int at = 0;
    for (const SqlValue& value : values) bind(found->second, ++at, value);
    return found->second;
  }
  /// One statement with the values of each row in turn.
  Result<void> run_for_each(std::string_view sql, const std::vector<const SqlRow*>& rows) {
    sqlite3_stmt* statement = nullptr;
    for (const SqlRow* row : rows) {
      if (statement == nullptr) {
        const auto prepared = prepare(sql, *row);
        if (!prepared) return prepared.error();
        statement = *prepared;
      } else {
        for (std::size_t i = 0; i < row->size(); ++i) bind(statement, static_cast<int>(i) + 1, (*row)[i]);
      }
      const bool done = sqlite3_step(statement) == SQLITE_DONE;
      const auto failed = done ? Error{} : error();
      sqlite3_reset(statement);
      if (!done) return failed;
    }
    return {};
  }
  Result<void> visit(std::string_view sql, const std::vector<SqlValue>& values,
                     const std::function<bool(SqlRow&)>& each);
};

SqliteDatabase::SqliteDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteDatabase::~SqliteDatabase() = default;

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::filesystem::path& file, Mode mode) {
  std::error_code ignored;
  if (mode == Mode::existing && !std::filesystem::exists(file, ignored)) {
    return not_found(fmt::format("{}: no such file", file.string()));
  }
  auto state = std::make_unique<State>();
  state->file = file;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
  if (sqlite3_open_v2(file.c_str(), &state->handle, flags, nullptr) != SQLITE_OK) return state->error();
  sqlite3_busy_timeout(state->handle, kBusyMilliseconds);
  std::unique_ptr<SqliteDatabase> database{new SqliteDatabase{std::move(state)}};
  const auto set =
      database->run_script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  if (!set) return set.error();
  return database;
}

Result<bool> SqliteDatabase::has_table(std::string_view name) {
  const auto found = query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", {std::string{name}});
  if (!found) return found.error();
  return !found->empty();
}

Result<std::optional<std::string>> SqliteDatabase::foreign_table() {
  const auto others = query("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1", {});
  if (!others) return others.error();
  if (others->empty()) return std::optional<std::string>{};
  return std::optional{std::get<std::string>(others->front()[0])};
}

Result<void> SqliteDatabase::begin() {
  const auto done = execute("BEGIN IMMEDIATE", {});
  if (!done) return done.error();
  return {};
}

Result<void> SqliteDatabase::upsert(const Table& table, const std::vector<const SqlRow*>& rows) {
  return state_->run_for_each(upsert_from(table, marks_for(table)), rows);
}

Result<void> SqliteDatabase::insert(const Table& table, const std::vector<const SqlRow*>& rows) {
  const std::string columns = column_list(table, table.columns.size());
  return state_->run_for_each(fmt::format("INSERT INTO {} ({}) {}", table.name, columns, marks_for(table)), rows);
}

Result<void> SqliteDatabase::remove_months(const Table& table, Timestamp month) {
  const auto removed =
      execute(fmt::format("DELETE FROM {} WHERE {} < ?", table.name, table.by_month), {format_time(month)});
  if (!removed) return removed.error();
  return {};
}

Result<void> SqliteDatabase::tend() {
  if (const auto done = run_script("PRAGMA analysis_limit = 1000; PRAGMA optimize"); !done) return done;
  return {};
}

Result<void> SqliteDatabase::run_script(std::string_view sql) {
  state_->forget_statements();  // they may speak of tables that the script drops
  if (sqlite3_exec(state_->handle, std::string{sql}.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return state_->error();
  }
  return {};
}

Result<std::size_t> SqliteDatabase::execute(std::string_view sql, const std::vector<SqlValue>& values) {
  const auto statement = state_->prepare(sql, values);
  if (!statement) return statement.error();
  const int code = sqlite3_step(*statement);
  const bool done = code == SQLITE_DONE || code == SQLITE_ROW;
  const auto error = done ? Error{} : state_->error();
  sqlite3_reset(*statement);
  if (!done) return error;
  return static_cast<std::size_t>(sqlite3_changes64(state_->handle));
}

Result<void> SqliteDatabase::State::visit(std::string_view sql, const std::vector<SqlValue>& values,
                                          const std::function<bool(SqlRow&)>& each) {
  const auto statement = prepare(sql, values);
  if (!statement) return statement.error();
  int code = SQLITE_ROW;
  bool going_on = true;
  while (going_on && (code = sqlite3_step(*statement)) == SQLITE_ROW) {
    SqlRow row;
    const int columns = sqlite3_column_count(*statement);
    for (int at = 0; at < columns; ++at) row.push_back(column(*statement, at));
    going_on = each(row);
  }
  const bool good = code == SQLITE_DONE || !going_on;
  const auto failed = good ? Error{} : error();
  sqlite3_reset(*statement);
  if (!good) return failed;
  return {};
}

Result<std::vector<SqlRow>> SqliteDatabase::query(std::string_view sql, const std::vector<SqlValue>& values) {
  std::vector<SqlRow> rows;
  const auto done = state_->visit(sql, values, [&](SqlRow& row) { return rows.push_back(std::move(row)), true; });
  if (!done) return done.error();
  return rows;
}

Result<void> SqliteDatabase::each_row(std::string_view sql, const std::function<bool(const SqlRow&)>& visit) {
  return state_->visit(sql, {}, visit);
}

bool SqliteDatabase::in_transaction() const { return sqlite3_get_autocommit(state_->handle) == 0; }

}  // namespace takt
