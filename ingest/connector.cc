#include "ingest/connector.h"

#include "ingest/mqtt/mqtt_connector.h"
#include "ingest/mtconnect/adapter_connector.h"
#include "ingest/mtconnect/agent_connector.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

namespace takt {
namespace {

/// Of a plant what a connector depends on.
struct Settings {
  DataSource description;
  std::vector<SignalRule> rules;
  std::set<std::string> machines;

  friend bool operator==(const Settings&, const Settings&) = default;
};

Settings settings_of(const DataSource& description, const Plant& plant) {
  Settings settings{description, {}, {}};
  for (const SignalRule& rule : plant.signals) {
    if (rule.source.empty() || rule.source == description.id) settings.rules.push_back(rule);
  }
  for (const Machine& machine : plant.machines) settings.machines.insert(machine.id);
  return settings;
}

Result<std::unique_ptr<Connector>> start_connector(ConnectorContext context) {
  const std::vector<ConnectorKind>& kinds = connector_kinds();
  const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const ConnectorKind& k) { return k.name == context.description.kind; });
  if (kind != kinds.end()) return kind->start(std::move(context));
  std::string known;
  for (const ConnectorKind& each : kinds) known += (known.empty() ? "" : ", ") + std::string{each.name};
  return invalid("there is no kind \"" + context.description.kind + "\" of sources; write one of: " + known);
}

}  // namespace

struct Connectors::Running {
  Settings settings;
  std::unique_ptr<Connector> connector;  // none: it could not start
};

Connectors::Connectors(Ingestor& ingestor, const Clock& clock, std::vector<DataSource> fixed)
    : ingestor_(ingestor), clock_(clock), fixed_(std::move(fixed)), thread_([this] { run(); }) {}
Connectors::~Connectors() { stop(); }

void Connectors::follow(std::shared_ptr<const Plant> plant) {
  {
    const std::lock_guard lock{mutex_};
    next_ = std::move(plant);
  }
  changed_.notify_one();
}

void Connectors::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  running_.clear();
}

void Connectors::run() {
  for (;;) {
    std::shared_ptr<const Plant> plant;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [&] { return stopping_ || next_; });
      if (stopping_) return;
      plant = std::exchange(next_, nullptr);
    }
    change_to(plant);
  }
}

void Connectors::change_to(const std::shared_ptr<const Plant>& plant) {
  std::vector<DataSource> wanted = fixed_;
  for (const DataSource& source : plant->sources) {
    if (source.active) wanted.push_back(source);
  }
  std::erase_if(running_, [&](const auto& entry) {
    const bool stays = std::any_of(wanted.begin(), wanted.end(), [&](const DataSource& source) {
      return source.id == entry.first && settings_of(source, *plant) == entry.second->settings;
    });
    if (!stays) ingestor_.sources().remove(entry.first);
    return !stays;
  });
  for (const DataSource& source : wanted) {
    if (!running_.contains(source.id)) start(source, plant);
  }
}

void Connectors::start(const DataSource& description, const std::shared_ptr<const Plant>& plant) {
  const auto source = ingestor_.sources().get(description.id, description.kind);
  source->set_state(SourceState::connecting);
  auto running = std::make_unique<Running>();
  running->settings = settings_of(description, *plant);
  auto connector = start_connector({ingestor_, clock_, plant, description, source});
  if (connector) {
    running->connector = std::move(*connector);
  } else {
    spdlog::error("source {}: {}", description.id, connector.error().context);
    source->set_state(SourceState::failed, connector.error().context);
  }
  running_.emplace(description.id, std::move(running));
}

const std::vector<ConnectorKind>& connector_kinds() {
  static const std::vector<ConnectorKind> kinds = {{"mqtt", start_mqtt},
                                                   {"sparkplug", start_sparkplug},
                                                   {"shdr", mtconnect::start_adapter},
                                                   {"mtconnect", mtconnect::start_agent}};
  return kinds;
}

}  // namespace takt
