#include "query/oee.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

#include "query/timeline.h"

namespace takt {
namespace {

constexpr std::size_t kMaxBuckets = 100'000;       // of a series
constexpr std::size_t kMaxBucketsOfAll = 250'000;  // about 300 MB of JSON

/// Planned time of many machines over many ranges: machines of one plan share it.
class PlannedTimes {
 public:
  explicit PlannedTimes(const StoreView& view) : view_(view) {}

  Duration of(MachineId machine, TimeRange range) {
    const MasterData& master = view_.master();
    if (master.versions().size() > 1) return master.planned_time(machine, range);
    const ShiftPlan* plan = master.latest().settings(machine).plan;
    for (const Known& known : known_) {
      if (known.plan == plan && known.range == range) return known.planned;
    }
    if (known_.size() >= 8) known_.erase(known_.begin());
    known_.push_back({plan, range, master.planned_time(machine, range)});
    return known_.back().planned;
  }

 private:
  struct Known {
    const ShiftPlan* plan;
    TimeRange range;
    Duration planned;
  };
  const StoreView& view_;
  std::vector<Known> known_;
};

Elements elements_with(const StoreView& view, PlannedTimes& planned, MachineId machine, TimeRange range,
                       Timestamp now) {
  Elements sum;
  sum.account = view.machine(machine).account(range, now);
  const TimeRange cut{range.begin, std::min({range.end, now, view.machine(machine).end_of_time()})};
  if (cut.empty()) return sum;
  sum.calendar = cut.length();
  sum.planned_operation = planned.of(machine, cut);
  return sum;
}

/// Before the horizon of a machine's events figures are kept of whole hours and shifts: whether they say what was
/// in `range`, which is a part of one of those or of a day.
Result<void> check_cut(const StoreView& view, MachineId machine, TimeRange range) {
  const MachineRecord& record = view.machine(machine);
  const Timestamp kept = record.horizon().pieces;
  for (const Grain grain : {Grain::shift, Grain::day}) {
    const auto cell = record.cells(grain).find(range.begin);
    if (cell != record.cells(grain).end() && cell->second.range == range) return {};
  }
  for (const Timestamp t : {range.begin, range.end}) {
    if (t >= kept || t <= record.first_event().value_or(kEndOfTime)) continue;
    if (view.master().wall().bucket_at(Grain::hour, t).range.begin == t) continue;
    return invalid("events of before " + format_time(kept) +
                   " are retained no more, only their sums: from and to of before must be full hours");
  }
  return {};
}

/// A shift of a request and the machines that work it.
struct Span {
  Bucket bucket;
  std::vector<MachineId> machines;
};

struct Answerer {
  const StoreView& view;
  const OeeRequest& request;
  Timestamp now;
  const std::stop_token& stop;
  PlannedTimes planned;
  std::optional<Error> failure = {};

  /// Why there is no use in going on.
  std::optional<Error> broken_off() const { return stop.stop_requested() ? cancelled() : failure; }

  /// Of no use once broken off.
  OeeBucket answer(const Bucket& bucket, std::span<const MachineId> machines) {
    OeeBucket out;
    out.range =
        request.whole || request.grain == Grain::total ? bucket.range : intersect(bucket.range, request.range);
    out.partial = out.range != bucket.range;
    out.open = bucket.range.end > now && out.range.end >= now;
    if (request.grain != Grain::total) out.business_day = bucket.business_day;
    if (bucket.shift != nullptr) out.shift = *bucket.shift;
    Elements sum;
    for (const MachineId machine : machines) {
      if (stop.stop_requested()) break;
      if (out.partial || request.grain == Grain::total) {
        if (const auto whole = check_cut(view, machine, out.range); !whole) failure = whole.error();
      }
      sum += elements_with(view, planned, machine, out.range, now);
      out.revision = std::max(out.revision, revision(machine, bucket.range));
    }
    out.figures = figures_of(sum, policies_of(view.master().latest().plant()));
    return out;
  }

