// Takes the binary protocol in (schema/wire.fbs, docs/protocol.md): many producers, frames on their way, and an
// answer when they are durable.
#pragma once

#include "ingest/ingestor.h"
#include "net/tls.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace takt {

struct TcpOptions {
  /// What who shows this token, or a certificate of this name (empty: none), may do; an error: nothing. None:
  /// everybody may send everything. Any thread.
  using Admit = std::function<Result<std::shared_ptr<const Permit>>(
      std::string_view token, std::string_view certificate, const std::string& remote)>;
  Admit admit{};
  std::shared_ptr<TlsServer> tls{};                  ///< none: as it is
  std::uint32_t window = 64;                         ///< frames on their way, of a connection
  std::size_t credit_bytes = std::size_t{8} << 20U;  ///< and their bytes
  std::size_t max_connections = 4096;                ///< more are refused
  std::size_t max_producers_remembered = 10'000;     ///< whose last frames can be told from others of their number
  std::size_t large_messages_bytes = std::size_t{128}
                                     << 20U;   ///< of all messages above 64 KiB that are being read
  std::chrono::milliseconds patience{30'000};  ///< with a message that has begun, and with a Hello
};

/// Listens from listen() on, by threads of its own. Memory: per connection 64 KiB and one delivery; in all the
/// limits above and the store's queue. A sender that is too fast is not read from until there is room.
class TcpServer {
 public:
  /// conflict: the port is taken; invalid_argument: no such address.
  static Result<std::unique_ptr<TcpServer>> listen(const std::string& address, std::uint16_t port,
                                                   TcpOptions options, Ingestor& ingestor, Store& store);
  /// As stop().
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  std::uint16_t port() const;
  std::size_t connections() const;
  /// Takes no more in, answers what the store has already, and closes; waits for it.
  void stop();

 private:
  class Listener;
  explicit TcpServer(std::unique_ptr<Listener> listener);
  std::unique_ptr<Listener> listener_;
};

}  // namespace takt
