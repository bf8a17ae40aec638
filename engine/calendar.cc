#include "engine/calendar.h"

#include <date/date.h>

#include <algorithm>

namespace takt {
namespace {

constexpr Duration kHour = std::chrono::hours{1};
constexpr Duration kDay = std::chrono::hours{24};

date::year_month_day civil(std::int32_t day) { return date::year_month_day{date::sys_days{date::days{day}}}; }

std::int32_t first_day_of_month(int index) {
  const int year = MonthTable<int>::kFirstYear + index / 12;
  return day_number(year, static_cast<unsigned>(index % 12) + 1, 1);
}

Timestamp begin_of(const TimeRange& range) { return range.begin; }
Timestamp begin_of(const Bucket& bucket) { return bucket.range.begin; }

std::int32_t utc_day(Timestamp t) {
  return static_cast<std::int32_t>(std::chrono::floor<std::chrono::days>(t.time_since_epoch()).count());
}

/// The last element that begins at or before `t`, or null.
template <class T>
const T* last_begun(const std::vector<T>& list, Timestamp t) {
  const auto after = std::partition_point(list.begin(), list.end(), [&](const T& e) { return begin_of(e) <= t; });
  return after == list.begin() ? nullptr : &*std::prev(after);
}

}  // namespace

std::int32_t day_number(int year, unsigned month, unsigned day) {
  const date::sys_days days = date::year{year} / static_cast<int>(month) / static_cast<int>(day);
  return static_cast<std::int32_t>(days.time_since_epoch().count());
}

std::string format_day(std::int32_t day) {
  const auto ymd = civil(day);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(ymd.year()),
                static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
  return text;
}

unsigned weekday(std::int32_t day) { return date::weekday{date::sys_days{date::days{day}}}.iso_encoding() - 1; }

std::string_view name_of(Grain grain) {
  constexpr std::string_view kNames[] = {"hour", "shift", "day", "week", "month", "year", "total"};
  return kNames[static_cast<std::size_t>(grain)];
}

std::optional<Grain> grain_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Grain::total); ++i) {
    if (name_of(static_cast<Grain>(i)) == name) return static_cast<Grain>(i);
  }
  return std::nullopt;
}

template <class Month>
int MonthTable<Month>::index_of_day(std::int32_t day) {
  const auto ymd = civil(day);
  const int index =
      (static_cast<int>(ymd.year()) - kFirstYear) * 12 + static_cast<int>(static_cast<unsigned>(ymd.month())) - 1;
  return std::clamp(index, 0, (kLastYear - kFirstYear + 1) * 12 - 1);
}

// ---------------------------------------- wall clock

WallClock::Month WallClock::build(int index) const {
  Month month;
  const std::int32_t first = first_day_of_month(index);
  const std::int32_t next = first_day_of_month(index + 1);
  for (std::int32_t day = first; day < next; ++day) {
    // A day that the zone skipped whole (Apia, 2011-12-30) is no day.
    if (start_of_day(day) == start_of_day(day + 1)) continue;
    month.days.push_back(start_of_day(day));
    month.day_numbers.push_back(day);
  }
  const Timestamp end = start_of_day(next);
  month.days.push_back(end);
  for (Timestamp t = month.days.front(); t < end;) {
    month.hours.push_back(t);
    month.hour_days.push_back(zone_.to_local(t).day);
    const Zone::Offset offset = zone_.offset_at(t);
    const Duration wall = t.time_since_epoch() + offset.offset;
    const Timestamp full_hour = t + (kHour - (wall - std::chrono::floor<std::chrono::hours>(wall)));
    t = std::min({full_hour, offset.until, end});
  }
  month.hours.push_back(end);
  return month;
}

const WallClock::Month& WallClock::month_of(Timestamp t) const {
  // By the day in UTC, which is a neighbour of the local one: looking the zone's offset up takes longer.
  int index = MonthTable<Month>::index_of_day(utc_day(t));
  const auto get = [&](int i) -> const Month& { return months_.get(i, [&] { return build(i); }); };
  if (t < get(index).days.front()) --index;
  if (t >= get(index).days.back()) ++index;
  return get(index);
}

