#include "query/health.h"

#include <algorithm>

#include "query/json_text.h"
#include "query/reliability.h"

namespace takt {

std::vector<std::string_view> MachineHealth::lowered_by() const {
  std::vector<const HealthPart*> dear;
  for (const HealthPart& part : parts) {
    if (part.points_lost > 0) dear.push_back(&part);
  }
  std::stable_sort(dear.begin(), dear.end(), [](auto* a, auto* b) { return a->points_lost > b->points_lost; });
  std::vector<std::string_view> ids;
  for (const HealthPart* part : dear) ids.push_back(part->id);
  return ids;
}

namespace {

// What costs all of a part's points; half of it costs half of them.
constexpr double kWorstFall = 0.2;       // of availability against the week before
constexpr double kWorstFailures = 0.25;  // an operating hour
constexpr double kWorstMinorStops = 6;   // an hour of production
constexpr double kWorstRejects = 0.1;    // of the pieces produced

/// 1 for nothing of what is bad, 0 for the worst and beyond.
std::optional<double> score_of(std::optional<double> bad, double worst) {
  return bad ? std::optional{1 - std::clamp(*bad / worst, 0.0, 1.0)} : std::nullopt;
}

std::optional<double> ratio_per_hour(std::int64_t count, Duration time) {
  return ratio(WideInt{count} * Duration{std::chrono::hours{1}}.count(), time.count());
}

/// Absent, too, where the week's sums are known no more.
std::optional<double> availability_of_week(const StoreView& view, MachineId machine, Timestamp now,
                                           const Policies& policies) {
  const TimeRange week{now - kHealthHistory, now - kHealthDay};
  if (!check_cut(view, machine, week)) return std::nullopt;
  return figures_of(elements_of(view, machine, week, now), policies).availability;
}

HealthPart failures_part(const Reliability& r) {
  HealthPart part{"failures", 20, r.failure_rate_per_h(), score_of(r.failure_rate_per_h(), kWorstFailures)};
  // Nothing but failure is no rate, and as bad as it gets.
  if (!part.value && r.down > Duration{0}) part.score = 0;
  return part;
}

std::vector<HealthPart> parts_of(const Figures& day, const std::optional<double>& week,
                                 const Reliability& failures) {
  std::optional<double> trend, rejects, known;
  if (day.availability && week) trend = *day.availability - *week;
  if (const auto good = day.quality_ratio_by_count) rejects = 1 - *good;
  if (const auto unknown = ratio(day.unknown.count(), day.planned_operation.count())) known = 1 - *unknown;
  const auto fall = trend ? std::optional{-*trend} : std::nullopt;
  const auto minor = ratio_per_hour(day.minor_stops, day.actual_production);
  return {{"availability", 30, day.availability, day.availability},
          {"availability_trend", 15, trend, score_of(fall, kWorstFall)},
          failures_part(failures),
          {"minor_stops", 10, minor, score_of(minor, kWorstMinorStops)},
          {"rejects", 15, rejects, score_of(rejects, kWorstRejects)},
          {"data_coverage", 10, known, known}};
}

MachineHealth judged(std::string machine, std::vector<HealthPart> parts) {
  MachineHealth health{std::move(machine), std::nullopt, std::move(parts)};
  double weight = 0, reached = 0;
  for (const HealthPart& part : health.parts) {
    if (!part.score) continue;
    weight += part.weight;
    reached += part.weight * *part.score;
  }
  if (weight == 0) return health;
  health.score = 100 * reached / weight;
  for (HealthPart& part : health.parts) {
    if (part.score) part.points_lost = 100 * part.weight * (1 - *part.score) / weight;
  }
  return health;
}

}  // namespace

Result<std::vector<MachineHealth>> health(const StoreView& view, const Scope& scope, Timestamp now,
                                          const std::stop_token& stop) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  const Policies policies = policies_of(view.master().latest().plant());
  const TimeRange day{now - kHealthDay, now};
  std::vector<MachineHealth> list;
  for (const MachineId machine : *machines) {
    if (scope.kind != Scope::Kind::machine && !is_active(view, machine)) continue;
    if (const auto whole = check_cut(view, machine, day); !whole) return whole.error();
    const std::string& name = view.numbers().name(machine);
    const auto failures = reliability(view, {Scope::Kind::machine, name}, day, now, stop);
    if (!failures) return failures.error();
    const Figures figures = figures_of(elements_of(view, machine, day, now), policies);
    list.push_back(judged(name, parts_of(figures, availability_of_week(view, machine, now, policies), *failures)));
  }
  return list;
}

std::string render_health(const std::vector<MachineHealth>& machines) {
  JsonText out;
  out.begin_object().key("machines").begin_array();
  for (const MachineHealth& health : machines) {
    out.begin_object()
        .member("machine", health.machine)
        .member("score", health.score)
        .key("lowered_by")
        .begin_array();
    for (const std::string_view id : health.lowered_by()) out.value(id);
    out.end_array().key("parts").begin_array();
    for (const HealthPart& part : health.parts) {
      out.begin_object().member("part", part.id).member("weight", part.weight).member("value", part.value);
      out.member("score", part.score).member("points_lost", part.points_lost).end_object();
    }
    out.end_array().end_object();
  }
  return out.end_array().end_object().take();
}

}  // namespace takt
