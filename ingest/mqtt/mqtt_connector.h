// Keeps a connection to a broker, and takes in what comes over it.
#pragma once

#include "ingest/connector.h"
#include "ingest/mqtt/mqtt_reader.h"

namespace takt {

/// Kind `mqtt`: JSON in topics. Kind `sparkplug`: a Sparkplug B host application. docs/ingest.md tells their
/// options.
Result<std::unique_ptr<Connector>> start_mqtt(ConnectorContext context);
Result<std::unique_ptr<Connector>> start_sparkplug(ConnectorContext context);

/// With a reader of one's own.
Result<std::unique_ptr<Connector>> start_mqtt_reader(ConnectorContext context, std::unique_ptr<MqttReader> reader);

}  // namespace takt
