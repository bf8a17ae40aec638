// How many readings a second become durable over the binary protocol: T of the plant workload from a producer with
// its spool into a whole server in this process, over the loopback, client and server on the same cores.
//
// A frame counts when it is acknowledged, which is after the fsync. The producer lets so many frames be on their
// way and measures each from being spooled to being acknowledged. Beside each figure stand this machine's probes.
#include "bench/plant_load.h"
#include "bench/probes.h"
#include "bench/report.h"
#include "bench/samples.h"
#include "bench/scratch_folder.h"
#include "bench/service_under_test.h"
#include "bench/workload.h"
#include "client/producer.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <thread>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{60};

struct Options {
  std::string folder = "data", json;
  std::uint32_t machines = 200;
  int seconds = 5000, repetitions = 3;
};

struct Setting {
  std::size_t rows, window, readings;
  double floor, goal;  // readings a second; 0: none
};

struct Columns {
  std::vector<std::uint32_t> of;
  std::vector<std::int64_t> at;
  std::vector<double> number;
  std::vector<std::int32_t> quality;
};

Columns columns_of_t(const Options& options) {
  Columns t;
  make_readings(options.machines, options.seconds, [&](const WorkloadReading& r) {
    t.of.push_back((r.machine - 1) * kWorkloadTags + r.tag - 1);
    t.at.push_back(r.at);
    t.number.push_back(r.value);
    t.quality.push_back(r.quality);
  });
  return t;
}

struct Run {
  double rate = 0;
  std::vector<double> answer_ms;
};

/// When frames were acknowledged, seen from outside.
class AckWatch {
 public:
  AckWatch(client::Producer& producer, std::size_t frames) : producer_(producer), acknowledged_(frames + 1) {
    thread_ = std::thread{[this] { watch(); }};
  }
  std::vector<SteadyClock::time_point> finish() {
    thread_.join();
    return std::move(acknowledged_);
  }

 private:
  void watch() {
    for (std::uint64_t next = 1; next < acknowledged_.size();) {
      need_that(producer_.wait_until_acknowledged(next, kPatience), "a frame was not acknowledged");
      const auto now = SteadyClock::now();
      const std::uint64_t reached = producer_.report().acknowledged_sequence;
      while (next <= reached && next < acknowledged_.size()) acknowledged_[next++] = now;
    }
  }

  client::Producer& producer_;
  std::vector<SteadyClock::time_point> acknowledged_;
  std::thread thread_;
};

Run run_once(const Options& options, const Setting& setting, const Columns& t) {
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  const FixedClock clock{from_micros(kReadingsBegin) + std::chrono::days{1}};
  const ServiceUnderTest server{folder.path(), workload_plant_toml(options.machines), false, clock};
  client::ProducerOptions producer_options;
  producer_options.server = server.tcp_address();
  producer_options.spool.folder = folder.path() / "spool";
  const auto producer = need(client::Producer::open(std::move(producer_options)));
  for (std::uint32_t m = 1; m <= options.machines; ++m) {
    for (std::uint16_t tag = 1; tag <= kWorkloadTags; ++tag)
      producer->number(workload_machine(m), fmt::format("t{}", tag));
  }
  const std::size_t rows = std::min(setting.readings, t.at.size());
  const std::size_t frames = (rows + setting.rows - 1) / setting.rows;
  std::vector<SteadyClock::time_point> sent(frames + 1);
  const auto begun = SteadyClock::now();
  AckWatch watch{*producer, frames};
  for (std::size_t frame = 1; frame <= frames; ++frame) {
    if (frame > setting.window)
      need_that(producer->wait_until_acknowledged(frame - setting.window, kPatience),
                "a frame was not acknowledged");
    const std::size_t first = (frame - 1) * setting.rows;
    const std::size_t count = std::min(setting.rows, rows - first);
    sent[frame] = SteadyClock::now();
    need(producer->send(client::ReadingColumns{{t.of.data() + first, count},
                                               {t.at.data() + first, count},
                                               {t.number.data() + first, count},
                                               {t.quality.data() + first, count}}));
  }
  const auto acknowledged = watch.finish();
  Run run;
  run.rate = static_cast<double>(rows) / std::chrono::duration<double>(acknowledged[frames] - begun).count();
  for (std::size_t frame = 1; frame <= frames; ++frame)
    run.answer_ms.push_back(std::chrono::duration<double, std::milli>(acknowledged[frame] - sent[frame]).count());
  const client::ProducerReport report = producer->report();
  need_that(report.accepted == rows, "not all readings were accepted");
  return run;
}

void show(Report& report, const Options& options, const Setting& setting, const Columns& t) {
  report.heading(fmt::format("{} readings a frame, {} frame{} on their way", setting.rows, setting.window,
                             setting.window == 1 ? "" : "s"));
  std::vector<double> rates, syncs, answers;
  for (int i = 0; i < options.repetitions; ++i) {
    const ScratchFolder folder = need(ScratchFolder::make(options.folder));
    syncs.push_back(need(synced_appends_per_s(folder.path())));
    Run run = run_once(options, setting, t);
    rates.push_back(run.rate);
    answers.insert(answers.end(), run.answer_ms.begin(), run.answer_ms.end());
  }
  const double rate = median(rates);
  report.add(
      {"readings durable, median", rate / 1e6, "M/s",
       setting.goal > 0 ? at_least(rate / 1e6, setting.goal) + fmt::format(", floor {}", setting.floor) : ""});
  report.add({"slowest repetition", percentile(rates, 0) / 1e6, "M/s", {}});
  report.add({"spooled to acknowledged, p50", median(answers), "ms", {}});
  report.add({"the same, p99", percentile(answers, 0.99), "ms",
              setting.window > 1 ? at_most(percentile(answers, 0.99), 10) : ""});
  report.add({"probe: 4 KiB append + fdatasync", 1000 / median(syncs), "ms", {}});
  report.add({"p50 to that", median(answers) / (1000 / median(syncs)), "x", {}});
}

int run(const Options& options) {
  Report report{options.json};
  const Columns t = columns_of_t(options);
  const std::size_t all = t.at.size();
  show(report, options, {1000, 32, all, 2, 5}, t);
  show(report, options, {1000, 1, all / 10, 0, 0}, t);
  show(report, options, {16, 32, all / 4, 0.3, 1}, t);
  show(report, options, {16, 1, all / 1000, 0, 0}, t);
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"Durable readings over the binary protocol on the loopback"};
  app.add_option("--data", options.folder, "Folder on the disk to be measured")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines of T")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Seconds of T")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "Each on a new, empty server")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
