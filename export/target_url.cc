#include "export/target_url.h"

#include <fmt/format.h>

#include <array>

namespace takt {
namespace {

constexpr std::array<std::string_view, 2> kPostgresSchemes = {"postgresql://", "postgres://"};

Result<TargetUrl> parse_sqlite(std::string_view url, std::string_view file) {
  if (const std::size_t options = file.find('?'); options != std::string_view::npos) {
    return invalid(
        fmt::format("\"{}\": the option \"{}\" is not known for SQLite targets", url, file.substr(options + 1)));
  }
  if (file.starts_with("//")) file.remove_prefix(2);
  if (file.empty()) return invalid(fmt::format("\"{}\" names no file; write sqlite:FILE", url));
  return TargetUrl{SqliteUrl{file}};
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

Result<TargetUrl> parse_target_url(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) return parse_sqlite(url, url.substr(kSqlite.size()));
  for (const std::string_view scheme : kPostgresSchemes) {
    if (url.starts_with(scheme)) return TargetUrl{PostgresUrl{std::string{url}}};
  }
  return invalid(fmt::format("\"{}\" is no export target; write sqlite:FILE or postgresql://HOST/DATABASE",
                             url.substr(0, url.find(':'))));
}

std::string shown(const TargetUrl& url) {
  if (const auto* file = std::get_if<SqliteUrl>(&url)) return "sqlite:" + file->file.string();
  return without_password(std::get<PostgresUrl>(url).connection);
}

}  // namespace takt
