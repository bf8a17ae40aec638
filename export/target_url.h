// Where exports go, as users write it: sqlite:FILE or postgresql://...
#pragma once

#include "schema/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace takt {

/// What a row of fact_sensor_event is of: the readings of a minute, or those of one moment (`?readings=raw`).
enum class ReadingRows { minutes, raw };
std::string_view name_of(ReadingRows rows);

/// "sqlite:warehouse.sqlite", "sqlite:///var/lib/takt/warehouse.sqlite?readings=raw".
struct SqliteUrl {
  std::filesystem::path file;
  ReadingRows readings = ReadingRows::minutes;
};
/// "postgresql://user:password@host:5432/database?sslmode=require&readings=raw": what libpq takes, and ours.
struct PostgresUrl {
  std::string connection;  ///< without our option
  ReadingRows readings = ReadingRows::minutes;
};
using TargetUrl = std::variant<SqliteUrl, PostgresUrl>;

/// invalid_argument: another kind of target, no file, or an option that is not known.
Result<TargetUrl> parse_target_url(std::string_view url);

ReadingRows readings_of(const TargetUrl& url);

/// The URL for people and logs: without a password.
std::string shown(const TargetUrl& url);

}  // namespace takt
