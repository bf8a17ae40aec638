#include "engine/machine.h"

#include <algorithm>

namespace takt {
namespace {

constexpr Duration kTick{1};

template <class List, class Record>
std::optional<Rank> rank_in(const List& list, const Record& wanted) {
  const auto at = list.find(wanted);
  return at == list.end() ? std::nullopt : std::optional{at->rank};
}

/// Puts `record` in the place of the one of its identity, or inserts it.
template <class List, class Record>
void put(List& list, const Record& record) {
  if (const auto at = list.find(record); at != list.end()) {
    list.modify(at) = record;
  } else {
    list.insert(record);
  }
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

CountedPieces counted(const PieceRecord& p) {
  return {p.at, p.product, p.order, p.defect, p.good, p.scrap, p.rework, p.startup};
}

/// Sums time and stops of one machine, whatever the bucket.
class AccountSink {
 public:
  AccountSink(const MasterData& master, MachineId machine, Account& account)
      : master_(master), machine_(machine), account_(account) {}

  void time(TimeRange range, TimeCategory category, bool minor) {
    for (Timestamp t = range.begin; t < range.end;) {
      const auto planned = master_.planned_at(machine_, t);
      const Timestamp until = std::min(planned.until, range.end);
      add_time(account_, until - t, category, minor, planned.planned);
      t = until;
    }
  }
  void stop(Timestamp, bool minor) { ++account_.stops, account_.minor_stops += minor ? 1 : 0; }
  void failure(Timestamp) { ++account_.failures; }
  void pieces(const CountedPieces& p, int sign, std::optional<Duration> cycle) {
    add_pieces(account_, p, sign, cycle, master_.planned_at(machine_, p.at).planned);
  }

  static void add_time(Account& account, Duration length, TimeCategory category, bool minor, bool planned) {
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
  static void add_pieces(Account& account, const CountedPieces& p, int sign, std::optional<Duration> cycle,
                         bool planned) {
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

 private:
  const MasterData& master_;
  MachineId machine_;
  Account& account_;
};

}  // namespace

/// Sums by bucket of hour, shift and day, with a sign.
class MachineRecord::RollupSink {
 public:
  RollupSink(const MasterData& master, MachineId machine, Deltas& deltas, int sign)
      : master_(master), machine_(machine), deltas_(deltas), sign_(sign) {}

  void time(TimeRange range, TimeCategory category, bool minor) {
    for (Timestamp t = range.begin; t < range.end;) {
      go_to(t);
      const Timestamp until = std::min(place_.alike.end, range.end);
      if (place_.planned || category == TimeCategory::production) {
        each([&](Account& account) {
          AccountSink::add_time(account, sign_ * (until - t), category, minor, place_.planned);
        });
      }
      t = until;
    }
  }
  void stop(Timestamp t, bool minor) {
    go_to(t);
    each([&](Account& account) { account.stops += sign_, account.minor_stops += minor ? sign_ : 0; });
  }
  void failure(Timestamp t) {
    go_to(t);
    each([&](Account& account) { account.failures += sign_; });
  }
  void pieces(const CountedPieces& p, int sign, std::optional<Duration> cycle) {
    go_to(p.at);
    each([&](Account& account) { AccountSink::add_pieces(account, p, sign * sign_, cycle, place_.planned); });
  }
  /// Marks the buckets that hold `t` without changing them.
  void touch(Timestamp t) {
    go_to(t);
    each([](Account&) {});
  }

 private:
  struct Place {
    TimeRange alike{kBeginOfTime, kBeginOfTime};  ///< all of this holds throughout
    TimeRange hour, day, shift;
    bool in_shift = false, planned = false;
  };

  void go_to(Timestamp t) {
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
  Account& slot(Grain grain, TimeRange range) {
    Cell& cell = deltas_[{grain, range.begin}];
    cell.range = range;
    return cell.account;
  }
  template <class Add>
  void each(Add add) {
    add(*hour_);
    add(*day_);
    if (shift_ != nullptr) add(*shift_);
  }

  const MasterData& master_;
  MachineId machine_;
  Deltas& deltas_;
  int sign_;
  Place place_;
  Account *hour_ = nullptr, *day_ = nullptr, *shift_ = nullptr;  // nodes of deltas_, which never move
};

MachineRecord::MachineRecord(MachineId id, Names& names, const MasterData& master)
    : id_(id),
      master_(&master),
      by_identity_{&names},
      states_(by_identity_),
      classifies_(by_identity_),
      pieces_(by_identity_),
      cycles_(by_identity_),
      counters_(by_identity_),
      orders_(by_identity_),
      quality_(by_identity_),
      energy_(by_identity_) {}

NameId folded_state(std::string_view state, Names& names) {
  std::string lower{state};
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return names.intern(lower);
}

// ------------------------------------------------------------------------------------------------------ the
// timeline

std::optional<StateRecord> MachineRecord::state_before(Timestamp t) const {
  auto at = states_.partition_point([&](const StateRecord& s) { return s.at < t; });
  while (at != states_.begin()) {
    --at;
    if (!at->rank.withdrawn()) return *at;
  }
  return std::nullopt;
}

std::optional<Timestamp> MachineRecord::last_state() const {
  const auto last = state_before(kEndOfTime);
  return last ? std::optional{last->at} : std::nullopt;
}

MachineRecord::RawSegment MachineRecord::raw_segment_at(Timestamp t) const {
  RawSegment segment;
  const auto next = [&] {
    auto at = states_.partition_point([&](const StateRecord& s) { return s.at <= t; });
    while (at != states_.end() && at->rank.withdrawn()) ++at;
    return at == states_.end() ? kEndOfTime : at->at;
  }();
  const auto state = state_before(t + kTick);
  segment.range = {state ? state->at : kBeginOfTime, next};
  if (master_->versions().size() > 1) segment.range = intersect(segment.range, master_->at(t).valid());
  if (!state) return segment;
  const PlantVersion& version = master_->at(t);
  if (const Duration timeout = master_->latest().settings(id_).silence_timeout; timeout > Duration{0}) {
    const auto after =
        std::partition_point(heard_.begin(), heard_.end(), [&](auto& run) { return run.first <= t; });
    const Timestamp next_heard = after == heard_.end() ? kEndOfTime : after->first;
    const Timestamp last_heard = after == heard_.begin() ? kBeginOfTime : std::prev(after)->last + timeout;
    if (t >= last_heard) {
      segment.range = intersect(segment.range, {last_heard, next_heard});
      return segment;  // silence: unknown
    }
    segment.range = intersect(segment.range, {std::prev(after)->first, last_heard});
  }
  segment.state = state->state;
  segment.category = version.category_of_state(state->state);
  if (segment.restable()) segment.reason = state->reason;
  return segment;
}

/// The beginning of the unbroken stretch of time neither production nor unknown that ends at or holds `t`; else
/// `t`.
Timestamp MachineRecord::stretch_begin(Timestamp t) const {
  while (t > kBeginOfTime) {
    const RawSegment before = raw_segment_at(t - kTick);
    if (!before.restable()) break;
    t = before.range.begin;
  }
  return t;
}

/// The end of such a stretch that begins at or holds `t`; else `t`.
Timestamp MachineRecord::stretch_end(Timestamp t) const {
  while (t < kEndOfTime) {
    const RawSegment at = raw_segment_at(t);
    if (!at.restable()) break;
    t = at.range.end;
  }
  return t;
}

/// The cells hold all that can change no more but by an event: everything before the stretch of the last state.
Timestamp MachineRecord::settled_end() const {
  const auto last = state_before(kEndOfTime);
  if (!last) return kBeginOfTime;
  const RawSegment segment = raw_segment_at(last->at);
  return segment.restable() ? stretch_begin(last->at) : last->at;
}

NameId MachineRecord::reason_at(Timestamp t, const std::vector<ClassifyRecord>& candidates,
                                const TimeRange& stretch, NameId own) const {
  const ClassifyRecord* best = nullptr;
  for (const ClassifyRecord& c : candidates) {
    const Timestamp end = c.end == kBeginOfTime ? stretch.end : c.end;
    if (t < c.start || t >= end) continue;
    const auto order = [](const ClassifyRecord& r) { return std::tuple{r.recorded_at, r.start, r.rank.content}; };
    if (best == nullptr || order(*best) < order(c)) best = &c;
  }
  return best != nullptr ? best->reason : own;
}

/// Segments of one whole stretch of time neither production nor unknown, cut where its reason changes.
void MachineRecord::append_stretch(TimeRange stretch, Timestamp now, std::vector<Segment>& out) const {
  std::vector<ClassifyRecord> candidates;
  std::vector<Timestamp> cuts;
  if (!classifies_.empty()) {
    const Timestamp earliest = stretch.begin - longest_classify_;
    auto at = classifies_.partition_point([&](const ClassifyRecord& c) { return c.start < earliest; });
    for (; at != classifies_.end() && at->start < stretch.end; ++at) {
      const bool open_ended = at->end == kBeginOfTime;
      if (at->rank.withdrawn() || (open_ended ? at->start < stretch.begin : at->end <= stretch.begin)) continue;
      candidates.push_back(*at);
      cuts.push_back(at->start);
      if (!open_ended) cuts.push_back(at->end);
    }
    std::sort(cuts.begin(), cuts.end());
  }
  for (Timestamp t = stretch.begin; t < std::min(stretch.end, now);) {
    const RawSegment raw = raw_segment_at(t);
    const auto cut = std::upper_bound(cuts.begin(), cuts.end(), t);
    const Timestamp until = std::min(raw.range.end, cut == cuts.end() ? kEndOfTime : *cut);
    Segment segment{
        {t, std::min(until, now)}, raw.state, reason_at(t, candidates, stretch, raw.reason), raw.category};
    segment.open = until > now;
    if (segment.reason != NameId::none) {
      const ReasonCategory category = master_->at(t).category_of_reason(segment.reason);
      segment.category = category == ReasonCategory::planned ? TimeCategory::planned_stop
                         : category == ReasonCategory::setup ? TimeCategory::setup
                                                             : TimeCategory::stop;
    }
    out.push_back(segment);
    t = until;
  }
}

namespace {

/// Calls `visit(first, last)` for each run of neighbouring stop segments that belong together.
template <class Together, class Visit>
void each_run(std::vector<Segment>& segments, Together together, Visit visit) {
  for (std::size_t i = 0; i < segments.size();) {
    std::size_t last = i;
    if (segments[i].category == TimeCategory::stop && together(segments[i], segments[i])) {
      while (last + 1 < segments.size() && segments[last + 1].category == TimeCategory::stop &&
             together(segments[i], segments[last + 1])) {
        ++last;
      }
      visit(i, last);
    }
    i = last + 1;
  }
}

bool one_stop(const Segment& a, const Segment& b) { return a.reason == b.reason; }

}  // namespace

std::vector<Segment> MachineRecord::segments(TimeRange range, Timestamp now) const {
  std::vector<Segment> out;
  const Timestamp end = std::min(range.end, now);
  if (range.begin >= end) return out;
  const Timestamp last = stretch_end(end);
  for (Timestamp t = stretch_begin(range.begin); t < last && t < now;) {
    const RawSegment raw = raw_segment_at(t);
    if (raw.restable()) {
      const Timestamp until = stretch_end(t);
      append_stretch({t, until}, now, out);
      t = until;
    } else {
      const TimeRange lasting{raw.range.begin, std::min(raw.range.end, now)};
      out.push_back({lasting, raw.state, NameId::none, raw.category, false, raw.range.end > now});
      t = raw.range.end;
    }
  }
  each_run(out, one_stop, [&](std::size_t first, std::size_t final) {
    const TimeRange stop{out[first].range.begin, out[final].range.end};
    const Duration threshold = master_->at(stop.begin).settings(id_).minor_stop;
    if (out[final].open || out[first].reason != NameId::none || stop.length() > threshold) return;
    for (std::size_t i = first; i <= final; ++i) out[i].minor_stop = true;
  });
  return out;
}

std::vector<StopStretch> MachineRecord::stops(TimeRange range, Timestamp now) const {
  std::vector<StopStretch> out;
  std::vector<Segment> list = segments(range, now);
  each_run(list, one_stop, [&](std::size_t first, std::size_t last) {
    const TimeRange stop{list[first].range.begin, list[last].range.end};
    if (stop.overlaps(range)) out.push_back({stop, list[first].reason, list[first].minor_stop, list[last].open});
  });
  return out;
}

template <class Sink>
void MachineRecord::accumulate_time(TimeRange clip, Timestamp now, Sink& sink) const {
  if (clip.empty()) return;
  std::vector<Segment> list = segments(clip, now);
  for (const Segment& segment : list) {
    const TimeRange part = intersect(segment.range, clip);
    if (!part.empty() && segment.category != TimeCategory::unknown)
      sink.time(part, segment.category, segment.minor_stop);
  }
  // A stop counts where its first planned moment lies.
  const auto first_moment = [&](std::size_t first, std::size_t last) {
    const auto t =
        master_->first_planned(id_, {list[first].range.begin, std::min(list[last].range.end, clip.end)});
    return t && *t >= clip.begin ? t : std::nullopt;
  };
  each_run(list, one_stop, [&](std::size_t first, std::size_t last) {
    if (const auto t = first_moment(first, last)) sink.stop(*t, list[first].minor_stop);
  });
  const auto failing = [&](const Segment&, const Segment& s) {
    return s.reason != NameId::none &&
           master_->at(s.range.begin).category_of_reason(s.reason) == ReasonCategory::failure;
  };
  each_run(list, failing, [&](std::size_t first, std::size_t last) {
    if (const auto t = first_moment(first, last)) sink.failure(*t);
  });
}

/// Changes the timeline within `touched` by `change` and keeps the cells true. See the head of machine.h.
template <class Change>
void MachineRecord::change_timeline(TimeRange touched, Sequence commit, Change change) {
  const auto last_before = last_state();
  const RawSegment previous = raw_segment_at(touched.begin - kTick);
  Timestamp begin = stretch_begin(previous.range.begin);
  Timestamp end = stretch_end(touched.end);
  const Timestamp settled_before = settled_;
  const bool tail = end >= settled_before;
  if (tail) {
    // What is settled may move, over silence too: from the state before on, or from where it stood.
    end = kEndOfTime;
    if (const auto state = state_before(touched.begin)) begin = std::min(begin, stretch_begin(state->at));
    begin = std::min(begin, settled_before);
  }

  // In order, the figures before the event stay what they were shown as: only a stop's end may judge it anew.
  const bool judged_anew = tail && previous.restable();
  Deltas shown;
  if (judged_anew) {
    RollupSink minus{*master_, id_, shown, -1};
    accumulate_time({begin, touched.begin}, kEndOfTime, minus);
  }
  Deltas deltas;
  RollupSink minus{*master_, id_, deltas, -1};
  accumulate_time({begin, std::min(end, settled_before)}, kEndOfTime, minus);
  change();
  settled_ = settled_end();
  TAKT_INVARIANT(settled_ == settled_before || (tail && begin <= std::min(settled_, settled_before)));
  RollupSink plus{*master_, id_, deltas, +1};
  accumulate_time({begin, std::min(end, settled_)}, kEndOfTime, plus);
  if (!tail) {
    merge(deltas, commit);
    return;
  }
  if (judged_anew) {
    RollupSink again{*master_, id_, shown, +1};
    accumulate_time({begin, touched.begin}, kEndOfTime, again);
  }
  for (auto& [key, delta] : deltas) {
    if (delta.account == Account{}) continue;
    Cell& target = cell(key.first, delta.range.begin);
    target.range = delta.range;
    target.account += delta.account;
    if (!last_before || key.second > *last_before) target.revision = std::max(target.revision, tail_revision_);
    if (touched.begin < std::max(last_before.value_or(kBeginOfTime), settled_before)) target.revision = commit;
  }
  tail_revision_ = commit;
  const auto mark = [&](const std::pair<Grain, Timestamp>& key, TimeRange bucket) {
    Cell& target = cell(key.first, key.second);
    target.range = bucket;
    target.revision = commit;
  };
  for (const auto& [key, delta] : shown) {
    if (!(delta.account == Account{})) mark(key, delta.range);
  }
  Deltas here;
  RollupSink place{*master_, id_, here, +1};
  place.touch(touched.begin);
  for (const auto& [key, delta] : here) mark(key, delta.range);
}

Cell& MachineRecord::cell(Grain grain, Timestamp t) { return table(grain)[t]; }

void MachineRecord::merge(const Deltas& deltas, Sequence commit) {
  for (const auto& [key, delta] : deltas) {
    if (delta.account == Account{}) continue;
    Cell& target = cell(key.first, key.second);
    target.range = delta.range;
    target.account += delta.account;
    target.revision = commit;
  }
}

// ------------------------------------------------------------------------------------------------------------
// pieces

CountedPieces MachineRecord::resolved(CountedPieces pieces) const {
  if (pieces.product == NameId::none || pieces.order == NameId::none) {
    const RunningOrder running = running_order(pieces.at);
    if (pieces.product == NameId::none) pieces.product = running.product;
    if (pieces.order == NameId::none) pieces.order = running.order;
  }
  return pieces;
}

template <class Sink>
void MachineRecord::count(const CountedPieces& pieces, int sign, Sink& sink) const {
  const CountedPieces known = resolved(pieces);
  if (known.good == 0 && known.scrap == 0 && known.rework == 0) return;
  sink.pieces(known, sign, master_->at(known.at).ideal_cycle(id_, known.product, known.at));
}

/// What the counters of one event have gained since their readings before it.
std::optional<CountedPieces> MachineRecord::increase_of(SortedRuns<CounterRecord, ByIdentity>::Iterator at) const {
  const CounterRecord& now = *at;
  CountedPieces pieces{now.at, now.product, now.order, now.defect, 0, 0, 0, now.startup};
  std::int64_t* const parts[] = {&pieces.good, &pieces.scrap, &pieces.rework};
  const std::int64_t modulus = master_->at(now.at).settings(id_).counter_modulus;
  bool any = false;
  for (std::size_t field = 0; field < 3; ++field) {
    const std::int64_t reading = now.total[field];
    if (reading == kAbsent) continue;
    auto before = at;
    std::int64_t earlier = kAbsent;
    while (earlier == kAbsent && before != counters_.begin()) earlier = (--before)->total[field];
    if (earlier == kAbsent) continue;  // the first reading is a baseline
    std::int64_t increase = reading - earlier;
    if (increase < 0) {
      // A fall is a wrap if that makes the increase less than half the modulus, else a reset.
      const std::int64_t wrapped = increase + modulus;
      increase = modulus > 0 && wrapped >= 0 && wrapped < modulus - wrapped ? wrapped : reading;
    }
    *parts[field] = increase;
    any = any || increase != 0;
  }
  return any ? std::optional{pieces} : std::nullopt;
}

template <class Visit>
void MachineRecord::visit_pieces(TimeRange range, Visit visit) const {
  for (auto at = pieces_.partition_point([&](const PieceRecord& p) { return p.at < range.begin; });
       at != pieces_.end() && at->at < range.end; ++at) {
    if (!at->rank.withdrawn()) visit(counted(*at));
  }
  for (auto at = counters_.partition_point([&](const CounterRecord& c) { return c.at < range.begin; });
       at != counters_.end() && at->at < range.end; ++at) {
    if (const auto increase = increase_of(at)) visit(*increase);
  }
}

/// Changes the pieces counted within `touched` by `change` and keeps the cells true.
template <class Change>
void MachineRecord::change_pieces(TimeRange touched, Sequence commit, Change change) {
  Deltas deltas;
  RollupSink minus{*master_, id_, deltas, -1};
  visit_pieces(touched, [&](const CountedPieces& p) { count(p, 1, minus); });
  change();
  RollupSink plus{*master_, id_, deltas, +1};
  visit_pieces(touched, [&](const CountedPieces& p) { count(p, 1, plus); });
  merge(deltas, commit);
}

std::vector<CountedPieces> MachineRecord::pieces(TimeRange range) const {
  std::vector<CountedPieces> list;
  visit_pieces(range, [&](const CountedPieces& p) {
    if (p.good != 0 || p.scrap != 0 || p.rework != 0) list.push_back(resolved(p));
  });
  std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.at < b.at; });
  return list;
}

RunningOrder MachineRecord::running_order(Timestamp t) const {
  const auto after = std::partition_point(running_.begin(), running_.end(), [&](auto& r) { return r.from <= t; });
  return after == running_.begin() ? RunningOrder{kBeginOfTime} : *std::prev(after);
}

NameId MachineRecord::product_at(Timestamp t) const {
  if (const NameId product = running_order(t).product; product != NameId::none) return product;
  auto at = pieces_.partition_point([&](const PieceRecord& p) { return p.at <= t; });
  for (int steps = 0; at != pieces_.begin() && steps < 64; ++steps) {
    --at;
    if (!at->rank.withdrawn() && at->product != NameId::none) return at->product;
  }
  return NameId::none;
}

/// Which order runs from when on: the last start without a later stop or completion of that order.
std::vector<RunningOrder> MachineRecord::order_steps() const {
  std::map<NameId, NameId> planned;  // the product that an order was planned with: the latest plan's
  for (const OrderRecord& order : orders_) {
    if (!order.rank.withdrawn() && order.action == OrderAction::plan && order.product != NameId::none) {
      planned[order.order] = order.product;
    }
  }
  std::vector<RunningOrder> active, steps;
  for (auto at = orders_.begin(); at != orders_.end();) {
    const Timestamp t = at->at;
    auto group = at;
    // An order that is stopped and started at one instant runs on.
    for (const bool starts : {false, true}) {
      for (group = at; group != orders_.end() && group->at == t; ++group) {
        const OrderRecord& order = *group;
        const bool start = order.action == OrderAction::start;
        if (order.rank.withdrawn() || order.action == OrderAction::plan || start != starts) continue;
        std::erase_if(active, [&](const RunningOrder& r) { return r.order == order.order; });
        if (!start) continue;
        const auto plan = planned.find(order.order);
        const NameId product =
            order.product != NameId::none || plan == planned.end() ? order.product : plan->second;
        active.push_back({t, order.order, product});
      }
    }
    at = group;
    RunningOrder now{t};
    if (!active.empty()) now.order = active.back().order, now.product = active.back().product;
    const bool same = steps.empty() ? now.order == NameId::none
                                    : steps.back().order == now.order && steps.back().product == now.product;
    if (!same) steps.push_back(now);
  }
  return steps;
}

// ----------------------------------------------------------------------------------------------- judging and
// applying

std::optional<Rank> MachineRecord::known(const Event& event, Names& names) const {
  switch (event.type) {
    case EventType::state:
      return rank_in(states_, state_record(event, {}, names));
    case EventType::count:
      return rank_in(pieces_, piece_record(event, {}, names));
    case EventType::cycle:
      return rank_in(cycles_, cycle_record(event, {}, names));
    case EventType::order:
      return rank_in(orders_, order_record(event, {}, names));
    case EventType::classify:
      return rank_in(classifies_, classify_record(event, {}, names));
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
  if (event.type != EventType::classify && !rank.withdrawn()) {
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
      put(quality_, quality_record(event, rank, names));
      break;
    case EventType::energy:
      put(energy_, energy_record(event, rank));
      break;
    case EventType::reading:
      break;
  }
}

void MachineRecord::apply_state(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  const StateRecord record = state_record(event, rank, names);
  auto next = states_.partition_point([&](const StateRecord& s) { return s.at <= event.at; });
  while (next != states_.end() && next->rank.withdrawn()) ++next;
  const Timestamp until = next == states_.end() ? kEndOfTime : next->at;
  change_timeline({event.at, until}, commit, [&] { put(states_, record); });
}

void MachineRecord::apply_classify(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  const ClassifyRecord record = classify_record(event, rank, names);
  TimeRange touched{record.start, record.end};
  if (record.end == kBeginOfTime) touched.end = stretch_end(record.start);
  const auto put_it = [&] {
    put(classifies_, record);
    if (record.end > record.start) longest_classify_ = std::max(longest_classify_, record.end - record.start);
  };
  if (touched.empty()) {
    put_it();  // over running time, or before it has stopped: nothing to explain yet
    return;
  }
  change_timeline(touched, commit, put_it);
}

/// From a counter reading at `t` to past the next readings of each of its fields, whose increases depend on it.
TimeRange MachineRecord::counter_reach(Timestamp t) const {
  auto at = counters_.partition_point([&](const CounterRecord& c) { return c.at <= t; });
  Timestamp end = t + kTick;
  bool open[3] = {true, true, true};
  for (; at != counters_.end() && (open[0] || open[1] || open[2]); ++at) {
    for (std::size_t field = 0; field < 3; ++field) {
      if (open[field] && at->total[field] != kAbsent) open[field] = false, end = at->at + kTick;
    }
  }
  return {t, end};
}

void MachineRecord::apply_count(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  const PieceRecord record = piece_record(event, rank, names);
  const CounterRecord counter = counter_record(event, names);
  const bool had_counter = counters_.find(counter) != counters_.end();
  const bool has_counter = has_totals(event) && !rank.withdrawn();
  const TimeRange touched =
      had_counter || has_counter ? counter_reach(event.at) : TimeRange{event.at, event.at + kTick};
  change_pieces(touched, commit, [&] {
    put(pieces_, record);
    if (had_counter) counters_.erase(counters_.find(counter));
    if (has_counter) counters_.insert(counter);
  });
}

void MachineRecord::apply_cycle(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  CycleRecord record = cycle_record(event, rank, names);
  const auto old = cycles_.find(record);
  if (old != cycles_.end()) {
    // Its end may have been corrected: take the piece from where it stood.
    PieceRecord piece = piece_record(event, rank, names);
    piece.at = old->end;
    if (const auto at = pieces_.find(piece); at != pieces_.end()) {
      change_pieces({piece.at, piece.at + kTick}, commit, [&] { pieces_.erase(at); });
    }
  }
  put(cycles_, record);
  if (rank.withdrawn()) return;
  change_pieces({event.end, event.end + kTick}, commit, [&] { put(pieces_, piece_record(event, rank, names)); });
}

void MachineRecord::apply_order(const Event& event, const Rank& rank, Names& names, Sequence commit) {
  put(orders_, order_record(event, rank, names));
  std::vector<RunningOrder> steps = order_steps();
  const auto same = [](const RunningOrder& a, const RunningOrder& b) {
    return a.from == b.from && a.order == b.order && a.product == b.product;
  };
  const auto head = std::mismatch(steps.begin(), steps.end(), running_.begin(), running_.end(), same);
  const auto tail = std::mismatch(steps.rbegin(), steps.rend(), running_.rbegin(), running_.rend(), same);
  TimeRange touched{kEndOfTime, tail.first == steps.rbegin() ? kEndOfTime : std::prev(tail.first)->from};
  if (head.first != steps.end()) touched.begin = head.first->from;
  if (head.second != running_.end()) touched.begin = std::min(touched.begin, head.second->from);
  if (touched.begin == kEndOfTime) return;
  change_pieces(touched, commit, [&] { running_ = std::move(steps); });
}

// ------------------------------------------------------------------------------------------------------------
// silence

void MachineRecord::heard_reading(Timestamp t, Sequence commit) { heard(t, commit); }

void MachineRecord::heard(Timestamp t, Sequence commit) {
  const bool late = last_event_ && t < *last_event_;
  first_event_ = std::min(first_event_.value_or(t), t);
  last_event_ = std::max(last_event_.value_or(t), t);
  const Duration timeout = master_->latest().settings(id_).silence_timeout;
  if (timeout <= Duration{0}) return;
  const auto after = std::partition_point(heard_.begin(), heard_.end(), [&](auto& run) { return run.first <= t; });
  const bool joins = after != heard_.begin() && t <= std::prev(after)->last + timeout;
  if (joins && t <= std::prev(after)->last) return;
  const bool meets = after != heard_.end() && after->first <= t + timeout;
  const auto change = [&] {
    if (joins && meets) {
      std::prev(after)->last = after->last;
      heard_.erase(after);
    } else if (joins) {
      std::prev(after)->last = t;
    } else if (meets) {
      after->first = t;
    } else {
      heard_.insert(after, {t, t});
    }
  };
  const Timestamp from = joins ? std::prev(after)->last + timeout : t;
  const Timestamp to = meets ? after->first : t + timeout;
  const auto last = last_state();
  if (!last || from >= *last || from >= to) {
    change();  // past the last state nothing is kept in the cells
    if (last && (late || !joins)) tail_revision_ = std::max(tail_revision_, commit);
    return;
  }
  change_timeline({from, to}, commit, change);
}

void MachineRecord::set_heard(const std::vector<Timestamp>& times, Sequence commit) {
  const Duration timeout = master_->latest().settings(id_).silence_timeout;
  std::vector<HeardRun> runs;
  if (timeout > Duration{0}) {
    for (const Timestamp t : times) {
      if (runs.empty() || t > runs.back().last + timeout) {
        runs.push_back({t, t});
      } else {
        runs.back().last = t;
      }
    }
  }
  heard_ = std::move(runs);
  use(*master_, commit);
}

void MachineRecord::collect_heard(std::vector<Timestamp>& times) const {
  const auto collect = [&](const auto& list) {
    for (const auto& record : list) {
      if (!record.rank.withdrawn()) times.push_back(record.at);
    }
  };
  collect(states_), collect(pieces_), collect(orders_), collect(quality_), collect(energy_);
}

// ------------------------------------------------------------------------------------------------------ master
// data

MachineRecord::Deltas MachineRecord::sums_from_events(Timestamp settled) const {
  Deltas sums;
  RollupSink sink{*master_, id_, sums, +1};
  if (settled > kBeginOfTime) accumulate_time({kBeginOfTime, settled}, kEndOfTime, sink);
  visit_pieces({kBeginOfTime, kEndOfTime}, [&](const CountedPieces& p) { count(p, 1, sink); });
  return sums;
}

std::optional<std::string> MachineRecord::check() const {
  if (settled_ != settled_end()) {
    return "settled until " + format_time(settled_) + " instead of " + format_time(settled_end());
  }
  const Deltas right = sums_from_events(settled_);
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    const auto at = [&](Timestamp start) { return std::string{name_of(grain)} + " of " + format_time(start); };
    for (const auto& [start, cell] : cells(grain)) {
      const auto found = right.find({grain, start});
      if (!(cell.account == (found == right.end() ? Account{} : found->second.account)))
        return at(start) + " differs";
    }
    for (const auto& [key, cell] : right) {
      const bool kept = key.first != grain || cells(grain).contains(key.second);
      if (!kept && !(cell.account == Account{})) return at(key.second) + " is missing";
    }
  }
  return std::nullopt;
}

void MachineRecord::use(const MasterData& master, Sequence commit) {
  master_ = &master;
  const auto old_hours = std::move(hours_), old_shifts = std::move(shifts_), old_days = std::move(days_);
  hours_.clear(), shifts_.clear(), days_.clear();
  settled_ = settled_end();
  merge(sums_from_events(settled_), commit);
  const auto keep_revisions = [&](const std::map<Timestamp, Cell>& old, std::map<Timestamp, Cell>& now) {
    for (const auto& [start, cell] : old) {
      const auto at = now.find(start);
      if (at != now.end() && at->second.range == cell.range && at->second.account == cell.account) {
        at->second.revision = cell.revision;
      } else if (at == now.end() && cell.account != Account{}) {
        now[start] = {cell.range, {}, commit};
      } else if (at == now.end()) {
        now[start] = cell;
      }
    }
  };
  keep_revisions(old_hours, hours_), keep_revisions(old_shifts, shifts_), keep_revisions(old_days, days_);
  if (commit > 0 && !states_.empty()) tail_revision_ = std::max(tail_revision_, commit);
}

// ------------------------------------------------------------------------------------------------------------
// reading

Account MachineRecord::account_from_events(TimeRange range, Timestamp now) const {
  Account account;
  range.end = std::min(range.end, now);
  if (!master_->latest().settings(id_).active) range.end = std::min(range.end, last_event_.value_or(range.begin));
  if (range.empty()) return account;
  AccountSink sink{*master_, id_, account};
  accumulate_time(range, now, sink);
  visit_pieces(range, [&](const CountedPieces& p) { count(p, 1, sink); });
  return account;
}

Account MachineRecord::account(TimeRange range, Timestamp now) const {
  Account sum;
  TimeRange cut{range.begin, std::min(range.end, now)};
  const bool active = master_->latest().settings(id_).active;
  if (!active) cut.end = std::min(cut.end, last_event_.value_or(cut.begin) + kTick);
  if (cut.empty()) return sum;
  // Nothing is known after the last event, and nothing before the first.
  if (!first_event_) return sum;
  AccountSink sink{*master_, id_, sum};
  const auto from_cell = [&](const std::map<Timestamp, Cell>& table, TimeRange bucket) {
    // Cells may hold pieces and states of moments that are still to come.
    if (bucket.end > cut.end && *last_event_ >= cut.end) return false;
    if (const auto at = table.find(bucket.begin); at != table.end()) {
      if (at->second.range != bucket) return false;
      sum += at->second.account;
    }
    const TimeRange tail{std::max(bucket.begin, settled_), std::min(bucket.end, cut.end)};
    accumulate_time(tail, now, sink);
    return true;
  };
  if (const auto at = shifts_.find(range.begin); at != shifts_.end() && at->second.range == range) {
    if (from_cell(shifts_, range)) return sum;
  }
  Timestamp t = std::max(cut.begin, master_->wall().bucket_at(Grain::day, *first_event_).range.begin);
  while (t < cut.end) {
    const TimeRange day = master_->wall().bucket_at(Grain::day, t).range;
    if (day.begin == t && day.end <= range.end && from_cell(days_, day)) {
      t = day.end;
      continue;
    }
    const TimeRange hour = master_->wall().bucket_at(Grain::hour, t).range;
    if (hour.begin == t && hour.end <= range.end && from_cell(hours_, hour)) {
      t = hour.end;
      continue;
    }
    const TimeRange edge{t, std::min(hour.end, cut.end)};
    accumulate_time(edge, now, sink);
    visit_pieces(edge, [&](const CountedPieces& p) { count(p, 1, sink); });
    t = hour.end;
  }
  return sum;
}

Sequence MachineRecord::revision(Grain grain, TimeRange range) const {
  const auto& list = cells(grain);
  const auto at = list.find(range.begin);
  Sequence revision = at == list.end() ? 0 : at->second.revision;
  if (const auto last = last_state(); last && range.begin > *last) revision = std::max(revision, tail_revision_);
  return revision;
}

Sequence MachineRecord::revision_within(TimeRange range) const {
  Sequence newest = 0;
  for (auto at = hours_.lower_bound(range.begin); at != hours_.end() && at->first < range.end; ++at) {
    newest = std::max(newest, at->second.revision);
  }
  if (const auto last = last_state(); last && range.end > *last) newest = std::max(newest, tail_revision_);
  return newest;
}

}  // namespace takt
