// One open SQLite file: statements in, rows out. SQLite's own calls stand behind this header.
#pragma once

#include "export/sql_database.h"

#include <filesystem>
#include <functional>
#include <memory>

namespace takt {

class SqliteDatabase : public SqlDatabase {
 public:
  enum class Mode { create, existing };

  /// WAL, synchronous=FULL, foreign keys on. not_found: no such file with Mode::existing; corruption: not an
  /// SQLite file or a damaged one; io: anything else.
  static Result<std::unique_ptr<SqliteDatabase>> open(const std::filesystem::path& file, Mode mode);
  ~SqliteDatabase() override;

  std::span<const Migration> migrations() const override { return sqlite_migrations(); }
  Result<bool> has_table(std::string_view name) override;
  /// Any table: a file is Takt's alone.
  Result<std::optional<std::string>> foreign_table() override;
  /// unavailable: another connection holds the file's lock.
  Result<void> begin() override;
  Result<void> run_script(std::string_view sql) override;
  Result<std::size_t> execute(std::string_view sql, const std::vector<SqlValue>& values) override;
  Result<std::vector<SqlRow>> query(std::string_view sql, const std::vector<SqlValue>& values) override;
  /// One row after the other, until `visit` says false.
  Result<void> each_row(std::string_view sql, const std::function<bool(const SqlRow&)>& visit);
  Result<void> upsert(const Table& table, const std::vector<const SqlRow*>& rows) override;
  Result<void> insert(const Table& table, const std::vector<const SqlRow*>& rows) override;
  Result<void> remove_months(const Table& table, Timestamp month) override;
  Result<void> tend() override;
  bool in_transaction() const override;

 private:
  struct State;
  explicit SqliteDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace takt
