#include "cli/simulation_run.h"

#include "cli/simulation_progress.h"
#include "schema/event_json.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace takt {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBatchEvents = 4'000;
constexpr Duration kStep = std::chrono::minutes{10};  // simulated at once: small in memory, enough for a batch
constexpr std::chrono::milliseconds kLivePause{200};
constexpr std::chrono::seconds kSaveEvery{2};

Timestamp sent_at(const Event& event) {
  if (event.type == EventType::classify) return event.recorded_at;
  return event.type == EventType::cycle ? event.end : event.at;
}

}  // namespace

struct SimulationRun::State {
  State(const SimulationPlan& given, SimulationOutlet& to, const std::atomic<bool>& flag)
      : plan(given),
        outlet(to),
        stop(flag),
        simulation({given.machines, given.seed, given.from, given.history_readings}),
        delivery(given.delivery) {}

  /// Each of these: true, or an error; stopping is no error.
  Result<bool> history();
  Result<bool> live();
  Result<bool> advance(Timestamp until);
  Result<bool> deliver(Timestamp until);
  Result<bool> end_line();
  Result<bool> send();
  Result<bool> save();
  bool more_until(Timestamp end) const { return !stop && simulation.now() + std::chrono::seconds{1} <= end; }
  void skip_what_was_sent();
  void keep_rate() const;
  void show_progress() const;

  const SimulationPlan& plan;
  SimulationOutlet& outlet;
  const std::atomic<bool>& stop;
  Simulation simulation;
  UnreliableDelivery delivery;
  std::string lines;
  std::size_t count = 0;
  std::uint64_t sent = 0;
  bool gave_up = false;  ///< stopped while the server was not taking more
  SendReceipt total;
  SteadyClock::time_point begun = SteadyClock::now(), saved = begun;
};

SimulationRun::SimulationRun(const SimulationPlan& plan, SimulationOutlet& outlet, const std::atomic<bool>& stop)
    : state_(std::make_unique<State>(plan, outlet, stop)) {}
SimulationRun::~SimulationRun() = default;

Result<SendReceipt> SimulationRun::whole() {
  State& state = *state_;
  state.skip_what_was_sent();
  // Even a run that is killed at once must be taken up again, not begun anew beside itself.
  Result<bool> done = state.save();
  if (done) done = state.history();
  if (done && state.plan.live) done = state.live();
  if (done) done = state.deliver(kEndOfTime);
  if (done) done = state.send();
  if (done) done = state.save();
  if (!done) return done.error();
  return state.total;
}

void SimulationRun::State::skip_what_was_sent() {
  while (!stop && simulation.now() < plan.send_from) {
    EventBatch sent_before;
    simulation.run_until(std::min(simulation.now() + kStep, plan.send_from), sent_before);
  }
}

Result<bool> SimulationRun::State::history() {
  while (more_until(plan.fast_until)) {
    const Result<bool> advanced = advance(std::min(simulation.now() + kStep, plan.fast_until));
    if (!advanced) return advanced;
  }
  return true;
}

Result<bool> SimulationRun::State::live() {
  simulation.set_readings_interval(plan.live_readings);
  const SteadyClock::time_point live_begun = plan.joins_the_clock ? begun : SteadyClock::now();
  const Timestamp anchor = plan.joins_the_clock ? plan.fast_until : simulation.now();
  while (more_until(plan.until)) {
    const std::chrono::duration<double> passed = SteadyClock::now() - live_begun;
    Timestamp target = anchor + std::chrono::duration_cast<Duration>(passed * plan.speed);
    if (outlet.follows_the_clock()) target = std::min(target, Clock::system().now());
    target = std::min({target, simulation.now() + kStep, plan.until});
    const bool behind = target == simulation.now() + kStep;
    const Result<bool> advanced = advance(target);
    if (!advanced) return advanced;
    if (!behind) std::this_thread::sleep_for(kLivePause);
  }
  return true;
}

Result<bool> SimulationRun::State::advance(Timestamp until) {
  EventBatch batch;
  simulation.run_until(until, batch);
  for (const Event& event : batch.events) {
    if (plan.delivery.in_order()) {
      append_json(lines, event);
      const Result<bool> ended = end_line();
      if (!ended) return ended;
      continue;
    }
    std::string line;
    append_json(line, event);
    delivery.add(sent_at(event), std::move(line));
  }
  show_progress();
  return deliver(simulation.now());
}

Result<bool> SimulationRun::State::deliver(Timestamp until) {
  for (const std::string& line : delivery.arrived(until)) {
    lines += line;
    const Result<bool> ended = end_line();
    if (!ended) return ended;
  }
  // History waits for full batches, or for its progress to be kept; live events are wanted now.
  const bool keep = SteadyClock::now() - saved >= kSaveEvery;
  if (simulation.now() < plan.fast_until && !keep) return true;
  const Result<bool> done = send();
  return done && keep ? save() : done;
}

Result<bool> SimulationRun::State::end_line() {
  lines += '\n';
  return ++count >= kBatchEvents ? send() : true;
}

Result<bool> SimulationRun::State::send() {
  if (count == 0 || gave_up) return true;
  keep_rate();
  const Result<SendReceipt> receipt = outlet.send(lines, count);
  gave_up = !receipt && stop;
  if (gave_up) return true;
  if (!receipt) return receipt.error();
  total.accepted += receipt->accepted;
  total.duplicate += receipt->duplicate;
  total.rejected += receipt->rejected;
  if (total.refusals.empty() && !receipt->refusals.empty()) total.refusals.push_back(receipt->refusals.front());
  sent += count;
  count = 0;
  lines.clear();
  return true;
}

Result<bool> SimulationRun::State::save() {
  saved = SteadyClock::now();
  // Unsent lines, or events held back by a late delivery, would be missing for ever.
  const bool all_sent = !gave_up && (plan.delivery.in_order() || stop || !more_until(plan.until));
  if (plan.progress_file.empty() || !all_sent || simulation.now() < plan.send_from) return true;
  return save_progress(plan.progress_file, {plan.machines, plan.seed, plan.from, simulation.now()});
}

void SimulationRun::State::keep_rate() const {
  if (plan.rate <= 0) return;
  const std::chrono::duration<double> due{static_cast<double>(sent) / plan.rate};
  while (!stop && SteadyClock::now() - begun < due) std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

void SimulationRun::State::show_progress() const {
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{}  {} events ", format_time(simulation.now()), sent);
}

}  // namespace takt
