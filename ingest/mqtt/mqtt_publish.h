// One message to a broker, by who has no connection to it.
#pragma once

#include "ingest/mqtt/mqtt_message.h"
#include "schema/plant.h"

#include <atomic>
#include <chrono>

namespace takt {

/// Connects to the broker of `source`, publishes with QoS 1 and waits until the broker has acknowledged it. io: it
/// has not within `patience`, or `stop` has turned true; in the first case it may have it all the same. Any
/// thread.
Result<void> publish_once(const DataSource& source, const MqttPublication& publication,
                          std::chrono::milliseconds patience, const std::atomic<bool>& stop);

}  // namespace takt
