#include "cli/simulate.h"

#include "cli/server_access.h"
#include "cli/simulation_progress.h"
#include "cli/simulation_run.h"
#include "client/event_sender.h"
#include "schema/plant.h"
#include "simulator/plant_model.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace takt {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// As typed; times and lengths are read when the command runs, so that their errors are ours.
struct Arguments {
  std::size_t machines = 50;
  std::uint64_t seed = 1;
  double speed = 1, rate = 0;
  ServerAccess server;
  std::string output;
  std::string history = "0", from, until, state;
  bool live = false, no_live = false, replace_plant = false;
  std::string readings_interval = "5s", history_readings_interval = "60s";
  DeliveryOptions delivery;
};

std::atomic<bool> stop_requested{false};
void request_stop(int) { stop_requested = true; }

Result<Duration> length_or_zero(const std::string& text) {
  if (text == "0" || text == "0s") return Duration{0};
  return parse_duration(text);
}

Result<SimulationPlan> make_plan(const Arguments& arguments, Timestamp now) {
  const Result<Duration> history = length_or_zero(arguments.history);
  if (!history) return invalid("--history: " + history.error().context);
  const Result<Duration> live_readings = length_or_zero(arguments.readings_interval);
  if (!live_readings) return invalid("--readings-interval: " + live_readings.error().context);
  const Result<Duration> history_readings = length_or_zero(arguments.history_readings_interval);
  if (!history_readings) return invalid("--history-readings-interval: " + history_readings.error().context);
  const Result<Timestamp> from = arguments.from.empty() ? now - *history : parse_time(arguments.from);
  if (!from) return invalid("--from: " + from.error().context);
  const Result<Timestamp> until = arguments.until.empty() ? kEndOfTime : parse_time(arguments.until);
  if (!until) return invalid("--until: " + until.error().context);

  SimulationPlan plan;
  plan.machines = arguments.machines;
  plan.seed = arguments.seed;
  plan.live = arguments.live || (!arguments.no_live && arguments.output.empty() && arguments.until.empty());
  plan.joins_the_clock = arguments.from.empty();
  plan.until = !plan.live && arguments.until.empty() ? now : *until;
  plan.from = plan.send_from = std::chrono::floor<std::chrono::seconds>(*from);
  plan.fast_until = plan.live ? std::min(*from + *history, plan.until) : plan.until;
  plan.speed = arguments.speed;
  plan.rate = arguments.rate;
  plan.live_readings = *live_readings;
  plan.history_readings = *history_readings;
  plan.delivery = arguments.delivery;
  plan.progress_file = arguments.state;
  if (plan.until <= plan.from) return invalid("nothing to simulate: the end is not after the start");
  return plan;
}

/// With a --state of the same plant: the same simulation again, less what has been sent, up to now.
Result<bool> take_up_progress(SimulationPlan& plan, Timestamp now) {
  if (plan.progress_file.empty()) return false;
  const Result<std::optional<SimulationProgress>> found = load_progress(plan.progress_file);
  if (!found) return found.error();
  if (!*found) return false;
  const SimulationProgress& progress = **found;
  if (progress.machines != plan.machines || progress.seed != plan.seed) {
    return invalid(plan.progress_file + " is of other --machines or another --seed; remove it to begin anew");
  }
  plan.from = progress.from;
  plan.send_from = progress.sent_until;
  if (plan.joins_the_clock) plan.fast_until = std::min(now, plan.until);
  return true;
}

Result<std::unique_ptr<SimulationOutlet>> open_file(const Arguments& arguments) {
  if (arguments.output != "-") {
    const std::string file = arguments.output + ".plant.toml";
    std::ofstream plant{file, std::ios::binary};
    plant << plant_toml(arguments.machines, arguments.seed);
    if (!plant.flush()) return io_error(file + " cannot be written; choose another --output");
  }
  return file_outlet(arguments.output);
}

