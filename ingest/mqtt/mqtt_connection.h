// One connection to a broker, MQTT 3.1.1, driven by whoever owns it: libmosquitto behind a page.
#pragma once

#include "ingest/mqtt/mqtt_address.h"
#include "ingest/mqtt/mqtt_message.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace takt {

struct MqttSettings {
  MqttAddress address;
  std::string user, password;
  std::string ca_file;  ///< of TLS; empty: the authorities that this machine trusts
  std::string client_id;
  bool keeps_session = true;  ///< the broker keeps what comes while nobody is connected
  std::optional<MqttPublication> will;
  std::vector<MqttSubscription> subscriptions;
};

/// Nothing is written but by write(): what was read is acknowledged (PUBACK) no sooner than its owner, who knows
/// what is durable, calls that. One thread at a time; nothing here waits but begin(), for the name of the host.
class MqttConnection {
 public:
  using Receive = std::function<void(const MqttMessage&)>;

  /// Begins to connect. io: no such host, or refused at once; invalid_argument: TLS settings that cannot be.
  static Result<std::unique_ptr<MqttConnection>> begin(const MqttSettings& settings, Receive receive);
  ~MqttConnection();
  MqttConnection(const MqttConnection&) = delete;
  MqttConnection& operator=(const MqttConnection&) = delete;

  /// What to poll; and whether there is something to write.
  int socket() const;
  bool wants_to_write() const;
  /// The broker has accepted the connection and all subscriptions.
  bool is_ready() const;

  /// Each: io if the connection is lost or refused, in words. read() takes about one message, and hands it over
  /// if a subscription fits.
  Result<void> read();
  Result<void> write();
  /// Pings and time-outs; to be called once a second or so.
  Result<void> keep_alive();

  /// Publications of QoS 1 that the broker has acknowledged.
  std::size_t acknowledged() const;

  /// Both go out with the next write().
  void publish(const MqttPublication& publication);
  void say_goodbye();

 private:
  struct Callbacks;
  MqttConnection();
  Result<void> outcome(int code);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace takt
