// One run of the simulated plant: history at full speed, then life at its own pace.
#pragma once

#include "cli/simulation_outlet.h"
#include "simulator/simulation.h"
#include "simulator/unreliable_delivery.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace takt {

struct SimulationPlan {
  std::size_t machines = 50;
  std::uint64_t seed = 1;
  Timestamp from{};              ///< where simulated time begins
  Timestamp send_from{};         ///< what comes before it has been sent by an earlier run
  Timestamp fast_until{};        ///< up to here at full speed
  Timestamp until = kEndOfTime;  ///< and with `live` up to here at `speed`
  bool live = false;
  bool joins_the_clock = true;  ///< live time is the wall clock's, not `fast_until` and what has passed since
  double speed = 1;             ///< simulated seconds a second
  double rate = 0;              ///< at most this many events a second; 0: no limit
  Duration history_readings{0}, live_readings{0};
  DeliveryOptions delivery;
  std::string progress_file;  ///< empty: none kept
};

class SimulationRun {
 public:
  /// `stop` ends the run at the next opportunity. Borrowed, as the plan and the outlet are.
  SimulationRun(const SimulationPlan& plan, SimulationOutlet& outlet, const std::atomic<bool>& stop);
  ~SimulationRun();

  /// To the plan's end, or until stopped. The sum of all receipts, with the first refusal.
  Result<SendReceipt> whole();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace takt
