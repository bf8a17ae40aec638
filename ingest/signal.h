// What connectors read from machines: values of data points, before anybody asked what they mean.
#pragma once

#include "schema/event.h"

#include <span>
#include <string_view>

namespace takt {

/// One value of one data point. Strings are borrowed for the time of a call.
struct Signal {
  /// Which point, in the source's own words, levels separated by `/`: a Sparkplug metric is
  /// `group/node/device/metric` (of a node without the device), an adapter's key the key, an agent's data item
  /// `device/name`, a value in the JSON of an MQTT topic `topic/member`.
  std::string_view address;
  Timestamp at;
  Value value;                     ///< Kind::none: it is not known now (UNAVAILABLE, null, stale)
  std::int64_t whole = kAbsent;    ///< the value as well, where it is an integer: doubles are not exact above 2^53
  std::int64_t quality = kAbsent;  ///< OPC quality, where the source tells
  /// Said again, as in a birth or a retained message: it holds, but nothing has happened.
  bool republished = false;
};

/// Signals that were sent together. They are true together: the product in a message is that of the count beside
/// it.
using Signals = std::span<const Signal>;

}  // namespace takt
