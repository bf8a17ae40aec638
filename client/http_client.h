// A small HTTP/1.1 client for our own commands and tests: blocking, one connection kept alive.
#pragma once

#include "net/tls.h"
#include "schema/result.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace takt {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// What the server answered, whatever the status.
struct HttpReply {
  int status = 0;
  HttpHeaders headers;
  std::string body;

  bool ok() const { return status >= 200 && status < 300; }
  /// The first header of that name (case-insensitive), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
};

enum class Compression { none, gzip };

struct HttpBody {
  std::string_view content;
  std::string_view type;  ///< such as "application/x-ndjson"
  Compression compression = Compression::none;
};

struct HttpClientOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{60'000};  ///< for the whole request and its answer
  const std::atomic<bool>* stop = nullptr;            ///< borrowed; when it turns true, requests end with an error
  std::size_t max_reply_bytes = std::size_t{256} << 20U;
  TlsTrust trust;     ///< of https:// servers
  std::string token;  ///< goes with every request; empty: none
};

/// Not thread-safe: one object is one connection, made with the first request and again when it has been lost. A
/// request whose connection was closed by the server before any byte of an answer is sent once more; that is safe
/// for events, since the same event twice is one event.
class HttpClient {
 public:
  /// `url`: "http://HOST[:PORT][/prefix]" or https://; the port defaults to 80 or 443, the prefix goes before
  /// every target. invalid_argument: it is none, or the trust's files cannot be used.
  static Result<HttpClient> open(std::string_view url, HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// `target`: path and query, such as "/v1/oee?scope=plant". An error means that there was no (whole) answer.
  Result<HttpReply> get(std::string_view target, const HttpHeaders& headers = {});
  Result<HttpReply> post(std::string_view target, const HttpBody& body, const HttpHeaders& headers = {});
  Result<HttpReply> put(std::string_view target, const HttpBody& body, const HttpHeaders& headers = {});

  /// The server's address as given, for messages.
  const std::string& url() const;

 private:
  struct Connection;
  explicit HttpClient(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace takt
