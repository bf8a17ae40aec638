#include "server/alerts/alert_measure.h"

#include "query/kpis.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

constexpr Duration kMinute = std::chrono::minutes{1}, kDay = std::chrono::hours{24};

Measured not_measured(const Alert& alert) {
  return {std::nullopt, {}, "there is no metric or KPI \"" + alert.on + "\"; docs/operation.md lists them"};
}

double seconds_of(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

/// What the ratios of several machines are made of.
struct ShiftSums {
  Duration calendar{0}, busy{0}, production{0}, setup{0};
  WideInt ideal_production = 0, ideal_good = 0;
  bool is_whole = true;  ///< no piece is without an ideal cycle

  void add(const Figures& f) {
    calendar += f.calendar, busy += f.planned_busy, production += f.actual_production, setup += f.actual_setup;
    is_whole = is_whole && f.ideal_production && f.ideal_good;
    if (is_whole) ideal_production += *f.ideal_production, ideal_good += *f.ideal_good;
  }
  std::optional<double> ideal(WideInt time, WideInt of) const { return is_whole ? ratio(time, of) : std::nullopt; }
  std::optional<double> named(std::string_view on) const {
    if (on == "availability") return ratio(production.count(), busy.count());
    if (on == "effectiveness") return ideal(ideal_production, production.count());
    if (on == "quality_ratio") return ideal(ideal_good, ideal_production);
    if (on == "teep") return ideal(ideal_good, calendar.count());
    const auto oee = ideal(ideal_good, busy.count());
    if (on == "oee" || !oee) return oee;
    const auto used = ratio((production + setup).count(), production.count());
    return used ? std::optional{*oee * *used} : std::nullopt;
  }
};

constexpr std::array<std::string_view, 6> kOfShifts{
    "oee", "availability", "effectiveness", "quality_ratio", "teep", "net_equipment_effectiveness"};

}  // namespace

Measured AlertMeasures::measure(const Alert& alert, Timestamp now) {
  const auto scope = parse_scope(alert.scope);
  if (!scope) return {std::nullopt, {}, scope.error().context};
  if (std::ranges::find(kOfShifts, alert.on) != kOfShifts.end()) return of_shifts(alert, *scope, now);
  if (alert.on == "freshness_s") return freshness(*scope, now);
  if (alert.on == "rejects_per_min") return rejects(now);
  if (alert.on == "disk_free_bytes") return {static_cast<double>(store_.free_bytes())};
  if (alert.on == "queue_events") return {static_cast<double>(store_.statistics().queue_events.load())};
  if (alert.on == "lag_s") {
    Measured worst;
    for (const SourceReport& source : ingestor_.sources().report(now)) {
      if (source.lag && (!worst.value || seconds_of(*source.lag) > *worst.value))
        worst = {seconds_of(*source.lag), source.name};
    }
    return worst;
  }
  if (alert.on == "export_lag_s") {
    Measured worst;
    for (const TargetStatus& target : exporter_.status()) {
      if (!worst.value || target.lag_s > *worst.value) worst = {target.lag_s, target.name};
    }
    return worst;
  }
  return of_day(alert, *scope, now);
}

Measured AlertMeasures::of_shifts(const Alert& alert, const Scope& scope, Timestamp now) const {
  const auto machines = current(store_.read(), scope, now);
  if (!machines) return {std::nullopt, {}, machines.error().context};
  ShiftSums sums;
  for (const CurrentMachine& machine : *machines) sums.add(machine.bucket.figures);
  return {sums.named(alert.on)};
}

Measured AlertMeasures::of_day(const Alert& alert, const Scope& scope, Timestamp now) {
  const auto kept = kept_.find(alert.id);
  if (kept != kept_.end() && now >= kept->second.at && now - kept->second.at < kMinute)
    return kept->second.measured;
  Measured measured = not_measured(alert);
  const auto all = kpis(store_.read(), scope, {now - kDay, now}, now);
  if (!all) measured.problem = all.error().context;
  if (all) {
    const auto kpi = std::ranges::find(all->kpis, alert.on, &Kpi::id);
    if (kpi != all->kpis.end()) measured = {kpi->value};
  }
  kept_.insert_or_assign(alert.id, Kept{measured, now});
  return measured;
}

Measured AlertMeasures::freshness(const Scope& scope, Timestamp now) const {
  const StoreView view = store_.read();
  const auto machines = machines_of(view, scope);
  if (!machines) return {std::nullopt, {}, machines.error().context};
  Measured worst;
  for (const MachineId machine : *machines) {
    const auto last = view.machine(machine).last_event();
    if (!last || !is_active(view, machine)) continue;
    const double age = std::max(0.0, seconds_of(now - *last));
    if (!worst.value || age > *worst.value) worst = {age, view.numbers().name(machine)};
  }
  return worst;
}

Measured AlertMeasures::rejects(Timestamp now) {
  const std::uint64_t total = store_.statistics().rejected.load();
  rejected_.insert_or_assign(now, total);
  while (rejected_.begin()->first < now - kMinute) rejected_.erase(rejected_.begin());
  return {static_cast<double>(total - rejected_.begin()->second)};
}

}  // namespace takt
