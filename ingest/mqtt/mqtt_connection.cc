#include "ingest/mqtt/mqtt_connection.h"

#include <mosquitto.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace takt {
namespace {

constexpr int kKeepAliveSeconds = 30;
constexpr int kRefused = 0x80;  // of a subscription

void init_library() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

/// What the return codes of CONNACK ask the user to do.
std::string refusal(int code) {
  switch (code) {
    case 1:
      return "the broker does not speak MQTT 3.1.1";
    case 2:
      return "the broker refuses the client id; choose another in options.client_id";
    case 3:
      return "the broker is not available";
    case 4:
      return "the broker refuses the user or the password";
    case 5:
      return "the broker does not authorise this user";
    default:
      return "the broker refuses the connection (code " + std::to_string(code) + ")";
  }
}

}  // namespace

struct MqttConnection::State {
  mosquitto* client = nullptr;
  Receive receive;
  std::vector<MqttSubscription> subscriptions;
  std::size_t granted = 0, acknowledged = 0;
  bool connected = false;
  std::string failure;  // what a callback learned
  std::string logged;   // the library's last error, such as OpenSSL's
};

struct MqttConnection::Callbacks {
  static State& of(void* state) { return *static_cast<State*>(state); }

  static void connected(mosquitto* client, void* object, int code) {
    State& state = of(object);
    if (code != 0) return state.failure = refusal(code), void();
    state.connected = true;
    for (const MqttSubscription& each : state.subscriptions)
      mosquitto_subscribe(client, nullptr, each.filter.c_str(), each.qos);
  }
  static void subscribed(mosquitto*, void* object, int, int count, const int* granted) {
    State& state = of(object);
    for (int i = 0; i < count; ++i) {
      if (granted[i] >= kRefused) state.failure = "the broker does not authorise the subscription";
    }
    ++state.granted;
  }
  /// A session that was kept has the subscriptions of older descriptions, too.
  static bool is_wanted(const State& state, const char* topic) {
    return std::ranges::any_of(state.subscriptions, [topic](const MqttSubscription& each) {
      bool matches = false;
      return mosquitto_topic_matches_sub(each.filter.c_str(), topic, &matches) == MOSQ_ERR_SUCCESS && matches;
    });
  }
  static void received(mosquitto*, void* object, const mosquitto_message* message) {
    if (!is_wanted(of(object), message->topic)) return;
    const std::string_view payload{static_cast<const char*>(message->payload),
                                   static_cast<std::size_t>(message->payloadlen)};
    of(object).receive({message->topic, payload, message->qos, message->retain});
  }
  static void published(mosquitto*, void* object, int) { ++of(object).acknowledged; }
  static void logged(mosquitto*, void* object, int level, const char* text) {
    if (level == MOSQ_LOG_ERR) of(object).logged = text;
  }
};

MqttConnection::MqttConnection() : state_(std::make_unique<State>()) {}

MqttConnection::~MqttConnection() {
  if (state_->client != nullptr) mosquitto_destroy(state_->client);
}

Result<std::unique_ptr<MqttConnection>> MqttConnection::begin(const MqttSettings& settings, Receive receive) {
  init_library();
  std::unique_ptr<MqttConnection> connection{new MqttConnection};
  State& state = *connection->state_;
  state.receive = std::move(receive);
  state.subscriptions = settings.subscriptions;
  state.client = mosquitto_new(or_null(settings.client_id), !settings.keeps_session, &state);
  if (state.client == nullptr) return io_error("the MQTT library has no memory");
  mosquitto* const client = state.client;
  // A library that believes in other threads queues what it has to say until it is told to write.
  mosquitto_threaded_set(client, true);
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_connect_callback_set(client, Callbacks::connected);
  mosquitto_subscribe_callback_set(client, Callbacks::subscribed);
  mosquitto_message_callback_set(client, Callbacks::received);
  mosquitto_publish_callback_set(client, Callbacks::published);
  mosquitto_log_callback_set(client, Callbacks::logged);
  if (!settings.user.empty()) mosquitto_username_pw_set(client, settings.user.c_str(), or_null(settings.password));
  if (settings.will) {
    const MqttPublication& will = *settings.will;
    mosquitto_will_set(client, will.topic.c_str(), static_cast<int>(will.payload.size()), will.payload.data(),
                       will.qos, will.retained);
  }
  if (settings.address.tls) {
    const int code = settings.ca_file.empty()
                         ? mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1)
                         : mosquitto_tls_set(client, settings.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr);
    if (code != MOSQ_ERR_SUCCESS) return invalid("cannot use the authorities in " + settings.ca_file);
  }
  const int code =
      mosquitto_connect_async(client, settings.address.host.c_str(), settings.address.port, kKeepAliveSeconds);
  if (const auto begun = connection->outcome(code); !begun) return begun.error();
  return connection;
}

int MqttConnection::socket() const { return mosquitto_socket(state_->client); }
bool MqttConnection::wants_to_write() const { return mosquitto_want_write(state_->client); }
bool MqttConnection::is_ready() const {
  return state_->connected && state_->granted >= state_->subscriptions.size();
}

std::size_t MqttConnection::acknowledged() const { return state_->acknowledged; }

Result<void> MqttConnection::outcome(int code) {
  if (!state_->failure.empty()) return io_error(state_->failure);
  if (code == MOSQ_ERR_SUCCESS || code == MOSQ_ERR_CONN_PENDING) return {};
  if (code == MOSQ_ERR_ERRNO) return io_error(std::strerror(errno));
  if (code == MOSQ_ERR_EAI) return io_error("there is no such host");
  if (code == MOSQ_ERR_TLS) return io_error("TLS: " + (state_->logged.empty() ? "it failed" : state_->logged));
  if (code == MOSQ_ERR_CONN_LOST) return io_error("the broker has closed the connection");
  return io_error(mosquitto_strerror(code));
}

Result<void> MqttConnection::read() { return outcome(mosquitto_loop_read(state_->client, 1)); }
Result<void> MqttConnection::write() { return outcome(mosquitto_loop_write(state_->client, 1)); }
Result<void> MqttConnection::keep_alive() { return outcome(mosquitto_loop_misc(state_->client)); }

void MqttConnection::publish(const MqttPublication& publication) {
  mosquitto_publish(state_->client, nullptr, publication.topic.c_str(),
                    static_cast<int>(publication.payload.size()), publication.payload.data(), publication.qos,
                    publication.retained);
}

void MqttConnection::say_goodbye() { mosquitto_disconnect(state_->client); }

}  // namespace takt
