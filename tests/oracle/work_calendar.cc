#include "tests/oracle/work_calendar.h"

#include <date/date.h>

#include <algorithm>

namespace takt::oracle {
namespace {

using Kind = Scope::Kind;

/// From the most specific to the plant.
std::vector<Scope> scopes_of(const Plant& plant, const Machine& machine) {
  std::vector<Scope> scopes{{Kind::machine, machine.id}};
  if (!machine.line.empty()) scopes.push_back({Kind::line, machine.line});
  for (const Line& line : plant.lines) {
    if (line.id == machine.line && !line.area.empty()) scopes.push_back({Kind::area, line.area});
  }
  scopes.push_back({Kind::plant, ""});
  return scopes;
}

bool same(const Scope& a, const Scope& b) { return a.kind == b.kind && (a.kind == Kind::plant || a.id == b.id); }

std::vector<Shift> shifts_of(const Plant& plant, const Machine& machine) {
  for (const Scope& scope : scopes_of(plant, machine)) {
    std::vector<Shift> shifts;
    for (const Shift& shift : plant.shifts) {
      if (same(shift.scope, scope)) shifts.push_back(shift);
    }
    if (!shifts.empty()) return shifts;
  }
  return {};
}

TimeRange break_of(const WallClock& clock, const Shift& shift, const Break& pause, Day date) {
  const Day start = pause.start < shift.start ? date + 1 : date;
  const Day end = pause.end <= pause.start ? start + 1 : start;
  return {clock.first_showing(start, pause.start), clock.first_showing(end, pause.end)};
}

ShiftRun run_of(const WallClock& clock, const Shift& shift, Day date) {
  const Day last = shift.end <= shift.start ? date + 1 : date;
  ShiftRun run{
      shift.id, date, {clock.first_showing(date, shift.start), clock.first_showing(last, shift.end)}, {}, {}};
  for (const Break& pause : shift.breaks) run.breaks.push_back(break_of(clock, shift, pause, date));
  return run;
}

/// Goes from the Monday of the date to that of a week that the shift has, rotation by rotation.
bool in_rotation(const Shift& shift, Day date) {
  Day week = date - weekday(date);
  const Day wanted = shift.week_of - weekday(shift.week_of);
  while (week < wanted) week += 7 * shift.every_weeks;
  while (week > wanted) week -= 7 * shift.every_weeks;
  return week == wanted;
}

bool inside(const std::vector<TimeRange>& ranges, Timestamp t) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const TimeRange& range) { return range.contains(t); });
}

}  // namespace

MachineCalendar::MachineCalendar(const Descriptions& descriptions, const std::string& machine, TimeRange known) {
  const WallClock clock{descriptions.newest().timezone};
  for (const Description& description : descriptions.list()) add_rules(description, clock, machine, known);
}

void MachineCalendar::add_rules(const Description& description, const WallClock& clock, const std::string& id,
                                TimeRange known) {
  const Machine machine = machine_of(description.plant, id);
  const std::vector<Shift> shifts = shifts_of(description.plant, machine);
  Rules rules{description.valid, !shifts.empty(), {}};
  for (const Closure& closure : description.plant.closures) {
    for (const Scope& scope : scopes_of(description.plant, machine)) {
      if (!same(closure.scope, scope)) continue;
      rules.closures.push_back({clock.first_showing(closure.from.day, closure.from.time),
                                clock.first_showing(closure.to.day, closure.to.time)});
    }
  }
  for (Day date = clock.date_at(known.begin) - 3; date <= clock.date_at(known.end) + 3; ++date) {
    for (const Shift& shift : shifts) {
      if ((shift.days & (1 << weekday(date))) == 0) continue;
      if (shift.every_weeks > 1 && !in_rotation(shift, date)) continue;
      ShiftRun run = run_of(clock, shift, date);
      run.closures = rules.closures;
      // A run wholly inside a skipped stretch of the wall clock never happens.
      const bool begins = shift.valid.contains(run.time.begin) && rules.valid.contains(run.time.begin);
      if (!run.time.empty() && begins) runs_.push_back(run);
    }
  }
  rules_.push_back(rules);
}

