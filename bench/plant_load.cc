#include "bench/plant_load.h"

#include "schema/event_json.h"
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
  explicit Packer(const PlantLoadOptions& options) : options_(options) {
    load_.connections.resize(options.connections);
  }

  bool full() const { return load_.events == options_.events; }
  void take(const Event& event) {
    std::vector<Body>& bodies = load_.connections[connection_of(event.machine)];
    if (bodies.empty() || bodies.back().events == options_.body_events) bodies.emplace_back();
    Body& body = bodies.back();
    const std::size_t before = body.ndjson.size();
    append_json(body.ndjson, event);
    body.ndjson += '\n';
    ++body.events, ++load_.events, ++load_.by_type[static_cast<std::size_t>(event.type)];
    load_.bytes += body.ndjson.size() - before;
  }
  PlantLoad take_load() { return std::move(load_); }

 private:
  std::size_t connection_of(std::string_view machine) {
    const auto at = numbers_.try_emplace(std::string{machine}, numbers_.size()).first;
    return at->second % options_.connections;
  }

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
  Packer packer{options};
  Simulation simulation{{options.machines, kSeed, kLoadBegin, std::chrono::minutes{1}}};
  while (!packer.full()) {
    EventBatch batch;
    simulation.run_until(simulation.now() + kStep, batch);
    for (const Event& event : batch.events) {
      if (!packer.full()) packer.take(event);
    }
  }
  return packer.take_load();
}

}  // namespace takt::bench
