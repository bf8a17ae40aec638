#include "bench/plant_load.h"

#include "bench/workload.h"
#include "schema/event_json.h"
#include "simulator/plant_model.h"
#include "simulator/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace takt::bench {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr Duration kStep = std::chrono::minutes{10};

class Packer {
 public:
  using Append = void (*)(std::string& text, const Event& event);
  Packer(const PlantLoadOptions& options, Append append_event) : append(append_event), options_(options) {
    load_.connections.resize(options.connections);
  }

  bool full() const { return load_.events == options_.events; }
  void take(const Event& event) {
    std::vector<Body>& bodies = load_.connections[connection_of(event.machine)];
    if (bodies.empty() || bodies.back().events == options_.body_events) bodies.emplace_back();
    Body& body = bodies.back();
    const std::size_t before = body.text.size();
    append(body.text, event);
    body.text += '\n';
    ++body.events, ++load_.events, ++load_.by_type[static_cast<std::size_t>(event.type)];
    load_.bytes += body.text.size() - before;
  }
  PlantLoad take_load() { return std::move(load_); }

 private:
  std::size_t connection_of(std::string_view machine) {
    const auto at = numbers_.try_emplace(std::string{machine}, numbers_.size()).first;
    return at->second % options_.connections;
  }

  Append append;
  PlantLoadOptions options_;
  std::map<std::string, std::size_t> numbers_;
  PlantLoad load_;
};

}  // namespace

std::string PlantLoad::mix() const {
  std::vector<std::size_t> types(kEventTypes);
  for (std::size_t i = 0; i < kEventTypes; ++i) types[i] = i;
  std::sort(types.begin(), types.end(), [this](auto a, auto b) { return by_type[a] > by_type[b]; });
  std::string text;
  for (const std::size_t type : types) {
    const double share = 100.0 * static_cast<double>(by_type[type]) / static_cast<double>(events);
    text += fmt::format("{}{} {:.1f} %", text.empty() ? "" : ", ", name_of(static_cast<EventType>(type)), share);
  }
  return text;
}

PlantLoad plant_load(const PlantLoadOptions& options) {
  Packer packer{options, append_json};
  Simulation simulation{{options.machines, kSeed, kLoadBegin, std::chrono::minutes{1}}};
  while (!packer.full()) {
    EventBatch batch;
    simulation.run_until(simulation.now() + kStep, batch);
    for (const Event& event : batch.events) {
      if (!packer.full()) packer.take(event);
    }
  }
  PlantLoad load = packer.take_load();
  load.plant = plant_toml(options.machines, kSeed);
  return load;
}

PlantLoad line_load(const PlantLoadOptions& options) {
  Packer packer{options, [](std::string& text, const Event& reading) {
                  fmt::format_to(std::back_inserter(text), "reading,machine={} {}={} {}000", reading.machine,
                                 reading.tag, reading.value.number, micros(reading.at));
                }};
  const auto machines = static_cast<std::uint32_t>(options.machines);
  const auto seconds = static_cast<int>(options.events / (options.machines * kWorkloadTags)) + 60;
  make_readings(machines, seconds, [&](const WorkloadReading& row) {
    if (packer.full()) return;
    const std::string machine = workload_machine(row.machine), tag = fmt::format("t{}", row.tag);
    Event reading;
    reading.type = EventType::reading;
    reading.machine = machine, reading.tag = tag;
    reading.at = from_micros(row.at);
    reading.value = {Value::Kind::number, row.value, {}};
    packer.take(reading);
  });
  PlantLoad load = packer.take_load();
  load.plant = workload_plant_toml(machines);
  load.path = "/write", load.media_type = "text/plain";
  return load;
}

}  // namespace takt::bench
