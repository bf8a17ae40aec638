#include "engine/rollups.h"

#include "engine/cell_changes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <vector>

namespace takt {
namespace {

void add_time(Account& account, Duration length, TimeCategory category, bool minor, bool planned) {
  if (!planned) {
    if (category == TimeCategory::production) account.unplanned_production += length;
    return;
  }
  switch (category) {
    case TimeCategory::production:
      account.production += length;
      break;
    case TimeCategory::setup:
      account.setup += length;
      break;
    case TimeCategory::planned_stop:
      account.planned_stop += length;
      break;
    case TimeCategory::stop:
      account.stop += length;
      if (minor) account.minor_stop += length;
      break;
    case TimeCategory::unknown:
      break;
  }
}

void add_pieces(Account& account, const CountedPieces& p, int sign, std::optional<Duration> cycle, bool planned) {
  const std::int64_t produced = p.good + p.scrap + p.rework;
  if (!planned) {
    account.unplanned_produced += sign * produced;
    account.unplanned_good += sign * p.good;
    return;
  }
  account.good += sign * p.good;
  account.scrap += sign * p.scrap;
  account.rework += sign * p.rework;
  if (!cycle) {
    account.pieces_without_cycle += sign * produced;
    return;
  }
  const WideInt ideal = cycle->count();
  account.ideal_produced += sign * ideal * produced;
  account.ideal_good += sign * ideal * p.good;
  if (p.startup) account.ideal_startup_rejects += sign * ideal * (p.scrap + p.rework);
}

}  // namespace

// ---------------------------------------- summing

void AccountSink::time(TimeRange range, TimeCategory category, bool minor) {
  for (Timestamp t = range.begin; t < range.end;) {
    const auto planned = master_.planned_at(machine_, t);
    const Timestamp until = std::min(planned.until, range.end);
    add_time(account_, until - t, category, minor, planned.planned);
    t = until;
  }
}

void AccountSink::pieces(const CountedPieces& pieces, std::optional<Duration> cycle) {
  add_pieces(account_, pieces, 1, cycle, master_.planned_at(machine_, pieces.at).planned);
}

void BucketSink::go_to(Timestamp t) {
  if (place_.alike.contains(t)) return;
  place_.hour = master_.wall().bucket_at(Grain::hour, t).range;
  place_.day = master_.wall().bucket_at(Grain::day, t).range;
  const auto shift = master_.shift_at(machine_, t);
  const auto planned = master_.planned_at(machine_, t);
  place_.in_shift = shift.has_value();
  place_.planned = planned.planned;
  place_.alike = intersect(intersect(place_.hour, place_.day), {t, planned.until});
  if (shift) {
    place_.shift = shift->range;
    place_.alike = intersect(place_.alike, shift->range);
  } else if (const auto next = master_.next_shift(machine_, t)) {
    place_.alike.end = std::min(place_.alike.end, next->range.begin);
  }
  hour_ = &slot(Grain::hour, place_.hour);
  day_ = &slot(Grain::day, place_.day);
  shift_ = place_.in_shift ? &slot(Grain::shift, place_.shift) : nullptr;
}
Account& BucketSink::slot(Grain grain, TimeRange range) {
  Cell& cell = deltas_[{grain, range.begin}];
  cell.range = range;
  return cell.account;
}
template <class Add>
void BucketSink::each(Add add) {
  add(*hour_);
  add(*day_);
  if (shift_ != nullptr) add(*shift_);
}

void BucketSink::time(TimeRange range, TimeCategory category, bool minor) {
  range.begin = std::max(range.begin, from_);
  for (Timestamp t = range.begin; t < range.end;) {
    go_to(t);
    const Timestamp until = std::min(place_.alike.end, range.end);
    if (place_.planned || category == TimeCategory::production) {
      each([&](Account& account) { add_time(account, sign_ * (until - t), category, minor, place_.planned); });
    }
    t = until;
  }
}

void BucketSink::stop(Timestamp first_planned, bool minor) {
  if (first_planned < from_) return;
  go_to(first_planned);
  each([&](Account& account) { account.stops += sign_, account.minor_stops += minor ? sign_ : 0; });
}

void BucketSink::failure(Timestamp first_planned) {
  if (first_planned < from_) return;
  go_to(first_planned);
  each([&](Account& account) { account.failures += sign_; });
}

void BucketSink::pieces(const CountedPieces& pieces, std::optional<Duration> cycle) {
  if (pieces.at < from_) return;
  go_to(pieces.at);
  each([&](Account& account) { add_pieces(account, pieces, sign_, cycle, place_.planned); });
}

// ---------------------------------------- keeping

const Cell* Rollups::filled(Grain grain, Timestamp t) const {
  const Cell* cell = cells(grain).find(t);
  return cell == nullptr || cell->account == Account{} ? nullptr : cell;
}

Cell& Rollups::cell(Grain grain, TimeRange bucket) { return table(grain).cell(bucket); }

void Rollups::add(const Deltas& deltas, Sequence commit) {
  for (const auto& [key, delta] : deltas) {
    if (delta.account == Account{}) continue;
    Cell& target = cell(key.first, delta.range);
    target.account += delta.account;
    target.revision = commit;
  }
}

void Rollups::replace(const Deltas& sums, Sequence commit) {
  const CellTable before[] = {take_live(Grain::hour), take_live(Grain::shift), take_live(Grain::day)};
  add(sums, commit);
  add(base_, commit);
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    CellTable& now = table(grain);
    for (const Cell& was : before[static_cast<std::size_t>(grain)]) {
      if (const Cell* is = now.find(was.range.begin); is == nullptr)
        now.cell(was.range).revision = was.account == Account{} ? was.revision : commit;
      else if (is->range == was.range && is->account == was.account)
        now.cell(was.range).revision = was.revision;
    }
  }
}

