// How long another ideal cycle takes to be in the past, and what it costs others meanwhile: 90 days of 200
// machines in three shifts. Goal: 10 s in the background, queries unaffected.
#include "bench/need.h"
#include "bench/report.h"
#include "bench/scratch_folder.h"
#include "engine/store.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <thread>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp kStart = from_micros(1'759'269'600'000'000);  // 2025-10-01T00:00 in Berlin

struct Options {
  std::string folder = "data", json;
  std::uint32_t machines = 200;
  int days = 90, stops_a_day = 24, counts_a_day = 96;
};

double ms_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

Plant plant_of(std::uint32_t machines, Duration cycle) {
  Plant plant;
  plant.timezone = "Europe/Berlin";
  for (std::uint32_t i = 0; i < machines; ++i) {
    Machine machine;
    machine.id = machine.name = "M" + std::to_string(i);
    machine.ideal_cycle = cycle;
    machine.minor_stop = minutes{5};
    plant.machines.push_back(machine);
  }
  for (const int from : {6, 14, 22}) {
    Shift& shift = plant.shifts.emplace_back();
    shift.id = shift.name = "from " + std::to_string(from);
    shift.start = hours{from}, shift.end = hours{(from + 8) % 24};
    shift.breaks = {{hours{(from + 4) % 24}, hours{(from + 4) % 24} + minutes{30}}};
  }
  return plant;
}

/// What happens to a machine on a day: stops of a few minutes, and counts.
void add_day(std::string_view machine, Timestamp day, const Options& options, EventBatch& batch) {
  const auto add = [&](EventType type, Timestamp at) -> Event& {
    Event& event = batch.events.emplace_back();
    event.type = type, event.machine = machine, event.at = at;
    return event;
  };
  for (int i = 0; i < options.stops_a_day; ++i) {
    const Timestamp t = day + i * Duration{hours{24}} / options.stops_a_day;
    add(EventType::state, t).state = "running";
    add(EventType::state, t + minutes{40} + seconds{i * 7}).state = "down";
  }
  for (int i = 0; i < options.counts_a_day; ++i) {
    Event& event = add(EventType::count, day + i * Duration{hours{24}} / options.counts_a_day + seconds{3});
    event.good = 400, event.product = i % 2 == 0 ? "X" : "Y";
  }
}

std::size_t fill(Store& store, const Plant& plant, const Options& options) {
  std::size_t events = 0;
  for (int day = 0; day < options.days; ++day) {
    for (std::size_t first = 0; first < plant.machines.size(); first += 50) {
      EventBatch batch;
      for (std::size_t m = first; m < std::min(first + 50, plant.machines.size()); ++m)
        add_day(plant.machines[m].id, kStart + day * hours{24}, options, batch);
      events += batch.events.size();
      need(store.commit(std::move(batch), "bench"));
    }
  }
  return events;
}

/// Does something over and over, and remembers the longest that it took.
class Repeated {
 public:
  template <class Work>
  explicit Repeated(Work work)
      : thread_([this, work]() mutable {
          for (std::uint64_t i = 0; !done_; ++i) {
            const auto began = SteadyClock::now();
            work(i);
            longest_ms_ = std::max(longest_ms_, ms_since(began));
            ++times_;
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
          }
        }) {}
  std::pair<double, std::uint64_t> end() {
    done_ = true;
    thread_.join();
    return {longest_ms_, times_};
  }

 private:
  std::atomic<bool> done_{false};
  double longest_ms_ = 0;
  std::uint64_t times_ = 0;
  std::thread thread_;
};

struct Measured {
  double took_ms, query_ms, commit_ms;
  std::uint64_t queries, commits;
};

/// `work`, while others ask for the last hour of a machine, and commit an event of one.
template <class Work>
Measured beside_others(Store& store, const Options& options, Work work) {
  const Timestamp end = kStart + options.days * hours{24};
  Repeated query{[&](std::uint64_t i) {
    const StoreView view = store.read();
    const MachineRecord& record = view.machine(MachineId{static_cast<std::uint32_t>(i % options.machines)});
    need_that(record.account({end - hours{1}, end}, end).good >= 0, "a query answered nonsense");
  }};
  Repeated commit{[&, name = std::string{}](std::uint64_t i) mutable {
    name = "M" + std::to_string(i % options.machines);
    EventBatch batch;
    Event& event = batch.events.emplace_back();
    event.type = EventType::count, event.machine = name, event.good = 1;
    event.at = end - hours{1} + std::chrono::milliseconds{i};
    need(store.commit(std::move(batch), "bench"));
  }};
  const auto began = SteadyClock::now();
  work();
  const double took = ms_since(began);
  const auto [query_ms, queries] = query.end();
  const auto [commit_ms, commits] = commit.end();
  return {took, query_ms, commit_ms, queries, commits};
}

int run(const Options& options) {
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  const auto store = need(Store::open(folder.path() / "store", {}));
  const Plant plant = plant_of(options.machines, seconds{1});
  need(store->set_plant(plant, std::nullopt, false));
  const std::size_t events = fill(*store, plant, options);
  report.heading(fmt::format("{} machines, {} days, {} events", options.machines, options.days, events));
  const auto tell = [&](const char* what, const Measured& m) {
    report.add({fmt::format("{}: total", what), m.took_ms / 1000, "s", {}});
    report.add({fmt::format("{}: longest query of {}", what, m.queries), m.query_ms, "ms", {}});
    report.add({fmt::format("{}: longest commit of {}", what, m.commits), m.commit_ms, "ms", {}});
  };
  tell("nothing", beside_others(*store, options, [] { std::this_thread::sleep_for(seconds{2}); }));
  const auto change = [&](const Plant& next) {
    const auto changed = need(store->set_plant(next, std::nullopt, false));
    need_that(changed.machines_recomputed == options.machines, "machines were left out");
  };
  Plant slower = plant_of(options.machines, seconds{2});
  tell("ideal cycle", beside_others(*store, options, [&] { change(slower); }));
  for (Machine& machine : slower.machines) machine.minor_stop = minutes{10};
  for (Shift& shift : slower.shifts) shift.breaks.clear();
  tell("breaks and minor stops", beside_others(*store, options, [&] { change(slower); }));
  const StoreView view = store->read();
  for (std::uint32_t i = 0; i < options.machines; i += 40)
    need_that(!view.machine(MachineId{i}).check(), "figures are not what their events say");
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"How long a change of the plant takes, and what it costs others meanwhile"};
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines")->capture_default_str();
  app.add_option("--days", options.days, "Days of events")->capture_default_str();
  app.add_option("--stops", options.stops_a_day, "Stops of a machine and day")->capture_default_str();
  app.add_option("--counts", options.counts_a_day, "Counts of a machine and day")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
