#include "engine/machine.h"

#include <algorithm>

#include "engine/account_reader.h"

namespace takt {
namespace {

constexpr Duration kTick{1};

template <class List, class Record>
std::optional<Rank> rank_in(const List& list, const Record& wanted) {
  const auto at = list.find(wanted);
  return at == list.end() ? std::nullopt : std::optional{at->rank};
}

std::int64_t or_zero(std::int64_t value) { return value == kAbsent ? 0 : value; }

StateRecord state_record(const Event& e, const Rank& rank, Names& names) {
  return {e.at, names.intern(e.id), folded_state(e.state, names), names.intern(e.reason), rank};
}
CycleRecord cycle_record(const Event& e, const Rank& rank, Names& names) {
  return {e.at,          e.end, names.intern(e.product), names.intern(e.order), names.intern(e.defect),
          hash_of(e.id), rank};
}
PieceRecord piece_record(const Event& e, const Rank& rank, Names& names) {
  PieceRecord record;
  record.cycle = e.type == EventType::cycle;
  record.at = record.cycle ? e.end : e.at;
  record.start = e.at;
  record.product = names.intern(e.product);
  record.order = names.intern(e.order);
  record.defect = names.intern(e.defect);
  record.id = hash_of(e.id);
  record.startup = e.startup;
  record.rank = rank;
  if (rank.withdrawn()) return record;
  // A cycle makes one good piece unless it says what it made.
  const bool silent = e.good == kAbsent && e.scrap == kAbsent && e.rework == kAbsent;
  record.good = static_cast<std::int32_t>(record.cycle && silent ? 1 : or_zero(e.good));
  record.scrap = static_cast<std::int32_t>(or_zero(e.scrap));
  record.rework = static_cast<std::int32_t>(or_zero(e.rework));
  return record;
}
CounterRecord counter_record(const Event& e, Names& names) {
  return {e.at,
          names.intern(e.product),
          names.intern(e.order),
          names.intern(e.defect),
          e.startup,
          hash_of(e.id),
          {e.good_total, e.scrap_total, e.rework_total}};
}
OrderRecord order_record(const Event& e, const Rank& rank, Names& names) {
  return {e.at,       names.intern(e.order), names.intern(e.product), e.action, hash_of(e.id),
          e.quantity, e.planned_start,       e.planned_end,           rank};
}
ClassifyRecord classify_record(const Event& e, const Rank& rank, Names& names) {
  return {e.at, e.end, e.recorded_at, names.intern(e.reason), names.intern(e.by), hash_of(e.id), rank};
}
QualityRecord quality_record(const Event& e, const Rank& rank, Names& names) {
  return {e.at,
          names.intern(e.characteristic),
          names.intern(e.product),
          names.intern(e.defect),
          hash_of(e.serial),
          hash_of(e.subgroup),
          hash_of(e.id),
          e.result == "fail",
          e.quantity == kAbsent ? 1 : e.quantity,
          e.value.kind == Value::Kind::number ? e.value.number : std::numeric_limits<double>::quiet_NaN(),
          rank};
}
EnergyRecord energy_record(const Event& e, const Rank& rank) { return {e.at, hash_of(e.id), e.kwh_total, rank}; }

bool has_totals(const Event& e) {
  return e.good_total != kAbsent || e.scrap_total != kAbsent || e.rework_total != kAbsent;
}

}  // namespace

MachineRecord::MachineRecord(MachineId id, Names& names, const MasterData& master, ColdArena* arena)
    : id_(id),
      master_(&master),
      timeline_(id, {&names}, master, arena),
      pieces_(id, {&names}, master, arena),
      quality_({&names}, arena),
      energy_({&names}, arena),
      buckets_(master, id) {}

// ---------------------------------------- judging and applying

std::optional<Rank> MachineRecord::known(const Event& event, Names& names) const {
  switch (event.type) {
    case EventType::state:
      return rank_in(timeline_.states(), state_record(event, {}, names));
    case EventType::count:
      return rank_in(pieces_.pieces(), piece_record(event, {}, names));
    case EventType::cycle:
      return rank_in(pieces_.cycles(), cycle_record(event, {}, names));
    case EventType::order:
      return rank_in(pieces_.orders(), order_record(event, {}, names));
    case EventType::classify:
      return rank_in(timeline_.classifications(), classify_record(event, {}, names));
    case EventType::quality:
      return rank_in(quality_, quality_record(event, {}, names));
    case EventType::energy:
      return rank_in(energy_, energy_record(event, {}));
    case EventType::reading:
      return std::nullopt;
  }
  return std::nullopt;
}

void MachineRecord::apply(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  if (event.type != EventType::classify && !rank.withdrawn() && !loading_) {
    heard(event.type == EventType::cycle ? event.end : event.at, commit);
  }
  switch (event.type) {
    case EventType::state:
      apply_state(event, rank, names, commit);
      break;
    case EventType::classify:
      apply_classify(event, rank, names, commit);
      break;
    case EventType::count:
      apply_count(event, rank, names, commit);
      break;
    case EventType::cycle:
      apply_cycle(event, rank, names, commit);
      break;
    case EventType::order:
      apply_order(event, rank, names, commit);
      break;
    case EventType::quality:
      quality_.put(quality_record(event, rank, names));
      break;
    case EventType::energy:
      energy_.put(energy_record(event, rank));
      break;
    case EventType::reading:
      break;
  }
}

void MachineRecord::apply_state(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  const StateRecord record = state_record(event, rank, names);
  if (loading_) return timeline_.put(record);
  change_timeline({event.at, timeline_.next_state(event.at)}, commit, [&] { timeline_.put(record); });
}

void MachineRecord::apply_classify(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  const ClassifyRecord record = classify_record(event, rank, names);
  if (loading_) return timeline_.put(record);
  TimeRange touched{record.start, record.end};
  if (record.end == kBeginOfTime) touched.end = timeline_.stretch_end(record.start);
  touch({record.start, record.start + kTick});  // under another description it may explain something
  if (touched.empty()) {
    timeline_.put(record);  // over running time, or before it has stopped: nothing to explain yet
    return;
  }
  change_timeline(touched, commit, [&] { timeline_.put(record); });
}

void MachineRecord::apply_count(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  const PieceRecord record = piece_record(event, rank, names);
  const CounterRecord counter = counter_record(event, names);
  const bool had_counter = pieces_.counters().find(counter) != pieces_.counters().end();
  const bool has_counter = has_totals(event) && !rank.withdrawn();
  if (!had_counter && !has_counter) return put_piece(record, commit);
  const TimeRange touched = loading_ ? TimeRange{} : pieces_.counter_reach(event.at);
  change_pieces(touched, commit, [&] {
    pieces_.put(record);
    if (had_counter) pieces_.erase(pieces_.counters().find(counter));
    if (has_counter) pieces_.put(counter);
  });
}

void MachineRecord::apply_cycle(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  CycleRecord record = cycle_record(event, rank, names);
  const auto old = pieces_.cycles().find(record);
  if (old != pieces_.cycles().end()) {
    // Its end may have been corrected: take the piece from where it stood.
    PieceRecord piece = piece_record(event, rank, names);
    piece.at = old->end;
    if (const auto at = pieces_.pieces().find(piece); at != pieces_.pieces().end()) {
      change_pieces({piece.at, piece.at + kTick}, commit, [&] { pieces_.erase(at); });
    }
  }
  pieces_.put(record);
  if (rank.withdrawn()) return;
  put_piece(piece_record(event, rank, names), commit);
}

/// Puts a piece whose sums depend on no other.
void MachineRecord::put_piece(const PieceRecord& piece, Sequence commit) {
  if (loading_) return pieces_.put(piece);
  touch({piece.at, piece.at + kTick});
  Deltas taken_out;
  if (const auto old = pieces_.pieces().find(piece); old != pieces_.pieces().end()) {
    DeltaSink minus = pieces_sink(taken_out, -1);
    pieces_.contribute_one(*old, minus);
  }
  pieces_.put(piece);
  if (taken_out.empty()) {
    Rollups::Adding plus{rollups_, buckets_, horizon_.pieces, commit};
    return pieces_.contribute_one(piece, plus);
  }
  DeltaSink plus = pieces_sink(taken_out, +1);
  pieces_.contribute_one(piece, plus);
  rollups_.add(taken_out, commit);
}

void MachineRecord::apply_order(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  pieces_.put(order_record(event, rank, names));
  if (loading_) return;
  std::vector<RunningOrder> steps = pieces_.order_steps();
  const std::vector<RunningOrder>& running = pieces_.running();
  const auto head = std::mismatch(steps.begin(), steps.end(), running.begin(), running.end());
  const auto tail = std::mismatch(steps.rbegin(), steps.rend(), running.rbegin(), running.rend());
  TimeRange touched{kEndOfTime, tail.first == steps.rbegin() ? kEndOfTime : std::prev(tail.first)->from};
  if (head.first != steps.end()) touched.begin = head.first->from;
  if (head.second != running.end()) touched.begin = std::min(touched.begin, head.second->from);
  if (touched.begin == kEndOfTime) return;
  change_pieces(touched, commit, [&] { pieces_.set_running(std::move(steps)); });
}

void MachineRecord::heard_reading(Timestamp t, Sequence commit) { heard(t, commit); }

void MachineRecord::heard(Timestamp t, Sequence commit) {
  const bool late = last_event_ && t < *last_event_;
  first_event_ = std::min(first_event_.value_or(t), t);
  last_event_ = std::max(last_event_.value_or(t), t);
  const auto heard = timeline_.if_heard(t);
  if (!heard) return;
  const TimeRange& span = heard->no_more_silent;
  const auto last = timeline_.last_state();
  if (!last || span.begin >= *last || span.empty()) {
    timeline_.hear(t);  // past the last state nothing is kept in the cells
    if (last && (late || !heard->goes_on)) tail_revision_ = std::max(tail_revision_, commit);
    return;
  }
  change_timeline(span, commit, [&] { timeline_.hear(t); });
}

void MachineRecord::set_heard(const std::vector<HeardRun>& runs, Sequence commit) {
  timeline_.set_heard(runs);
  use(*master_, commit);
}

void MachineRecord::collect_heard(std::vector<HeardRun>& runs) const {
  const auto collect = [&](const auto& list) {
    for (const auto& record : list) {
      if (!record.rank.withdrawn()) runs.push_back({record.at, record.at});
    }
  };
  collect(timeline_.states()), collect(pieces_.pieces()), collect(pieces_.orders()), collect(quality_),
      collect(energy_);
  runs.insert(runs.end(), heard_before_.begin(), heard_before_.end());
}

// ---------------------------------------- checkpoints

MachineCheckpoint MachineRecord::checkpoint(Sequence commit, Timestamp frozen_after) const {
  MachineCheckpoint checkpoint;
  checkpoint.machine = id_;
  checkpoint.commit = commit, checkpoint.tail_revision = tail_revision_;
  checkpoint.first_event = first_event_, checkpoint.last_event = last_event_;
  checkpoint.heard = timeline_.heard_runs();
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    for (const Cell& cell : cells(grain)) {
      if (cell.range.end > rollups_.frozen_until())
        checkpoint.buckets.push_back({grain, cell.range, cell.revision});
    }
  }
  checkpoint.digest = rollups_.digest();
  checkpoint.horizon = horizon_;
  checkpoint.heard_before = heard_before_;
  for (const auto& [key, cell] : rollups_.base()) checkpoint.base.push_back({key.first, cell});
  checkpoint.frozen_cells = rollups_.frozen_count();
  checkpoint.frozen = rollups_.frozen(frozen_after);
  return checkpoint;
}

