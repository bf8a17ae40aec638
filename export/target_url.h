// Where exports go, as users write it: sqlite:FILE or postgresql://...
#pragma once

#include "schema/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace takt {

/// "sqlite:warehouse.sqlite", "sqlite:///var/lib/takt/warehouse.sqlite".
struct SqliteUrl {
  std::filesystem::path file;
};
/// "postgresql://user:password@host:5432/database?sslmode=require": what libpq takes.
struct PostgresUrl {
  std::string connection;
};
using TargetUrl = std::variant<SqliteUrl, PostgresUrl>;

/// invalid_argument: another kind of target, no file, or an option that is not known.
Result<TargetUrl> parse_target_url(std::string_view url);

/// The URL for people and logs: without a password.
std::string shown(const TargetUrl& url);

}  // namespace takt
