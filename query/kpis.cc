#include "query/kpis.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "query/explain.h"
#include "query/order_runs.h"
#include "query/reliability.h"

namespace takt {
namespace {

/// Serial numbers inspected, and those that passed all their first inspections.
struct FirstPass {
  std::int64_t inspected = 0, passed = 0;
};

/// A serial's first inspection for each characteristic is the first known, be it before the range.
void add_first_pass(const MachineRecord& record, TimeRange range, Timestamp now, FirstPass& sum) {
  const Timestamp end = std::min({range.end, now, record.end_of_pieces()});
  std::set<std::pair<std::uint64_t, NameId>> seen;
  std::unordered_set<std::uint64_t> inspected, failed;
  for (auto at = record.quality().begin(); at != record.quality().end() && at->at < end; ++at) {
    if (at->rank.withdrawn() || at->serial == 0) continue;
    const bool first = seen.emplace(at->serial, at->characteristic).second;
    if (first && at->failed) failed.insert(at->serial);
    if (at->at >= range.begin) inspected.insert(at->serial);
  }
  sum.inspected += static_cast<std::int64_t>(inspected.size());
  sum.passed +=
      std::count_if(inspected.begin(), inspected.end(), [&](auto serial) { return !failed.contains(serial); });
}

/// Everything that the KPIs are made of.
struct KpiSources {
  Figures figures;
  Duration delay_in_orders{0}, execution{0};  ///< ADET, AOET
  FirstPass first_pass;
  EnergyUse energy;
  Reliability reliability;
  std::string dropped;  ///< why nothing is said of single events; empty: all are known
};

/// Where events of the range are retained no more only their sums are known.
std::string dropped_before(const StoreView& view, const std::vector<MachineId>& machines, TimeRange range) {
  std::optional<Timestamp> kept;
  for (const MachineId machine : machines) {
    const MachineRecord& record = view.machine(machine);
    const Timestamp from = record.horizon().pieces;
    if (range.begin < from && record.first_event().value_or(kEndOfTime) < from)
      kept = std::max(kept.value_or(from), from);
  }
  return kept ? "events of before " + format_time(*kept) + " are retained no more; ask from then on" : "";
}

Result<KpiSources> sources_of(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                              const std::stop_token& stop) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  const auto sums = elements(view, scope, range, now);
  if (!sums) return sums.error();
  const Policies policies = policies_of(view.master().latest().plant());
  KpiSources s;
  s.figures = figures_of(*sums, policies);
  s.dropped = dropped_before(view, *machines, range);
  if (!s.dropped.empty()) return s;
  OrderTimes orders{view, range, now};
  for (const MachineId machine : *machines) {
    if (stop.stop_requested()) return cancelled();
    orders.add(machine);
    add_first_pass(view.machine(machine), range, now, s.first_pass);
    add_energy(view, machine, range, now, s.energy);
  }
  s.delay_in_orders = figures_of(orders.while_running(), policies).actual_delay;
  s.execution = orders.execution();
  auto failures = reliability(view, scope, range, now, stop);
  if (!failures) return failures.error();
  s.reliability = std::move(*failures);
  return s;
}

constexpr WideInt kSecond = 1'000'000;  // in microseconds

constexpr std::string_view kNoPersonnel = "Takt is told nothing of the time of personnel";
constexpr std::string_view kNoOrder = "AOET is zero: no order ran";
constexpr std::string_view kNotPlannedTime =
    "PBT is zero: nothing was planned, or of none of it anything is known";
constexpr std::string_view kNotBusy = "AUBT is zero: nothing was done in planned time";
constexpr std::string_view kNotProcessing = "AUPT is zero: nothing ran or was set up in planned time";
constexpr std::string_view kNothingProduced = "PQ is zero: nothing was produced in planned time";
constexpr std::string_view kNoPlannedScrap = "Takt is told no planned scrap quantity (PSQ)";
constexpr std::string_view kNothingInspected = "no serial number was inspected";
constexpr std::string_view kNoSequence = "Takt is not told which operation is the first of an order's sequence";
constexpr std::string_view kAskQuality =
    "it is of one characteristic of one machine: /v1/quality?machine=&characteristic= answers it";
constexpr std::string_view kNoEnergy = "no increase of an energy meter was read; the first reading is a baseline";
constexpr std::string_view kNoPiece = "nothing was produced";
constexpr std::string_view kNoInventory = "Takt is told nothing of inventories";
constexpr std::string_view kNoMaterial = "Takt is told nothing of the material consumed";
constexpr std::string_view kNoCapacity = "Takt is told no production capacity (EPC) of the equipment";
constexpr std::string_view kNoFailure = "nothing failed";
constexpr std::string_view kNoMaintenance = "Takt is told nothing of corrective and preventive maintenance";

/// Writes the list down, one number after the other.
class KpiList {
 public:
  using Inputs = std::vector<std::pair<std::string_view, KpiInput>>;
  explicit KpiList(const KpiSources& sources) : s_(sources) {}

