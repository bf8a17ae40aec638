// How many events a second become durable over HTTP, on the loopback into a whole server in this process, client
// and server on the same cores: NDJSON of the simulated plant, and T of the plant workload as line protocol.
//
// Every request waits for its answer, which comes after the fsync; what counts is events in answers that accepted
// all of them. Beside each figure stand this machine's probes of the same run.
#include "bench/plant_load.h"
#include "bench/probes.h"
#include "bench/report.h"
#include "bench/samples.h"
#include "bench/scratch_folder.h"
#include "bench/service_under_test.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <ctime>
#include <thread>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Goal {
  double floor, goal;  // events a second
};
constexpr Goal kNdjson{200'000, 500'000}, kLines{300'000, 1'000'000};

struct Options {
  std::string folder = "data", json;
  std::vector<std::size_t> connections{1, 4}, body_events{1'000, 5'000};
  std::size_t events = 500'000, machines = 50;
  int repetitions = 3;
  bool warehouse = false;
  std::string format = "both";
};

/// One run of a load against a new server.
struct Run {
  double seconds = 0, cpu_s = 0, client_cpu_s = 0;
  std::vector<double> answer_ms;
};

double cpu_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Sends all bodies, one after the other; the time of each answer. Ends the program if an event is not accepted.
std::vector<double> send_all(HttpClient& client, const PlantLoad& load, const std::vector<Body>& bodies) {
  std::vector<double> answer_ms;
  answer_ms.reserve(bodies.size());
  for (const Body& body : bodies) {
    const auto begun = SteadyClock::now();
    const HttpReply reply = need(client.post(load.path, {body.text, load.media_type}));
    answer_ms.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begun).count());
    const bool all =
        reply.status == 204 || member(reply.body, "accepted") == static_cast<std::int64_t>(body.events);
    need_that(reply.status < 300 && all, ("not all events were accepted: " + reply.body.substr(0, 500)).c_str());
  }
  return answer_ms;
}

Run run_once(const Options& options, const PlantLoad& load, const ScratchFolder& folder) {
  const FixedClock clock{kLoadBegin + std::chrono::days{365}};
  const ServiceUnderTest server{folder.path(), load.plant, options.warehouse, clock};
  std::vector<Run> each(load.connections.size());
  std::vector<std::thread> senders;
  const double cpu_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const auto begun = SteadyClock::now();
  for (std::size_t i = 0; i < each.size(); ++i) {
    senders.emplace_back([&, i] {
      HttpClient client = server.connect();
      each[i].answer_ms = send_all(client, load, load.connections[i]);
      each[i].client_cpu_s = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    });
  }
  for (std::thread& sender : senders) sender.join();
  Run run;
  run.seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  run.cpu_s = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
  for (const Run& one : each) {
    run.client_cpu_s += one.client_cpu_s;
    run.answer_ms.insert(run.answer_ms.end(), one.answer_ms.begin(), one.answer_ms.end());
  }
  return run;
}

/// All repetitions of one load.
struct Repetitions {
  std::vector<double> rates, cpu_us, client_share, answer_ms, syncs, writes;
};

/// Before and after every run: a disk's mood changes within a minute.
void probe_disk(const PlantLoad& load, const ScratchFolder& folder, Repetitions& all) {
  all.syncs.push_back(need(synced_appends_per_s(folder.path())));
  all.writes.push_back(need(sequential_write_bytes_per_s(folder.path(), load.bytes)));
}

Repetitions repeat(const Options& options, const PlantLoad& load) {
  Repetitions all;
  const auto events = static_cast<double>(load.events);
  for (int i = 0; i < options.repetitions; ++i) {
    const ScratchFolder folder = need(ScratchFolder::make(options.folder));
    probe_disk(load, folder, all);
    const Run run = run_once(options, load, folder);
    probe_disk(load, folder, all);
    all.rates.push_back(events / run.seconds);
    all.cpu_us.push_back(run.cpu_s * 1e6 / events);
    all.client_share.push_back(run.client_cpu_s / run.cpu_s);
    all.answer_ms.insert(all.answer_ms.end(), run.answer_ms.begin(), run.answer_ms.end());
  }
  return all;
}

