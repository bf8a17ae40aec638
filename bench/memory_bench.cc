// How much memory a plant needs: 50 machines and 7 days of the simulator's history in a server of its own process,
// as `takt serve` runs it (readings, rollups, SQLite export). Floor: under 500 MB.
//
// Measured twice, as they differ: after the history came in over HTTP, and after a restart on the same folder.
#include "bench/plant_load.h"
#include "bench/process_memory.h"
#include "bench/report.h"
#include "bench/scratch_folder.h"
#include "bench/service_under_test.h"
#include "schema/event_json.h"
#include "simulator/plant_model.h"
#include "simulator/simulation.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 1;
constexpr double kFloorMb = 500;
constexpr Duration kStep = std::chrono::minutes{10};
constexpr std::size_t kBodyEvents = 5'000;

struct Options {
  std::string folder = "data", json;
  std::size_t machines = 50;
  int days = 7;
};

/// A server in a child process. The parent has no threads when it forks, and keeps the simulation's memory to
/// itself.
class ServerProcess {
 public:
  ServerProcess(const ScratchFolder& folder, const std::string& plant, const Clock& clock) {
    std::array<int, 2> port{}, life{};
    need_that(pipe(port.data()) == 0 && pipe(life.data()) == 0, "no pipes are to be had");
    process_ = fork();
    need_that(process_ >= 0, "no process is to be had");
    if (process_ == 0) {
      close(port[0]), close(life[1]);
      serve(folder, plant, clock, port[1], life[0]);
    }
    close(port[1]), close(life[0]);
    life_ = life[1];
    std::array<char, 64> url{};
    need_that(read(port[0], url.data(), url.size() - 1) > 0, "the server did not start");
    close(port[0]);
    url_ = url.data();
  }
  ~ServerProcess() {
    close(life_);
    waitpid(process_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  HttpClient connect() const { return need(HttpClient::open(url_)); }
  /// A line of /proc/PID/status, such as "VmRSS" (what is resident) or "VmHWM" (the most that ever was), in MB.
  double megabytes(const std::string& name) const { return status_bytes(process_, name) / 1e6; }

 private:
  [[noreturn]] static void serve(const ScratchFolder& folder, const std::string& plant, const Clock& clock,
                                 int port, int life) {
    {
      const ServiceUnderTest server{folder.path(), plant, true, clock};
      const std::string url = server.url();
      need_that(write(port, url.data(), url.size()) == static_cast<ssize_t>(url.size()), "the parent is gone");
      char end = 0;
      while (read(life, &end, 1) > 0) continue;
    }
    _exit(0);  // the parent's objects are the parent's to take down
  }

  pid_t process_ = -1;
  int life_ = -1;
  std::string url_;
};

/// Sends the history piece by piece, so that neither side ever holds all of it as text.
std::size_t send_history(const Options& options, HttpClient client) {
  Simulation simulation{{options.machines, kSeed, kLoadBegin, std::chrono::minutes{1}}};
  const Timestamp end = kLoadBegin + std::chrono::days{options.days};
  Body body;
  std::size_t sent = 0;
  const auto send = [&] {
    const HttpReply reply = need(client.post("/v1/events", {body.text, "application/x-ndjson"}));
    need_that(member(reply.body, "accepted") == static_cast<std::int64_t>(body.events), reply.body.c_str());
    sent += body.events;
    body = {};
  };
  while (simulation.now() < end) {
    EventBatch batch;
    simulation.run_until(std::min(end, simulation.now() + kStep), batch);
    for (const Event& event : batch.events) {
      append_json(body.text, event);
      body.text += '\n';
      if (++body.events == kBodyEvents) send();
    }
  }
  if (body.events > 0) send();
  return sent;
}

double megabytes_in(const std::filesystem::path& folder) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes / 1e6;
}

void show_memory(Report& report, const ServerProcess& server, double events) {
  const double resident = server.megabytes("VmRSS");
  report.add({"resident", resident, "MB", resident < kFloorMb ? "floor 500 MB: kept" : "floor 500 MB: MISSED"});
  report.add({"the most that ever was", server.megabytes("VmHWM"), "MB", {}});
  report.add({"events to that", events / resident, "1/MB", {}});
}

int run(const Options& options) {
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  const FixedClock clock{kLoadBegin + std::chrono::days{options.days} + std::chrono::minutes{1}};
  double events = 0;
  {
    const ServerProcess server{folder, plant_toml(options.machines, kSeed), clock};
    report.heading(fmt::format("{} machines, {} days, after ingest over HTTP", options.machines, options.days));
    report.add({"resident when empty", server.megabytes("VmRSS"), "MB", {}});
    const auto begun = SteadyClock::now();
    events = static_cast<double>(send_history(options, server.connect()));
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
    report.add({"events", events, "events", {}});
    report.add({"simulated and taken in", events / seconds, "events/s", {}});
    HttpClient client = server.connect();
    need_that(need(client.post("/v1/export/run", {})).ok(), "the export failed");
    show_memory(report, server, events);
  }
  report.add({"on disk, SQLite included", megabytes_in(folder.path()), "MB", {}});
  report.add({"bytes on disk an event", megabytes_in(folder.path()) * 1e6 / events, "bytes", {}});
  const auto begun = SteadyClock::now();
  const ServerProcess server{folder, {}, clock};
  report.heading("After a restart");
  report.add({"until it serves", std::chrono::duration<double>(SteadyClock::now() - begun).count(), "s", {}});
  show_memory(report, server, events);
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"Memory of a server with a plant's history"};
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines")->capture_default_str();
  app.add_option("--days", options.days, "Days of history")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