  Sequence revision(MachineId machine, TimeRange range) const {
    const MachineRecord& record = view.machine(machine);
    const bool own_cell =
        request.grain == Grain::hour || request.grain == Grain::day || request.grain == Grain::shift;
    return own_cell ? record.revision(request.grain, range) : record.revision_within(range);
  }
};

bool too_many(std::size_t count) { return count > kMaxBuckets; }

/// The whole range, or its hours to years: the same for every machine.
std::vector<Bucket> common_buckets(const StoreView& view, const OeeRequest& r, Timestamp now) {
  if (r.grain == Grain::total) return {{r.range, 0, nullptr}};
  std::vector<Bucket> buckets;
  const WallClock& wall = view.master().wall();
  const Timestamp end = std::min(r.range.end, now);
  for (Timestamp t = r.range.begin; t < end && !too_many(buckets.size());) {
    const Bucket bucket = wall.bucket_at(r.grain, t);
    if (!r.whole || bucket.range.begin >= r.range.begin) buckets.push_back(bucket);
    t = bucket.range.end;
  }
  return buckets;
}

void shift_spans(const Answerer& answerer, const std::vector<MachineId>& machines, std::vector<Span>& spans) {
  const StoreView& view = answerer.view;
  const OeeRequest& r = answerer.request;
  using Key = std::tuple<Timestamp, Timestamp, std::string, bool>;
  std::map<Key, Span> found;
  const TimeRange begun{r.range.begin, std::min(r.range.end, answerer.now)};
  if (begun.empty()) return;
  for (const MachineId machine : machines) {
    std::vector<Bucket> shifts = shifts_of(view, machine, begun);
    if (!r.whole) {
      if (const auto running = view.master().shift_at(machine, begun.begin);
          running && running->range.begin < begun.begin) {
        shifts.insert(shifts.begin(), *running);
      }
    }
    for (const Bucket& shift : shifts) {
      Span& span =
          found[{shift.range.begin, shift.range.end, shift.shift ? *shift.shift : "", shift.shift != nullptr}];
      span.bucket = shift;
      span.machines.push_back(machine);
    }
    if (too_many(found.size()) || answerer.stop.stop_requested()) break;
  }
  for (auto& [key, span] : found) spans.push_back(std::move(span));
}

Error too_many_buckets() {
  return invalid("the answer would have more than " + std::to_string(kMaxBuckets) +
                 " buckets; ask for a shorter range or a coarser grain");
}

Error too_many_buckets_of_all() {
  return invalid("the answer would have more than " + std::to_string(kMaxBucketsOfAll) +
                 " buckets in all; ask for a shorter range, a coarser grain or fewer machines");
}

Result<std::vector<OeeBucket>> shifts_answered(Answerer& answerer, const std::vector<MachineId>& machines) {
  std::vector<Span> spans;
  shift_spans(answerer, machines, spans);
  if (too_many(spans.size())) return too_many_buckets();
  std::vector<OeeBucket> buckets;
  buckets.reserve(spans.size());
  for (const Span& span : spans) {
    buckets.push_back(answerer.answer(span.bucket, span.machines));
    if (const auto broken = answerer.broken_off()) return *broken;
  }
  return buckets;
}

std::string text_of(const StoreView& view, NameId id) { return std::string{view.names().text(id)}; }

std::optional<std::string> text_or_none(const StoreView& view, NameId id) {
  return id == NameId::none ? std::nullopt : std::optional{text_of(view, id)};
}

}  // namespace

std::optional<GroupBy> group_by_named(std::string_view name) {
  if (name == "machine") return GroupBy::machine;
  if (name == "line") return GroupBy::line;
  if (name == "area") return GroupBy::area;
  return std::nullopt;
}

bool is_active(const StoreView& view, MachineId machine) {
  return view.master().latest().settings(machine).active;
}

Result<void> check_whole(const StoreView& view, MachineId machine) {
  const std::string& damage = view.machine(machine).damage();
  if (damage.empty()) return {};
  return corruption("the history of machine \"" + view.numbers().name(machine) + "\" is damaged (" + damage +
                    "); get it back from a backup with takt restore");
}

Result<void> check_whole(const StoreView& view) {
  for (std::uint32_t i = 0; i < view.machine_count(); ++i) {
    if (const auto whole = check_whole(view, MachineId{i}); !whole) return whole;
  }
  return {};
}

Result<std::vector<MachineId>> machines_of(const StoreView& view, const Scope& scope) {
  const Plant& plant = view.master().latest().plant();
  std::vector<MachineId> machines;
  if (scope.kind == Scope::Kind::machine) {
    const MachineRecord* record = view.machine(scope.id);
    if (record == nullptr) return not_found("there is no machine \"" + scope.id + "\" in this plant");
    if (const auto whole = check_whole(view, record->id()); !whole) return whole.error();
    machines.push_back(record->id());
    return machines;
  }
  if (scope.kind == Scope::Kind::line && plant.line(scope.id) == nullptr) {
    return not_found("there is no line \"" + scope.id + "\" in this plant");
  }
  if (scope.kind == Scope::Kind::area && plant.area(scope.id) == nullptr) {
    return not_found("there is no area \"" + scope.id + "\" in this plant");
  }
  for (const Machine& machine : plant.machines) {
    const Line* line = plant.line(machine.line);
    const bool member = scope.kind == Scope::Kind::plant ||
                        (scope.kind == Scope::Kind::line && machine.line == scope.id) ||
                        (scope.kind == Scope::Kind::area && line != nullptr && line->area == scope.id);
    if (!member) continue;
    machines.push_back(view.machine(machine.id)->id());
    if (const auto whole = check_whole(view, machines.back()); !whole) return whole.error();
  }
  return machines;
}

std::optional<Timestamp> timeline_kept_from(const StoreView& view, const std::vector<MachineId>& machines,
                                            TimeRange range) {
  std::optional<Timestamp> from;
  for (const MachineId id : machines) {
    const MachineRecord& record = view.machine(id);
    const Timestamp kept = record.horizon().timeline;
    if (range.begin < kept && record.first_event() && *record.first_event() < kept)
      from = std::max(from.value_or(kept), kept);
  }
  return from;
}

namespace {

/// What one series each is made of: the scope, or the members of its group.
using Members = std::vector<std::pair<Scope, std::vector<MachineId>>>;

Members members_of(const StoreView& view, const OeeRequest& request, const std::vector<MachineId>& machines) {
  Members members;
  const Plant& plant = view.master().latest().plant();
  const auto member = [&](Scope scope, MachineId machine) {
    const auto at = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == scope; });
    if (at != members.end()) return at->second.push_back(machine);
    members.emplace_back(std::move(scope), std::vector{machine});
  };
  for (const MachineId machine : machines) {
    const std::string& name = view.numbers().name(machine);
    const Machine* description = plant.machine(name);
    const Line* line = description == nullptr ? nullptr : plant.line(description->line);
    if (request.group == GroupBy::machine) member({Scope::Kind::machine, name}, machine);
    if (request.group == GroupBy::line && line != nullptr) member({Scope::Kind::line, line->id}, machine);
    if (request.group == GroupBy::area && line != nullptr && !line->area.empty()) {
      member({Scope::Kind::area, line->area}, machine);
    }
  }
  if (request.group == GroupBy::none) members.push_back({request.scope, machines});
  return members;
}