Bucket WallClock::bucket_at(Grain grain, Timestamp t) const {
  const Month& month = month_of(t);
  const auto find = [&](const std::vector<Timestamp>& edges) {
    return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), t) - edges.begin()) - 1;
  };
  if (grain == Grain::hour) {
    const std::size_t i = find(month.hours);
    return {{month.hours[i], month.hours[i + 1]}, month.hour_days[i], nullptr};
  }
  const std::size_t i = find(month.days);
  const std::int32_t day = month.day_numbers[i];
  const auto ymd = civil(day);
  const int year = static_cast<int>(ymd.year());
  const unsigned number = static_cast<unsigned>(ymd.month());
  std::int32_t first = day, next = day + 1;
  if (grain == Grain::week) first = day - static_cast<std::int32_t>(weekday(day)), next = first + 7;
  if (grain == Grain::month) {
    first = day_number(year, number, 1);
    next = number == 12 ? day_number(year + 1, 1, 1) : day_number(year, number + 1, 1);
  }
  if (grain == Grain::year) first = day_number(year, 1, 1), next = day_number(year + 1, 1, 1);
  if (grain == Grain::day) return {{month.days[i], month.days[i + 1]}, day, nullptr};
  return {{start_of_day(first), start_of_day(next)}, first, nullptr};
}

// ---------------------------------------- shift plans

ShiftPlan::ShiftPlan(const WallClock& wall, std::vector<Shift> shifts, const std::vector<Closure>& closures,
                     TimeRange valid)
    : wall_(wall), shifts_(std::move(shifts)), valid_(valid) {
  for (const Closure& closure : closures) {
    const TimeRange range{wall.zone().to_utc(closure.from), wall.zone().to_utc(closure.to)};
    if (!range.empty()) closures_.push_back(range);
  }
  std::sort(closures_.begin(), closures_.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  std::vector<TimeRange> merged;
  for (const TimeRange& range : closures_) {
    if (!merged.empty() && range.begin <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, range.end);
    } else {
      merged.push_back(range);
    }
  }
  closures_ = std::move(merged);
}

namespace {

/// Takes the `holes` (by start, disjoint) out of `range`.
void subtract(TimeRange range, const std::vector<TimeRange>& holes, std::vector<TimeRange>& out) {
  for (const TimeRange& hole : holes) {
    if (!hole.overlaps(range)) continue;
    if (range.begin < hole.begin) out.push_back({range.begin, hole.begin});
    range.begin = std::max(range.begin, hole.end);
  }
  if (!range.empty()) out.push_back(range);
}

}  // namespace