  std::vector<Kpi> take() {
    add_order_kpis();
    add_oee_kpis();
    add_piece_kpis();
    add_capability();
    add_material_kpis();
    add_reliability_kpis();
    return std::move(list_);
  }

 private:
  void add(std::string_view id, std::string_view formula, Inputs inputs, std::optional<double> value,
           std::string_view reason, std::string_view unit = "1") {
    const int number = static_cast<int>(list_.size()) + 1;
    list_.push_back({number, id, formula, unit, std::move(inputs), value, std::string{value ? "" : reason}});
  }
  /// Of single events: absent where some are gone.
  void add_of_events(std::string_view id, std::string_view formula, Inputs inputs, std::optional<double> value,
                     std::string_view reason, std::string_view unit = "1") {
    if (!s_.dropped.empty()) return add_untold(id, formula, inputs, s_.dropped, unit);
    add(id, formula, std::move(inputs), value, reason, unit);
  }
  /// None of its inputs, or not enough of them, is known.
  void add_untold(std::string_view id, std::string_view formula, Inputs inputs, std::string_view reason,
                  std::string_view unit = "1") {
    for (auto& [symbol, value] : inputs) value = {};
    add(id, formula, std::move(inputs), std::nullopt, reason, unit);
  }
  void add_of_bucket(std::string_view id, std::string_view name);

  void add_order_kpis();
  void add_oee_kpis();
  void add_piece_kpis();
  void add_capability();
  void add_material_kpis();
  void add_reliability_kpis();

  static KpiInput time(Duration d) { return WideInt{d.count()}; }
  Duration processing() const { return s_.figures.actual_production + s_.figures.actual_setup; }  // AUPT
  Duration busy() const { return processing() + s_.delay_in_orders; }                             // AUBT
  static std::optional<double> of(Duration a, Duration b) { return ratio(a.count(), b.count()); }

