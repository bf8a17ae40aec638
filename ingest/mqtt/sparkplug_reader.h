// Sparkplug B over MQTT: a host application.
#pragma once

#include "ingest/connector.h"
#include "ingest/mqtt/mqtt_reader.h"

#include <memory>

namespace takt {

/// Options: host_id (default takt), groups (default: all).
Result<std::unique_ptr<MqttReader>> make_sparkplug_reader(const Plant& plant, const DataSource& source);

}  // namespace takt