Result<std::vector<OeeSeries>> series_by_shift(Answerer& answerer, const Members& members) {
  std::vector<OeeSeries> series;
  std::size_t count = 0;
  for (const auto& [scope, list] : members) {
    auto buckets = shifts_answered(answerer, list);
    if (!buckets) return buckets.error();
    count += buckets->size();
    if (count > kMaxBucketsOfAll) return too_many_buckets_of_all();
    series.push_back({scope, std::move(*buckets)});
  }
  return series;
}

Result<std::vector<OeeSeries>> series_by_time(Answerer& answerer, const Members& members) {
  const std::vector<Bucket> common = common_buckets(answerer.view, answerer.request, answerer.now);
  if (too_many(common.size())) return too_many_buckets();
  if (members.size() * common.size() > kMaxBucketsOfAll) return too_many_buckets_of_all();
  std::vector<OeeSeries> series;
  for (const auto& [scope, list] : members) {
    std::vector<OeeBucket>& buckets = series.emplace_back(OeeSeries{scope, {}}).buckets;
    buckets.reserve(common.size());
    for (const Bucket& bucket : common) {
      buckets.push_back(answerer.answer(bucket, list));
      if (const auto broken = answerer.broken_off()) return *broken;
    }
  }
  return series;
}

Duration usual_length(Grain grain) {
  switch (grain) {
    case Grain::hour:
      return std::chrono::hours{1};
    case Grain::shift:
      return std::chrono::hours{8};
    case Grain::day:
    case Grain::week:
    case Grain::month:
    case Grain::year:  // made of days
    case Grain::total:
      break;
  }
  return std::chrono::hours{24};
}

}  // namespace

