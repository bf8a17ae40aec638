#include "query/explain.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "query/timeline.h"

namespace takt {

std::string_view name_of(TimeElement element) {
  constexpr std::string_view kNames[] = {"none",
                                         "actual_production_time",
                                         "actual_unit_setup_time",
                                         "actual_unit_delay_time",
                                         "planned_down_time",
                                         "unknown_time",
                                         "unplanned_production_time"};
  return kNames[static_cast<std::size_t>(element)];
}

TimeElement element_of(TimeCategory category, bool minor_stop, bool planned, const Policies& policies) {
  if (!planned) {
    return category == TimeCategory::production ? TimeElement::unplanned_production_time : TimeElement::none;
  }
  switch (category) {
    case TimeCategory::production:
      return TimeElement::actual_production_time;
    case TimeCategory::setup:
      return TimeElement::actual_unit_setup_time;
    case TimeCategory::planned_stop:
      return TimeElement::planned_down_time;
    case TimeCategory::stop:
      return minor_stop && policies.minor_stops == MinorStopPolicy::performance
                 ? TimeElement::actual_production_time
                 : TimeElement::actual_unit_delay_time;
    case TimeCategory::unknown:
      break;
  }
  return policies.unknown_time == UnknownTimePolicy::stop ? TimeElement::actual_unit_delay_time
                                                          : TimeElement::unknown_time;
}

namespace {

std::optional<std::string> text_of(const StoreView& view, NameId id) {
  return id == NameId::none ? std::nullopt : std::optional<std::string>{view.names().text(id)};
}

/// Alike to whoever reads the answer, as in the timeline.
bool alike(const ExplainedInterval& a, const ExplainedInterval& b) {
  const auto said = [](const ExplainedInterval& i) {
    return std::tie(i.machine, i.state, i.category, i.reason, i.minor_stop, i.planned, i.unplanned, i.shift,
                    i.shift_start, i.version);
  };
  return said(a) == said(b);
}

Error too_much(std::string_view what, std::size_t limit) {
  return invalid("the answer would need more than " + std::to_string(limit) + ' ' + std::string{what} +
                 "; ask for a shorter range or a smaller scope");
}

/// Collects what one machine did, one machine after the other.
class Explainer {
 public:
  Explainer(const StoreView& view, Timestamp now, const ExplainLimits& limits, Explanation& out)
      : view_(view), master_(view.master()), now_(now), limits_(limits), out_(out) {}

  Result<void> add(MachineId machine, TimeRange range) {
    machine_ = machine;
    const MachineRecord& record = view_.machine(machine);
    cut_ = {range.begin, std::min({range.end, now_, record.end_of_time()})};
    made_ = {range.begin, std::min({range.end, now_, record.end_of_pieces()})};
    if (made_.empty()) return {};
    if (const auto kept = check_kept(); !kept) return kept;
    if (!add_intervals()) return too_much("intervals", limits_.intervals);
    const Timeline& timeline = record.timeline();
    for (const StopStretch& stop : timeline.stops(cut_, now_)) out_.stops.push_back(explained(stop));
    for (const StopStretch& failure : timeline.failures(cut_, now_)) out_.failures.push_back(explained(failure));
    return add_counts();
  }

 private:
  /// Pieces that are counted alike are one row.
  class Rows final : public ContributionSink {
   public:
    explicit Rows(const Explainer& owner) : owner_(owner) {}
    void time(TimeRange, TimeCategory, NameId, bool) override {}
    void stop(Timestamp, NameId, bool) override {}
    void failure(Timestamp) override {}
    void pieces(const CountedPieces& p, std::optional<Duration>) override;

    std::size_t seen = 0;
    using Key = std::tuple<std::string_view, bool, std::size_t, Timestamp, Timestamp>;
    std::map<Key, ExplainedCounts> rows;

   private:
    const Explainer& owner_;
    TimeRange alike_{kBeginOfTime, kBeginOfTime};  ///< planned or not throughout
    bool planned_ = false;
  };

  Result<void> check_kept() const;
  bool add_intervals();
  bool add_interval(const Segment& segment, TimeRange part, const PlanMoment& moment);
  ExplainedStop explained(const StopStretch& stretch) const;
  Result<void> add_counts();
  std::size_t version_at(Timestamp t) const;

