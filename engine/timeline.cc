#include "engine/timeline.h"

#include <algorithm>
#include <tuple>

namespace takt {
namespace {

constexpr Duration kTick{1};

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

NameId folded_state(std::string_view state, Names& names) {
  std::string lower{state};
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return names.intern(lower);
}

struct Timeline::Lists {
  Lists(ByIdentity order, ColdArena* arena) : states(order, arena), classifies(order, arena) {}
  SortedRuns<StateRecord, ByIdentity> states;
  SortedRuns<ClassifyRecord, ByIdentity> classifies;
  std::vector<HeardRun> heard;
};

Timeline::Timeline(MachineId machine, ByIdentity order, const MasterData& master, ColdArena* arena)
    : machine_(machine),
      master_(&master),
      own_(std::make_unique<Lists>(order, arena)),
      states_(own_->states),
      classifies_(own_->classifies),
      heard_(own_->heard) {}

Timeline::Timeline(const Timeline& other, const MasterData& master)
    : machine_(other.machine_),
      master_(&master),
      states_(other.states_),
      classifies_(other.classifies_),
      longest_classify_(other.longest_classify_),
      from_(other.from_),
      heard_(other.heard_) {}

Timeline::~Timeline() = default;
Timeline::Timeline(Timeline&&) noexcept = default;

void Timeline::put(const StateRecord& state) { states_.put(state); }

void Timeline::put(const ClassifyRecord& classify) {
  classifies_.put(classify);
  if (classify.end > classify.start) {
    longest_classify_ = std::max(longest_classify_, classify.end - classify.start);
  }
}

SortedRuns<StateRecord, ByIdentity>::Iterator Timeline::first_after(Timestamp t) const {
  // Most of what is asked for is the end.
  if (states_.empty() || states_.back().at <= t) return states_.end();
  return states_.partition_point([&](const StateRecord& s) { return s.at <= t; });
}

std::optional<StateRecord> Timeline::state_before(Timestamp t) const {
  for (auto at = first_after(t - kTick); at != states_.begin();) {
    --at;
    if (!at->rank.withdrawn()) return *at;
  }
  return std::nullopt;
}

std::optional<Timestamp> Timeline::last_state() const {
  const auto last = state_before(kEndOfTime);
  return last ? std::optional{last->at} : std::nullopt;
}

Timestamp Timeline::next_state(Timestamp t) const {
  auto at = first_after(t);
  while (at != states_.end() && at->rank.withdrawn()) ++at;
  return at == states_.end() ? kEndOfTime : at->at;
}

/// Finds raw segments one after the other, without searching anew for each.
class Timeline::Walk {
 public:
  Walk(const Timeline& timeline, Timestamp t) : timeline_(timeline), next_(timeline.first_after(t)) {
    for (auto at = next_; at != timeline.states_.begin() && !state_;) {
      --at;
      if (!at->rank.withdrawn()) state_ = *at;
    }
  }
  /// `t` never falls.
  RawSegment at(Timestamp t) {
    const auto end = timeline_.states_.end();
    for (; next_ != end && (next_->rank.withdrawn() || next_->at <= t); ++next_) {
      if (!next_->rank.withdrawn()) state_ = *next_;
    }
    return timeline_.raw_segment(t, state_ ? &*state_ : nullptr, next_ == end ? kEndOfTime : next_->at);
  }

