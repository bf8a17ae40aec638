// What fuzzers try on what comes over MQTT.
#pragma once

#include <cstddef>
#include <string_view>

namespace takt::fuzz {

/// Each ends the program if a promise is broken; the events that came of it.
/// A conversation of an edge node: messages of a byte that chooses the topic, two bytes of length, and a payload.
std::size_t sparkplug(std::string_view data);
/// A byte that chooses topic and source, and the payload of a message.
std::size_t mqtt_json(std::string_view data);

}  // namespace takt::fuzz