  const StoreView& view_;
  const MasterData& master_;
  Timestamp now_;
  const ExplainLimits& limits_;
  Explanation& out_;
  MachineId machine_{};
  TimeRange cut_, made_;  // of time, and of pieces
  std::size_t seen_counts_ = 0;
};

/// Where events are gone their sums are known, but nothing that they are made of.
Result<void> Explainer::check_kept() const {
  const MachineRecord& record = view_.machine(machine_);
  const Timestamp kept = record.horizon().pieces, first = record.first_event().value_or(kEndOfTime);
  if (made_.begin >= kept || first >= kept || made_.end <= first) return {};
  return invalid("events of machine \"" + view_.numbers().name(machine_) + "\" of before " + format_time(kept) +
                 " are retained no more: its figures of before stand, but cannot be explained; ask from then on");
}

std::size_t Explainer::version_at(Timestamp t) const {
  std::size_t i = out_.versions.size() - 1;
  while (i > 0 && t < out_.versions[i]->valid().begin) --i;
  return i;
}

bool Explainer::add_intervals() {
  PlanMoment moment;
  moment.until = kBeginOfTime;
  for (const Segment& segment : view_.machine(machine_).timeline().segments(cut_, now_)) {
    const TimeRange part = intersect(segment.range, cut_);
    for (Timestamp t = part.begin; t < part.end;) {
      if (moment.until <= t) moment = master_.plan_at(machine_, t);
      const Timestamp until = std::min(moment.until, part.end);
      if (!add_interval(segment, {t, until}, moment)) return false;
      t = until;
    }
  }
  return true;
}

bool Explainer::add_interval(const Segment& segment, TimeRange part, const PlanMoment& moment) {
  ExplainedInterval i;
  i.machine = machine_;
  i.range = part;
  i.state = shown_state(view_, segment, part.begin);
  i.category = segment.category;
  i.reason = text_of(view_, segment.reason);
  i.minor_stop = segment.minor_stop;
  i.planned = moment.planned;
  if (!moment.planned) i.unplanned = moment.why;
  if (moment.shift) i.shift = *moment.shift->shift, i.shift_start = moment.shift->range.begin;
  i.element = element_of(i.category, i.minor_stop, i.planned, out_.policies);
  i.version = version_at(part.begin);
  if (!out_.intervals.empty() && alike(out_.intervals.back(), i)) {
    out_.intervals.back().range.end = part.end;
    return true;
  }
  out_.intervals.push_back(std::move(i));
  return out_.intervals.size() <= limits_.intervals;
}

MinorVerdict verdict_of(const StopStretch& stop, Duration limit) {
  if (stop.reason != NameId::none) return MinorVerdict::reason;
  if (stop.open) return MinorVerdict::open;
  if (limit == Duration{0}) return MinorVerdict::no_limit;
  return stop.minor ? MinorVerdict::within_limit : MinorVerdict::over_limit;
}

ExplainedStop Explainer::explained(const StopStretch& stretch) const {
  const PlantVersion& version = master_.at(stretch.range.begin);
  ExplainedStop stop;
  stop.machine = machine_;
  stop.stretch = stretch;
  stop.reason = text_of(view_, stretch.reason);
  stop.category = version.category_of_reason(stretch.reason);
  stop.minor_limit = version.settings(machine_).minor_stop;
  stop.verdict = verdict_of(stretch, stop.minor_limit);
  stop.first_planned = master_.first_planned(machine_, stretch.range);
  stop.counts = stop.first_planned && cut_.contains(*stop.first_planned);
  stop.planned_time = master_.planned_time(machine_, intersect(stretch.range, cut_));
  return stop;
}

void Explainer::Rows::pieces(const CountedPieces& p, std::optional<Duration>) {
  ++seen;
  const MasterData& master = owner_.master_;
  const UsedCycle cycle = master.at(p.at).used_cycle(owner_.machine_, p.product, p.at);
  if (!alike_.contains(p.at)) {
    const ShiftPlan::Planned now = master.planned_at(owner_.machine_, p.at);
    alike_ = {p.at, now.until}, planned_ = now.planned;
  }
  const std::size_t version = owner_.version_at(p.at);
  // Without an entry of the description its range is all time, so that the cycle's source is in the key, too.
  ExplainedCounts& row =
      rows[{owner_.view_.names().text(p.product), !planned_, version, cycle.valid.begin, cycle.valid.end}];
  row.machine = owner_.machine_;
  row.product = text_of(owner_.view_, p.product);
  row.planned = planned_;
  row.cycle = cycle;
  row.version = version;
  row.good += p.good, row.scrap += p.scrap, row.rework += p.rework;
  if (p.startup) row.startup_rejects += p.scrap + p.rework;
}

Result<void> Explainer::add_counts() {
  constexpr Duration kSlice = std::chrono::hours{24};
  Rows rows{*this};
  const MachineRecord& record = view_.machine(machine_);
  // A slice at a time, so that too much is noticed before all of it was looked at.
  for (Timestamp t = std::max(made_.begin, record.first_event().value_or(made_.end)); t < made_.end; t += kSlice) {
    record.pieces().contribute({t, std::min(made_.end, t + kSlice)}, rows);
    if (seen_counts_ + rows.seen > limits_.counts) return too_much("counts", limits_.counts);
    if (out_.counts.size() + rows.rows.size() > limits_.rows) return too_much("rows of counts", limits_.rows);
  }
  seen_counts_ += rows.seen;
  for (auto& [key, row] : rows.rows) out_.counts.push_back(std::move(row));
  return {};
}

std::vector<std::shared_ptr<const PlantVersion>> versions_in(const MasterData& master, TimeRange range) {
  std::vector<std::shared_ptr<const PlantVersion>> list;
  for (const auto& version : master.versions()) {
    if (version->valid().overlaps(range)) list.push_back(version);
  }
  return list;
}

}  // namespace

// ---------------------------------------- formulas

namespace {

constexpr std::string_view kNoCycle = "pieces were made that have no ideal cycle";
constexpr std::string_view kNotPlanned = "PBT is zero: nothing was planned, or of none of it anything is known";
constexpr std::string_view kNoProduction = "APT is zero: nothing ran in planned time";
constexpr std::string_view kNothingMade = "nothing was produced in planned time";
constexpr std::string_view kNoIdealTime = "ideal production time is zero: nothing was produced in planned time";
constexpr std::string_view kNoTime = "calendar time is zero: the range has not begun";

}  // namespace

std::vector<Formula> formulas_of(const Figures& f) {
  const auto time = [](std::string_view symbol, Duration d) {
    return Formula::Input{symbol, WideInt{d.count()}, true};
  };
  const auto pieces = [](std::string_view symbol, std::int64_t count) {
    return Formula::Input{symbol, WideInt{count}, false};
  };
  const Formula::Input made{"ideal_production_time", f.ideal_production}, good{"ideal_good_time", f.ideal_good};
  const Formula::Input busy = time("PBT", f.planned_busy), production = time("APT", f.actual_production);
  std::vector<Formula> list;
  const auto add = [&](std::string_view id, std::string_view formula, std::vector<Formula::Input> inputs,
                       const std::optional<double>& value, std::string_view reason, bool cycles = true) {
    if (cycles && !f.ideal_production) reason = kNoCycle;
    list.push_back({id, formula, std::move(inputs), value, value ? std::string_view{} : reason});
  };
  add("availability", "APT / PBT", {production, busy}, f.availability, kNotPlanned, false);
  add("effectiveness", "ideal_production_time / APT", {made, production}, f.effectiveness, kNoProduction);
  add("quality_ratio", "ideal_good_time / ideal_production_time", {good, made}, f.quality_ratio, kNoIdealTime);
  add("quality_ratio_by_count", "good / produced", {pieces("good", f.good), pieces("produced", f.produced)},
      f.quality_ratio_by_count, kNothingMade, false);
  add("oee", "ideal_good_time / PBT", {good, busy}, f.oee, kNotPlanned);
  add("net_equipment_effectiveness", "ideal_good_time * (APT + AUST) / (PBT * APT)",
      {good, production, time("AUST", f.actual_setup), busy}, f.net_equipment_effectiveness,
      f.planned_busy == Duration{0} ? kNotPlanned : kNoProduction);
  add("teep", "ideal_good_time / calendar_time", {good, time("calendar_time", f.calendar)}, f.teep, kNoTime);
  return list;
}

// ---------------------------------------- all of it

Result<Explanation> explain(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                            const ExplainLimits& limits, const std::stop_token& stop) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  const MasterData& master = view.master();
  Explanation out;
  out.scope = scope;
  out.now = now;
  out.sequence = view.sequence();
  out.policies = policies_of(master.latest().plant());
  out.versions = versions_in(master, range);
  out.newest = master.versions().back();
  Explainer explainer{view, now, limits, out};
  for (const MachineId machine : *machines) {
    if (stop.stop_requested()) return cancelled();
    if (const auto added = explainer.add(machine, range); !added) return added.error();
  }
  OeeRequest request;
  request.scope = scope;
  request.range = range;
  auto series = oee(view, request, now, stop);
  if (!series) return series.error();
  out.figure = std::move(series->front().buckets.front());
  const auto sums = elements(view, scope, range, now);
  if (!sums) return sums.error();
  out.losses = losses_of(*sums, out.policies);
  out.formulas = formulas_of(out.figure.figures);
  out.machines.resize(view.machine_count());
  for (const MachineId machine : *machines) out.machines[index_of(machine)] = view.numbers().name(machine);
  return out;
}

}  // namespace takt
