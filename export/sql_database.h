// A warehouse's database as the rest of export sees it: statements in, rows out, whatever its kind.
#pragma once

#include "export/migrations.h"
#include "export/table.h"
#include "schema/result.h"
#include "schema/time.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Not thread-safe: one thread at a time, but for interrupt().
///
/// Statements are written in the SQL that all kinds share, with `?` for each value. Rows come back as they were
/// put: a moment as RFC 3339 text, a truth as 0 or 1, JSON as canonical_json() writes it, whatever type the column
/// has.
class SqlDatabase {
 public:
  virtual ~SqlDatabase() = default;
  SqlDatabase() = default;
  SqlDatabase(const SqlDatabase&) = delete;
  SqlDatabase& operator=(const SqlDatabase&) = delete;

  /// The steps that build the schema here.
  virtual std::span<const Migration> migrations() const = 0;
  virtual Result<bool> has_table(std::string_view name) = 0;
  /// A table that stands where Takt's are to be and is not Takt's; none: it is free.
  virtual Result<std::optional<std::string>> foreign_table() = 0;

  /// Begins a transaction that alone writes to Takt's tables. unavailable: another one does.
  virtual Result<void> begin() = 0;
  /// Several statements without values.
  virtual Result<void> run_script(std::string_view sql) = 0;
  /// One statement. Returns how many rows it changed.
  virtual Result<std::size_t> execute(std::string_view sql, const std::vector<SqlValue>& values) = 0;
  virtual Result<std::vector<SqlRow>> query(std::string_view sql, const std::vector<SqlValue>& values) = 0;
  /// Writes rows of distinct keys, in place of those that have their keys.
  virtual Result<void> upsert(const Table& table, const std::vector<const SqlRow*>& rows) = 0;
  /// The same for rows whose keys the table does not have, which may be faster.
  virtual Result<void> insert(const Table& table, const std::vector<const SqlRow*>& rows) = 0;
  /// Removes the rows of a table kept by months from before the first of a month.
  virtual Result<void> remove_months(const Table& table, Timestamp month) = 0;
  /// Makes stored trends anew, and the planner's statistics. Outside of transactions.
  virtual Result<void> tend() = 0;
  virtual bool in_transaction() const = 0;

  /// Whether the schema's comments can stand in the database itself.
  virtual bool keeps_comments() const { return false; }
  /// The value as it will be read again: what the database cannot keep is replaced as docs/warehouse.md says.
  virtual void make_storable(SqlValue& value) const { static_cast<void>(value); }
  /// From any thread: what runs ends soon with an error, and nothing runs afterwards.
  virtual void interrupt() {}
};

}  // namespace takt
