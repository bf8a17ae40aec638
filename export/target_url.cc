#include "export/target_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace takt {
namespace {

constexpr std::array<std::string_view, 2> kPostgresSchemes = {"postgresql://", "postgres://"};

Error wrong_value(std::string_view option, std::string_view wanted) {
  return invalid(fmt::format("{} of an export target: it may be {}", option, wanted));
}

Result<std::int64_t> whole_number(std::string_view option, std::int64_t least, std::int64_t most) {
  const std::string_view text = option.substr(option.find('=') + 1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return wrong_value(option, fmt::format("a whole number from {} to {}", least, most));
  return value;
}

/// One option that may be ours; false: it is not.
Result<bool> take_option(std::string_view option, TargetOptions& into) {
  const std::string_view name = option.substr(0, option.find('='));
  const std::string_view value = option.substr(std::min(option.size(), name.size() + 1));
  const auto number = [&](std::int64_t least, std::int64_t most, const auto& take) -> Result<bool> {
    const auto found = whole_number(option, least, most);
    if (!found) return found.error();
    take(*found);
    return true;
  };
  if (name == "readings") {
    if (value != name_of(ReadingRows::minutes) && value != name_of(ReadingRows::raw))
      return wrong_value(option, "minutes or raw");
    into.readings = value == name_of(ReadingRows::raw) ? ReadingRows::raw : ReadingRows::minutes;
    return true;
  }
  if (name == "names") {
    if (value != name_of(PersonNames::given) && value != name_of(PersonNames::masked))
      return wrong_value(option, "given or masked");
    into.names = value == name_of(PersonNames::masked) ? PersonNames::masked : PersonNames::given;
    return true;
  }
  if (name == "readings_days") return number(0, 1'000'000, [&](std::int64_t n) { into.readings_days = n; });
  if (name == "batch_rows")
    return number(1, 1'000'000, [&](std::int64_t n) { into.batch_rows = static_cast<std::size_t>(n); });
  if (name == "interval_s")
    return number(1, 86'400, [&](std::int64_t n) { into.interval = std::chrono::seconds{n}; });
  if (name == "stall_s") return number(5, 86'400, [&](std::int64_t n) { into.stall = std::chrono::seconds{n}; });
  return false;
}

/// Takes ours out of the options behind a `?`. invalid_argument: a value that cannot be.
Result<TargetOptions> take_options(std::string& options) {
  std::string rest;
  TargetOptions ours;
  for (std::size_t from = 0; from < options.size();) {
    const std::size_t end = std::min(options.find('&', from), options.size());
    const std::string_view option = std::string_view{options}.substr(from, end - from);
    from = end + 1;
    const auto taken = take_option(option, ours);
    if (!taken) return taken.error();
    if (!*taken) rest += (rest.empty() ? "" : "&") + std::string{option};
  }
  options = std::move(rest);
  return ours;
}

/// What stands before the `?`, and behind it.
std::pair<std::string, std::string> split_options(std::string_view url) {
  const std::size_t mark = url.find('?');
  if (mark == std::string_view::npos) return {std::string{url}, ""};
  return {std::string{url.substr(0, mark)}, std::string{url.substr(mark + 1)}};
}

Result<TargetUrl> parse_sqlite(std::string_view url, std::string_view after_scheme) {
  auto [file, options] = split_options(after_scheme);
  const auto ours = take_options(options);
  if (!ours) return ours.error();
  if (!options.empty())
    return invalid(fmt::format("\"{}\": the option \"{}\" is not known for SQLite targets", url, options));
  if (file.starts_with("//")) file.erase(0, 2);
  if (file.empty()) return invalid(fmt::format("\"{}\" names no file; write sqlite:FILE", url));
  return TargetUrl{SqliteUrl{file, *ours}};
}

Result<TargetUrl> parse_postgres(std::string_view url) {
  auto [connection, options] = split_options(url);
  const auto ours = take_options(options);
  if (!ours) return ours.error();
  return TargetUrl{PostgresUrl{options.empty() ? connection : connection + '?' + options, *ours}};
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

std::string_view name_of(PersonNames names) { return names == PersonNames::masked ? "masked" : "given"; }

const TargetOptions& options_of(const TargetUrl& url) {
  return std::visit([](const auto& any) -> const TargetOptions& { return any.options; }, url);
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
