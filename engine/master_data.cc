#include "engine/master_data.h"

#include <algorithm>
#include <cctype>

namespace takt {
namespace {

std::uint64_t cycle_key(MachineId machine, NameId product) {
  return std::uint64_t{index_of(machine)} << 32U | static_cast<std::uint32_t>(product);
}

/// The scopes of a machine, most specific first.
std::vector<Scope> scopes_of(const Plant& plant, const Machine& machine) {
  std::vector<Scope> scopes{{Scope::Kind::machine, machine.id}};
  if (const Line* line = plant.line(machine.line)) {
    scopes.push_back({Scope::Kind::line, line->id});
    if (!line->area.empty()) scopes.push_back({Scope::Kind::area, line->area});
  }
  scopes.push_back({Scope::Kind::plant, ""});
  return scopes;
}

bool same_scope(const Scope& a, const Scope& b) {
  return a.kind == b.kind && (a.kind == Scope::Kind::plant || a.id == b.id);
}

}  // namespace

PlantVersion::PlantVersion(Plant plant, TimeRange valid, std::shared_ptr<const WallClock> wall, Names& names,
                           const MachineNumbers& machines)
    : plant_(std::move(plant)), valid_(valid), wall_(std::move(wall)) {
  missing_.active = false;
  missing_.plan = plan_for(Machine{});
  settings_.assign(machines.size(), missing_);
  for (const Machine& machine : plant_.machines) {
    const auto id = machines.find(machine.id);
    TAKT_INVARIANT(id.has_value());
    settings_[index_of(*id)] = {machine.minor_stop,  machine.silence_timeout, machine.counter_modulus,
                                machine.ideal_cycle, machine.active,          plan_for(machine)};
    any_silence_timeout_ = any_silence_timeout_ || machine.silence_timeout > Duration{0};
  }
  for (const Reason& reason : plant_.reasons) {
    reasons_.emplace(names.intern(reason.code), effective_category(plant_, reason));
  }
  for (const IdealCycle& cycle : plant_.ideal_cycles) {
    const auto id = machines.find(cycle.machine);
    if (!id) continue;
    cycles_[cycle_key(*id, names.intern(cycle.product))].push_back({cycle.valid, cycle.cycle});
  }
  for (auto& [key, list] : cycles_) {
    // Of overlapping ones the latest valid_from counts; of equal ones the last in the file.
    std::reverse(list.begin(), list.end());
    std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.valid.begin > b.valid.begin; });
  }
}

const ShiftPlan* PlantVersion::plan_for(const Machine& machine) {
  const std::vector<Scope> scopes = scopes_of(plant_, machine);
  std::vector<Shift> shifts;
  std::vector<Closure> closures;
  std::string key;
  for (const Scope& scope : scopes) {
    // The most specific scope with shifts gives a machine its whole plan; closures of all its scopes add up.
    if (shifts.empty()) {
      for (const Shift& shift : plant_.shifts) {
        if (same_scope(shift.scope, scope)) shifts.push_back(shift);
      }
      if (!shifts.empty()) key += "shifts " + to_string(scope) + '\n';
    }
    const std::size_t before = closures.size();
    for (const Closure& closure : plant_.closures) {
      if (same_scope(closure.scope, scope)) closures.push_back(closure);
    }
    if (closures.size() > before) key += "closures " + to_string(scope) + '\n';
  }
  auto& plan = plans_[key];
  if (!plan) plan = std::make_unique<ShiftPlan>(*wall_, std::move(shifts), closures, valid_);
  return plan.get();
}

void PlantVersion::know_state(NameId folded, Names& names) {
  if (!states_.contains(folded)) states_.emplace(folded, meaning_of(folded, names));
}

PlantVersion::StateEntry PlantVersion::meaning_of(NameId folded, Names& names) const {
  const auto meaning = meaning_of_state(plant_, names.text(folded));
  if (!meaning) return {TimeCategory::stop, folded};
  return {meaning->category, names.intern(meaning->name)};
}

TimeCategory PlantVersion::category_of_state(NameId folded) const {
  if (folded == NameId::none) return TimeCategory::unknown;
  const auto at = states_.find(folded);
  TAKT_INVARIANT(at != states_.end());
  return at->second.category;
}

std::vector<NameId> PlantVersion::states() const {
  std::vector<NameId> list;
  for (const auto& [state, entry] : states_) list.push_back(state);
  return list;
}

