// mqtt://HOST[:PORT] and mqtts://HOST[:PORT].
#pragma once

#include "schema/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace takt {

struct MqttAddress {
  std::string host;
  std::uint16_t port = 0;  ///< 1883, with TLS 8883, unless given
  bool tls = false;

  std::string to_string() const;
};

/// invalid_argument: it says how such a URL is written. Users and passwords do not belong into it, nor does a
/// path.
Result<MqttAddress> parse_mqtt_url(std::string_view url);

}  // namespace takt