void ShiftPlan::add_instance(Month& month, const Shift& shift, std::int32_t day) const {
  const Zone& zone = wall_.zone();
  const bool overnight = shift.end <= shift.start;
  const TimeRange range{zone.to_utc({day, shift.start}), zone.to_utc({day + (overnight ? 1 : 0), shift.end})};
  if (range.empty() || !shift.valid.contains(range.begin) || !valid_.contains(range.begin)) return;
  month.shifts.push_back({range, day, &shift.id});
  std::vector<TimeRange> holes;
  for (const Break& pause : shift.breaks) {
    // A break before its shift's start lies on the next day.
    const std::int32_t from_day = day + (pause.start < shift.start ? 1 : 0);
    const std::int32_t to_day = from_day + (pause.end <= pause.start ? 1 : 0);
    holes.push_back({zone.to_utc({from_day, pause.start}), zone.to_utc({to_day, pause.end})});
  }
  holes.insert(holes.end(), closures_.begin(), closures_.end());
  std::sort(holes.begin(), holes.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  subtract(range, holes, month.planned);
}

ShiftPlan::Month ShiftPlan::build(int index) const {
  Month month;
  for (std::int32_t day = first_day_of_month(index); day < first_day_of_month(index + 1); ++day) {
    for (const Shift& shift : shifts_) {
      if (shift.is_set_for(day)) add_instance(month, shift, day);
    }
  }
  std::sort(month.shifts.begin(), month.shifts.end(),
            [](auto& a, auto& b) { return a.range.begin < b.range.begin; });
  std::sort(month.planned.begin(), month.planned.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  return month;
}

const ShiftPlan::Month& ShiftPlan::month(int index) const {
  return months_.get(index, [&] { return build(index); });
}

std::optional<Bucket> ShiftPlan::shift_begun_by(Timestamp t) const {
  if (!has_shifts()) return wall_.bucket_at(Grain::day, t);
  // A month back is far enough for every plan that works at least once in a month.
  const int index = MonthTable<Month>::index_of_day(wall_.zone().to_local(t).day);
  for (int i = index + 1; i >= std::max(0, index - 2); --i) {
    if (const Bucket* shift = last_begun(month(i).shifts, t)) return *shift;
  }
  return std::nullopt;
}

std::optional<Bucket> ShiftPlan::shift_at(Timestamp t) const {
  const auto shift = shift_begun_by(t);
  return shift && shift->range.contains(t) ? shift : std::nullopt;
}

std::optional<Bucket> ShiftPlan::next_shift(Timestamp t, Duration within) const {
  if (!has_shifts()) {
    const Bucket day = wall_.bucket_at(Grain::day, t);
    return day.range.begin == t ? day : wall_.bucket_at(Grain::day, day.range.end);
  }
  const int first = MonthTable<Month>::index_of_day(wall_.zone().to_local(t).day - 1);
  const int last = MonthTable<Month>::index_of_day(wall_.zone().to_local(t + within).day);
  for (int i = first; i <= last; ++i) {
    const auto& shifts = month(i).shifts;
    const auto at = std::partition_point(shifts.begin(), shifts.end(), [&](auto& s) { return s.range.begin < t; });
    if (at != shifts.end()) return *at;
  }
  return std::nullopt;
}

ShiftPlan::Closed ShiftPlan::closed_at(Timestamp t) const {
  const TimeRange* closure = last_begun(closures_, t);
  if (closure != nullptr && closure->contains(t)) return {true, closure->end};
  const auto next =
      std::partition_point(closures_.begin(), closures_.end(), [&](auto& c) { return c.begin <= t; });
  return {false, next == closures_.end() ? kEndOfTime : next->begin};
}

ShiftPlan::Planned ShiftPlan::planned_at(Timestamp t) const {
  if (!has_shifts()) {
    const Closed closed = closed_at(t);
    return {!closed.closed, closed.until};
  }
  const std::int32_t day = wall_.zone().to_local(t).day;
  const int index = MonthTable<Month>::index_of_day(day);
  // A shift that is set for a neighbouring month may reach into this one.
  Timestamp until = wall_.start_of_day(first_day_of_month(index + 1));
  if (until <= t) until = t + kDay;
  for (int i = std::max(0, index - 1); i <= index + 1; ++i) {
    const auto& planned = month(i).planned;
    const auto after = std::partition_point(planned.begin(), planned.end(), [&](auto& p) { return p.begin <= t; });
    if (after != planned.begin() && std::prev(after)->contains(t)) return {true, std::prev(after)->end};
    if (after != planned.end()) until = std::min(until, after->begin);
  }
  return {false, until};
}

Duration ShiftPlan::planned_time(TimeRange range) const {
  Duration sum{0};
  for (Timestamp t = range.begin; t < range.end;) {
    const Planned planned = planned_at(t);
    const Timestamp until = std::min(planned.until, range.end);
    if (planned.planned) sum += until - t;
    t = until;
  }
  return sum;
}

std::optional<Timestamp> ShiftPlan::first_planned(TimeRange range) const {
  for (Timestamp t = range.begin; t < range.end;) {
    const Planned planned = planned_at(t);
    if (planned.planned) return t;
    t = planned.until;
  }
  return std::nullopt;
}

}  // namespace takt
