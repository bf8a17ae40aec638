#include "export/target_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace takt {
namespace {

constexpr std::array<std::string_view, 2> kPostgresSchemes = {"postgresql://", "postgres://"};

/// Takes `readings=...` out of the options behind a `?`, if it is there. invalid_argument: of another kind.
Result<ReadingRows> take_readings(std::string& options) {
  constexpr std::string_view kName = "readings=";
  std::string rest;
  ReadingRows readings = ReadingRows::minutes;
  for (std::size_t from = 0; from < options.size();) {
    const std::size_t end = std::min(options.find('&', from), options.size());
    const std::string_view option = std::string_view{options}.substr(from, end - from);
    from = end + 1;
    if (!option.starts_with(kName)) {
      rest += (rest.empty() ? "" : "&") + std::string{option};
      continue;
    }
    const std::string_view value = option.substr(kName.size());
    if (value != name_of(ReadingRows::minutes) && value != name_of(ReadingRows::raw))
      return invalid(fmt::format("readings={} of an export target: it may be minutes or raw", value));
    readings = value == name_of(ReadingRows::raw) ? ReadingRows::raw : ReadingRows::minutes;
  }
  options = std::move(rest);
  return readings;
}

/// What stands before the `?`, and behind it.
std::pair<std::string, std::string> split_options(std::string_view url) {
  const std::size_t mark = url.find('?');
  if (mark == std::string_view::npos) return {std::string{url}, ""};
  return {std::string{url.substr(0, mark)}, std::string{url.substr(mark + 1)}};
}

Result<TargetUrl> parse_sqlite(std::string_view url, std::string_view after_scheme) {
  auto [file, options] = split_options(after_scheme);
  const auto readings = take_readings(options);
  if (!readings) return readings.error();
  if (!options.empty())
    return invalid(fmt::format("\"{}\": the option \"{}\" is not known for SQLite targets", url, options));
  if (file.starts_with("//")) file.erase(0, 2);
  if (file.empty()) return invalid(fmt::format("\"{}\" names no file; write sqlite:FILE", url));
  return TargetUrl{SqliteUrl{file, *readings}};
}

Result<TargetUrl> parse_postgres(std::string_view url) {
  auto [connection, options] = split_options(url);
  const auto readings = take_readings(options);
  if (!readings) return readings.error();
  return TargetUrl{PostgresUrl{options.empty() ? connection : connection + '?' + options, *readings}};
}

/// Whether a name of a connection's option says that its value is a secret.
bool is_secret(std::string_view name) { return name == "password" || name == "sslpassword"; }

/// user:password@ without the password, and the same among the options.
std::string without_password(std::string_view url) {
  const std::size_t scheme = url.find("://") + 3;
  const std::size_t end = std::min(url.find_first_of("/?", scheme), url.size());
  const std::string_view authority = url.substr(scheme, end - scheme);
  const std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.substr(0, at == std::string_view::npos ? 0 : at).find(':');
  std::string text{url.substr(0, scheme)};
  text += colon == std::string_view::npos
              ? std::string{authority}
              : fmt::format("{}:***{}", authority.substr(0, colon), authority.substr(at));
  for (std::size_t from = end; from < url.size();) {
    const std::size_t next = std::min(url.find_first_of("?&", from + 1), url.size());
    const std::string_view part = url.substr(from, next - from);  // such as &password=x
    const std::size_t equals = part.find('=');
    const bool secret = equals != std::string_view::npos && is_secret(part.substr(1, equals - 1));
    text += secret ? fmt::format("{}=***", part.substr(0, equals)) : std::string{part};
    from = next;
  }
  return text;
}

}  // namespace

std::string_view name_of(ReadingRows rows) { return rows == ReadingRows::raw ? "raw" : "minutes"; }

ReadingRows readings_of(const TargetUrl& url) {
  return std::visit([](const auto& any) { return any.readings; }, url);
}

Result<TargetUrl> parse_target_url(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) return parse_sqlite(url, url.substr(kSqlite.size()));
  for (const std::string_view scheme : kPostgresSchemes) {
    if (url.starts_with(scheme)) return parse_postgres(url);
  }
  return invalid(fmt::format("\"{}\" is no export target; write sqlite:FILE or postgresql://HOST/DATABASE",
                             url.substr(0, url.find(':'))));
}

std::string shown(const TargetUrl& url) {
  if (const auto* file = std::get_if<SqliteUrl>(&url)) return "sqlite:" + file->file.string();
  return without_password(std::get<PostgresUrl>(url).connection);
}

}  // namespace takt