NameId PlantVersion::shown_state(NameId folded) const {
  const auto at = states_.find(folded);
  return at == states_.end() ? folded : at->second.shown;
}

ReasonCategory PlantVersion::category_of_reason(NameId reason) const {
  const auto at = reasons_.find(reason);
  return at == reasons_.end() ? ReasonCategory::other : at->second;
}

std::vector<NameId> PlantVersion::reasons() const {
  std::vector<NameId> list;
  for (const auto& [reason, category] : reasons_) list.push_back(reason);
  return list;
}

UsedCycle PlantVersion::used_cycle(MachineId machine, NameId product, Timestamp t) const {
  if (product != NameId::none) {
    if (const auto list = cycles_.find(cycle_key(machine, product)); list != cycles_.end()) {
      for (const Cycle& cycle : list->second) {
        if (cycle.valid.contains(t)) return {UsedCycle::Source::ideal_cycle, cycle.cycle, cycle.valid};
      }
    }
  }
  const std::optional<Duration>& general = settings(machine).ideal_cycle;
  return {general ? UsedCycle::Source::machine : UsedCycle::Source::none, general, {}};
}

MasterData MasterData::compile(std::vector<std::pair<Timestamp, Plant>> versions, const Zone& zone, Names& names,
                               const MachineNumbers& machines) {
  TAKT_INVARIANT(!versions.empty());
  const auto wall = std::make_shared<const WallClock>(zone);
  MasterData data;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Timestamp from = i == 0 ? kBeginOfTime : versions[i].first;
    const Timestamp to = i + 1 < versions.size() ? versions[i + 1].first : kEndOfTime;
    data.versions_.push_back(
        std::make_shared<PlantVersion>(std::move(versions[i].second), TimeRange{from, to}, wall, names, machines));
  }
  return data;
}

std::size_t MasterData::index_at(Timestamp t) const {
  std::size_t i = versions_.size() - 1;
  while (i > 0 && t < versions_[i]->valid().begin) --i;
  return i;
}

const PlantVersion& MasterData::at(Timestamp t) const { return *versions_[index_at(t)]; }

std::vector<std::pair<Timestamp, Plant>> MasterData::descriptions() const {
  std::vector<std::pair<Timestamp, Plant>> list;
  for (const auto& version : versions_) list.emplace_back(version->valid().begin, version->plant());
  return list;
}

Timestamp MasterData::next_change(Timestamp t) const {
  return versions_.size() == 1 ? kEndOfTime : versions_[index_at(t)]->valid().end;
}

void MasterData::know_state(NameId folded, Names& names) {
  for (const auto& version : versions_) version->know_state(folded, names);
}

ShiftPlan::Planned MasterData::planned_at(MachineId machine, Timestamp t) const {
  const std::size_t i = index_at(t);
  ShiftPlan::Planned planned = versions_[i]->settings(machine).plan->planned_at(t);
  planned.until = std::min(planned.until, versions_[i]->valid().end);
  if (i > 0 && (!planned.planned || !has_shifts(machine, i))) {
    // A shift that began under an earlier description is worked to its end, with its breaks and closures.
    const auto shift = shift_at(machine, t);
    if (shift && shift->shift != nullptr && shift->range.begin < versions_[i]->valid().begin) {
      const ShiftPlan::Planned earlier = at(shift->range.begin).settings(machine).plan->planned_at(t);
      planned = {earlier.planned, std::min({planned.until, earlier.until, shift->range.end})};
    }
  }
  return planned;
}

PlanMoment MasterData::plan_at(MachineId machine, Timestamp t) const {
  const ShiftPlan::Planned planned = planned_at(machine, t);
  PlanMoment moment{planned.planned, Unplanned::no_shift, shift_at(machine, t), planned.until};
  if (moment.shift && moment.shift->shift == nullptr) moment.shift.reset();  // a local day that stands for one
  if (moment.shift) moment.until = std::min(moment.until, moment.shift->range.end);
  if (const auto next = next_shift(machine, t + Duration{1}); next && next->shift != nullptr)
    moment.until = std::min(moment.until, next->range.begin);
  const bool always_scheduled = !at(t).settings(machine).plan->has_shifts();
  if (moment.planned || (!moment.shift && !always_scheduled)) return moment;
  // A shift keeps the closures of the description that it began under.
  const PlantVersion& version = at(moment.shift ? moment.shift->range.begin : t);
  const ShiftPlan::Closed closed = version.settings(machine).plan->closed_at(t);
  moment.why = closed.closed ? Unplanned::closure : Unplanned::break_;
  moment.until = std::min(moment.until, closed.until);
  return moment;
}

