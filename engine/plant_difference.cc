#include "engine/plant_difference.h"

#include <algorithm>
#include <set>

namespace takt {
namespace {

constexpr Duration kTick{1};

void add(std::vector<TimeRange>& ranges, TimeRange range) {
  if (range.empty()) return;
  if (!ranges.empty() && ranges.back().end == range.begin)
    ranges.back().end = range.end;
  else
    ranges.push_back(range);
}

/// Also those that no event has named yet: one may before the other description holds.
std::unordered_set<NameId> states_that_differ(const PlantVersion& a, const PlantVersion& b, Names& names) {
  std::vector<NameId> states = a.states();
  for (const PlantVersion* version : {&a, &b}) {
    for (const StateName& described : version->plant().states)
      states.push_back(folded_state(described.name, names));
  }
  std::unordered_set<NameId> differ;
  for (const NameId state : states) {
    if (a.meaning_of(state, names).category != b.meaning_of(state, names).category) differ.insert(state);
  }
  return differ;
}

std::unordered_set<NameId> reasons_that_differ(const PlantVersion& a, const PlantVersion& b) {
  std::unordered_set<NameId> differ;
  for (const PlantVersion* version : {&a, &b}) {
    for (const NameId reason : version->reasons()) {
      if (a.category_of_reason(reason) != b.category_of_reason(reason)) differ.insert(reason);
    }
  }
  return differ;
}

}  // namespace

PlantDifference::PlantDifference(const MasterData& before, const MasterData& after, Names& names)
    : before_(before), after_(after) {
  same_zone_ = before.latest().plant().timezone == after.latest().plant().timezone;
  std::set<Timestamp> edges, edges_after;
  for (const auto& version : before.versions()) edges.insert(version->valid().begin);
  for (const auto& version : after.versions()) edges_after.insert(version->valid().begin);
  same_versions_ = edges == edges_after;
  edges.merge(edges_after);
  for (auto edge = edges.begin(); edge != edges.end(); ++edge) {
    const Timestamp end = std::next(edge) == edges.end() ? kEndOfTime : *std::next(edge);
    Span span{{*edge, end}, &before.at(*edge), &after.at(*edge), {}, {}};
    span.states = states_that_differ(*span.before, *span.after, names);
    span.reasons = reasons_that_differ(*span.before, *span.after);
    same_meanings_ = same_meanings_ && span.states.empty() && span.reasons.empty();
    spans_.push_back(std::move(span));
  }
  for (const MasterData* data : {&before, &after}) {
    for (const auto& version : data->versions()) {
      version->visit_cycles([&](MachineId machine, NameId product, TimeRange valid) {
        cycles_[machine].push_back({product, valid});
      });
    }
  }
}

PlantDifference::OfMachine PlantDifference::of(MachineId machine) const {
  const auto timeout = [&](const MasterData& data) { return data.latest().settings(machine).silence_timeout; };
  const bool calendar = !same_zone_ || !same_rules(machine);
  OfMachine out;
  out.silence = timeout(before_) != timeout(after_);
  out.timeline = calendar || !same_meanings_ || !other_minor_stops(machine).empty();
  out.pieces = calendar || !other_pieces(machine).empty();
  return out;
}

std::vector<TimeRange> PlantDifference::ranges(const MachineRecord& record, TimeRange life) {
  if (life.empty()) return {};
  if (!same_zone_) return {life};
  const MachineId machine = record.id();
  Ranges ranges = other_minor_stops(machine);
  for (const TimeRange& range : other_pieces(machine)) ranges.push_back(range);
  if (!same_meanings_) compare_meanings(record, ranges);
  if (!same_rules(machine)) {
    for (const TimeRange& range : calendar(machine, life)) ranges.push_back(range);
  }
  for (TimeRange& range : ranges) range = intersect(range, life);
  std::erase_if(ranges, [](const TimeRange& range) { return range.empty(); });
  return ranges;
}

void PlantDifference::look_at_calendar(MachineId machine, TimeRange life) {
  if (same_zone_ && !same_rules(machine) && !life.empty()) calendar(machine, life);
}

PlantDifference::Ranges PlantDifference::other_minor_stops(MachineId machine) const {
  Ranges ranges;
  for (const Span& span : spans_) {
    if (span.before->settings(machine).minor_stop != span.after->settings(machine).minor_stop)
      add(ranges, span.range);
  }
  return ranges;
}

/// Where pieces have another ideal cycle, or counters wrap elsewhere.
PlantDifference::Ranges PlantDifference::other_pieces(MachineId machine) const {
  Ranges ranges;
  for (const Span& span : spans_) {
    const MachineSettings& a = span.before->settings(machine);
    const MachineSettings& b = span.after->settings(machine);
    if (a.ideal_cycle != b.ideal_cycle || a.counter_modulus != b.counter_modulus)
      add(ranges, span.range);
    else
      compare_cycles(machine, span, ranges);
  }
  return ranges;
}

void PlantDifference::compare_cycles(MachineId machine, const Span& span, Ranges& out) const {
  const auto entries = cycles_.find(machine);
  if (entries == cycles_.end()) return;
  std::map<NameId, std::set<Timestamp>> edges;
  for (const CycleEntry& entry : entries->second) {
    std::set<Timestamp>& of_product = edges[entry.product];
    of_product.insert({span.range.begin, span.range.end});
    for (const Timestamp t : {entry.valid.begin, entry.valid.end}) {
      if (span.range.contains(t)) of_product.insert(t);
    }
  }
  for (const auto& of_product : edges) {
    const NameId product = of_product.first;
    const std::set<Timestamp>& list = of_product.second;
    for (auto at = list.begin(); std::next(at) != list.end(); ++at) {
      const auto cycle = [&](const PlantVersion& version) { return version.ideal_cycle(machine, product, *at); };
      if (cycle(*span.before) != cycle(*span.after)) out.push_back({*at, *std::next(at)});
    }
  }
}

/// States, and reasons of states and classifications, that count as something else.
void PlantDifference::compare_meanings(const MachineRecord& record, Ranges& out) const {
  const auto differs = [&](TimeRange range, NameId state, NameId reason) {
    for (const Span& span : spans_) {
      if (span.states.contains(state) || span.reasons.contains(reason)) add(out, intersect(range, span.range));
    }
  };
  const Timeline& timeline = record.timeline();
  std::optional<StateRecord> holding;
  for (const StateRecord& state : timeline.states()) {
    if (state.rank.withdrawn()) continue;
    if (holding) differs({holding->at, state.at}, holding->state, holding->reason);
    holding = state;
  }
  if (holding) differs({holding->at, kEndOfTime}, holding->state, holding->reason);
  for (const ClassifyRecord& classify : timeline.classifications()) {
    if (classify.rank.withdrawn()) continue;
    const bool open_ended = classify.end == kBeginOfTime;
    const Timestamp end = open_ended ? timeline.stretch_end(classify.start) : classify.end;
    differs({classify.start, std::max(end, classify.start + kTick)}, NameId::none, classify.reason);
  }
}

// ---------------------------------------- shifts, breaks, closures

/// Whether all spans have the same shifts and closures, written down alike.
bool PlantDifference::same_rules(MachineId machine) const {
  return same_versions_ && std::all_of(spans_.begin(), spans_.end(), [&](const Span& span) {
           return span.before->settings(machine).plan->has_rules_of(*span.after->settings(machine).plan);
         });
}

const PlantDifference::Ranges& PlantDifference::calendar(MachineId machine, TimeRange life) {
  Plans plans;
  for (const MasterData* data : {&before_, &after_}) {
    for (const auto& version : data->versions()) plans.push_back(version->settings(machine).plan);
  }
  const TimeRange nothing{life.begin, life.begin};
  auto& [looked_at, ranges] = calendars_.try_emplace(plans, nothing, Ranges{}).first->second;
  if (intersect(looked_at, life) != life) {
    looked_at = {std::min(looked_at.begin, life.begin), std::max(looked_at.end, life.end)};
    ranges = planned_otherwise(machine, looked_at);
  }
  return ranges;
}

/// By what the rules come to, whatever they are: where a moment is planned in the one and not in the other, or
/// lies in another shift.
PlantDifference::Ranges PlantDifference::planned_otherwise(MachineId machine, TimeRange life) const {
  struct Moment {
    bool planned;
    std::optional<TimeRange> shift;
    Timestamp until;
  };
  const auto at = [&](const MasterData& data, Timestamp t) {
    const auto planned = data.planned_at(machine, t);
    const auto shift = data.shift_at(machine, t);
    Moment moment{planned.planned, {}, planned.until};
    if (shift) {
      moment.shift = shift->range;
      moment.until = std::min(moment.until, shift->range.end);
    } else if (const auto next = data.next_shift(machine, t)) {
      moment.until = std::min(moment.until, next->range.begin);
    }
    return moment;
  };
  Ranges ranges;
  for (Timestamp t = life.begin; t < life.end;) {
    const Moment a = at(before_, t), b = at(after_, t);
    const Timestamp until = std::min({a.until, b.until, life.end});
    if (a.planned != b.planned || a.shift != b.shift) add(ranges, {t, until});
    t = until;
  }
  return ranges;
}

// ---------------------------------------- in words

std::vector<std::string> changed_sections(const Plant& before, const Plant& after) {
  const boost::json::object a = to_json(before), b = to_json(after);
  std::set<std::string> keys;
  for (const auto* object : {&a, &b}) {
    for (const auto& [key, value] : *object) keys.emplace(key);
  }
  std::vector<std::string> changed;
  for (const std::string& key : keys) {
    const boost::json::value *left = a.if_contains(key), *right = b.if_contains(key);
    if (left == nullptr || right == nullptr || *left != *right) changed.push_back(key);
  }
  return changed;
}

}  // namespace takt
