// Where exports go, as users write it: sqlite:FILE or postgresql://...
#pragma once

#include "schema/result.h"
#include "schema/time.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace takt {

/// What a row of fact_sensor_event is of: the readings of a minute, or those of one moment.
enum class ReadingRows { minutes, raw };
std::string_view name_of(ReadingRows rows);

/// Whose names stand in the target.
enum class PersonNames { given, masked };
std::string_view name_of(PersonNames names);

/// What a target's URL may ask for behind its `?`.
struct TargetOptions {
  ReadingRows readings = ReadingRows::minutes;  ///< readings=raw
  PersonNames names = PersonNames::given;       ///< names=masked
  std::int64_t readings_days = 0;               ///< readings_days=400: months of readings before that go; 0: none
  std::size_t batch_rows = 10'000;              ///< batch_rows=: what is written in one go
  std::optional<Duration> interval;             ///< interval_s=: between flushes of a server
  std::optional<Duration> stall;                ///< stall_s=: a database that is silent for so long is cut off
};

/// "sqlite:warehouse.sqlite", "sqlite:///var/lib/takt/warehouse.sqlite?readings=raw".
struct SqliteUrl {
  std::filesystem::path file;
  TargetOptions options = {};
};
/// "postgresql://user:password@host:5432/database?sslmode=require&readings=raw": what libpq takes, and ours.
struct PostgresUrl {
  std::string connection;  ///< without our options
  TargetOptions options = {};
};
using TargetUrl = std::variant<SqliteUrl, PostgresUrl>;

/// invalid_argument: another kind of target, no file, or an option that is not known.
Result<TargetUrl> parse_target_url(std::string_view url);

const TargetOptions& options_of(const TargetUrl& url);

/// The URL for people and logs: without a password.
std::string shown(const TargetUrl& url);

}  // namespace takt