void MachineRecord::load(const Event& event, Names& names) {
  TAKT_INVARIANT(loading_);
  const Rank rank = rank_of(event);
  const std::optional<Rank> known = this->known(event, names);
  if (!known || *known < rank) apply(event, rank, names, 0);
}

void MachineRecord::restore(const MachineCheckpoint& checkpoint) {
  loading_ = false;
  first_event_ = checkpoint.first_event, last_event_ = checkpoint.last_event;
  horizon_ = checkpoint.horizon, heard_before_ = checkpoint.heard_before;
  timeline_.begin_at(horizon_.timeline);
  timeline_.set_heard_runs(checkpoint.heard);
  pieces_.set_running(pieces_.order_steps());
  settled_ = settled_end();
  rollups_.set_frozen(horizon_.timeline, checkpoint.frozen, checkpoint.base);
  rollups_.restore(sums_from_events(settled_), checkpoint.commit);
  for (const MachineCheckpoint::Bucket& bucket : checkpoint.buckets)
    rollups_.revise(bucket.grain, bucket.range, bucket.revision);
  tail_revision_ = checkpoint.tail_revision;
  if (rollups_.digest() != checkpoint.digest) restored_otherwise_ = checkpoint.commit;
}

// ---------------------------------------- keeping the cells true

/// Changes the timeline within `touched` by `change` and keeps the cells true. See the head of machine.h.
template <class Change>
void MachineRecord::change_timeline(TimeRange touched, Sequence commit, Change change) {
  const auto last_before = timeline_.last_state();
  const Timeline::RawSegment previous = timeline_.raw_segment_at(touched.begin - kTick);
  Timestamp begin = timeline_.stretch_begin(previous.range.begin);
  Timestamp end = timeline_.stretch_end(touched.end);
  const Timestamp settled_before = settled_;
  const bool tail = end >= settled_before;
  if (tail) {
    // What is settled may move, over silence too: from the state before on, or from where it stood.
    end = kEndOfTime;
    if (const auto state = timeline_.state_before(touched.begin)) {
      begin = std::min(begin, timeline_.stretch_begin(state->at));
    }
    begin = std::min(begin, settled_before);
  }
  touch({begin, end});

  // In order, the figures before the event stay what they were shown as: only a stop's end may judge it anew.
  const bool judged_anew = tail && previous.restable();
  Deltas shown;
  if (judged_anew) {
    DeltaSink minus = timeline_sink(shown, -1);
    timeline_.contribute({begin, touched.begin}, kEndOfTime, minus);
  }
  Deltas deltas;
  DeltaSink minus = timeline_sink(deltas, -1);
  timeline_.contribute({begin, std::min(end, settled_before)}, kEndOfTime, minus);
  change();
  settled_ = settled_end();
  TAKT_INVARIANT(settled_ == settled_before || (tail && begin <= std::min(settled_, settled_before)));
  DeltaSink plus = timeline_sink(deltas, +1);
  timeline_.contribute({begin, std::min(end, settled_)}, kEndOfTime, plus);
  if (!tail) {
    rollups_.add(deltas, commit);
    return;
  }
  if (judged_anew) {
    DeltaSink again = timeline_sink(shown, +1);
    timeline_.contribute({begin, touched.begin}, kEndOfTime, again);
  }
  for (auto& [key, delta] : deltas) {
    if (delta.none()) continue;
    Cell& target = rollups_.cell(key.first, delta.range);
    target.add(delta);
    if (delta.account == Account{}) continue;
    if (!last_before || key.second > *last_before) target.revision = std::max(target.revision, tail_revision_);
    if (touched.begin < std::max(last_before.value_or(kBeginOfTime), settled_before)) target.revision = commit;
  }
  tail_revision_ = commit;
  for (const auto& [key, delta] : shown) {
    if (!(delta.account == Account{})) rollups_.cell(key.first, delta.range).revision = commit;
  }
  Deltas here;
  DeltaSink place = timeline_sink(here, +1);
  place.touch(touched.begin);
  for (const auto& [key, delta] : here) rollups_.cell(key.first, delta.range).revision = commit;
}

