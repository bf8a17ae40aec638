#include "schema/time.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>

namespace takt {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr Timestamp kLatest = sys_days{std::chrono::year{10000} / 1 / 1} - Duration{1};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What a message may repeat of a stranger's bytes: printable ASCII, and not too much of it.
std::string double_quoted(std::string_view text) {
  constexpr std::size_t kShown = 48;
  std::string shown = "\"";
  for (const char c : text.substr(0, kShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown + (text.size() > kShown ? "...\"" : "\"");
}

Error bad_time(std::string_view text, const char* why) {
  return invalid(double_quoted(text) + " is not a time: " + why +
                 "; write RFC 3339 with an offset, such as 2026-01-05T06:00:00Z, or microseconds since 1970");
}

Result<Timestamp> checked(std::string_view text, Timestamp t) {
  if (t < kEarliestTime || t > kLatest) return bad_time(text, "its year is not within 1900 to 9999");
  return t;
}

/// Two digits as a number; anything else is above every limit.
constexpr unsigned two_digits(const char* p) {
  return is_digit(p[0]) && is_digit(p[1]) ? static_cast<unsigned>((p[0] - '0') * 10 + (p[1] - '0')) : 1000U;
}

bool looks_like_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

Result<Timestamp> parse_micros(std::string_view text) {
  std::int64_t us = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), us);
  if (error != std::errc{}) return bad_time(text, "its year is not within 1900 to 9999");
  return checked(text, from_micros(us));
}

/// The fraction at the front of `rest`, which it takes away. Cut, not rounded, so that no time moves into the
/// future.
std::optional<Duration> take_fraction(std::string_view& rest) {
  if (!rest.starts_with('.')) return Duration{0};
  std::int64_t us = 0;
  std::size_t i = 1;
  for (std::int64_t unit = 100'000; i < rest.size() && is_digit(rest[i]); ++i, unit /= 10)
    us += unit * (rest[i] - '0');
  if (i == 1) return std::nullopt;
  rest.remove_prefix(i);
  return Duration{us};
}

/// "Z" or "+hh:mm", and nothing after it.
std::optional<minutes> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return minutes{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const unsigned hour = two_digits(&text[1]);
  const unsigned minute = two_digits(&text[4]);
  if (hour > 23 || minute > 59) return std::nullopt;
  const minutes offset = hours{hour} + minutes{minute};
  return text[0] == '-' ? -offset : offset;
}

/// `value` as `width` digits.
char* put(char* out, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + width;
}

/// ".5", ".000001", or nothing for whole seconds.
char* put_fraction(char* out, unsigned us) {
  if (us == 0) return out;
  *out++ = '.';
  out = put(out, us, 6);
  while (out[-1] == '0') --out;
  return out;
}

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array kUnits = {Unit{"", seconds{1}},       Unit{"s", seconds{1}},  Unit{"m", minutes{1}},
                               Unit{"h", hours{1}},        Unit{"d", days{1}},     Unit{"w", days{7}},
                               Unit{"ms", Duration{1000}}, Unit{"us", Duration{1}}};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override { return floor<Duration>(std::chrono::system_clock::now()); }
};

}  // namespace

Result<Timestamp> parse_time(std::string_view text) {
  if (looks_like_integer(text)) return parse_micros(text);
  constexpr std::string_view kShape = "2026-01-05T06:00:00";
  if (text.size() <= kShape.size()) return bad_time(text, "it is too short");
  const char* p = text.data();
  const bool separated =
      p[4] == '-' && p[7] == '-' && (p[10] == 'T' || p[10] == 't' || p[10] == ' ') && p[13] == ':' && p[16] == ':';
  const unsigned century = two_digits(p);
  const unsigned year = two_digits(p + 2);
  if (!separated || century > 99 || year > 99) return bad_time(text, "it is not like 2026-01-05T06:00:00Z");
  const year_month_day date{std::chrono::year{static_cast<int>(century * 100 + year)},
                            std::chrono::month{two_digits(p + 5)}, std::chrono::day{two_digits(p + 8)}};
  if (two_digits(p + 5) > 12 || two_digits(p + 8) > 31 || !date.ok())
    return bad_time(text, "there is no such date");
  const unsigned hour = two_digits(p + 11);
  const unsigned minute = two_digits(p + 14);
  const unsigned second = two_digits(p + 17);
  // POSIX time has no leap seconds: a :60 would silently be the next minute.
  if (hour > 23 || minute > 59 || second > 59) return bad_time(text, "there is no such time of day");
  std::string_view rest = text.substr(kShape.size());
  const std::optional<Duration> fraction = take_fraction(rest);
  if (!fraction) return bad_time(text, "there is no digit after the decimal point");
  const std::optional<minutes> offset = parse_offset(rest);
  if (!offset) return bad_time(text, "it does not end in an offset, Z or +hh:mm");
  return checked(text, sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + *fraction - *offset);
}

void append_time(std::string& out, Timestamp t) {
  // The sentinels are no times, but a careless caller must get a string of the right shape all the same.
  t = std::clamp(t, kEarliestTime, kLatest);
  const sys_days day = floor<days>(t);
  const year_month_day date{day};
  const auto us = static_cast<std::uint64_t>((t - day).count());
  const auto second = static_cast<unsigned>(us / 1'000'000);
  std::array<char, 32> text;
  char* p = put(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  *p++ = '-';
  p = put(p, static_cast<unsigned>(date.month()), 2);
  *p++ = '-';
  p = put(p, static_cast<unsigned>(date.day()), 2);
  *p++ = 'T';
  p = put(p, second / 3600, 2);
  *p++ = ':';
  p = put(p, second / 60 % 60, 2);
  *p++ = ':';
  p = put(p, second % 60, 2);
  p = put_fraction(p, static_cast<unsigned>(us % 1'000'000));
  *p++ = 'Z';
  out.append(text.data(), static_cast<std::size_t>(p - text.data()));
}

std::string format_time(Timestamp t) {
  std::string text;
  append_time(text, t);
  return text;
}

Result<Duration> parse_duration(std::string_view text) {
  const auto bad = [&](const char* why) {
    return invalid(double_quoted(text) + " is not a length of time: " + why + "; write 90, 90s, 5m, 1h or 7d");
  };
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc::result_out_of_range) return bad("it is too long");
  if (error != std::errc{}) return bad("it does not begin with a whole number");
  const std::string_view name{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
  if (unit == kUnits.end()) return bad("its unit is none of us, ms, s, m, h, d, w");
  if (count <= 0) return bad("it is not above 0");
  if (count > (kLatest - kEarliestTime) / unit->length) return bad("it is too long");
  return count * unit->length;
}

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

}  // namespace takt
