// The HTTP/1.1 server: sockets in, requests to a handler, answers out.
#pragma once

#include "net/tls.h"
#include "schema/result.h"
#include "server/http/responder.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace takt {

/// Where to listen. `host` is an IPv4 or IPv6 address without brackets, or "localhost".
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;  ///< 0: any free one

  /// Reads "127.0.0.1:8080", "[::1]:8080" or ":8080" (this machine only).
  static Result<ListenAddress> parse(std::string_view text);
  std::string to_string() const;
};

/// Every limit that keeps strangers from holding the server. The defaults suit a plant; tests shorten the times.
struct HttpOptions {
  int io_threads = 2;
  std::shared_ptr<TlsServer> tls;  ///< none: plain HTTP
  std::size_t max_connections =
      4096;  ///< At the limit the connections that wait longest for a request are closed.
  std::size_t max_url_bytes = 8 * 1024;
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = std::size_t{64} << 20;  ///< On the wire, and once more when decoded.
  std::size_t max_bodies_bytes = std::size_t{512}
                                 << 20;  ///< Of all requests in work together; beyond it 429, but for one.
  std::size_t stream_queue_bytes = std::size_t{1} << 20;  ///< Per event stream.
  std::chrono::milliseconds idle_timeout{30'000};         ///< Between requests: closed without a word.
  std::chrono::milliseconds header_timeout{10'000};       ///< From a request's first byte to its last header: 408.
  std::chrono::milliseconds progress_timeout{10'000};     ///< In which 64 KiB of a body, or its rest, must move.
  std::chrono::milliseconds last_words{1'000};      ///< Of drain()'s patience, for handlers that were cancelled.
  std::chrono::milliseconds linger_timeout{2'000};  ///< In which a refused client may read our answer.
  std::chrono::milliseconds heartbeat_interval{15'000};  ///< Of comments on quiet event streams.
  std::chrono::milliseconds presence_interval{100};  ///< Of looks for the client while its request is worked on.
  std::chrono::milliseconds half_close_patience{
      2'000};  ///< For an answer after the client has shut down its side.
};

/// A running HTTP server with threads of its own. HTTP/1.1 with keep-alive and pipelining (one request of a
/// connection at a time, answers in order), HTTP/1.0, chunked requests, Expect: 100-continue, bodies in gzip and
/// zstd. What the handler gets is complete and within the limits; all else is refused here with problem+json.
///
/// The handler is called on the server's threads: one that takes longer than about a millisecond hands request and
/// Responder to a thread of its own. Exceptions are logged and answered with 500. A handler that still works when
/// its client has left is told by HttpRequest::cancelled. A client that has only shut down its side of the
/// connection looks the same, so its request goes on for HttpOptions::half_close_patience. All functions may be
/// called from any thread but those of the server.
class HttpServer {
 public:
  /// conflict: the port is taken; invalid_argument: not an address of this machine. Both say what to do.
  static Result<std::unique_ptr<HttpServer>> listen(const ListenAddress& address, HttpOptions options,
                                                    Handler handler);
  /// Closes what is still open. Call drain() first to be polite.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  /// Connections open now.
  std::size_t connections() const;
  /// Requests that were cancelled before their handler had answered, since the start.
  std::uint64_t cancelled_requests() const;
  /// Frees the port; connections that exist go on.
  void stop_accepting();
  /// stop_accepting(), closes idle connections and ends event streams, then waits for requests in flight to be
  /// answered for at most `patience`. HttpOptions::last_words before its end those that are left are cancelled and
  /// `give_up` is called, so that they can still be answered with a refusal. False if something had to be cut off.
  bool drain(std::chrono::milliseconds patience, const std::function<void()>& give_up = {});

 private:
  class Listener;
  explicit HttpServer(std::unique_ptr<Listener> listener);
  std::unique_ptr<Listener> listener_;
};

}  // namespace takt