Duration MasterData::planned_time(MachineId machine, TimeRange range) const {
  Duration sum{0};
  for (Timestamp t = range.begin; t < range.end;) {
    const auto planned = planned_at(machine, t);
    const Timestamp until = std::min(planned.until, range.end);
    if (planned.planned) sum += until - t;
    t = until;
  }
  return sum;
}

std::optional<Timestamp> MasterData::first_planned(MachineId machine, TimeRange range) const {
  for (Timestamp t = range.begin; t < range.end;) {
    const auto planned = planned_at(machine, t);
    if (planned.planned) return t;
    t = planned.until;
  }
  return std::nullopt;
}

bool MasterData::has_shifts(MachineId machine, std::size_t version) const {
  return versions_[version]->settings(machine).plan->has_shifts();
}

/// Where version `i` has no shifts for the machine: the local day of `t`, as far as neither it nor its neighbours
/// have any, or the shift that began before and still lasts.
Bucket MasterData::day_for_shift(MachineId machine, std::size_t i, Timestamp t) const {
  Bucket day = wall().bucket_at(Grain::day, t);
  std::size_t first = i, last = i;
  while (first > 0 && !has_shifts(machine, first - 1)) --first;
  while (last + 1 < versions_.size() && !has_shifts(machine, last + 1)) ++last;
  day.range = intersect(day.range, {versions_[first]->valid().begin, versions_[last]->valid().end});
  if (first == 0) return day;
  const Timestamp begin = versions_[first]->valid().begin;
  const auto before = shift_begun_by(machine, begin - Duration{1});
  if (!before || before->range.end <= day.range.begin) return day;
  if (before->range.contains(t)) return *before;
  day.range.begin = before->range.end;
  return day;
}

namespace {

/// A shift of version `i`: one that lasts over its description ends where one of the next begins.
Bucket until_another_begins(const MasterData& master, MachineId machine, std::size_t i, Bucket shift) {
  const auto& versions = master.versions();
  while (++i < versions.size() && versions[i]->valid().begin < shift.range.end) {
    const ShiftPlan& plan = *versions[i]->settings(machine).plan;
    if (!plan.has_shifts()) continue;
    const auto next = plan.next_shift(versions[i]->valid().begin);
    if (next && next->range.begin < versions[i]->valid().end)
      shift.range.end = std::min(shift.range.end, next->range.begin);
  }
  return shift;
}

}  // namespace

std::optional<Bucket> MasterData::shift_begun_by(MachineId machine, Timestamp t) const {
  for (std::size_t i = index_at(t) + 1; i-- > 0;) {
    const auto& version = *versions_[i];
    const Timestamp latest = std::min(t, version.valid().end - Duration{1});
    if (!has_shifts(machine, i)) return day_for_shift(machine, i, latest);
    if (const auto shift = version.settings(machine).plan->shift_begun_by(latest))
      return until_another_begins(*this, machine, i, *shift);
  }
  return std::nullopt;
}

std::optional<Bucket> MasterData::shift_at(MachineId machine, Timestamp t) const {
  const auto shift = shift_begun_by(machine, t);
  return shift && shift->range.contains(t) ? shift : std::nullopt;
}

std::optional<Bucket> MasterData::next_shift(MachineId machine, Timestamp t) const {
  for (std::size_t i = index_at(t); i < versions_.size(); ++i) {
    const auto& version = *versions_[i];
    const Timestamp from = std::max(t, version.valid().begin);
    auto shift = has_shifts(machine, i) ? version.settings(machine).plan->next_shift(from)
                                        : next_day_for_shift(machine, i, from);
    if (shift && shift->shift != nullptr) shift = until_another_begins(*this, machine, i, *shift);
    if (shift && shift->range.begin < version.valid().end) return shift;
    // It may have one further ahead than was looked.
    if (!shift && version.valid().end > from + ShiftPlan::kLookAhead) return std::nullopt;
  }
  return std::nullopt;
}

/// The first that begins at or after `t`, if one does while the version holds.
std::optional<Bucket> MasterData::next_day_for_shift(MachineId machine, std::size_t i, Timestamp t) const {
  while (t < versions_[i]->valid().end) {
    const Bucket day = day_for_shift(machine, i, t);
    if (day.range.begin >= t) return day;
    t = day.range.end;
  }
  return std::nullopt;
}

}  // namespace takt
