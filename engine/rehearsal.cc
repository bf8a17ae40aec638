#include "engine/rehearsal.h"

#include <algorithm>

namespace takt {
namespace {

constexpr Duration kTick{1};

}  // namespace

Rehearsal::Rehearsal(const MachineRecord& record, const MasterData& now, const MasterData& next, Scope scope)
    : record_(record),
      now_(now),
      next_(next),
      scope_(scope),
      timeline_(record.timeline().under(next)),
      pieces_(record.pieces().under(next)),
      settled_next_(scope.timeline ? std::max(timeline_.settled_end(), record.horizon().timeline)
                                   : record.settled_until()) {}

TimeRange Rehearsal::life() const {
  TimeRange life{kEndOfTime, kBeginOfTime};
  const auto take_in = [&](Timestamp t) { life = {std::min(life.begin, t), std::max(life.end, t + kTick)}; };
  const auto take_ends = [&](const auto& list) {
    if (list.empty()) return;
    take_in(list.begin()->at);
    take_in(list.back().at);
  };
  take_ends(record_.timeline().states());
  take_ends(record_.pieces().pieces());
  take_ends(record_.pieces().counters());
  if (life.empty()) return life;
  life.end = std::max({life.end, settled_now(), settled_next_});
  life.begin = std::max(life.begin, std::min(record_.horizon().timeline, record_.horizon().pieces));
  return life;
}

TimeRange Rehearsal::widened(TimeRange range) const {
  const Timeline& now = record_.timeline();
  return {std::min(now.stretch_begin(range.begin), timeline_.stretch_begin(range.begin)),
          std::max(now.stretch_end(range.end), timeline_.stretch_end(range.end))};
}

Deltas Rehearsal::sums(TimeRange part, const MasterData& master, const Timeline& timeline, const Pieces& pieces,
                       Timestamp settled) const {
  Deltas sums;
  BucketFinder finder{master, record_.id()};
  DeltaSink times{finder, sums, +1, record_.horizon().timeline};
  DeltaSink counts{finder, sums, +1, record_.horizon().pieces};
  if (scope_.timeline) timeline.contribute({part.begin, std::min(part.end, settled)}, kEndOfTime, times);
  if (scope_.pieces) pieces.contribute(part, counts);
  std::erase_if(sums, [](const auto& entry) { return entry.second.none(); });
  return sums;
}

CellChanges Rehearsal::changes(TimeRange part) const {
  const Deltas before = sums(part, now_, record_.timeline(), record_.pieces(), settled_now());
  const Deltas after = sums(part, next_, timeline_, pieces_, settled_next_);
  CellChanges changes;
  const auto add = [&](Grain grain, const Cell* old, const Cell* fresh) {
    CellChange change{grain, (fresh != nullptr ? fresh : old)->range, {}, fresh != nullptr, false};
    if (fresh != nullptr) change.by.add(*fresh);
    if (old != nullptr) change.by.add(*old, -1);
    const bool moved = old != nullptr && fresh != nullptr && old->range != fresh->range;
    if (change.by.none() && !moved) return;
    const auto reaches_over = [&](const Cell* cell) {
      return cell != nullptr && (cell->range.begin < part.begin || cell->range.end > part.end);
    };
    change.shared = reaches_over(old) || reaches_over(fresh);
    changes.add(change);
  };
  auto old = before.begin();
  for (const auto& [key, cell] : after) {
    for (; old != before.end() && old->first < key; ++old) add(old->first.first, &old->second, nullptr);
    const bool both = old != before.end() && old->first == key;
    add(key.first, both ? &old->second : nullptr, &cell);
    if (both) ++old;
  }
  for (; old != before.end(); ++old) add(old->first.first, &old->second, nullptr);
  changes.shrink();
  return changes;
}

}  // namespace takt
