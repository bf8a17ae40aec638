// A real mosquitto on a port of its own.
#pragma once

#include "tests/system/running_server.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt::test {

class Broker {
 public:
  /// `settings`: lines for its configuration; without any, everybody may do everything.
  explicit Broker(std::string_view settings = "allow_anonymous true\n");

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view scheme = "mqtt") const;
  const std::filesystem::path& folder() const { return folder_.path(); }
  void stop();
  /// At the same port; what it knew is gone.
  void start();

  /// Publishes by `mosquitto_pub`, with its further `options`.
  void publish(std::string_view topic, std::string_view payload, std::vector<std::string> options = {}) const;
  /// A message a line, with QoS 1.
  void publish_lines(std::string_view topic, std::string_view lines) const;

 private:
  TemporaryFolder folder_;
  std::uint16_t port_;
  std::unique_ptr<ChildProcess> process_;
};

/// The source of that name in GET /v1/sources; null if there is none.
Json source_of(Client& client, std::string_view name);
/// Waits until `holds` of the source does; the source then, or as it was last.
Json wait_for_source(Client& client, std::string_view name, const std::function<bool(const Json&)>& holds);
/// Waits until it is connected.
void expect_connected(Client& client, std::string_view name);
/// Waits for `what` to hold, as patiently as for anything.
bool eventually(const std::function<bool()>& what);

}  // namespace takt::test
