#include "query/oee.h"

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <span>
#include <thread>
#include <tuple>

#include "engine/account_reader.h"
#include "query/planned_times.h"
#include "query/timeline.h"

namespace takt {
namespace {

constexpr std::size_t kMaxBuckets = 100'000;       // of a series
constexpr std::size_t kMaxBucketsOfAll = 250'000;  // about 300 MB of JSON

/// `planned_time` of (machine, range).
template <class PlannedTime>
void add_elements(AccountReader& reader, PlannedTime planned_time, TimeRange range, Timestamp now, Elements& sum) {
  reader.add(range, sum.account);
  const TimeRange cut{range.begin, std::min({range.end, now, reader.end_of_time()})};
  if (cut.empty()) return;
  sum.calendar += cut.length();
  sum.planned_operation += planned_time(reader.machine().id(), cut);
}

/// What a bucket's figures are made of.
struct BucketSum {
  Elements elements;
  Sequence revision = 0;
};

/// All of a bucket but its figures.
OeeBucket frame_of(const OeeRequest& request, const Bucket& bucket, Timestamp now) {
  OeeBucket out;
  out.range =
      request.whole || request.grain == Grain::total ? bucket.range : intersect(bucket.range, request.range);
  out.partial = out.range != bucket.range;
  out.open = bucket.range.end > now && out.range.end >= now;
  if (request.grain != Grain::total) out.business_day = bucket.business_day;
  if (bucket.shift != nullptr) out.shift = *bucket.shift;
  return out;
}

struct Answerer {
  const StoreView& view;
  const OeeRequest& request;
  Timestamp now;
  const std::stop_token& stop;
  PlannedTimes planned;
  Policies policies;

  Answerer(const StoreView& of, const OeeRequest& asked, Timestamp at, const std::stop_token& until)
      : view(of),
        request(asked),
        now(at),
        stop(until),
        planned(of.master()),
        policies(policies_of(of.master().latest().plant())) {}

