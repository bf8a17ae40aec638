#include "query/timeline.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "query/oee.h"

namespace takt {
namespace {

/// Alike to whoever reads the answer: a machine that says "unknown" and one that says nothing are.
bool alike(const StoreView& view, const Segment& a, const Segment& b) {
  if (a.reason != b.reason || a.category != b.category || a.minor_stop != b.minor_stop) return false;
  return a.state == b.state || shown_state(view, a, a.range.begin) == shown_state(view, b, b.range.begin);
}

}  // namespace

std::string shown_state(const StoreView& view, const Segment& segment, Timestamp t) {
  if (segment.state == NameId::none) return "unknown";
  return std::string{view.names().text(view.master().at(t).shown_state(segment.state))};
}

Segment segment_at(const StoreView& view, const MachineRecord& record, Timestamp t) {
  constexpr Duration kTick{1};
  const auto before = [&](Timestamp end) -> std::optional<Segment> {
    const std::vector<Segment> list = record.timeline().segments({end - kTick, end}, t);
    for (const Segment& segment : list) {
      if (segment.range.contains(end - kTick)) return segment;
    }
    return std::nullopt;
  };
  Segment segment = before(t).value_or(Segment{});
  while (segment.range.begin > kBeginOfTime) {
    const auto earlier = before(segment.range.begin);
    if (!earlier || !alike(view, *earlier, segment)) break;
    segment.range.begin = earlier->range.begin;
  }
  return segment;
}

std::vector<TimelineInterval> timeline(const StoreView& view, MachineId machine, TimeRange range, Timestamp now) {
  std::vector<Segment> merged;
  for (const Segment& segment : view.machine(machine).timeline().segments(range, now)) {
    const TimeRange part = intersect(segment.range, range);
    if (part.empty()) continue;
    if (!merged.empty() && alike(view, merged.back(), segment)) {
      merged.back().range.end = part.end;
      merged.back().open = segment.open;
    } else {
      merged.push_back(segment);
      merged.back().range = part;
    }
  }
  // What is cut at the range's end may go on alike past a border that the engine draws, up to now.
  if (!merged.empty() && range.end < now && !merged.back().open) {
    const Segment lasting = segment_at(view, view.machine(machine), now);
    merged.back().open = lasting.range.contains(merged.back().range.end) && lasting.range.begin < range.end &&
                         alike(view, lasting, merged.back());
  }
  std::vector<TimelineInterval> intervals;
  for (const Segment& segment : merged) {
    TimelineInterval interval;
    interval.range = segment.range;
    interval.state = shown_state(view, segment, segment.range.begin);
    interval.category = segment.category;
    if (segment.reason != NameId::none) interval.reason = view.names().text(segment.reason);
    interval.minor_stop = segment.minor_stop;
    interval.open = segment.open;
    intervals.push_back(std::move(interval));
  }
  return intervals;
}

std::optional<ParetoBy> pareto_by_named(std::string_view name) {
  if (name == "reason") return ParetoBy::reason;
  if (name == "category") return ParetoBy::category;
  if (name == "machine") return ParetoBy::machine;
  return std::nullopt;
}

Result<Pareto> downtime_pareto(const StoreView& view, const Scope& scope, TimeRange range, ParetoBy by,
                               Timestamp now) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  const MasterData& master = view.master();
  const Plant& plant = master.latest().plant();
  struct Sum {
    Duration time{0};
    std::int64_t count = 0;
  };
  // By number while there is much to add up, by text in the end. 0: no reason.
  std::unordered_map<std::uint32_t, Sum> numbered;
  const auto number_of = [&](MachineId machine, NameId reason, Timestamp t) -> std::uint32_t {
    if (by == ParetoBy::machine) return index_of(machine);
    if (by == ParetoBy::reason || reason == NameId::none) return static_cast<std::uint32_t>(reason);
    return 1U + static_cast<std::uint32_t>(master.at(t).category_of_reason(reason));
  };
  const auto key_of = [&](std::uint32_t number) -> std::optional<std::string> {
    if (by == ParetoBy::machine) return view.numbers().name(MachineId{number});
    if (number == 0) return std::nullopt;
    if (by == ParetoBy::reason) return std::string{view.names().text(NameId{number})};
    return std::string{name_of(static_cast<ReasonCategory>(number - 1))};
  };
  for (const MachineId id : *machines) {
    const MachineRecord& record = view.machine(id);
    const TimeRange cut{range.begin, std::min({range.end, now, record.end_of_time()})};
    if (cut.empty()) continue;
    for (const StopStretch& stop : record.timeline().stops(cut, now)) {
      const Duration time = master.planned_time(id, intersect(stop.range, cut));
      const auto first = master.first_planned(id, {stop.range.begin, std::min(stop.range.end, cut.end)});
      const bool counts = first && *first >= cut.begin;
      if (time == Duration{0} && !counts) continue;
      Sum& sum = numbered[number_of(id, stop.reason, stop.range.begin)];
      sum.time += time;
      sum.count += counts ? 1 : 0;
    }
    if (plant.unknown_time == UnknownTimePolicy::stop) {
      const Elements e = elements_of(view, id, cut, now);
      const Account& a = e.account;
      const Duration unknown = e.planned_operation - a.production - a.setup - a.stop - a.planned_stop;
      if (unknown > Duration{0}) numbered[number_of(id, NameId::none, cut.begin)].time += unknown;
    }
  }
  std::map<std::optional<std::string>, Sum> sums;
  for (const auto& [number, sum] : numbered) sums.emplace(key_of(number), sum);
  Pareto pareto;
  pareto.kept_from = timeline_kept_from(view, *machines, range);
  for (const auto& [key, sum] : sums) {
    ParetoItem item{key, std::nullopt, sum.time, sum.count};
    if (key && by == ParetoBy::reason) {
      const Reason* reason = plant.reason(*key);
      item.name = reason != nullptr ? reason->name : *key;
    } else if (key && by == ParetoBy::machine) {
      const Machine* machine = plant.machine(*key);
      item.name = machine != nullptr ? machine->name : *key;
    } else {
      item.name = key;
    }
    pareto.total += sum.time;
    pareto.items.push_back(std::move(item));
  }
  std::stable_sort(pareto.items.begin(), pareto.items.end(), [](auto& a, auto& b) { return a.time > b.time; });
  return pareto;
}

}  // namespace takt
