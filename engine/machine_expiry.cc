// How a machine's record lets events go that the plant retains no more, while its figures stay.
//
// What the events have made of the sums becomes the base of the cells; those whose buckets have ended are frozen.
// The timeline is cut where no stop lasts, so that each is still judged whole; pieces are cut at the moment
// itself. Of before it stay: the state that holds there, the last reading of each counter, orders that still run,
// and classifications that reach over it.
#include <algorithm>

#include "engine/machine.h"

namespace takt {
namespace {

bool live(const Rank& rank) { return !rank.withdrawn(); }

/// The last element before `end` that `wanted` says yes to, or end.
template <class List, class Wanted>
auto last_before(const List& list, typename List::Iterator end, Wanted wanted) {
  for (auto at = end; at != list.begin();) {
    if (wanted(*--at)) return at;
  }
  return list.end();
}

}  // namespace

// ---------------------------------------- what stays

void Timeline::note_kept(KeptEvents& kept) const {
  const Timestamp from = kept.horizon().timeline;
  if (const auto holding = state_before(from)) kept.keep(EventType::state, holding->at);
  for (auto at = classifies_.begin(); at != classifies_.end() && at->start < from; ++at) {
    if (at->end > from) kept.keep(EventType::classify, at->start);
  }
}

void Timeline::drop(const KeptEvents& kept) {
  const Timestamp from = kept.horizon().timeline;
  states_.keep_before(states_.partition_point([&](const StateRecord& s) { return s.at < from; }),
                      [&](const StateRecord& s) { return kept.holds(EventType::state, s.at); });
  classifies_.keep_before(classifies_.partition_point([&](const ClassifyRecord& c) { return c.start < from; }),
                          [&](const ClassifyRecord& c) { return kept.holds(EventType::classify, c.start); });
}

void Pieces::note_kept(KeptEvents& kept) const {
  const Timestamp from = kept.horizon().pieces;
  // Readings from which later ones of their counter count.
  const auto counted = counters_.partition_point([&](const CounterRecord& c) { return c.at < from; });
  for (std::size_t field = 0; field < 3; ++field) {
    const auto base =
        last_before(counters_, counted, [&](const CounterRecord& c) { return c.total[field] != kAbsent; });
    if (base != counters_.end()) kept.keep(EventType::count, base->at);
  }
  for (auto at = cycles_.begin(); at != cycles_.end() && at->start < from; ++at) {
    if (at->end >= from) kept.keep(EventType::cycle, at->start);
  }
  // The product that is shown until more is made.
  const auto made = pieces_.partition_point([&](const PieceRecord& p) { return p.at < from; });
  const auto last =
      last_before(pieces_, made, [](const PieceRecord& p) { return live(p.rank) && p.product != NameId::none; });
  if (last != pieces_.end()) kept.keep(last->cycle ? EventType::cycle : EventType::count, last->start);
  keep_orders(kept);
}

/// Orders that run or are still to come, and those that are spoken of later.
void Pieces::keep_orders(KeptEvents& kept) const {
  std::set<NameId> needed;
  for (auto at = orders_.begin(); at != orders_.end();) {
    // An order that is stopped and started at one instant runs on.
    const OrderRecord first = *at;
    bool ends = false, begins = false;
    for (; at != orders_.end() && at->at == first.at && at->order == first.order; ++at) {
      const bool end = at->action != OrderAction::start && at->action != OrderAction::plan;
      (end ? ends : begins) |= live(at->rank);
    }
    if (begins || first.at >= kept.horizon().pieces)
      needed.insert(first.order);
    else if (ends)
      needed.erase(first.order);
  }
  for (const NameId order : needed) kept.keep_order(order_.names->text(order));
}

void Pieces::drop(const KeptEvents& kept) {
  const Timestamp from = kept.horizon().pieces;
  pieces_.keep_before(
      pieces_.partition_point([&](const PieceRecord& p) { return p.at < from; }),
      [&](const PieceRecord& p) { return kept.holds(p.cycle ? EventType::cycle : EventType::count, p.start); });
  cycles_.keep_before(cycles_.partition_point([&](const CycleRecord& c) { return c.start < from; }),
                      [&](const CycleRecord& c) { return kept.holds(EventType::cycle, c.start); });
  counters_.keep_before(counters_.partition_point([&](const CounterRecord& c) { return c.at < from; }),
                        [&](const CounterRecord& c) { return kept.holds(EventType::count, c.at); });
  orders_.keep_before(orders_.partition_point([&](const OrderRecord& o) { return o.at < from; }),
                      [&](const OrderRecord& o) { return kept.holds_order(o.at, order_.names->text(o.order)); });
  running_ = order_steps();
}

KeptEvents MachineRecord::events_to_keep() const {
  KeptEvents kept{horizon_};
  timeline_.note_kept(kept);
  pieces_.note_kept(kept);
  const auto metered = energy_.partition_point([&](const EnergyRecord& e) { return e.at < horizon_.pieces; });
  const auto last = last_before(energy_, metered, [](const EnergyRecord& e) { return live(e.rank); });
  if (last != energy_.end()) kept.keep(EventType::energy, last->at);
  return kept;
}

// ---------------------------------------- letting go

KeptEvents MachineRecord::expire(Timestamp from) {
  TAKT_INVARIANT(!loading_ && from >= horizon_.pieces);
  touch({kBeginOfTime, kEndOfTime});
  // Of time after its last event a machine has none once it is switched off.
  const Timestamp lived = std::min(from, last_live_event().value_or(from));
  const Horizon next{from, std::max(horizon_.timeline, timeline_.stretch_begin(lived))};
  settle_until(next.timeline);
  rollups_.freeze(next.timeline, sums_between(horizon_, next));
  note_heard_before(next);
  horizon_ = next;
  timeline_.begin_at(next.timeline);
  KeptEvents kept = events_to_keep();
  timeline_.drop(kept), pieces_.drop(kept);
  const auto old = [&](const auto& record) { return record.at < from; };
  quality_.keep_before(quality_.partition_point(old),
                       [&](const QualityRecord& q) { return kept.holds(EventType::quality, q.at); });
  energy_.keep_before(energy_.partition_point(old),
                      [&](const EnergyRecord& e) { return kept.holds(EventType::energy, e.at); });
  return kept;
}

/// A state that has held since before the horizon cannot turn out to have ended: the cells get its time up to
/// there.
void MachineRecord::settle_until(Timestamp t) {
  if (t <= settled_) return;
  const auto last = timeline_.last_state();
  const Horizon nothing{kEndOfTime, settled_};
  for (const auto& [key, delta] : sums_between(nothing, {kEndOfTime, t})) {
    if (delta.none()) continue;
    Cell& target = rollups_.cell(key.first, delta.range);
    target.add(delta);
    if (!last || key.second > *last) target.revision = std::max(target.revision, tail_revision_);
  }
  settled_ = t;
}

/// Should silence be judged anew, what was heard by events that are gone still counts: exactly, unless for a
/// time-out shorter than the one in use now, or than a minute.
void MachineRecord::note_heard_before(Horizon next) {
  const Duration timeout = master_->latest().settings(id_).silence_timeout;
  std::vector<HeardRun> runs;
  collect_heard(runs);
  std::erase_if(runs, [&](const HeardRun& run) { return run.first >= next.pieces; });
  heard_before_ = joined_runs(std::move(runs), timeout > Duration{0} ? timeout : std::chrono::minutes{1});
  // Of before the timeline's the last is enough: silence may begin after it.
  const auto needed = std::partition_point(heard_before_.begin(), heard_before_.end(),
                                           [&](const HeardRun& run) { return run.last < next.timeline; });
  if (needed - heard_before_.begin() > 1) heard_before_.erase(heard_before_.begin(), std::prev(needed));
}

void MachineRecord::begin_after(const MachineRecord& kept) {
  if (kept.horizon_ == Horizon{}) return;
  horizon_ = kept.horizon_, heard_before_ = kept.heard_before_;
  timeline_.begin_at(horizon_.timeline);
  settled_ = settled_end();
  // What came before has made it heard of, though it is gone.
  if (!kept.first_event_ || *kept.first_event_ >= horizon_.pieces) return;
  first_event_ = last_event_ = kept.first_event_;
  for (const HeardRun& run : heard_before_) last_event_ = std::max(*last_event_, run.last);
}

}  // namespace takt
