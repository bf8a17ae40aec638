// The rollups against their goals, on the events E of the plant workload (bench/workload.h): how fast events
// become figures, in order and late, how long questions take, what a change of the past costs, and how much memory
// it needs. Every hour is compared with the truth that the workload's generator summed itself.
#include "bench/engine/event_questions.h"
#include "bench/engine/parts.h"
#include "bench/engine/plant_events.h"
#include "bench/engine/store_under_test.h"
#include "bench/need.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

namespace takt::bench {
namespace {

constexpr std::array<Grain, 3> kGrains{Grain::hour, Grain::shift, Grain::day};

struct Options {
  std::string folder = "data", json;
  std::uint32_t machines = 200, cycle_machines = 200;
  int days = 30, cycle_days = 90, cycle_thin = 10, old_days = 400;
};

struct Bench {
  const Options& options;
  Report& report;
  const ScratchFolder& folder;
  PlantSize size() const { return {options.machines, options.days}; }
};

// ---------------------------------------- from events to figures

/// The events as they arrive if that share of them is an hour to six hours late.
std::vector<WorkloadEvent> with_late(const std::vector<WorkloadEvent>& events, double share) {
  constexpr std::int64_t kHour = 3'600'000'000;
  std::mt19937_64 random{1};
  std::vector<std::int64_t> arrival;
  arrival.reserve(events.size());
  for (const WorkloadEvent& event : events) {
    const bool late = static_cast<double>(random() >> 11U) * 0x1p-53 < share;
    const auto delay = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(5 * kHour));
    arrival.push_back(event.at + (late ? kHour + delay : 0));
  }
  std::vector<std::uint32_t> order(events.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return arrival[a] < arrival[b]; });
  std::vector<WorkloadEvent> sent;
  sent.reserve(events.size());
  for (const std::uint32_t i : order) sent.push_back(events[i]);
  return sent;
}

/// Sends them, compares every hour, and says how many a second one core applies to the figures: without encoding,
/// writing and judging, which go before.
double feed(Bench& bench, Store& store, const std::string& name, const std::vector<WorkloadEvent>& sent,
            const WorkloadEvents& e, const Vocabulary& words) {
  const double seconds = send_events(store, sent, words);
  const double events = static_cast<double>(sent.size()) / 1e6;
  const double rate = events / (static_cast<double>(store.statistics().apply_micros) / 1e6);
  const std::size_t wrong = differing_hours(store, e, bench.size());
  bench.report.add({name + ": applied, a core", rate, "M/s", at_least(rate, 1)});
  bench.report.add({name + ": durable, in all", events / seconds, "M/s", {}});
  bench.report.add({name + ": hours that differ from the truth", static_cast<double>(wrong), "hours",
                    at_most(static_cast<double>(wrong), 0)});
  return rate;
}

void measure_memory(Bench& bench, const Store& store) {
  const StoreView view = store.read();
  std::size_t cells = 0, bytes = 0, states = 0, counts = 0, state_bytes = 0, count_bytes = 0;
  for (std::uint32_t m = 0; m < view.machine_count(); ++m) {
    const MachineRecord& machine = view.machine(MachineId{m});
    const auto& timeline = machine.timeline().states();
    const auto& pieces = machine.pieces().pieces();
    states += timeline.size(), state_bytes += timeline.bytes();
    counts += pieces.size(), count_bytes += pieces.bytes();
    for (const Grain grain : kGrains) cells += machine.cells(grain).size(), bytes += machine.cells(grain).bytes();
  }
  const double machine_days = static_cast<double>(bench.options.machines) * bench.options.days;
  const double a_day = static_cast<double>(bytes) / machine_days;
  bench.report.heading("Memory");
  bench.report.add({"cells a machine and day", static_cast<double>(cells) / machine_days, "cells", {}});
  bench.report.add({"rollups a machine and day", a_day, "bytes", at_most(a_day, 8192)});
  const double a_state = static_cast<double>(state_bytes) / static_cast<double>(states);
  bench.report.add({"state changes a machine and day", static_cast<double>(states) / machine_days, "", {}});
  bench.report.add({"a state change of the timeline", a_state, "bytes", at_most(a_state, 24)});
  bench.report.add({"counts a machine and day", static_cast<double>(counts) / machine_days, "", {}});
  bench.report.add({"a count", static_cast<double>(count_bytes) / static_cast<double>(counts), "bytes", {}});
}

void measure_feeding(Bench& bench) {
  const WorkloadEvents e = make_events(bench.options.machines, bench.options.days);
  const Vocabulary words{bench.options.machines};
  bench.report.heading(fmt::format("E: {} events, every hour compared", e.events.size()));
  double in_order = 0;
  {
    StoreUnderTest store{bench.folder / "in_order", bench.options.machines};
    in_order = feed(bench, *store, "in order", e.events, e, words);
    bench.report.heading("Questions, in process");
    measure_questions(bench.report, *store, e, words, bench.size());
    const HourlyTimes times = hourly_times(*store, bench.size());
    bench.report.add({"c recomputed from the events", times.from_events, "ms", {}});
    bench.report.add({"that to c", times.from_events / times.from_rollups, "x", {}});
    measure_memory(bench, *store);
  }
  bench.report.heading("E with late events, one to six hours");
  for (const int percent : {1, 20}) {
    StoreUnderTest store{bench.folder / "late", bench.options.machines};
    const std::string name = fmt::format("{} % late", percent);
    const double rate = feed(bench, *store, name, with_late(e.events, percent / 100.0), e, words);
    bench.report.add({name + ": to in order", rate / in_order, "x", {}});
  }
}

