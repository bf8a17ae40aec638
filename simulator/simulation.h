// A believable plant as a stream of events: the demo's data, the load of the benchmarks, the food of long tests.
#pragma once

#include "schema/event.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace takt {

struct SimulationOptions {
  std::size_t machines = 50;
  std::uint64_t seed = 1;
  Timestamp start{};                       ///< of the history; cut to whole seconds
  Duration readings_interval{60'000'000};  ///< of every tag; zero: no readings. At least a millisecond
};

/// The plant of plant_toml(machines, seed) at work: shifts, orders and changeovers, lines whose stops starve and
/// block their neighbours, failures with reasons told at once, later or never, scrap, wear, sensors, measurements,
/// energy.
///
/// The events are a function of the options alone, byte for byte, on every platform; how the time is cut into
/// calls of run_until() changes nothing, so a history that becomes live is one seamless run. Not thread-safe;
/// movable.
class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options);
  ~Simulation();
  Simulation(Simulation&&) noexcept;
  Simulation& operator=(Simulation&&) noexcept;

  /// Appends the events of all whole seconds from now() up to `until` to `batch`, which owns their strings. They
  /// come in the order in which they leave the machines: that of their time (`end` of cycles, `recorded_at` of
  /// classifications).
  void run_until(Timestamp until, EventBatch& batch);
  /// Where the next call goes on.
  Timestamp now() const;
  /// From now() on. Changes no other event, and no value that both intervals would read.
  void set_readings_interval(Duration interval);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace takt