/// Changes the pieces counted within `touched` by `change` and keeps the cells true.
template <class Change>
void MachineRecord::change_pieces(TimeRange touched, Sequence commit, Change change) {
  if (loading_) return change();
  touch(touched);
  Deltas deltas;
  DeltaSink minus = pieces_sink(deltas, -1);
  pieces_.contribute(touched, minus);
  change();
  DeltaSink plus = pieces_sink(deltas, +1);
  pieces_.contribute(touched, plus);
  rollups_.add(deltas, commit);
}

/// What the pieces, and the timeline, add from one moment each to another.
Deltas MachineRecord::sums_between(Horizon from, Horizon to) const {
  Deltas sums;
  BucketFinder finder{*master_, id_};
  DeltaSink times{finder, sums, +1, horizon_.timeline}, counts{finder, sums, +1, horizon_.pieces};
  if (from.timeline < to.timeline) timeline_.contribute({from.timeline, to.timeline}, kEndOfTime, times);
  pieces_.contribute({from.pieces, to.pieces}, counts);
  return sums;
}

Deltas MachineRecord::sums_from_events(Timestamp settled) const {
  return sums_between(horizon_, {kEndOfTime, settled});
}

std::optional<std::string> MachineRecord::check() const {
  if (settled_ != settled_end()) {
    return "settled until " + format_time(settled_) + " instead of " + format_time(settled_end());
  }
  if (restored_otherwise_) {
    return "the sums served at commit " + std::to_string(*restored_otherwise_) +
           " were others than its events give now; the rules of its time zone may have changed since";
  }
  return rollups_.difference_to(sums_from_events(settled_));
}