void Rollups::change(const std::vector<const CellChanges*>& changes, Sequence commit) {
  std::map<std::pair<Grain, Timestamp>, std::optional<Cell>> before;  // of buckets that several changes are of
  const auto apply = [&](const CellChange& change) {
    CellTable& cells = table(change.grain);
    const Cell* there = cells.find(change.range.begin);
    if (change.shared) {
      before.try_emplace({change.grain, change.range.begin},
                         there == nullptr ? std::nullopt : std::optional{*there});
    }
    Cell& target = cells.cell(there == nullptr || change.goes_on ? change.range : there->range);
    target.account += change.by;
    target.revision = commit;
  };
  for (const CellChanges* list : changes) list->visit(apply);
  for (const auto& [key, old] : before) {
    CellTable& cells = table(key.first);
    const Cell& now = *cells.find(key.second);
    if (old && old->range == now.range && old->account == now.account)
      cells.cell(now.range).revision = old->revision;
    else if (!old && now.account == Account{})
      cells.erase(key.second);
  }
}

void Rollups::restore(const Deltas& sums, Sequence otherwise) {
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) take_live(grain);
  add(sums, otherwise);
  add(base_, otherwise);
}

CellTable Rollups::take_live(Grain grain) {
  CellTable live, frozen;
  for (const Cell& cell : cells(grain)) (is_frozen(cell) ? frozen : live).cell(cell.range) = cell;
  table(grain) = std::move(frozen);
  return live;
}

// ---------------------------------------- what events tell no more

void Rollups::freeze(Timestamp until, const Deltas& gone) {
  frozen_until_ = until;
  for (const auto& [key, delta] : gone) {
    Cell& sum = base_[key];
    sum.range = delta.range;
    sum.account += delta.account;
  }
  std::erase_if(base_, [&](const auto& entry) { return is_frozen(entry.second); });
}

std::vector<KeptCell> Rollups::frozen(Timestamp after) const {
  std::vector<KeptCell> list;
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    for (const Cell& cell : cells(grain)) {
      if (is_frozen(cell) && cell.range.end > after) list.push_back({grain, cell});
    }
  }
  return list;
}

std::size_t Rollups::frozen_count() const {
  std::size_t count = 0;
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    for (const Cell& cell : cells(grain)) count += is_frozen(cell) ? 1 : 0;
  }
  return count;
}

void Rollups::set_frozen(Timestamp until, const std::vector<KeptCell>& cells, const std::vector<KeptCell>& base) {
  frozen_until_ = until;
  for (const auto& [grain, cell] : cells) table(grain).cell(cell.range) = cell;
  base_.clear();
  for (const auto& [grain, cell] : base) base_[{grain, cell.range.begin}] = cell;
}

// ---------------------------------------- comparing

void Rollups::revise(Grain grain, TimeRange bucket, Sequence revision) {
  const Cell* there = cells(grain).find(bucket.begin);
  if (there != nullptr && there->range != bucket) return;
  cell(grain, bucket).revision = revision;
}

std::uint64_t Rollups::digest() const {
  std::vector<std::int64_t> words;
  const auto add_wide = [&](WideInt value) {
    words.push_back(static_cast<std::int64_t>(value)), words.push_back(static_cast<std::int64_t>(value >> 64));
  };
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    for (const Cell& cell : cells(grain)) {
      const Account& a = cell.account;
      if (a == Account{}) continue;
      words.insert(words.end(),
                   {static_cast<std::int64_t>(grain), micros(cell.range.begin), micros(cell.range.end)});
      for (const auto part : kAccountTimes) words.push_back((a.*part).count());
      for (const auto part : kAccountCounts) words.push_back(a.*part);
      for (const auto part : kAccountIdealTimes) add_wide(a.*part);
    }
  }
  return XXH3_64bits(words.data(), words.size() * sizeof words[0]);
}

std::optional<std::string> Rollups::difference_to(Deltas right) const {
  for (const auto& [key, cell] : base_) right[key].account += cell.account;
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    const auto at = [&](Timestamp start) { return std::string{name_of(grain)} + " of " + format_time(start); };
    for (const Cell& cell : cells(grain)) {
      if (is_frozen(cell)) continue;
      const auto found = right.find({grain, cell.range.begin});
      if (!(cell.account == (found == right.end() ? Account{} : found->second.account)))
        return at(cell.range.begin) + " differs";
    }
    for (const auto& [key, cell] : right) {
      const bool kept = key.first != grain || cells(grain).contains(key.second);
      if (!kept && !(cell.account == Account{})) return at(key.second) + " is missing";
    }
  }
  return std::nullopt;
}

}  // namespace takt
