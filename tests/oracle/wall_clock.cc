#include "tests/oracle/wall_clock.h"

#include <date/date.h>
#include <date/tz.h>

#include <cstdlib>
#include <set>

namespace takt::oracle {
namespace {

using std::chrono::floor;
constexpr Duration kDay = std::chrono::hours{24};
constexpr Duration kHour = std::chrono::hours{1};

}  // namespace

std::vector<WallClock::Stretch> WallClock::stretches(TimeRange range) const {
  std::vector<Stretch> found;
  const date::time_zone* zone = date::locate_zone(zone_);
  for (Timestamp t = range.begin; t < range.end;) {
    const date::sys_info info = zone->get_info(floor<std::chrono::seconds>(t));
    const Timestamp end = info.end < range.end ? Timestamp{info.end} : range.end;
    if (!found.empty() && found.back().offset == info.offset) {
      found.back().time.end = end;  // the abbreviation changed, the clock did not
    } else {
      found.push_back({{t, end}, info.offset});
    }
    t = end;
  }
  return found;
}

Timestamp WallClock::first_showing(Day day, Duration time_of_day) const {
  const Timestamp wall{day * kDay + time_of_day};  // as if the zone were UTC
  for (const Stretch& stretch : stretches({wall - 3 * kDay, wall + 3 * kDay})) {
    const Timestamp shown = std::max(stretch.time.begin, wall - stretch.offset);
    if (shown < stretch.time.end) return shown;
  }
  std::abort();  // no zone is three days off
}

Day WallClock::date_at(Timestamp t) const {
  const Duration offset = stretches({t, t + Duration{1}}).front().offset;
  return static_cast<Day>(floor<date::days>(t + offset).time_since_epoch().count());
}

std::vector<Timestamp> WallClock::hour_edges(TimeRange range) const {
  std::set<Timestamp> edges;
  for (const Stretch& stretch : stretches(range)) {
    if (stretch.time.begin != range.begin) edges.insert(stretch.time.begin);
    Timestamp full = floor<std::chrono::hours>(stretch.time.begin + stretch.offset) - stretch.offset;
    for (; full < stretch.time.end; full += kHour) {
      if (full >= stretch.time.begin) edges.insert(full);
    }
  }
  return {edges.begin(), edges.end()};
}

std::string date_text(Day day) { return date::format("%F", date::sys_days{date::days{day}}); }

int weekday(Day day) {
  return static_cast<int>(date::weekday{date::sys_days{date::days{day}}}.iso_encoding()) - 1;
}

Timestamp read_time(const std::string& text) {
  auto number = [&](std::size_t at, std::size_t digits) { return std::stoi(text.substr(at, digits)); };
  const auto day = date::year{number(0, 4)} / number(5, 2) / number(8, 2);
  Timestamp t = date::sys_days{day} + std::chrono::hours{number(11, 2)} + std::chrono::minutes{number(14, 2)} +
                std::chrono::seconds{number(17, 2)};
  std::size_t at = 19;
  if (text.at(at) == '.') {
    std::int64_t unit = 100000;
    for (++at; text.at(at) >= '0' && text.at(at) <= '9'; ++at, unit /= 10) t += Duration{(text[at] - '0') * unit};
  }
  if (text.at(at) == 'Z' || text.at(at) == 'z') return t;
  const Duration offset = std::chrono::hours{number(at + 1, 2)} + std::chrono::minutes{number(at + 4, 2)};
  return text[at] == '-' ? t + offset : t - offset;
}

std::string time_text(Timestamp t) {
  std::string text = date::format("%FT%T", t);
  const std::size_t last = text.find_last_not_of('0');  // always six digits: 06:00:00.120000
  text.erase(text[last] == '.' ? last : last + 1);
  return text + "Z";
}

}  // namespace takt::oracle
