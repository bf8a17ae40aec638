#include "simulator/simulated_line.h"

#include <fmt/format.h>

#include <algorithm>

namespace takt {
namespace {

// A machine that ran dry or full waits until it is worth starting again, as an operator would.
constexpr std::int64_t kRestartPieces = 3;
// Planners know that a line does not run all the time.
constexpr double kPlannedShareOfTime = 0.78;

double bottleneck_cycle(const LineModel& line, std::size_t product) {
  double slowest = 0;
  for (const MachineModel& machine : line.machines) slowest = std::max(slowest, machine.ideal_cycle_s[product]);
  return slowest;
}

Timestamp at_second(Second second) { return from_micros(second * 1'000'000); }

}  // namespace

SimulatedLine::SimulatedLine(const LineModel& line, const PlantModel& plant, std::uint64_t seed, Second start)
    : line_(&line), plant_(&plant), random_(seed), start_(start) {
  machines_.reserve(line.machines.size());
  for (const MachineModel& machine : line.machines) {
    machines_.emplace_back(machine, line, plant, mix(seed, machines_.size() + 1));
  }
}

void SimulatedLine::step(Second now, Duty duty, Outbox& out) {
  if (orders_.empty()) begin(now, duty, out);
  // From the end of the line, so that room made in this second is seen in this second.
  for (std::size_t i = machines_.size(); i-- > 0;) step_machine(i, now, duty, out);
  for (SimulatedMachine& machine : machines_) machine.report(now, out);
}

void SimulatedLine::begin(Second now, Duty duty, Outbox& out) {
  add_order(now, out);
  add_order(now, out);
  for (SimulatedMachine& machine : machines_) machine.begin(now, duty, orders_.front(), out);
}

void SimulatedLine::step_machine(std::size_t i, Second now, Duty duty, Outbox& out) {
  SimulatedMachine& machine = machines_[i];
  if (machine.changed_in(now)) return;
  machine.live_on(now, duty, out);
  if (machine.changed_in(now)) return;
  switch (machine.activity()) {
    case Activity::running:
      return produce(i, now, out);
    case Activity::starved:
    case Activity::blocked:
      if (order_ended(i)) return next_order(i, now, out);
      if (ready_again(i)) machine.resume(now, out);
      return;
    default:
      return;
  }
}

void SimulatedLine::produce(std::size_t i, Second now, Outbox& out) {
  SimulatedMachine& machine = machines_[i];
  if (!machine.has_piece()) {
    if (order_ended(i)) return next_order(i, now, out);
    if (!may_take(i)) return machine.wait(now, Activity::starved, out);
    machine.take_piece(now);
  }
  if (!machine.piece_done()) machine.work();
  if (!machine.piece_done()) return;
  if (!has_room_after(i, 1)) return machine.wait(now, Activity::blocked, out);
  const bool goes_on = machine.finish_piece(now, out);
  if (goes_on && i + 1 < machines_.size()) machines_[i + 1].receive(machine.order());
}

void SimulatedLine::next_order(std::size_t i, Second now, Outbox& out) {
  // A buffer holds pieces of two orders at most, so nobody runs two orders ahead of the next machine.
  const std::size_t order = machines_[i].order();
  if (i + 1 < machines_.size() && machines_[i + 1].order() < order)
    return machines_[i].wait(now, Activity::blocked, out);
  if (order + 2 >= orders_.size()) add_order(now, out);
  machines_[i].change_order(now, orders_[order + 1], out);
}

void SimulatedLine::add_order(Second now, Outbox& out) {
  SimulatedOrder order;
  // Numbers count from the start's ten-minute slot since the epoch, so that a later simulation has others.
  order.id = fmt::format("{}-{}", line_->id, start_ / 600 + static_cast<Second>(orders_.size()));
  order.product = random_.next() % plant_->products.size();
  const auto seconds = static_cast<Second>(random_.between(2.5, 9) * 3600);
  const double pieces =
      static_cast<double>(seconds) * kPlannedShareOfTime / bottleneck_cycle(*line_, order.product);
  order.pieces = std::max<std::int64_t>(static_cast<std::int64_t>(pieces) / 10 * 10, 10);
  order.planned_start = orders_.empty() ? at_second(now) : orders_.back().planned_end;
  order.planned_end = at_second(after_work(micros(order.planned_start) / 1'000'000, seconds));
  orders_.push_back(order);
  for (const SimulatedMachine& machine : machines_) machine.plan(now, orders_.back(), out);
}

bool SimulatedLine::may_take(std::size_t i) const {
  const SimulatedMachine& machine = machines_[i];
  return i == 0 ? machine.started() < orders_[machine.order()].pieces : machine.waiting() > 0;
}

bool SimulatedLine::order_ended(std::size_t i) const {
  const SimulatedMachine& machine = machines_[i];
  if (machine.has_piece() || may_take(i)) return false;
  return i == 0 || machines_[i - 1].order() > machine.order();
}

bool SimulatedLine::ready_again(std::size_t i) const {
  const SimulatedMachine& machine = machines_[i];
  if (machine.activity() == Activity::blocked) return has_room_after(i, kRestartPieces);
  const bool no_more_to_come = machines_[i - 1].order() > machine.order();
  return machine.waiting() >= kRestartPieces || (no_more_to_come && machine.waiting() > 0);
}

bool SimulatedLine::has_room_after(std::size_t i, std::int64_t pieces) const {
  return i + 1 == machines_.size() || machines_[i + 1].room() >= pieces;
}

}  // namespace takt