/// The server's plant, retried while a server that has just been started is not ready yet.
Result<HttpReply> get_plant(HttpClient& client) {
  const auto deadline = SteadyClock::now() + std::chrono::seconds{30};
  while (true) {
    Result<HttpReply> reply = client.get("/v1/plant", {{"Accept", "application/json"}});
    const bool not_yet = reply ? reply->status == 503 : reply.error().code == ErrorCode::unavailable;
    if (!not_yet || stop_requested || SteadyClock::now() > deadline) return reply;
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

Result<Plant> parse_reply(const HttpReply& reply) {
  const std::string_view type = reply.header("Content-Type").value_or("");
  if (type.find("json") != std::string_view::npos) return parse_plant_json(reply.body);
  return parse_plant_toml(reply.body, "the server's plant");
}

/// A server without any of our machines gets our plant; one that describes other machines keeps its own.
Result<bool> ensure_plant(HttpClient& client, const Arguments& arguments) {
  const Result<HttpReply> reply = get_plant(client);
  if (!reply) return reply.error();
  std::size_t known = 0, wanted = 0, others = 0;
  if (reply->ok()) {
    const Result<Plant> plant = parse_reply(*reply);
    if (!plant) return plant.error();
    for (const LineModel& line : plant_model(arguments.machines, arguments.seed).lines) {
      for (const MachineModel& machine : line.machines) {
        ++wanted;
        known += plant->machine(machine.id) != nullptr;
      }
    }
    others = plant->machines.size() - known;
  } else if (reply->status != 404) {
    return io_error(client.url() + "/v1/plant: " + problem_of(*reply));
  }
  if (known == wanted && wanted > 0 && !arguments.replace_plant) return false;
  if (known + others > 0 && !arguments.replace_plant) {
    return invalid(
        fmt::format("{} describes another plant; start it with an empty data folder, or let --replace-plant "
                    "put the simulated one in its place",
                    client.url()));
  }
  const std::string toml = plant_toml(arguments.machines, arguments.seed);
  const Result<HttpReply> put = client.put("/v1/plant", {toml, "application/toml"});
  if (!put) return put.error();
  if (!put->ok()) return io_error("the server refused the plant: " + problem_of(*put));
  return true;
}

Result<std::unique_ptr<SimulationOutlet>> open_server(const Arguments& arguments) {
  Result<HttpClient> client = connect_to(arguments.server);
  if (!client) return client.error();
  const Result<bool> ensured = ensure_plant(*client, arguments);
  if (!ensured) return ensured.error();
  EventSenderOptions options;
  options.stop = &stop_requested;
  return server_outlet(EventSender{std::move(*client), options});
}

Result<SendReceipt> simulate(const Arguments& arguments) {
  const Timestamp now = Clock::system().now();
  Result<SimulationPlan> plan = make_plan(arguments, now);
  if (!plan) return plan.error();
  const Result<bool> taken_up = take_up_progress(*plan, now);
  if (!taken_up) return taken_up.error();
  const auto outlet = arguments.output.empty() ? open_server(arguments) : open_file(arguments);
  if (!outlet) return outlet.error();
  return SimulationRun{*plan, **outlet, stop_requested}.whole();
}

int run(const Arguments& arguments) {
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  std::signal(SIGPIPE, SIG_IGN);
  const Result<SendReceipt> total = simulate(arguments);
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\n");
  if (!total) {
    fmt::print(stderr, "takt simulate: {}\n", total.error().context);
    return 1;
  }
  fmt::print(stderr, "{} accepted, {} duplicate, {} rejected\n", total->accepted, total->duplicate,
             total->rejected);
  if (!total->refusals.empty()) {
    fmt::print(stderr, "first rejected: {}: {}\n", total->refusals.front().code, total->refusals.front().message);
  }
  return total->rejected == 0 ? 0 : 1;
}

void add_options(CLI::App& command, Arguments& a) {
  const auto share = CLI::Range(0.0, 1.0);
  command.add_option("--machines", a.machines, "Number of machines")
      ->envname("TAKT_MACHINES")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--seed", a.seed, "The same seed gives the same events")
      ->envname("TAKT_SEED")
      ->capture_default_str();
  command.add_option("--speed", a.speed, "Simulated seconds a second, live")
      ->envname("TAKT_SPEED")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--server", a.server.url, "Server to send to (default http://127.0.0.1:8080)")
      ->envname("TAKT_SERVER");
  add_access_options(command, a.server);
  command
      .add_option("--output", a.output,
                  "Write NDJSON to this file (- for standard output) instead of to a server, and the plant to "
                  "FILE.plant.toml")
      ->envname("TAKT_OUTPUT");
  command.add_option("--history", a.history, "First send this much past, such as 7d, at full speed")
      ->envname("TAKT_HISTORY")
      ->capture_default_str();
  command.add_option("--from", a.from, "Begin at this time (default: now less --history)")->envname("TAKT_FROM");
  command.add_option("--until", a.until, "End at this time (default: now, or never if live)")
      ->envname("TAKT_UNTIL");
  auto* live = command.add_flag("--live", a.live, "Go on at --speed after the history (default with a server)")
                   ->envname("TAKT_LIVE");
  command.add_flag("--no-live", a.no_live, "End with the history; all of it at full speed")
      ->envname("TAKT_NO_LIVE")
      ->excludes(live);
  command.add_option("--readings-interval", a.readings_interval, "Interval of live readings; 0: none")
      ->envname("TAKT_READINGS_INTERVAL")
      ->capture_default_str();
  command
      .add_option("--history-readings-interval", a.history_readings_interval,
                  "Interval of the history's readings; 0: none")
      ->envname("TAKT_HISTORY_READINGS_INTERVAL")
      ->capture_default_str();
  command.add_option("--rate", a.rate, "At most this many events a second; 0: no limit")
      ->envname("TAKT_RATE")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--late", a.delivery.late, "Share of the events that arrive up to an hour late")
      ->envname("TAKT_LATE")
      ->check(share)
      ->capture_default_str();
  command.add_option("--duplicate", a.delivery.duplicate, "Share of the events that arrive twice")
      ->envname("TAKT_DUPLICATE")
      ->check(share)
      ->capture_default_str();
  command.add_flag("--shuffle", a.delivery.shuffle, "Events arrive in any order")->envname("TAKT_SHUFFLE");
  command
      .add_option("--state", a.state, "Keep the progress in this file; the next start with it goes on from there")
      ->envname("TAKT_STATE");
  command.add_flag("--replace-plant", a.replace_plant, "Replace the server's plant by the simulated one")
      ->envname("TAKT_REPLACE_PLANT");
}

}  // namespace

void add_simulate_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("simulate", "Send the events of a simulated plant to a server or a file");
  const auto arguments = std::make_shared<Arguments>();
  add_options(*command, *arguments);
  command->footer("Exit status: 0 done, 1 something failed or was rejected, 2 wrong usage.");
  command->callback([arguments, &exit_status] {
    if (arguments->server.url.empty())
      arguments->server.url = arguments->output.empty() ? "http://127.0.0.1:8080" : "";
    arguments->delivery.seed = arguments->seed;
    // A file without a past would be empty.
    if (!arguments->output.empty() && arguments->history == "0" && arguments->from.empty() &&
        arguments->until.empty()) {
      arguments->history = "1d";
    }
    exit_status = run(*arguments);
  });
}

}  // namespace takt