  /// Whether the sums of a part of a bucket are known of these machines.
  Result<void> check(const OeeBucket& frame, std::span<const MachineId> machines) const {
    if (!frame.partial && request.grain != Grain::total) return {};
    for (const MachineId machine : machines) {
      if (const auto whole = check_cut(view, machine, frame.range); !whole) return whole;
    }
    return {};
  }
  void add(AccountReader& reader, const Bucket& bucket, TimeRange range, BucketSum& sum) {
    const auto planned_time = [this](MachineId machine, TimeRange cut) { return planned.of(machine, cut); };
    add_elements(reader, planned_time, range, now, sum.elements);
    const bool own_cell =
        request.grain == Grain::hour || request.grain == Grain::day || request.grain == Grain::shift;
    const Sequence revision =
        own_cell ? reader.revision(request.grain, bucket.range) : reader.revision_within(bucket.range);
    sum.revision = std::max(sum.revision, revision);
  }
  void finish(OeeBucket& bucket, const BucketSum& sum) const {
    bucket.revision = sum.revision;
    make_figures(sum.elements, policies, bucket.figures);
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

/// The shifts of a request, by time, and which of them each machine works.
struct Shifts {
  std::vector<Bucket> buckets;
  std::vector<std::vector<MachineId>> machines;  // of each bucket
  std::vector<std::vector<std::size_t>> worked;  // by each machine of the request: buckets, by time
};

Shifts shifts_of_request(const Answerer& answerer, const std::vector<MachineId>& machines) {
  const StoreView& view = answerer.view;
  const OeeRequest& r = answerer.request;
  using Key = std::tuple<Timestamp, Timestamp, std::string, bool>;
  struct Span {
    Bucket bucket;
    std::vector<std::size_t> machines;
  };
  std::map<Key, Span> found;
  const TimeRange begun{r.range.begin, std::min(r.range.end, answerer.now)};
  for (std::size_t m = 0; m < machines.size() && !begun.empty(); ++m) {
    std::vector<Bucket> shifts = shifts_of(view, machines[m], begun);
    if (!r.whole) {
      if (const auto running = view.master().shift_at(machines[m], begun.begin);
          running && running->range.begin < begun.begin) {
        shifts.insert(shifts.begin(), *running);
      }
    }
    for (const Bucket& shift : shifts) {
      Span& span =
          found[{shift.range.begin, shift.range.end, shift.shift ? *shift.shift : "", shift.shift != nullptr}];
      span.bucket = shift;
      span.machines.push_back(m);
    }
    if (too_many(found.size()) || answerer.stop.stop_requested()) break;
  }
  Shifts all;
  all.worked.resize(machines.size());
  for (const auto& [key, span] : found) {
    all.machines.emplace_back();
    for (const std::size_t m : span.machines) {
      all.machines.back().push_back(machines[m]);
      all.worked[m].push_back(all.buckets.size());
    }
    all.buckets.push_back(span.bucket);
  }
  return all;
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
  const Shifts shifts = shifts_of_request(answerer, machines);
  if (too_many(shifts.buckets.size())) return too_many_buckets();
  std::vector<OeeBucket> answer;
  answer.reserve(shifts.buckets.size());
  for (std::size_t i = 0; i < shifts.buckets.size(); ++i) {
    answer.push_back(frame_of(answerer.request, shifts.buckets[i], answerer.now));
    if (const auto whole = answerer.check(answer.back(), shifts.machines[i]); !whole) return whole.error();
  }
  std::vector<BucketSum> sums(answer.size());
  for (std::size_t m = 0; m < machines.size(); ++m) {
    if (answerer.stop.stop_requested()) return cancelled();
    AccountReader reader{answerer.view.machine(machines[m]), answerer.now};
    for (const std::size_t i : shifts.worked[m]) answerer.add(reader, shifts.buckets[i], answer[i].range, sums[i]);
  }
  for (std::size_t i = 0; i < answer.size(); ++i) answerer.finish(answer[i], sums[i]);
  return answer;
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

Result<void> check_cut(const StoreView& view, MachineId machine, TimeRange range) {
  const MachineRecord& record = view.machine(machine);
  const Timestamp kept = record.horizon().pieces;
  if (range.begin >= kept) return {};
  for (const Grain grain : {Grain::shift, Grain::day}) {
    const Cell* cell = record.cells(grain).find(range.begin);
    if (cell != nullptr && cell->range == range) return {};
  }
  for (const Timestamp t : {range.begin, range.end}) {
    if (t >= kept || t <= record.first_event().value_or(kEndOfTime)) continue;
    if (view.master().wall().bucket_at(Grain::hour, t).range.begin == t) continue;
    return invalid("events of before " + format_time(kept) +
                   " are retained no more, only their sums: from and to of before must be full hours");
  }
  return {};
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
    if (request.group == GroupBy::none) break;
    const std::string& name = view.numbers().name(machine);
    if (request.group == GroupBy::machine) {
      members.push_back({{Scope::Kind::machine, name}, {machine}});
      continue;
    }
    const Machine* description = plant.machine(name);
    const Line* line = description == nullptr ? nullptr : plant.line(description->line);
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

/// Buckets that are common to all members, answered member by member and, within one, machine by machine: each
/// walks along its cells. As many at a time as stay near the processor.
class CommonBuckets {
 public:
  CommonBuckets(const Answerer& answerer, const Members& members, const std::vector<Bucket>& buckets)
      : answerer_(answerer), members_(members), buckets_(buckets), series_(members.size()) {
    for (const Bucket& bucket : buckets) frames_.push_back(frame_of(answerer.request, bucket, answerer.now));
  }

  Result<std::vector<OeeSeries>> answer() {
    for (const auto& [scope, machines] : members_) {
      for (const OeeBucket& frame : frames_) {
        if (const auto whole = answerer_.check(frame, machines); !whole) return whole.error();
      }
    }
    // The writer waits for the answer: two share what takes long.
    const bool shared = members_.size() * buckets_.size() >= kShared && std::thread::hardware_concurrency() > 1;
    const std::size_t half = shared ? members_.size() / 2 : 0;
    std::future<void> other;
    if (half > 0) other = std::async(std::launch::async, [this, half] { answer(0, half); });
    answer(half, members_.size());
    if (half > 0) other.get();
    if (answerer_.stop.stop_requested()) return cancelled();
    return std::move(series_);
  }

 private:
  static constexpr std::size_t kAtOnce = 64, kShared = 20'000;

  /// Of members `first` to `last`. Ends early once stopped.
  void answer(std::size_t first, std::size_t last) {
    Answerer answerer{answerer_.view, answerer_.request, answerer_.now, answerer_.stop};
    std::vector<std::vector<AccountReader>> readers(last - first);
    for (std::size_t m = first; m < last; ++m) {
      series_[m].scope = members_[m].first;
      series_[m].buckets.reserve(buckets_.size());
      for (const MachineId machine : members_[m].second)
        readers[m - first].emplace_back(answerer.view.machine(machine), answerer.now);
    }
    for (std::size_t begin = 0; begin < buckets_.size(); begin += kAtOnce) {
      for (std::size_t m = first; m < last; ++m) {
        if (answerer.stop.stop_requested()) return;
        add(answerer, readers[m - first], begin, series_[m].buckets);
      }
    }
  }

  void add(Answerer& answerer, std::vector<AccountReader>& readers, std::size_t begin,
           std::vector<OeeBucket>& out) const {
    const std::size_t end = std::min(begin + kAtOnce, buckets_.size());
    std::array<BucketSum, kAtOnce> sums{};
    for (AccountReader& reader : readers) {
      if (answerer.stop.stop_requested()) return;
      for (std::size_t i = begin; i < end; ++i)
        answerer.add(reader, buckets_[i], frames_[i].range, sums[i - begin]);
    }
    for (std::size_t i = begin; i < end; ++i) {
      out.push_back(frames_[i]);
      answerer.finish(out.back(), sums[i - begin]);
    }
  }

  const Answerer& answerer_;
  const Members& members_;
  const std::vector<Bucket>& buckets_;
  std::vector<OeeBucket> frames_;
  std::vector<OeeSeries> series_;
};

Result<std::vector<OeeSeries>> series_by_time(Answerer& answerer, const Members& members) {
  const std::vector<Bucket> common = common_buckets(answerer.view, answerer.request, answerer.now);
  if (too_many(common.size())) return too_many_buckets();
  if (members.size() * common.size() > kMaxBucketsOfAll) return too_many_buckets_of_all();
  return CommonBuckets{answerer, members, common}.answer();
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
  Answerer answerer{view, request, now, stop};
  const Members members = members_of(view, request, *machines);
  return request.grain == Grain::shift ? series_by_shift(answerer, members) : series_by_time(answerer, members);
}

Elements elements_of(const StoreView& view, MachineId machine, TimeRange range, Timestamp now) {
  AccountReader reader{view.machine(machine), now};
  const auto planned_time = [&](MachineId id, TimeRange cut) { return view.master().planned_time(id, cut); };
  Elements sum;
  add_elements(reader, planned_time, range, now, sum);
  return sum;
}

Result<Elements> elements(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  PlannedTimes planned{view.master()};
  Elements sum;
  for (const MachineId machine : *machines) {
    if (const auto whole = check_cut(view, machine, range); !whole) return whole.error();
    AccountReader reader{view.machine(machine), now};
    add_elements(
        reader, [&](MachineId id, TimeRange cut) { return planned.of(id, cut); }, range, now, sum);
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
  OeeBucket out = frame_of(request, bucket, now);
  AccountReader reader{view.machine(machine), now};
  const auto planned_time = [&](MachineId id, TimeRange cut) { return view.master().planned_time(id, cut); };
  Elements sum;
  add_elements(reader, planned_time, out.range, now, sum);
  out.revision = reader.revision(grain, bucket.range);
  out.figures = figures_of(sum, policies_of(view.master().latest().plant()));
  return out;
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
  if (segment.range.begin == record.horizon().timeline) {
    const auto state = record.timeline().state_before(segment.range.begin);
    if (state && state->state == segment.state) out.since = state->at;
  }
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