const ShiftRun* MachineCalendar::run_at(Timestamp t) const {
  for (const ShiftRun& run : runs_) {
    if (run.time.contains(t)) return &run;
  }
  return nullptr;
}

bool MachineCalendar::planned_at(Timestamp t) const {
  if (const ShiftRun* run = run_at(t)) return !inside(run->breaks, t) && !inside(run->closures, t);
  for (const Rules& rules : rules_) {
    if (rules.valid.contains(t)) return !rules.has_plan && !inside(rules.closures, t);
  }
  return false;
}

std::vector<Timestamp> MachineCalendar::edges() const {
  std::vector<TimeRange> ranges;
  for (const Rules& rules : rules_) {
    ranges.push_back(rules.valid);
    ranges.insert(ranges.end(), rules.closures.begin(), rules.closures.end());
  }
  for (const ShiftRun& run : runs_) {
    ranges.push_back(run.time);
    ranges.insert(ranges.end(), run.breaks.begin(), run.breaks.end());
  }
  std::vector<Timestamp> edges;
  for (const TimeRange& range : ranges) edges.insert(edges.end(), {range.begin, range.end});
  return edges;
}

std::vector<Bucket> MachineCalendar::shifts(const WallClock& clock, TimeRange range) const {
  std::vector<Bucket> found;
  for (const ShiftRun& run : runs_) {
    if (run.time.overlaps(range)) found.push_back({run.id, run.date, run.time});
  }
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].has_plan) continue;
    TimeRange free = rules_[i].valid;
    while (i + 1 < rules_.size() && !rules_[i + 1].has_plan) free.end = rules_[++i].valid.end;
    if (const ShiftRun* run = run_at(free.begin)) free.begin = run->time.end;
    for (Bucket day : buckets_of(clock, "day", range)) {
      day.time = intersect(day.time, free);
      if (!day.time.empty() && day.time.overlaps(range)) found.push_back(day);
    }
  }
  return found;
}

namespace {

bool begins_a_bucket(const std::string& grain, Day day) {
  const date::year_month_day date{date::sys_days{date::days{day}}};
  if (grain == "week") return weekday(day) == 0;
  if (grain == "month") return date.day() == date::day{1};
  if (grain == "year") return date.day() == date::day{1} && date.month() == date::January;
  return true;
}

/// The first instants of the buckets, and the dates they are set for.
std::vector<Bucket> begins(const WallClock& clock, const std::string& grain, TimeRange range) {
  std::vector<Bucket> found;
  if (grain == "hour") {
    const Duration margin = std::chrono::hours{30};
    for (const Timestamp edge : clock.hour_edges({range.begin - margin, range.end + margin})) {
      found.push_back({std::nullopt, clock.date_at(edge), {edge, edge}});
    }
    return found;
  }
  const Day margin = grain == "year" ? 400 : 40;
  for (Day day = clock.date_at(range.begin) - margin; day <= clock.date_at(range.end) + margin; ++day) {
    if (!begins_a_bucket(grain, day)) continue;
    const Timestamp edge = clock.midnight(day);
    found.push_back({std::nullopt, day, {edge, edge}});
  }
  return found;
}

}  // namespace

std::vector<Bucket> buckets_of(const WallClock& clock, const std::string& grain, TimeRange range) {
  if (grain == "total") return {{std::nullopt, std::nullopt, range}};
  std::vector<Bucket> all = begins(clock, grain, range);
  std::vector<Bucket> found;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    all[i].time.end = all[i + 1].time.begin;
    if (!all[i].time.empty() && all[i].time.overlaps(range)) found.push_back(all[i]);
  }
  return found;
}

}  // namespace takt::oracle
