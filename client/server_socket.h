// A connection to a server of the binary protocol, as it is or through TLS. Internal.
#pragma once

#include "net/tls.h"
#include "schema/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

using SSL = struct ssl_st;

namespace takt::client {

struct ServerAddress {
  std::string host, port;
  bool secured = false;

  /// HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT.
  static Result<ServerAddress> parse(const std::string& text);
};

/// Blocks while it connects, for ten seconds at most, and never afterwards. Whose thread it is blocks SIGPIPE.
class ServerSocket {
 public:
  static Result<ServerSocket> connect(const ServerAddress& address, const std::shared_ptr<TlsContext>& tls);

  int fd() const { return fd_.number; }
  /// How many of the bytes went; 0: none at the moment.
  Result<std::size_t> send(std::string_view bytes);
  /// Appends what has come, at most `most` bytes; 0: nothing at the moment.
  Result<std::size_t> receive(std::string& to, std::size_t most);
  /// Something that was received and deciphered is still to be read: the system does not say so.
  bool has_more() const;

 private:
  struct Descriptor {
    explicit Descriptor(int fd) : number(fd) {}
    Descriptor(Descriptor&& other) noexcept : number(std::exchange(other.number, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    int number;
  };
  struct SslFree {
    void operator()(SSL* ssl) const;
  };

  explicit ServerSocket(Descriptor fd) : fd_(std::move(fd)) {}
  Result<void> shake_hands(const ServerAddress& address, const std::shared_ptr<TlsContext>& tls);

  Descriptor fd_;
  std::unique_ptr<SSL, SslFree> ssl_;  // none: bytes go as they are
};

}  // namespace takt::client
