// Plain JSON in MQTT topics: events as they are, other values as signals.
#pragma once

#include "ingest/mqtt/mqtt_reader.h"
#include "schema/plant.h"

#include <memory>

namespace takt {

/// Options: topics (default takt/#), time, name, value, client_id; docs/ingest.md tells what they do.
Result<std::unique_ptr<MqttReader>> make_json_reader(const Plant& plant, const DataSource& source);

/// The time that a number or a text may be: RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since
/// the epoch, by its size. Nothing if it is none between 1990 and 2200.
std::optional<Timestamp> time_of_number(double number);
std::optional<Timestamp> time_of_text(std::string_view text);

}  // namespace takt
