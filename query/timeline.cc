#include "query/timeline.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "engine/account_reader.h"
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

namespace {

/// Stop time by reason, category or machine: by number while there is much to add up, by text in the end.
class ParetoSums {
 public:
  ParetoSums(const StoreView& view, ParetoBy by, Timestamp now) : view_(view), by_(by), now_(now) {}

  /// Stops that touch `range`, as far as they lie in it.
  void add(MachineId machine, TimeRange range);
  /// Machines of which those at the beginning of the range are retained no more, and not in the sums.
  const std::vector<MachineId>& cut_off() const { return cut_off_; }
  /// Longest first.
  std::vector<ParetoItem> items() const;

 private:
  struct Sum {
    Duration time{0};
    std::int64_t count = 0;
  };
  static constexpr std::uint32_t kNoReason = 0;

  TimeRange kept_part(MachineId machine, TimeRange range);
  std::uint32_t number_of(NameId reason, Timestamp t) const;
  bool is_of_one_category(NameId reason) const;
  void add_sums(const Sums& sums, Timestamp t);
  void add_stops(MachineId machine, TimeRange cut);
  std::optional<std::string> key_of(std::uint32_t number) const;
  std::optional<std::string> name_of_key(const std::optional<std::string>& key) const;

  const StoreView& view_;  // borrowed
  ParetoBy by_;
  Timestamp now_;
  std::unordered_map<std::uint32_t, Sum> sums_;
  std::vector<MachineId> cut_off_;
};

std::uint32_t ParetoSums::number_of(NameId reason, Timestamp t) const {
  if (by_ == ParetoBy::reason || reason == NameId::none) return static_cast<std::uint32_t>(reason);
  return 1U + static_cast<std::uint32_t>(view_.master().at(t).category_of_reason(reason));
}

bool ParetoSums::is_of_one_category(NameId reason) const {
  const auto& versions = view_.master().versions();
  return std::all_of(versions.begin(), versions.end(), [&](const auto& version) {
    return version->category_of_reason(reason) == versions.front()->category_of_reason(reason);
  });
}

/// Of before the horizon sums are kept, of whole hours and shifts.
TimeRange ParetoSums::kept_part(MachineId machine, TimeRange range) {
  const MachineRecord& record = view_.machine(machine);
  const Timestamp horizon = record.horizon().timeline;
  const bool stop_by_stop = by_ == ParetoBy::category && view_.master().versions().size() > 1;
  if (range.begin < horizon && (stop_by_stop || !check_cut(view_, machine, range))) {
    cut_off_.push_back(machine);
    range.begin = horizon;
  }
  return {range.begin, std::min({range.end, now_, record.end_of_time()})};
}

void ParetoSums::add(MachineId machine, TimeRange range) {
  const MachineRecord& record = view_.machine(machine);
  const TimeRange cut = kept_part(machine, range);
  if (cut.empty()) return;
  Sums sums;
  AccountReader reader{record, now_};
  if (by_ == ParetoBy::machine)
    reader.add(cut, sums.account);
  else
    reader.add(cut, sums);
  const auto reasons = sums.parts.reasons();
  const auto of_one = [&](const ReasonSums& sum) { return is_of_one_category(sum.reason); };
  if (by_ == ParetoBy::machine) {
    if (const Account& a = sums.account; a.stop != Duration{0} || a.stops != 0)
      sums_[index_of(machine)] = {a.stop, a.stops};
  } else if (by_ == ParetoBy::reason || std::all_of(reasons.begin(), reasons.end(), of_one)) {
    add_sums(sums, cut.begin);
  } else {
    add_stops(machine, cut);
  }
  if (view_.master().latest().plant().unknown_time != UnknownTimePolicy::stop) return;
  const Elements e = elements_of(view_, machine, cut, now_);
  const Account& a = e.account;
  const Duration unknown = e.planned_operation - a.production - a.setup - a.stop - a.planned_stop;
  if (unknown > Duration{0}) sums_[by_ == ParetoBy::machine ? index_of(machine) : kNoReason].time += unknown;
}

void ParetoSums::add_sums(const Sums& sums, Timestamp t) {
  Sum rest{sums.account.stop, sums.account.stops};
  for (const ReasonSums& sum : sums.parts.reasons()) {
    Sum& to = sums_[number_of(sum.reason, t)];
    to.time += sum.time, to.count += sum.stops;
    rest.time -= sum.time, rest.count -= sum.stops;
  }
  if (rest.time == Duration{0} && rest.count == 0) return;
  Sum& to = sums_[kNoReason];
  to.time += rest.time, to.count += rest.count;
}

/// Stop by stop, as each has the category of its own time.
void ParetoSums::add_stops(MachineId machine, TimeRange cut) {
  const MasterData& master = view_.master();
  for (const StopStretch& stop : view_.machine(machine).timeline().stops(cut, now_)) {
    const Duration time = master.planned_time(machine, intersect(stop.range, cut));
    const auto first = master.first_planned(machine, {stop.range.begin, std::min(stop.range.end, cut.end)});
    const bool counts = first && *first >= cut.begin;
    if (time == Duration{0} && !counts) continue;
    Sum& sum = sums_[number_of(stop.reason, stop.range.begin)];
    sum.time += time;
    sum.count += counts ? 1 : 0;
  }
}

std::optional<std::string> ParetoSums::key_of(std::uint32_t number) const {
  if (by_ == ParetoBy::machine) return view_.numbers().name(MachineId{number});
  if (number == kNoReason) return std::nullopt;
  if (by_ == ParetoBy::reason) return std::string{view_.names().text(NameId{number})};
  return std::string{name_of(static_cast<ReasonCategory>(number - 1))};
}

std::optional<std::string> ParetoSums::name_of_key(const std::optional<std::string>& key) const {
  const Plant& plant = view_.master().latest().plant();
  if (key && by_ == ParetoBy::reason) {
    const Reason* reason = plant.reason(*key);
    return reason != nullptr ? reason->name : *key;
  }
  if (key && by_ == ParetoBy::machine) {
    const Machine* machine = plant.machine(*key);
    return machine != nullptr ? machine->name : *key;
  }
  return key;
}

std::vector<ParetoItem> ParetoSums::items() const {
  std::map<std::optional<std::string>, Sum> sums;
  for (const auto& [number, sum] : sums_) sums.emplace(key_of(number), sum);
  std::vector<ParetoItem> items;
  for (const auto& [key, sum] : sums) items.push_back({key, name_of_key(key), sum.time, sum.count});
  std::stable_sort(items.begin(), items.end(), [](auto& a, auto& b) { return a.time > b.time; });
  return items;
}

}  // namespace

Result<Pareto> downtime_pareto(const StoreView& view, const Scope& scope, TimeRange range, ParetoBy by,
                               Timestamp now) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  ParetoSums sums{view, by, now};
  for (const MachineId machine : *machines) sums.add(machine, range);
  Pareto pareto;
  pareto.kept_from = timeline_kept_from(view, sums.cut_off(), range);
  pareto.items = sums.items();
  for (const ParetoItem& item : pareto.items) pareto.total += item.time;
  return pareto;
}

}  // namespace takt