std::size_t work_of(const StoreView& view, const OeeRequest& request, Timestamp now) {
  const TimeRange begun{request.range.begin, std::min(request.range.end, now)};
  if (begun.empty()) return 0;
  const std::size_t machines = request.scope.kind == Scope::Kind::machine ? 1 : view.machine_count();
  return machines * (1 + static_cast<std::size_t>(begun.length() / usual_length(request.grain)));
}

Result<std::vector<OeeSeries>> oee(const StoreView& view, const OeeRequest& request, Timestamp now,
                                   const std::stop_token& stop) {
  const auto machines = machines_of(view, request.scope);
  if (!machines) return machines.error();
  Answerer answerer{view, request, now, stop, PlannedTimes{view}};
  const Members members = members_of(view, request, *machines);
  return request.grain == Grain::shift ? series_by_shift(answerer, members) : series_by_time(answerer, members);
}

Elements elements_of(const StoreView& view, MachineId machine, TimeRange range, Timestamp now) {
  PlannedTimes planned{view};
  return elements_with(view, planned, machine, range, now);
}

Result<Elements> elements(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  PlannedTimes planned{view};
  Elements sum;
  for (const MachineId machine : *machines) {
    if (const auto whole = check_cut(view, machine, range); !whole) return whole.error();
    sum += elements_with(view, planned, machine, range, now);
  }
  return sum;
}

std::vector<Bucket> shifts_of(const StoreView& view, MachineId machine, TimeRange range) {
  std::vector<Bucket> shifts;
  for (Timestamp t = range.begin; t < range.end && !too_many(shifts.size());) {
    const auto shift = view.master().next_shift(machine, t);
    if (shift && shift->range.begin < range.end) shifts.push_back(*shift);
    // Nothing within the span that next_shift() looks ahead: look on from there.
    t = shift ? shift->range.begin + Duration{1} : t + std::chrono::hours{24 * 39};
  }
  return shifts;
}

Bucket shift_or_day(const StoreView& view, MachineId machine, Timestamp t) {
  const auto shift = view.master().shift_begun_by(machine, t);
  return shift ? *shift : view.master().wall().bucket_at(Grain::day, t);
}

OeeBucket machine_bucket(const StoreView& view, MachineId machine, Grain grain, const Bucket& bucket,
                         Timestamp now) {
  OeeRequest request;
  request.grain = grain;
  request.whole = true;
  const std::stop_token never;
  Answerer answerer{view, request, now, never, PlannedTimes{view}};
  return answerer.answer(bucket, {&machine, 1});
}

CurrentMachine current(const StoreView& view, MachineId machine, Timestamp now) {
  CurrentMachine out;
  const MachineRecord& record = view.machine(machine);
  out.machine = view.numbers().name(machine);
  const Segment segment = segment_at(view, record, now);
  out.state = shown_state(view, segment, now);
  out.category = segment.category;
  out.reason = text_or_none(view, segment.reason);
  if (segment.range.begin > kBeginOfTime) out.since = segment.range.begin;
  // A state that has held since before the horizon is known, as is when it began.
  if (const auto state = record.timeline().state_before(record.horizon().timeline);
      state && segment.range.begin == record.horizon().timeline && state->state == segment.state)
    out.since = state->at;
  out.product = text_or_none(view, record.pieces().product_at(now));
  out.bucket = machine_bucket(view, machine, Grain::shift, shift_or_day(view, machine, now), now);
  return out;
}

Result<std::vector<CurrentMachine>> current(const StoreView& view, const Scope& scope, Timestamp now) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  std::vector<CurrentMachine> list;
  for (const MachineId machine : *machines) {
    if (is_active(view, machine)) list.push_back(current(view, machine, now));
  }
  return list;
}

}  // namespace takt