 private:
  const Timeline& timeline_;
  std::optional<StateRecord> state_;                    // the last that lives and began
  SortedRuns<StateRecord, ByIdentity>::Iterator next_;  // the first after it
};

Timeline::RawSegment Timeline::raw_segment_at(Timestamp t) const { return Walk{*this, t}.at(t); }

Timeline::RawSegment Timeline::raw_segment(Timestamp t, const StateRecord* state, Timestamp next) const {
  if (t < from_) return {{kBeginOfTime, from_}};
  RawSegment segment = known_segment(t, state, next);
  segment.range.begin = std::max(segment.range.begin, from_);
  return segment;
}

Timeline::RawSegment Timeline::known_segment(Timestamp t, const StateRecord* state, Timestamp next) const {
  RawSegment segment;
  segment.range = {state != nullptr ? state->at : kBeginOfTime, next};
  if (master_->versions().size() > 1) segment.range = intersect(segment.range, master_->at(t).valid());
  if (state == nullptr) return segment;
  const PlantVersion& version = master_->at(t);
  if (const Duration timeout = silence_timeout(); timeout > Duration{0}) {
    const auto after = first_heard_after(t);
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

Timestamp Timeline::stretch_begin(Timestamp t) const {
  while (t > kBeginOfTime) {
    const RawSegment before = raw_segment_at(t - kTick);
    if (!before.restable()) break;
    t = before.range.begin;
  }
  return t;
}

Timestamp Timeline::stretch_end(Timestamp t) const { return stretch_end(Walk{*this, t}, t); }

Timestamp Timeline::stretch_end(Walk walk, Timestamp t) {
  while (t < kEndOfTime) {
    const RawSegment at = walk.at(t);
    if (!at.restable()) break;
    t = at.range.end;
  }
  return t;
}

Timestamp Timeline::settled_end() const {
  const auto last = state_before(kEndOfTime);
  if (!last) return kBeginOfTime;
  const RawSegment segment = raw_segment_at(last->at);
  return segment.restable() ? stretch_begin(last->at) : last->at;
}

NameId Timeline::reason_at(Timestamp t, const std::vector<ClassifyRecord>& candidates, const TimeRange& stretch,
                           NameId own) const {
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
void Timeline::append_stretch(TimeRange stretch, Timestamp now, Walk& walk, std::vector<Segment>& out) const {
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
    const RawSegment raw = walk.at(t);
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

std::vector<Segment> Timeline::segments(TimeRange range, Timestamp now) const {
  std::vector<Segment> out;
  const Timestamp end = std::min(range.end, now);
  if (range.begin >= end) return out;
  const Timestamp last = stretch_end(end);
  Timestamp t = stretch_begin(range.begin);
  for (Walk walk{*this, t}; t < last && t < now;) {
    const RawSegment raw = walk.at(t);
    if (raw.restable()) {
      const Timestamp until = stretch_end(walk, t);
      append_stretch({t, until}, now, walk, out);
      t = until;
    } else {
      const TimeRange lasting{raw.range.begin, std::min(raw.range.end, now)};
      out.push_back({lasting, raw.state, NameId::none, raw.category, false, raw.range.end > now});
      t = raw.range.end;
    }
  }
  each_run(out, one_stop, [&](std::size_t first, std::size_t final) {
    const TimeRange stop{out[first].range.begin, out[final].range.end};
    const Duration threshold = master_->at(stop.begin).settings(machine_).minor_stop;
    if (out[final].open || out[first].reason != NameId::none || stop.length() > threshold) return;
    for (std::size_t i = first; i <= final; ++i) out[i].minor_stop = true;
  });
  return out;
}

std::vector<StopStretch> Timeline::stops(TimeRange range, Timestamp now) const {
  std::vector<StopStretch> out;
  std::vector<Segment> list = segments(range, now);
  each_run(list, one_stop, [&](std::size_t first, std::size_t last) {
    const TimeRange stop{list[first].range.begin, list[last].range.end};
    if (stop.overlaps(range)) out.push_back({stop, list[first].reason, list[first].minor_stop, list[last].open});
  });
  return out;
}

bool Timeline::is_failure(const Segment& stop) const {
  return stop.reason != NameId::none &&
         master_->at(stop.range.begin).category_of_reason(stop.reason) == ReasonCategory::failure;
}

std::vector<StopStretch> Timeline::failures(TimeRange range, Timestamp now) const {
  std::vector<StopStretch> out;
  std::vector<Segment> list = segments(range, now);
  const auto failing = [&](const Segment&, const Segment& s) { return is_failure(s); };
  each_run(list, failing, [&](std::size_t first, std::size_t last) {
    const TimeRange failure{list[first].range.begin, list[last].range.end};
    if (failure.overlaps(range)) out.push_back({failure, list[first].reason, false, list[last].open});
  });
  return out;
}

void Timeline::contribute(TimeRange clip, Timestamp now, ContributionSink& sink) const {
  if (clip.empty()) return;
  std::vector<Segment> list = segments(clip, now);
  for (const Segment& segment : list) {
    const TimeRange part = intersect(segment.range, clip);
    if (!part.empty() && segment.category != TimeCategory::unknown)
      sink.time(part, segment.category, segment.reason, segment.minor_stop);
  }
  // A stop counts where its first planned moment lies.
  const auto first_moment = [&](std::size_t first, std::size_t last) {
    const auto t =
        master_->first_planned(machine_, {list[first].range.begin, std::min(list[last].range.end, clip.end)});
    return t && *t >= clip.begin ? t : std::nullopt;
  };
  each_run(list, one_stop, [&](std::size_t first, std::size_t last) {
    if (const auto t = first_moment(first, last)) sink.stop(*t, list[first].reason, list[first].minor_stop);
  });
  const auto failing = [&](const Segment&, const Segment& s) { return is_failure(s); };
  each_run(list, failing, [&](std::size_t first, std::size_t last) {
    if (const auto t = first_moment(first, last)) sink.failure(*t);
  });
}

// ---------------------------------------- silence

std::vector<HeardRun>::const_iterator Timeline::first_heard_after(Timestamp t) const {
  return std::partition_point(heard_.begin(), heard_.end(), [&](const HeardRun& run) { return run.first <= t; });
}

std::optional<Timeline::Heard> Timeline::if_heard(Timestamp t) const {
  const Duration timeout = silence_timeout();
  if (timeout <= Duration{0}) return std::nullopt;
  const auto after = first_heard_after(t);
  const bool joins = after != heard_.begin() && t <= std::prev(after)->last + timeout;
  if (joins && t <= std::prev(after)->last) return std::nullopt;
  const bool meets = after != heard_.end() && after->first <= t + timeout;
  return Heard{{joins ? std::prev(after)->last + timeout : t, meets ? after->first : t + timeout}, joins};
}

void Timeline::hear(Timestamp t) {
  const Duration timeout = silence_timeout();
  const auto after = heard_.begin() + (first_heard_after(t) - heard_.cbegin());
  const bool joins = after != heard_.begin() && t <= std::prev(after)->last + timeout;
  const bool meets = after != heard_.end() && after->first <= t + timeout;
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
}

void Timeline::set_heard(const std::vector<HeardRun>& runs) {
  const Duration timeout = silence_timeout();
  heard_.clear();
  if (timeout <= Duration{0}) return;
  for (const HeardRun& run : runs) append_run(heard_, run, timeout);
}

}  // namespace takt