// ---------------------------------------- changes of the past

Clock& clock_after(int days) {
  static std::vector<std::unique_ptr<FixedClock>> clocks;
  clocks.push_back(std::make_unique<FixedClock>(from_micros(kEventsBegin) + std::chrono::days{days}));
  return *clocks.back();
}

std::unique_ptr<Store> open_at(const std::filesystem::path& folder, const Plant& plant, int days) {
  StoreOptions options;
  options.clock = &clock_after(days);
  options.queue_events = 1'000'000;
  std::unique_ptr<Store> store = need(Store::open(folder, options));
  need(store->set_plant(plant, std::nullopt, false));
  return store;
}

/// How many buckets a commit changed.
std::size_t changed_by(const Store& store, Sequence commit) {
  const StoreView view = store.read();
  std::size_t count = 0;
  for (const Grain grain : kGrains) {
    for (const Cell& cell : view.machine(MachineId{0}).cells(grain)) count += cell.revision == commit ? 1 : 0;
  }
  return count;
}

/// Re-classifies stops of the first days, one a call.
void measure_old_stop(Bench& bench) {
  const int days = bench.options.old_days;
  const WorkloadEvents e = make_events(1, days);
  const Vocabulary words{1};
  const std::unique_ptr<Store> store = open_at(bench.folder / "old", workload_plant(1), days);
  send_events(*store, e.events, words);
  std::vector<double> took, changed;
  for (const WorkloadEvent& stop : e.events) {
    if (stop.count || stop.code != kWorkloadDown) continue;
    EventBatch batch;
    Event& event = batch.events.emplace_back();
    event.type = EventType::classify;
    event.machine = words.machines[1], event.at = from_micros(stop.at);
    event.reason = words.reasons[40];
    event.recorded_at = from_micros(kEventsBegin) + std::chrono::days{days};
    batch.indexes.push_back(0);
    const auto before = store->statistics().apply_micros.load();
    const Receipt receipt = need(store->commit(std::move(batch), "bench"));
    took.push_back(static_cast<double>(store->statistics().apply_micros - before) / 1e3);
    changed.push_back(static_cast<double>(changed_by(*store, receipt.sequence)));
    if (took.size() == 25) break;
  }
  const auto begun = SteadyClock::now();
  need_that(!store->read().machine(MachineId{0}).check(), "the sums kept are not those of the events");
  const double anew = seconds_since(begun) * 1e3;
  bench.report.heading(
      fmt::format("A stop of {} days ago is re-classified, {} events since", days, e.events.size()));
  bench.report.add({"applied", median(took), "ms", {}});
  bench.report.add({"hours, shifts and days that it changes", median(changed), "", {}});
  bench.report.add({"all sums of the machine anew", anew, "ms", {}});
  bench.report.add({"that to it", anew / median(took), "x", {}});
}

/// E with one count of so many.
std::vector<WorkloadEvent> thinned(const std::vector<WorkloadEvent>& events, std::uint32_t machines, int every) {
  std::vector<int> counted(machines + 1, 0);
  std::vector<WorkloadEvent> thin;
  for (const WorkloadEvent& event : events) {
    if (!event.count || ++counted[event.machine] % every == 0) thin.push_back(event);
  }
  return thin;
}

void measure_ideal_cycle(Bench& bench) {
  const Options& o = bench.options;
  const Vocabulary words{o.cycle_machines};
  Plant plant = workload_plant(o.cycle_machines);
  const std::unique_ptr<Store> store = open_at(bench.folder / "cycle", plant, o.cycle_days);
  std::size_t events = 0;
  {
    const WorkloadEvents e = make_events(o.cycle_machines, o.cycle_days);
    const std::vector<WorkloadEvent> sent = thinned(e.events, o.cycle_machines, o.cycle_thin);
    send_events(*store, sent, words);
    events = sent.size();
  }
  for (Machine& machine : plant.machines) machine.ideal_cycle = std::chrono::seconds{31};
  bench.report.heading(fmt::format("Another ideal cycle of {} machines, {} days, {} events", o.cycle_machines,
                                   o.cycle_days, events));
  const auto begun = SteadyClock::now();
  const PlantChange change = need(store->set_plant(plant, std::nullopt, false));
  const double seconds = seconds_since(begun);
  need_that(change.sequence > 0, "nothing was changed");
  bench.report.add({"all sums right again", seconds, "s", at_most(seconds, 10)});
  bench.report.add({"events a second", static_cast<double>(events) / seconds / 1e6, "M/s", {}});
}

int run(const Options& options) {
  spdlog::set_level(spdlog::level::warn);
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  Bench bench{options, report, folder};
  measure_feeding(bench);
  measure_old_stop(bench);
  measure_ideal_cycle(bench);
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"The rollups on the events of the plant workload"};
  app.add_option("--data", options.folder, "Folder for the stores")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines of E")->capture_default_str();
  app.add_option("--days", options.days, "Days of E")->capture_default_str();
  app.add_option("--old-days", options.old_days, "Age of the stop that is re-classified")->capture_default_str();
  app.add_option("--cycle-machines", options.cycle_machines, "Machines whose ideal cycle changes")
      ->capture_default_str();
  app.add_option("--cycle-days", options.cycle_days, "Days that they have")->capture_default_str();
  app.add_option("--cycle-thin", options.cycle_thin, "Of so many counts one is fed there; 1: all of E")
      ->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
