#include "simulator/shift_clock.h"

#include <algorithm>
#include <chrono>

namespace takt {
namespace {

constexpr Second kHour = 3600;
constexpr Second kDay = 24 * kHour;
constexpr Second kWeek = 7 * kDay;
constexpr Second kWeekEnds = 5 * kDay + 22 * kHour;   // Saturday 22:00
constexpr Second kWeekBegins = 6 * kDay + 6 * kHour;  // Sunday 06:00

Second clock_change(std::chrono::year year, std::chrono::month month) {
  const std::chrono::sys_days sunday{year / month / std::chrono::Sunday[std::chrono::last]};
  return std::chrono::sys_seconds{sunday}.time_since_epoch().count() + kHour;
}

/// Seconds since Monday 00:00 by the wall clock. The epoch was a Thursday.
Second in_week(Second utc) {
  const Second since_monday = (utc + berlin_offset(utc) + 3 * kDay) % kWeek;
  return since_monday < 0 ? since_monday + kWeek : since_monday;
}

bool is_break(Second in_day) {
  const auto within = [in_day](Second start) { return start <= in_day && in_day < start + kHour / 2; };
  return within(1 * kHour) || within(9 * kHour) || within(18 * kHour);
}

}  // namespace

Second berlin_offset(Second utc) {
  const std::chrono::sys_seconds at{std::chrono::seconds{utc}};
  const std::chrono::year year = std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(at)}.year();
  const bool summer =
      clock_change(year, std::chrono::March) <= utc && utc < clock_change(year, std::chrono::October);
  return summer ? 2 * kHour : kHour;
}

Duty duty_at(Second utc) {
  const Second moment = in_week(utc);
  if (kWeekEnds <= moment && moment < kWeekBegins) return Duty::off;
  return is_break(moment % kDay) ? Duty::on_break : Duty::working;
}

Second after_work(Second from, Second work) {
  while (true) {
    const Second moment = in_week(from);
    if (kWeekEnds <= moment && moment < kWeekBegins) {
      from += kWeekBegins - moment;
      continue;
    }
    const Second left = (moment < kWeekEnds ? kWeekEnds : kWeekEnds + kWeek) - moment;
    if (work <= left) return from + work;
    from += left;
    work -= left;
  }
}

}  // namespace takt