  const KpiSources& s_;  // borrowed
  std::vector<Kpi> list_;
};

void KpiList::add_order_kpis() {
  const Figures& f = s_.figures;
  const std::pair<std::string_view, KpiInput> aubt{"AUBT", time(busy())}, aoet{"AOET", time(s_.execution)};
  add_untold("worker_efficiency", "APWT / APAT", {{"APWT", {}}, {"APAT", {}}}, kNoPersonnel);
  add_of_events("allocation_ratio", "AUBT / AOET", {aubt, aoet}, of(busy(), s_.execution), kNoOrder);
  add_of_events("throughput_rate", "PQ / AOET", {{"PQ", f.produced}, aoet},
                ratio(f.produced * kSecond, s_.execution.count()), kNoOrder, "1/s");
  add_of_events("allocation_efficiency", "AUBT / PBT", {aubt, {"PBT", time(f.planned_busy)}},
                of(busy(), f.planned_busy), kNotPlannedTime);
  add_of_events("utilization_efficiency", "APT / AUBT", {{"APT", time(f.actual_production)}, aubt},
                of(f.actual_production, busy()), kNotBusy);
}

/// As a figure of the bucket explains itself.
void KpiList::add_of_bucket(std::string_view id, std::string_view name) {
  for (const Formula& formula : formulas_of(s_.figures)) {
    if (formula.id != name) continue;
    Inputs inputs;
    for (const Formula::Input& input : formula.inputs) {
      KpiInput value;
      if (input.value && input.is_time) value = *input.value;
      if (input.value && !input.is_time) value = static_cast<std::int64_t>(*input.value);
      inputs.emplace_back(input.symbol, value);
    }
    add(id, formula.formula, std::move(inputs), formula.value, formula.reason);
  }
}

void KpiList::add_oee_kpis() {
  const Figures& f = s_.figures;
  const std::pair<std::string_view, KpiInput> apt{"APT", time(f.actual_production)};
  add_of_bucket("oee_index", "oee");
  add_of_bucket("nee_index", "net_equipment_effectiveness");
  add_of_bucket("availability", "availability");
  add_of_bucket("effectiveness", "effectiveness");
  add_of_bucket("quality_ratio", "quality_ratio");
  add("setup_ratio", "AUST / AUPT", {{"AUST", time(f.actual_setup)}, {"AUPT", time(processing())}},
      of(f.actual_setup, processing()), kNotProcessing);
  add_of_events("technical_efficiency", "APT / (APT + ADET)", {apt, {"ADET", time(s_.delay_in_orders)}},
                of(f.actual_production, f.actual_production + s_.delay_in_orders),
                "APT + ADET is zero: nothing ran in planned time, and nothing stopped while an order ran");
  add_of_events("production_process_ratio", "APT / AOET", {apt, {"AOET", time(s_.execution)}},
                of(f.actual_production, s_.execution), kNoOrder);
}

void KpiList::add_piece_kpis() {
  const Figures& f = s_.figures;
  const FirstPass& pass = s_.first_pass;
  const std::pair<std::string_view, KpiInput> pq{"PQ", f.produced}, sq{"SQ", f.scrap};
  add("actual_to_planned_scrap_ratio", "SQ / PSQ", {sq, {"PSQ", {}}}, std::nullopt, kNoPlannedScrap);
  add_of_events("first_pass_yield", "GP / IP", {{"GP", pass.passed}, {"IP", pass.inspected}},
                ratio(pass.passed, pass.inspected), kNothingInspected);
  add("scrap_ratio", "SQ / PQ", {sq, pq}, ratio(f.scrap, f.produced), kNothingProduced);
  add("rework_ratio", "RQ / PQ", {{"RQ", f.rework}, pq}, ratio(f.rework, f.produced), kNothingProduced);
  add_untold("fall_off_ratio", "SQ1 / PQ1", {{"SQ1", {}}, {"PQ1", {}}}, kNoSequence);
}

void KpiList::add_capability() {
  const Inputs limits{{"USL", {}}, {"LSL", {}}};
  const auto with = [&](Inputs more) {
    more.insert(more.begin(), limits.begin(), limits.end());
    return more;
  };
  add_untold("cm", "(USL - LSL) / (6 * s)", with({{"s", {}}}), kAskQuality);
  add_untold("cmk", "min(USL - mean, mean - LSL) / (3 * s)", with({{"mean", {}}, {"s", {}}}), kAskQuality);
  add_untold("cp", "(USL - LSL) / (6 * sigma)", with({{"sigma", {}}}), kAskQuality);
  add_untold("cpk", "min(USL - mean, mean - LSL) / (3 * sigma)", with({{"mean", {}}, {"sigma", {}}}), kAskQuality);
}

void KpiList::add_material_kpis() {
  const Figures& f = s_.figures;
  const EnergyUse& energy = s_.energy;
  const std::int64_t made = f.produced + f.unplanned_produced;  // as energy is that of all time
  std::optional<double> each;
  if (energy.increases > 0 && made > 0) each = energy.total() / static_cast<double>(made);
  add_of_events("comprehensive_energy_consumption", "E / (PQ + PQ_unplanned)",
                {{"E", energy.increases > 0 ? KpiInput{energy.total()} : KpiInput{}},
                 {"PQ", f.produced},
                 {"PQ_unplanned", f.unplanned_produced}},
                each, energy.increases == 0 ? kNoEnergy : kNoPiece, "kWh/item");
  add_untold("inventory_turns", "TH / average_inventory", {{"TH", {}}, {"average_inventory", {}}}, kNoInventory);
  const std::pair<std::string_view, KpiInput> cm{"CM", {}};
  add("finished_goods_ratio", "GQ / CM", {{"GQ", f.good}, cm}, std::nullopt, kNoMaterial);
  add_untold("integrated_goods_ratio", "IGQ / CM", {{"IGQ", {}}, cm}, kNoMaterial);
  add_untold("production_loss_ratio", "PL / CM", {{"PL", {}}, cm}, kNoMaterial);
  add_untold("storage_and_transportation_loss_ratio", "STL / CM", {{"STL", {}}, cm}, kNoMaterial);
  add_untold("other_loss_ratio", "OL / CM", {{"OL", {}}, cm}, kNoMaterial);
  add("equipment_load_ratio", "PQ / EPC", {{"PQ", f.produced}, {"EPC", {}}}, std::nullopt, kNoCapacity);
}

void KpiList::add_reliability_kpis() {
  const Reliability& r = s_.reliability;
  const std::pair<std::string_view, KpiInput> operating{"operating_time", time(r.operating)},
      failures{"failures", r.failures};
  for (const std::string_view id : {"mtbf", "mttf"})
    add_of_events(id, "operating_time / failures", {operating, failures}, r.mtbf(), kNoFailure, "s");
  add_of_events("mttr", "down_time / failures", {{"down_time", time(r.down)}, failures}, r.mttr(), kNoFailure,
                "s");
  add_untold("corrective_maintenance_ratio", "CMT / (CMT + PMT)", {{"CMT", {}}, {"PMT", {}}}, kNoMaintenance);
}

void append_kpi_input(JsonText& out, std::string_view symbol, const KpiInput& input) {
  out.key(symbol);
  if (const auto* micros = std::get_if<WideInt>(&input))
    out.seconds(*micros);
  else if (const auto* count = std::get_if<std::int64_t>(&input))
    out.value(*count);
  else if (const auto* amount = std::get_if<double>(&input))
    out.value(*amount);
  else
    out.null();
}

void append_energy(JsonText& out, const EnergyUse& energy) {
  out.key("energy");
  if (energy.increases == 0) {
    out.null();
    return;
  }
  out.begin_object().member("kwh", energy.total()).key("by_category").begin_object();
  for (std::size_t i = 0; i < kTimeCategories; ++i)
    out.member(name_of(static_cast<TimeCategory>(i)), energy.kwh[i]);
  out.end_object().end_object();
}

}  // namespace

Result<KpiAnswer> kpis(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                       const std::stop_token& stop) {
  const auto sources = sources_of(view, scope, range, now, stop);
  if (!sources) return sources.error();
  return KpiAnswer{scope, KpiList{*sources}.take(), sources->energy};
}

std::string render_kpis(const KpiAnswer& answer) {
  JsonText out;
  out.begin_object().member("scope", to_string(answer.scope)).key("kpis").begin_array();
  for (const Kpi& kpi : answer.kpis) {
    out.begin_object().member("id", kpi.id).member("number", kpi.number).member("value", kpi.value);
    out.member("unit", kpi.unit).member("formula", kpi.formula).key("inputs").begin_object();
    for (const auto& [symbol, input] : kpi.inputs) append_kpi_input(out, symbol, input);
    out.end_object().key("reason");
    kpi.reason.empty() ? out.null() : out.value(kpi.reason);
    out.end_object();
  }
  out.end_array();
  append_energy(out, answer.energy);
  return out.end_object().take();
}

}  // namespace takt
