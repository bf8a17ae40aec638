// A TCP server on a loopback port that does with each connection what a test says, in a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace takt {

class LoopbackServer {
 public:
  /// One accepted connection.
  class Peer {
   public:
    explicit Peer(int fd) : fd_(fd) {
      timeval patience{0, 20'000};
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    bool send(std::string_view text) const {
      while (!text.empty()) {
        const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
      }
      return true;
    }
    /// What came within 20 ms; `closed` is set when nothing will come any more.
    std::string receive() {
      char bytes[4096];
      const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n == 0) closed = true;
      return n > 0 ? std::string{bytes, static_cast<std::size_t>(n)} : std::string{};
    }
    bool closed = false;

   private:
    int fd_;
  };
  /// `number` counts connections from 0. It is to return when `stopping` turns true; then the connection closes.
  using Talk = std::function<void(Peer& peer, int number, const std::atomic<bool>& stopping)>;

  explicit LoopbackServer(Talk talk) : talk_(std::move(talk)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~LoopbackServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    for (int number = 0; !stopping_; ++number) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      Peer peer{fd};
      talk_(peer, number, stopping_);
      ::close(fd);
    }
  }

  Talk talk_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace takt
