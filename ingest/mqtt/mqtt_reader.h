// What the messages of one MQTT source mean: plain JSON, or Sparkplug B.
#pragma once

#include "ingest/mqtt/mqtt_message.h"
#include "schema/event.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// What a message came to, beside its events.
struct MqttOutcome {
  std::vector<MqttPublication> replies;
  std::uint64_t gaps = 0;     ///< messages that never came
  std::uint64_t ignored = 0;  ///< values that are not meant to be kept, or that Takt does not read
};

/// Turns messages into events. One thread at a time.
class MqttReader {
 public:
  virtual ~MqttReader() = default;

  virtual std::vector<MqttSubscription> subscriptions() const = 0;
  /// Whether the broker is to keep what comes while nobody is connected.
  virtual bool keeps_session() const = 0;
  /// Before each connection: the broker's last word for us, should it be lost.
  virtual std::optional<MqttPublication> will(Timestamp now) = 0;
  /// A connection stands and is subscribed.
  virtual void connected(Timestamp now, MqttOutcome& outcome) = 0;
  /// Adds the message's events to `batch`, which owns their strings, and what is wrong with it to its rejected.
  virtual void read(const MqttMessage& message, Timestamp now, EventBatch& batch, MqttOutcome& outcome) = 0;
  /// Every second or so.
  virtual void passing_time(Timestamp now, EventBatch& batch) = 0;
  /// Before a connection is ended on purpose.
  virtual std::optional<MqttPublication> farewell(Timestamp now) = 0;
};

}  // namespace takt
