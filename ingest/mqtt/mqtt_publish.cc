#include "ingest/mqtt/mqtt_publish.h"

#include <poll.h>

#include "ingest/mqtt/mqtt_connection.h"
#include "ingest/mqtt/options.h"

namespace takt {
namespace {

constexpr int kLookMs = 50;

/// What has arrived and what is to go, once.
Result<void> turn(MqttConnection& connection) {
  pollfd socket{connection.socket(), static_cast<short>(connection.wants_to_write() ? POLLIN | POLLOUT : POLLIN),
                0};
  ::poll(&socket, 1, kLookMs);
  if ((socket.revents & (POLLIN | POLLERR | POLLHUP)) != 0) {
    if (const auto read = connection.read(); !read) return read;
  }
  if (connection.wants_to_write()) {
    if (const auto written = connection.write(); !written) return written;
  }
  return connection.keep_alive();
}

}  // namespace

Result<void> publish_once(const DataSource& source, const MqttPublication& publication,
                          std::chrono::milliseconds patience, const std::atomic<bool>& stop) {
  MqttSettings settings;
  const auto address = parse_mqtt_url(source.url);
  if (!address) return address.error();
  const auto password = read_password(source.password_file);
  if (!password) return password.error();
  settings.address = *address;
  settings.user = source.user, settings.password = *password, settings.ca_file = source.ca_file;
  settings.keeps_session = false;  // without a session the broker gives the client a name
  auto connection = MqttConnection::begin(settings, [](const MqttMessage&) {});
  if (!connection) return connection.error();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (bool published = false; (*connection)->acknowledged() == 0;) {
    if (stop || std::chrono::steady_clock::now() > deadline)
      return io_error("the broker has not acknowledged it in time");
    if (const auto turned = turn(**connection); !turned) return turned;
    if (published || !(*connection)->is_ready()) continue;
    MqttPublication acknowledged = publication;
    acknowledged.qos = 1;
    (*connection)->publish(acknowledged);
    published = true;
  }
  (*connection)->say_goodbye();
  (void)(*connection)->write();  // the message is there; whether the goodbye is does not matter
  return {};
}

}  // namespace takt