void MachineRecord::use(const MasterData& master, Sequence commit) {
  master_ = &master;
  buckets_ = BucketFinder{master, id_};
  timeline_.use(master), pieces_.use(master);
  if (loading_) return;
  touch({kBeginOfTime, kEndOfTime});
  settled_ = settled_end();
  rollups_.replace(sums_from_events(settled_), commit);
  if (commit > 0 && !timeline_.states().empty()) tail_revision_ = std::max(tail_revision_, commit);
}

void MachineRecord::use(const MasterData& master, const std::vector<const CellChanges*>& changes,
                        Sequence commit) {
  master_ = &master;
  buckets_ = BucketFinder{master, id_};
  timeline_.use(master), pieces_.use(master);
  settled_ = settled_end();
  rollups_.change(changes, commit);
  if (!timeline_.states().empty()) tail_revision_ = std::max(tail_revision_, commit);
}

// ---------------------------------------- reading

std::optional<Timestamp> MachineRecord::last_live_event() const {
  std::optional<Timestamp> last;
  if (!heard_before_.empty()) last = heard_before_.back().last;
  const auto look_at = [&](const auto& list) {
    for (auto at = list.end(); at != list.begin();) {
      --at;
      if (at->rank.withdrawn()) continue;
      last = std::max(last.value_or(at->at), at->at);
      return;
    }
  };
  look_at(timeline_.states()), look_at(pieces_.pieces()), look_at(pieces_.orders());
  look_at(quality_), look_at(energy_);
  return last;
}

Timestamp MachineRecord::end_of_time() const {
  return master_->latest().settings(id_).active ? kEndOfTime : last_live_event().value_or(kBeginOfTime);
}

Timestamp MachineRecord::end_of_pieces() const {
  const Timestamp end = end_of_time();
  return end < kEndOfTime ? end + kTick : end;
}

Account MachineRecord::account_from_events(TimeRange range, Timestamp now) const {
  Account account;
  range.end = std::min(range.end, now);
  if (range.empty()) return account;
  AccountSink sink{*master_, id_, account};
  timeline_.contribute({range.begin, std::min(range.end, end_of_time())}, now, sink);
  pieces_.contribute(range, sink);
  return account;
}

Account MachineRecord::account(TimeRange range, Timestamp now) const {
  Account sum;
  AccountReader{*this, now}.add(range, sum);
  return sum;
}

Sequence MachineRecord::revision(Grain grain, TimeRange range) const {
  return AccountReader{*this, kEndOfTime}.revision(grain, range);
}

Sequence MachineRecord::revision_within(TimeRange range) const {
  return AccountReader{*this, kEndOfTime}.revision_within(range);
}

}  // namespace takt
