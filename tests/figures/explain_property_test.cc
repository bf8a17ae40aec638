// Every figure explains itself: the evidence of random histories adds up to it, to the microsecond and the piece.
#include "query/explain.h"
#include "query/render.h"
#include "tests/figures/temporary_store.h"
#include "tests/oracle/random_history.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <map>

namespace takt {
namespace {

using nlohmann::json;

std::int64_t micros_of(const json& seconds) { return std::llround(seconds.get<double>() * 1e6); }

json engine_total(const Store& store, const std::string& scope, TimeRange range, Timestamp now) {
  OeeRequest request;
  request.scope = *parse_scope(scope);
  request.range = range;
  return json::parse(render_oee(request, *oee(store.read(), request, now)))["buckets"][0];
}

json engine_losses(const Store& store, const std::string& scope, TimeRange range, Timestamp now) {
  const StoreView view = store.read();
  const auto sum = elements(view, *parse_scope(scope), range, now);
  return json::parse(render_losses(losses_of(*sum, policies_of(view.master().latest().plant()))));
}

std::int64_t engine_stop_time(const Store& store, const std::string& scope, TimeRange range, Timestamp now) {
  return downtime_pareto(store.read(), *parse_scope(scope), range, ParetoBy::reason, now)->total.count();
}

json engine_explanation(const Store& store, const std::string& scope, TimeRange range, Timestamp now) {
  const auto explanation = explain(store.read(), *parse_scope(scope), range, now);
  if (!explanation) return explanation.error().context;
  return json::parse(render_explanation(*explanation));
}

/// What the intervals add up to, by the bucket's members.
void check_times(const json& e) {
  std::map<std::string, std::int64_t> sums;
  for (const json& i : e["intervals"]) {
    const std::int64_t time = micros_of(i["time_s"]);
    ASSERT_EQ(time,
              (*parse_time(i["end"].get<std::string>()) - *parse_time(i["start"].get<std::string>())).count());
    ASSERT_GT(time, 0);
    ASSERT_EQ(i["planned"].get<bool>(), i["unplanned"].is_null()) << i;
    sums["calendar_time_s"] += time;
    sums[i["element"].get<std::string>() + "_s"] += time;
    if (!i["planned"]) continue;
    sums["planned_operation_time_s"] += time;
    if (i["minor_stop"]) sums["minor_stop_time_s"] += time;
    if (i["category"] == "unknown") sums["known_to_be_unknown"] += time;
  }
  const bool unknown_stops = e["policies"]["unknown_time"] == "stop";
  ASSERT_EQ(sums["unknown_time_s"], unknown_stops ? 0 : sums["known_to_be_unknown"]);
  sums["unknown_time_s"] = sums["known_to_be_unknown"];
  const json& f = e["figure"];
  for (const char* name : {"calendar_time_s", "planned_operation_time_s", "planned_down_time_s",
                           "actual_production_time_s", "actual_unit_setup_time_s", "actual_unit_delay_time_s",
                           "minor_stop_time_s", "unknown_time_s", "unplanned_production_time_s"}) {
    ASSERT_EQ(sums[name], micros_of(f[name])) << name;
  }
  ASSERT_EQ(sums["actual_production_time_s"] + sums["actual_unit_setup_time_s"] + sums["actual_unit_delay_time_s"],
            micros_of(f["planned_busy_time_s"]));
}

/// Without a gap, and where neighbours that the timeline does not tell apart are one, the timeline.
void check_timeline(const Store& store, const json& e, const std::string& machine, TimeRange range,
                    Timestamp now) {
  json merged = json::array();
  for (json i : e["intervals"]) {
    if (i["machine"] != machine) continue;
    for (const char* more : {"machine", "time_s", "planned", "unplanned", "shift", "element", "version"})
      i.erase(more);
    if (!merged.empty()) {
      ASSERT_EQ(merged.back()["end"], i["start"]);
      json alike = merged.back();
      alike["start"] = i["start"], alike["end"] = i["end"];
      if (alike == i) {
        merged.back()["end"] = i["end"];
        continue;
      }
    }
    merged.push_back(i);
  }
  const StoreView view = store.read();
  json expected =
      json::parse(render_timeline(machine, timeline(view, view.machine(machine)->id(), range, now)))["intervals"];
  for (json& interval : expected) interval.erase("open");
  ASSERT_EQ(merged, expected);
}

void check_stops(const json& e, std::int64_t stop_time) {
  std::int64_t stops = 0, minor = 0, failures = 0, time = 0;
  for (const json& stop : e["stops"]) {
    stops += stop["counts"] ? 1 : 0;
    minor += stop["counts"] && stop["minor_stop"] ? 1 : 0;
    time += micros_of(stop["planned_time_s"]);
    ASSERT_EQ(stop["minor_stop"].get<bool>(), stop["verdict"] == "within_limit") << stop;
    if (stop["verdict"] == "over_limit") {
      ASSERT_GT(micros_of(stop["time_s"]), micros_of(stop["minor_stop_s"])) << stop;
    }
  }
  for (const json& failure : e["failures"]) failures += failure["counts"] ? 1 : 0;
  const json& f = e["figure"];
  ASSERT_EQ(stops, f["stops"]);
  ASSERT_EQ(minor, f["minor_stops"]);
  ASSERT_EQ(failures, f["failures"]);
  const bool unknown_stops = e["policies"]["unknown_time"] == "stop";
  ASSERT_EQ(time + (unknown_stops ? micros_of(f["unknown_time_s"]) : 0), stop_time);
}

void check_counts(const json& e) {
  std::map<std::string, std::int64_t> sums;
  bool missing = false;
  for (const json& row : e["counts"]) {
    const std::string prefix = row["planned"] ? "" : "unplanned_";
    for (const char* name : {"produced_quantity", "good_quantity", "scrap_quantity", "rework_quantity"})
      sums[prefix + name] += row[name].get<std::int64_t>();
    ASSERT_EQ(row["ideal_cycle_s"].is_null(), row["ideal_cycle_from"] == "none");
    if (!row["planned"]) continue;
    if (row["ideal_cycle_s"].is_null()) {
      missing = true;
      continue;
    }
    const std::int64_t cycle = micros_of(row["ideal_cycle_s"]);
    ASSERT_EQ(micros_of(row["ideal_production_time_s"]), cycle * row["produced_quantity"].get<std::int64_t>());
    sums["ideal_production_time_s"] += cycle * row["produced_quantity"].get<std::int64_t>();
    sums["ideal_good_time_s"] += cycle * row["good_quantity"].get<std::int64_t>();
    sums["reduced_yield"] += cycle * row["startup_reject_quantity"].get<std::int64_t>();
  }
  const json& f = e["figure"];
  for (const char* name : {"produced_quantity", "good_quantity", "scrap_quantity", "rework_quantity",
                           "unplanned_produced_quantity", "unplanned_good_quantity"}) {
    ASSERT_EQ(sums[name], f[name]) << name;
  }
  ASSERT_EQ(missing, f["ideal_good_time_s"].is_null());
  if (missing) return;
  for (const char* name : {"ideal_production_time_s", "ideal_good_time_s"})
    ASSERT_EQ(sums[name], micros_of(f[name])) << name;
  ASSERT_EQ(sums["reduced_yield"], micros_of(e["losses"]["losses"][5]["time_s"]));
}

/// Of each product as many pieces as its counts in planned time.
void check_production(const Store& store, const json& e, const std::string& scope, TimeRange range,
                      Timestamp now) {
  std::map<json, std::array<std::int64_t, 4>> counted, told;
  std::map<json, std::int64_t> counted_ideal, told_ideal;
  for (const json& row : e["counts"]) {
    if (!row["planned"]) continue;
    auto& sums = counted[row["product"]];
    sums[0] += row["good_quantity"].get<std::int64_t>(), sums[1] += row["scrap_quantity"].get<std::int64_t>();
    sums[2] += row["rework_quantity"].get<std::int64_t>();
    if (row["ideal_cycle_s"].is_null())
      sums[3] += row["produced_quantity"].get<std::int64_t>();
    else
      counted_ideal[row["product"]] += micros_of(row["ideal_production_time_s"]);
  }
  const auto items = production(store.read(), *parse_scope(scope), range, now);
  ASSERT_TRUE(items) << items.error().context;
  for (const ProductionItem& item : *items) {
    const json product = item.product ? json(*item.product) : json();
    told[product] = {item.sums.good, item.sums.scrap, item.sums.rework, item.sums.without_cycle};
    if (item.sums.ideal_produced != 0) told_ideal[product] = static_cast<std::int64_t>(item.sums.ideal_produced);
  }
  std::erase_if(counted, [](const auto& entry) { return entry.second == std::array<std::int64_t, 4>{}; });
  std::erase_if(counted_ideal, [](const auto& entry) { return entry.second == 0; });
  ASSERT_EQ(told, counted);
  ASSERT_EQ(told_ideal, counted_ideal);
}

void check_formulas(const json& e) {
  ASSERT_EQ(e["formulas"].size(), 7U);
  for (const json& formula : e["formulas"]) {
    ASSERT_EQ(formula["value"], e["figure"][formula["id"].get<std::string>()]);
    ASSERT_NE(formula["value"].is_null(), formula["reason"].is_null()) << formula;
  }
}

void check(const Store& store, const std::string& scope, TimeRange range, Timestamp now) {
  const json e = engine_explanation(store, scope, range, now);
  ASSERT_TRUE(e.is_object()) << e;
  ASSERT_EQ(e["figure"], engine_total(store, scope, range, now));
  ASSERT_EQ(e["losses"], engine_losses(store, scope, range, now));
  ASSERT_NO_FATAL_FAILURE(check_times(e));
  ASSERT_NO_FATAL_FAILURE(check_stops(e, engine_stop_time(store, scope, range, now)));
  ASSERT_NO_FATAL_FAILURE(check_counts(e));
  ASSERT_NO_FATAL_FAILURE(check_production(store, e, scope, range, now));
  ASSERT_NO_FATAL_FAILURE(check_formulas(e));
}

void check_all(const Store& store, const RandomHistory& history, std::uint64_t seed) {
  std::vector<std::string> scopes{"plant"};
  for (const Line& line : history.plant.lines) scopes.push_back("line:" + line.id);
  for (const Machine& machine : history.plant.machines) scopes.push_back("machine:" + machine.id);
  for (std::uint64_t i = 0; i < 6; ++i) {
    const TimeRange range = random_range(history, seed * 10 + i);
    SCOPED_TRACE("from " + format_time(range.begin) + " to " + format_time(range.end) + ", now " +
                 format_time(history.now) + ", seed " + std::to_string(seed));
    for (const std::string& scope : scopes) {
      SCOPED_TRACE(scope);
      ASSERT_NO_FATAL_FAILURE(check(store, scope, range, history.now));
    }
    for (const Machine& machine : history.plant.machines) {
      if (!machine.active) continue;  // its time ends with its last event, its timeline does not
      const json e = engine_explanation(store, "machine:" + machine.id, range, history.now);
      ASSERT_NO_FATAL_FAILURE(check_timeline(store, e, machine.id, range, history.now)) << machine.id;
    }
  }
}

/// Another description from the middle on: other limits, cycles and shifts, and a closure.
void change_plant(Store& store, const RandomHistory& history, std::uint64_t seed) {
  Plant plant = history.plant;
  for (Machine& machine : plant.machines) {
    machine.minor_stop += std::chrono::seconds{97};
    machine.ideal_cycle = std::chrono::milliseconds{700 + seed % 7};
  }
  plant.ideal_cycles.clear();
  if (seed % 2 == 0) plant.shifts.clear();
  const Timestamp middle = history.span.begin + (history.span.end - history.span.begin) / 2;
  Closure closure;
  closure.from = Zone::named(plant.timezone)->to_local(middle + std::chrono::hours{3});
  closure.to = Zone::named(plant.timezone)->to_local(middle + std::chrono::hours{8});
  plant.closures.push_back(closure);
  if (seed % 3 == 0) plant.unknown_time = UnknownTimePolicy::stop;
  if (seed % 5 == 0) plant.minor_stops = MinorStopPolicy::performance;
  const auto changed = store.set_plant(plant, middle, false);
  ASSERT_TRUE(changed) << changed.error().context;
}

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
  const char* wanted = std::getenv(name);
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : fallback;
}

TEST(Explanations, AddUpToTheFigureForEveryHistory) {
  const std::uint64_t begin = number_from("TAKT_FIRST_SEED", 1);
  for (std::uint64_t seed = begin; seed < begin + number_from("TAKT_SEEDS", 40); ++seed) {
    const RandomHistory history = random_history(seed);
    TemporaryStore temporary{history.now};
    temporary.describe(history.plant);
    temporary.send(history.events);
    ASSERT_NO_FATAL_FAILURE(check_all(*temporary.store, history, seed));
    ASSERT_NO_FATAL_FAILURE(change_plant(*temporary.store, history, seed));
    ASSERT_NO_FATAL_FAILURE(check_all(*temporary.store, history, seed)) << "after the description changed";
  }
}

}  // namespace
}  // namespace takt
