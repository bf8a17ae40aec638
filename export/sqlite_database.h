// One open SQLite file: statements in, rows out. The rest of export speaks of tables and rows; SQLite's own calls
// stand behind this header.
#pragma once

#include "export/table.h"
#include "schema/result.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Not thread-safe: one thread at a time.
class SqliteDatabase {
 public:
  enum class Mode { create, existing };

  /// WAL, synchronous=FULL, foreign keys on. not_found: no such file with Mode::existing; corruption: not an
  /// SQLite file or a damaged one; io: anything else.
  static Result<SqliteDatabase> open(const std::filesystem::path& file, Mode mode);
  ~SqliteDatabase();
  SqliteDatabase(SqliteDatabase&&) noexcept;
  SqliteDatabase& operator=(SqliteDatabase&&) noexcept;

  /// Several statements without values.
  Result<void> run_script(std::string_view sql);
  /// One statement. Returns how many rows it changed. unavailable: another connection holds the file's lock.
  Result<std::size_t> execute(std::string_view sql, const std::vector<SqlValue>& values = {});
  Result<std::vector<SqlRow>> query(std::string_view sql, const std::vector<SqlValue>& values = {});
  bool in_transaction() const;

 private:
  struct State;
  explicit SqliteDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace takt
