// A broker that says just what it is told, and tells what it hears.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace takt {

using namespace std::string_literals;

inline const std::string kConnectionAccepted = "\x20\x02\x00\x00"s;
inline const std::string kSubscribed = "\x90\x03\x00\x01\x01"s;

inline std::string publish_of(std::uint8_t packet, std::string_view topic, std::string_view payload) {
  std::string body{'\0', static_cast<char>(topic.size())};
  body.append(topic) += {'\0', static_cast<char>(packet)};
  body.append(payload);
  return std::string{"\x32"} + static_cast<char>(body.size()) + body;  // QoS 1
}

/// Listens, and talks to one client at a time.
class ScriptedBroker {
 public:
  ScriptedBroker() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(listener_, 1);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~ScriptedBroker() {
    hang_up();
    ::close(listener_);
  }
  ScriptedBroker(const ScriptedBroker&) = delete;
  ScriptedBroker& operator=(const ScriptedBroker&) = delete;

  std::uint16_t port() const { return port_; }
  void accept() { client_ = ::accept(listener_, nullptr, nullptr); }
  void hang_up() {
    if (client_ >= 0) ::close(client_);
    client_ = -1;
  }
  void say(const std::string& bytes) const {
    ASSERT_EQ(::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// All that has come, once anything has; or, with little patience, that nothing comes.
  std::string hear(int patience_ms = 10'000) const {
    pollfd file{client_, POLLIN, 0};
    std::string bytes(4096, '\0');
    if (::poll(&file, 1, patience_ms) <= 0) return {};
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(client_, bytes.data(), bytes.size(), 0))));
    return bytes;
  }

 private:
  int listener_, client_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace takt
