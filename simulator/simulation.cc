#include "simulator/simulation.h"

#include "simulator/plant_model.h"
#include "simulator/simulated_line.h"

#include <utility>
#include <vector>

namespace takt {
namespace {

constexpr std::int64_t kMicros = 1'000'000;

Second second_of(Timestamp t) { return micros(std::chrono::floor<std::chrono::seconds>(t)) / kMicros; }

}  // namespace

struct Simulation::State {
  SimulationOptions options;
  PlantModel plant;
  std::vector<SimulatedLine> lines;
  Second now = 0;

  void tell_readings(Outbox& out) const;
  void tell_readings_of(const SimulatedMachine& machine, std::size_t index, Outbox& out) const;
};

Simulation::Simulation(const SimulationOptions& options) : state_(std::make_unique<State>()) {
  state_->options = options;
  state_->plant = plant_model(options.machines, options.seed);
  state_->now = second_of(options.start);
  for (const LineModel& line : state_->plant.lines) {
    const std::uint64_t seed = mix(options.seed, state_->lines.size() + 0x6C696E65);
    state_->lines.emplace_back(line, state_->plant, seed, state_->now);
  }
}

Simulation::~Simulation() = default;
Simulation::Simulation(Simulation&&) noexcept = default;
Simulation& Simulation::operator=(Simulation&&) noexcept = default;

void Simulation::run_until(Timestamp until, EventBatch& batch) {
  Outbox out{batch};
  for (const Second end = second_of(until); state_->now < end; ++state_->now) {
    const Duty duty = duty_at(state_->now);
    for (SimulatedLine& line : state_->lines) line.step(state_->now, duty, out);
    if (state_->options.readings_interval > Duration::zero()) state_->tell_readings(out);
    out.flush();
  }
}

Timestamp Simulation::now() const { return from_micros(state_->now * kMicros); }

void Simulation::set_readings_interval(Duration interval) { state_->options.readings_interval = interval; }

void Simulation::State::tell_readings(Outbox& out) const {
  std::size_t index = 0;
  for (const SimulatedLine& line : lines) {
    for (const SimulatedMachine& machine : line.machines()) tell_readings_of(machine, index++, out);
  }
}

void Simulation::State::tell_readings_of(const SimulatedMachine& machine, std::size_t index, Outbox& out) const {
  // Multiples of the interval since the epoch, each machine a little later than the one before it.
  const std::int64_t interval = options.readings_interval.count();
  const std::int64_t phase = static_cast<std::int64_t>(index) * 137'000 % interval;
  const std::int64_t begin = now * kMicros, end = begin + kMicros;
  const std::int64_t first = (begin - phase + interval - 1) / interval * interval + phase;
  for (std::int64_t at = first; at < end; at += interval) {
    for (std::size_t tag = 0; tag < kSensorTags.size(); ++tag) {
      Event reading;
      reading.type = EventType::reading;
      reading.machine = machine.model().id;
      reading.at = from_micros(at);
      reading.tag = kSensorTags[tag];
      reading.value = {Value::Kind::number, machine.sensors().value(tag, at), {}};
      out.add(reading.at, reading);
    }
  }
}

}  // namespace takt
