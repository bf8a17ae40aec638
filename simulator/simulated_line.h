// A line: machines in a row with small buffers between them, all working through the same orders.
#pragma once

#include "simulator/simulated_machine.h"

#include <deque>
#include <string>
#include <vector>

namespace takt {

class SimulatedLine {
 public:
  /// `line` and `plant` are borrowed and outlive this.
  SimulatedLine(const LineModel& line, const PlantModel& plant, std::uint64_t seed, Second start);

  /// One second of every machine. A stop upstream starves those after it, a stop downstream blocks those before
  /// it.
  void step(Second now, Duty duty, Outbox& out);

  const std::vector<SimulatedMachine>& machines() const { return machines_; }

 private:
  void begin(Second now, Duty duty, Outbox& out);
  void step_machine(std::size_t i, Second now, Duty duty, Outbox& out);
  void produce(std::size_t i, Second now, Outbox& out);
  void next_order(std::size_t i, Second now, Outbox& out);
  void add_order(Second now, Outbox& out);
  bool may_take(std::size_t i) const;
  bool order_ended(std::size_t i) const;
  bool ready_again(std::size_t i) const;
  bool has_room_after(std::size_t i, std::int64_t pieces) const;

  const LineModel* line_;
  const PlantModel* plant_;
  Random random_;
  Second start_;
  std::deque<SimulatedOrder> orders_;  ///< a deque: machines keep references
  std::vector<SimulatedMachine> machines_;
};

}  // namespace takt
