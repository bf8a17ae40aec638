// A connection to a PostgreSQL server, 13 or newer: statements in, rows out, many rows at once by COPY. libpqxx's
// own calls stand behind this header.
#pragma once

#include "export/sql_database.h"
#include "export/target_url.h"

#include <memory>

namespace takt {

/// Tables stand in the first schema of the connection's search path.
///
/// Whatever fails by the server's absence, locks or shortage is unavailable, so that it is tried again; the rest
/// is io.
class PostgresDatabase : public SqlDatabase {
 public:
  /// unavailable: no server answers within 3 s, or it refuses; invalid_argument: its database is not of UTF-8.
  static Result<std::unique_ptr<PostgresDatabase>> open(const PostgresUrl& url);
  ~PostgresDatabase() override;

  std::span<const Migration> migrations() const override { return postgres_migrations(); }
  Result<bool> has_table(std::string_view name) override;
  /// A table with one of Takt's names: others may stand beside them.
  Result<std::optional<std::string>> foreign_table() override;
  /// Holds an advisory lock of the schema until the transaction ends. unavailable: another exporter holds it for 2
  /// s.
  Result<void> begin() override;
  Result<void> run_script(std::string_view sql) override;
  Result<std::size_t> execute(std::string_view sql, const std::vector<SqlValue>& values) override;
  Result<std::vector<SqlRow>> query(std::string_view sql, const std::vector<SqlValue>& values) override;
  /// A few by INSERT, more by COPY into a temporary table and one INSERT from there.
  Result<void> upsert(const Table& table, const std::vector<const SqlRow*>& rows) override;
  /// By COPY into the table itself.
  Result<void> insert(const Table& table, const std::vector<const SqlRow*>& rows) override;
  Result<void> remove_months(const Table& table, Timestamp month) override;
  Result<void> tend() override;
  bool in_transaction() const override;
  bool keeps_comments() const override { return true; }
  /// PostgreSQL's texts hold no NUL: U+FFFD stands for it.
  void make_storable(SqlValue& value) const override;
  void interrupt() override;

 private:
  struct State;
  explicit PostgresDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace takt
