// What goes over an MQTT connection.
#pragma once

#include <string>
#include <string_view>

namespace takt {

/// A message that came. Borrowed for a call.
struct MqttMessage {
  std::string_view topic, payload;
  int qos = 0;
  bool retained = false;  ///< the broker had kept it: nothing happens now
};

/// A message to send.
struct MqttPublication {
  std::string topic, payload;
  int qos = 0;
  bool retained = false;
};

struct MqttSubscription {
  std::string filter;
  int qos = 1;
};

}  // namespace takt
