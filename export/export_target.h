// A warehouse in a database of any kind: its schema, its rows, its watermark.
#pragma once

#include "engine/rollups.h"
#include "export/sql_database.h"
#include "export/sqlite_database.h"
#include "export/table.h"
#include "export/target_url.h"
#include "schema/time.h"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// How far a target has come; stands in the target itself.
struct Watermark {
  std::string store_id;
  Sequence commit = 0;
  Timestamp flushed;         ///< the store's clock: what lasts is told up to here
  std::string plant_digest;  ///< of the description in the dimension tables
  ReadingRows readings = ReadingRows::minutes;
  PersonNames names = PersonNames::given;
  Timestamp readings_from = kBeginOfTime;  ///< fact_sensor_event has none of before
};

/// A migration as the target knows it.
struct AppliedMigration {
  int version = 0;
  std::string name, applied_at;
};

/// Not thread-safe, but for interrupt(). Readers of the tables see whole flushes only. What happens between
/// begin() and commit() is one transaction; an error or the end of the object takes it back.
class ExportTarget {
 public:
  using Mode = SqliteDatabase::Mode;  ///< of a file; a database on a server is always there already

  /// conflict: the tables there are not Takt's; invalid_argument: its schema is of a newer Takt, or altered;
  /// unavailable: a server that does not answer.
  static Result<ExportTarget> open(const TargetUrl& url, Mode mode);

  std::span<const Migration> migrations() const { return database_->migrations(); }

  // The schema. 0 is the empty file; the newest version is what flushes need.
  static int newest_version();
  Result<int> version();
  Result<std::vector<AppliedMigration>> applied();
  /// Up or down to `version`, all steps or none.
  Result<void> migrate_to(int version);

  // Rows.
  /// What its URL asks for; the watermark says what is there.
  const TargetOptions& options() const { return options_; }
  Result<void> begin();
  Result<void> commit();
  void rollback();
  Result<std::optional<Watermark>> watermark();
  Result<void> set_watermark(const Watermark& watermark);
  /// In order of the key.
  Result<std::vector<SqlRow>> rows(const Table& table, const Slice& slice);
  Result<std::vector<SqlRow>> query(std::string_view sql, const std::vector<SqlValue>& values = {});
  /// As the target keeps them: without people's names where they are to be masked, and with no text that the
  /// database does not take.
  void make_storable(const Table& table, std::vector<SqlRow>& rows, PersonNames names) const;
  /// Makes the slice hold exactly `rows`: writes what differs, removes what is not among them. How many rows
  /// changed.
  Result<std::size_t> replace(const Table& table, const Slice& slice, std::vector<SqlRow> rows);
  /// Rows whose keys are distinct and not there. They are written while the caller makes the next ones: what fails
  /// is told by what is called next.
  Result<void> append(const Table& table, std::vector<SqlRow> rows);
  /// Rows of distinct keys, in place of those that have their keys.
  Result<void> upsert(const Table& table, std::vector<SqlRow> rows);
  Result<std::size_t> remove(const Table& table, const Slice& slice);
  /// Rows of fact_sensor_event from before the first of a month.
  Result<void> remove_readings_before(Timestamp month);
  /// What the database wants to be done now and then: trends made anew, its statistics, too. Not within a flush.
  Result<void> tend();

  /// From any thread: what runs fails soon, and so does all that follows.
  void interrupt() { database_->interrupt(); }

 private:
  ExportTarget(std::unique_ptr<SqlDatabase> database, TargetOptions options)
      : database_(std::move(database)), options_(options) {}
  Result<void> check_schema();
  Result<void> step(int version, bool up);

  Result<void> appended();

  std::unique_ptr<SqlDatabase> database_;
  TargetOptions options_;
  std::future<Result<void>> appending_;  // has the database for itself
};

/// The steps that build the schema where the URL points to.
std::span<const Migration> migrations_for(const TargetUrl& url);

}  // namespace takt
