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

void add_time_to_parts(Sums& sums, Duration length, TimeCategory category, NameId reason, bool planned) {
  if (planned && category == TimeCategory::stop && reason != NameId::none)
    sums.parts.add(ReasonSums{reason, 0, length});
}

void add_stop(Account& account, int sign, bool minor) {
  account.stops += sign, account.minor_stops += minor ? sign : 0;
}

/// What of an account they are in planned time.
ProductSums planned_sums(const CountedPieces& p, std::optional<Duration> cycle) {
  ProductSums sums{p.product, p.good, p.scrap, p.rework};
  if (!cycle) {
    sums.without_cycle = sums.produced();
    return sums;
  }
  const WideInt ideal = cycle->count();
  sums.ideal_produced = ideal * sums.produced(), sums.ideal_good = ideal * p.good;
  return sums;
}

void add_pieces(Account& account, const CountedPieces& p, int sign, std::optional<Duration> cycle, bool planned) {
  if (!planned) {
    account.unplanned_produced += sign * (p.good + p.scrap + p.rework);
    account.unplanned_good += sign * p.good;
    return;
  }
  const ProductSums sums = planned_sums(p, cycle);
  account.good += sign * sums.good, account.scrap += sign * sums.scrap, account.rework += sign * sums.rework;
  account.pieces_without_cycle += sign * sums.without_cycle;
  account.ideal_produced += sign * sums.ideal_produced, account.ideal_good += sign * sums.ideal_good;
  if (cycle && p.startup) account.ideal_startup_rejects += sign * WideInt{cycle->count()} * (p.scrap + p.rework);
}

/// Before they are in the account.
void add_pieces_to_parts(Sums& sums, const CountedPieces& p, int sign, std::optional<Duration> cycle,
                         bool planned) {
  if (!planned) return;
  ProductSums made{p.product};
  sums.parts.add(made.add(planned_sums(p, cycle), sign), pieces_of(sums.account, NameId::none));
}

}  // namespace

// ---------------------------------------- summing

void AccountSink::time(TimeRange range, TimeCategory category, NameId reason, bool minor) {
  for (Timestamp t = range.begin; t < range.end;) {
    const auto planned = master_.planned_at(machine_, t);
    const Timestamp until = std::min(planned.until, range.end);
    if (sums_ != nullptr) add_time_to_parts(*sums_, until - t, category, reason, planned.planned);
    add_time(account_, until - t, category, minor, planned.planned);
    t = until;
  }
}

void AccountSink::stop(Timestamp, NameId reason, bool minor) {
  if (sums_ != nullptr) sums_->add_stop(reason, Duration{0}, 1);
  takt::add_stop(account_, 1, minor);
}

void AccountSink::pieces(const CountedPieces& pieces, std::optional<Duration> cycle) {
  const bool planned = master_.planned_at(machine_, pieces.at).planned;
  if (sums_ != nullptr) add_pieces_to_parts(*sums_, pieces, 1, cycle, planned);
  add_pieces(account_, pieces, 1, cycle, planned);
}

void BucketFinder::go_to(Timestamp t) {
  place_.hour = master_->wall().bucket_at(Grain::hour, t).range;
  place_.day = master_->wall().bucket_at(Grain::day, t).range;
  const auto shift = master_->shift_at(machine_, t);
  const auto planned = master_->planned_at(machine_, t);
  place_.in_shift = shift.has_value();
  place_.planned = planned.planned;
  place_.alike = intersect(intersect(place_.hour, place_.day), {t, planned.until});
  if (shift) {
    place_.shift = shift->range;
    place_.alike = intersect(place_.alike, shift->range);
  } else if (const auto next = master_->next_shift(machine_, t)) {
    place_.alike.end = std::min(place_.alike.end, next->range.begin);
  }
}

void BucketSink::go_to(Timestamp t) {
  if (alike_.contains(t)) return;
  const BucketPlace& place = finder_.at(t);
  alike_ = place.alike, planned_ = place.planned;
  hour_ = &slot(Grain::hour, place.hour);
  day_ = &slot(Grain::day, place.day);
  shift_ = place.in_shift ? &slot(Grain::shift, place.shift) : nullptr;
}
template <class Add>
void BucketSink::each(Add add) {
  add(*hour_);
  add(*day_);
  if (shift_ != nullptr) add(*shift_);
}