void show(Report& report, const PlantLoad& load, const Goal& goal, const Repetitions& all, double memcpy_rate) {
  const double rate = median(all.rates);
  const double bytes_per_s = rate * static_cast<double>(load.bytes) / static_cast<double>(load.events);
  std::size_t requests = 0;
  for (const auto& bodies : load.connections) requests += bodies.size();
  const double answers_per_s = rate * static_cast<double>(requests) / static_cast<double>(load.events);
  report.add({"events accepted, median", rate, "events/s",
              fmt::format("floor {:.0f}: {}, {}", goal.floor, rate >= goal.floor ? "kept" : "MISSED",
                          at_least(rate, goal.goal))});
  report.add({"slowest repetition", percentile(all.rates, 0), "events/s", {}});
  report.add({"time to an answer, p50", percentile(all.answer_ms, 0.5), "ms", {}});
  report.add({"time to an answer, p99", percentile(all.answer_ms, 0.99), "ms", {}});
  report.add({"processor time an event, client too", median(all.cpu_us), "us", {}});
  report.add({"of it the client's", 100 * median(all.client_share), "%", {}});
  report.add({"probe: 4 KiB append + fdatasync", median(all.syncs), "1/s", {}});
  report.add({"the same, slowest and fastest of the probes", percentile(all.syncs, 0), "1/s",
              fmt::format("to {:.0f}", percentile(all.syncs, 1))});
  report.add({"answers a second to the median", answers_per_s / median(all.syncs), "x", {}});
  report.add({"probe: write + fsync of the same bytes", median(all.writes) / 1e6, "MB/s", {}});
  report.add({"bodies accepted to that", bytes_per_s / median(all.writes), "x", {}});
  report.add({"probe: memcpy of the same bytes", memcpy_rate / 1e6, "MB/s", {}});
  report.add({"bodies accepted to that", bytes_per_s / memcpy_rate, "x", {}});
}

void run(Report& report, const Options& options, std::string_view format, const Goal& goal,
         PlantLoad (*make)(const PlantLoadOptions&)) {
  for (const std::size_t connections : options.connections) {
    for (const std::size_t body_events : options.body_events) {
      const PlantLoad load = make({options.machines, options.events, connections, body_events});
      report.heading(fmt::format("{}, {} connection{}, {} events a body{}: {} events, {:.0f} bytes each ({})",
                                 format, connections, connections == 1 ? "" : "s", body_events,
                                 options.warehouse ? ", SQLite export running" : "", load.events,
                                 static_cast<double>(load.bytes) / static_cast<double>(load.events), load.mix()));
      show(report, load, goal, repeat(options, load), memcpy_bytes_per_s(load.bytes));
    }
  }
}

int run(const Options& options) {
  Report report{options.json};
  if (options.format != "lines") run(report, options, "NDJSON", kNdjson, plant_load);
  if (options.format != "ndjson") run(report, options, "line protocol", kLines, line_load);
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"Durable events over HTTP on the loopback"};
  app.add_option("--data", options.folder, "Folder on the disk to be measured")->capture_default_str();
  app.add_option("--connections", options.connections, "Connections that send at once")->capture_default_str();
  app.add_option("--body-events", options.body_events, "Events of a request")->capture_default_str();
  app.add_option("--events", options.events, "Events of a repetition")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines that they are of")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "Each on a new, empty server")->capture_default_str();
  app.add_flag("--warehouse", options.warehouse,
               "Export to SQLite meanwhile, as `takt serve` does unless told not to");
  app.add_option("--format", options.format, "What is sent: ndjson, lines or both")
      ->check(CLI::IsMember({"ndjson", "lines", "both"}))
      ->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