void BucketSink::time(TimeRange range, TimeCategory category, NameId reason, bool minor) {
  range.begin = std::max(range.begin, from_);
  for (Timestamp t = range.begin; t < range.end;) {
    go_to(t);
    const Timestamp until = std::min(alike_.end, range.end);
    if (planned_ || category == TimeCategory::production) {
      each([&](Sums& sums) {
        add_time_to_parts(sums, sign_ * (until - t), category, reason, planned_);
        add_time(sums.account, sign_ * (until - t), category, minor, planned_);
      });
    }
    t = until;
  }
}

void BucketSink::stop(Timestamp first_planned, NameId reason, bool minor) {
  if (!is_in(first_planned)) return;
  go_to(first_planned);
  each([&](Sums& sums) {
    sums.add_stop(reason, Duration{0}, sign_);
    takt::add_stop(sums.account, sign_, minor);
  });
}

void BucketSink::failure(Timestamp first_planned) {
  if (!is_in(first_planned)) return;
  go_to(first_planned);
  each([&](Sums& sums) { sums.account.failures += sign_; });
}

void BucketSink::pieces(const CountedPieces& pieces, std::optional<Duration> cycle) {
  if (!is_in(pieces.at)) return;
  go_to(pieces.at);
  each([&](Sums& sums) {
    add_pieces_to_parts(sums, pieces, sign_, cycle, planned_);
    add_pieces(sums.account, pieces, sign_, cycle, planned_);
  });
}

Cell& DeltaSink::slot(Grain grain, TimeRange bucket) {
  Cell& cell = deltas_[{grain, bucket.begin}];
  cell.range = bucket;
  return cell;
}

Cell& Rollups::Adding::slot(Grain grain, TimeRange bucket) {
  Cell& cell = rollups_.cell(grain, bucket);
  cell.revision = commit_;
  return cell;
}

// ---------------------------------------- keeping

const Cell* Rollups::filled(Grain grain, Timestamp t) const {
  const Cell* cell = cells(grain).find(t);
  return cell == nullptr || cell->account == Account{} ? nullptr : cell;
}

Cell& Rollups::cell(Grain grain, TimeRange bucket) { return table(grain).cell(bucket); }

void Rollups::add(const Deltas& deltas, Sequence commit) {
  for (const auto& [key, delta] : deltas) {
    if (delta.none()) continue;
    Cell& target = cell(key.first, delta.range);
    target.add(delta);
    if (!(delta.account == Account{})) target.revision = commit;
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
    const bool moves = there == nullptr || (change.goes_on && there->range != change.range);
    Cell& target = cells.cell(moves ? change.range : there->range);
    target.add(change.by);
    if (moves || !(change.by.account == Account{})) target.revision = commit;
  };
  for (const CellChanges* list : changes) list->visit(apply);
  for (const auto& [key, old] : before) {
    CellTable& cells = table(key.first);
    const Cell& now = *cells.find(key.second);
    if (old && old->range == now.range && old->account == now.account)
      cells.cell(now.range).revision = old->revision;
    else if (!old && now.none())
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
    sum.add(delta);
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
  for (const auto& [key, cell] : base_) right[key].add(cell);
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    const auto at = [&](Timestamp start) { return std::string{name_of(grain)} + " of " + format_time(start); };
    for (const Cell& cell : cells(grain)) {
      if (is_frozen(cell)) continue;
      const auto found = right.find({grain, cell.range.begin});
      const Sums* const sums = found == right.end() ? nullptr : &found->second;
      if (sums == nullptr ? !cell.none() : !(static_cast<const Sums&>(cell) == *sums))
        return at(cell.range.begin) + " differs";
    }
    for (const auto& [key, cell] : right) {
      const bool kept = key.first != grain || cells(grain).contains(key.second);
      if (!kept && !cell.none()) return at(key.second) + " is missing";
    }
  }
  return std::nullopt;
}

}  // namespace takt
