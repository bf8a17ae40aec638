#include "client/http_client.h"

#include "client/gzip.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <cctype>

namespace takt {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Request = http::request<http::span_body<const char>>;

constexpr std::chrono::milliseconds kStopStep{50};  // how long a stop may go unnoticed

struct Address {
  std::string host, port, prefix;
  bool secured = false;
};

Result<Address> parse_address(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(boost::urls::string_view{url.data(), url.size()});
  if (!parsed || parsed->host().empty()) {
    return invalid("'" + std::string{url} + "' is no server address; write it as http://127.0.0.1:8080");
  }
  const bool secured = parsed->scheme() == "https";
  if (parsed->scheme() != "http" && !secured)
    return invalid("'" + std::string{url} + "': a server is spoken to by http:// or https://");
  const std::string usual_port = secured ? "443" : "80";
  Address address{std::string{parsed->host_address()},
                  parsed->has_port() ? std::string{parsed->port()} : usual_port,
                  std::string{parsed->encoded_path()}, secured};
  while (!address.prefix.empty() && address.prefix.back() == '/') address.prefix.pop_back();
  return address;
}

bool equal_names(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

HttpReply to_reply(http::response<http::string_body>&& response) {
  HttpReply reply;
  reply.status = static_cast<int>(response.result_int());
  for (const auto& field : response) {
    const auto name = field.name_string(), value = field.value();
    reply.headers.emplace_back(std::string{name.data(), name.size()}, std::string{value.data(), value.size()});
  }
  reply.body = std::move(response.body());
  return reply;
}

}  // namespace

std::optional<std::string_view> HttpReply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_names(key, name)) return value;
  }
  return std::nullopt;
}

struct HttpClient::Connection {
  explicit Connection(HttpClientOptions given) : options(std::move(given)) {}

  Result<HttpReply> send(http::verb verb, std::string_view target, const HttpBody& body,
                         const HttpHeaders& headers);
  Request make_request(http::verb verb, std::string_view target, std::string_view content, const HttpBody& body,
                       const HttpHeaders& headers) const;
  Result<HttpReply> exchange(const Request& request);
  boost::system::error_code try_exchange(const Request& request, http::response_parser<http::string_body>& parser);
  boost::system::error_code connect();
  boost::system::error_code secure();
  template <class Stream>
  boost::system::error_code exchange_over(Stream& through, const Request& request,
                                          http::response_parser<http::string_body>& parser);
  void finish() {
    context.restart();
    if (options.stop == nullptr) return context.run(), void();
    while (!context.stopped()) {
      context.run_for(kStopStep);
      if (*options.stop) stream.cancel();
    }
  }
  void close() {
    buffer.clear();
    connected = false;
    tls_stream.reset();
    stream.close();
  }

  // Time-outs of a Beast stream work for asynchronous operations only, so each step starts one and runs it to its
  // end.
  asio::io_context context{1};
  beast::tcp_stream stream{context};
  std::shared_ptr<TlsContext> tls;  // none: plain HTTP
  std::unique_ptr<asio::ssl::stream<beast::tcp_stream&>> tls_stream;
  beast::flat_buffer buffer;
  std::string url;
  Address address;
  HttpClientOptions options;
  bool connected = false;
};

boost::system::error_code HttpClient::Connection::connect() {
  boost::system::error_code failed;
  tcp::resolver resolver{context};
  const auto endpoints = resolver.resolve(address.host, address.port, failed);
  if (failed) return failed;
  stream.expires_after(options.connect_timeout);
  stream.async_connect(endpoints,
                       [&failed](boost::system::error_code error, const tcp::endpoint&) { failed = error; });
  finish();
  if (failed) return failed;
  connected = true;
  boost::system::error_code ignored;
  stream.socket().set_option(tcp::no_delay{true}, ignored);
  return tls ? secure() : failed;
}

boost::system::error_code HttpClient::Connection::secure() {
  boost::system::error_code failed;
  tls_stream = std::make_unique<asio::ssl::stream<beast::tcp_stream&>>(stream, *tls);
  tls_stream->set_verify_callback(asio::ssl::host_name_verification{address.host}, failed);
  SSL_set_tlsext_host_name(tls_stream->native_handle(), address.host.c_str());
  stream.expires_after(options.connect_timeout);
  tls_stream->async_handshake(asio::ssl::stream_base::client,
                              [&failed](boost::system::error_code error) { failed = error; });
  finish();
  return failed;
}

boost::system::error_code HttpClient::Connection::try_exchange(const Request& request,
                                                               http::response_parser<http::string_body>& parser) {
  if (!connected) {
    if (const boost::system::error_code failed = connect()) return failed;
  }
  stream.expires_after(options.request_timeout);
  return tls_stream ? exchange_over(*tls_stream, request, parser) : exchange_over(stream, request, parser);
}

template <class Stream>
boost::system::error_code HttpClient::Connection::exchange_over(Stream& through, const Request& request,
                                                                http::response_parser<http::string_body>& parser) {
  boost::system::error_code failed;
  http::async_write(through, request, [&failed](boost::system::error_code error, std::size_t) { failed = error; });
  finish();
  // A server that refuses a body answers before it has read all of it: what it said is worth more than our
  // failure.
  const boost::system::error_code unsent = failed;
  if (failed == beast::error::timeout) return failed;
  http::async_read(through, buffer, parser,
                   [&failed](boost::system::error_code error, std::size_t) { failed = error; });
  finish();
  return failed && unsent ? unsent : failed;
}

Result<HttpReply> HttpClient::Connection::exchange(const Request& request) {
  for (bool again = connected;; again = false) {
    if (options.stop != nullptr && *options.stop) return unavailable("stopped");
    http::response_parser<http::string_body> parser;
    parser.body_limit(options.max_reply_bytes);
    const boost::system::error_code failed = try_exchange(request, parser);
    if (!failed) {
      if (!parser.get().keep_alive()) close();
      return to_reply(parser.release());
    }
    const bool answer_begun = parser.got_some();
    close();
    // A kept connection may have been closed while it was idle; only then is a second attempt of use.
    if (again && !answer_begun && failed != beast::error::timeout) continue;
    if (failed == beast::error::timeout) return unavailable(url + " did not answer in time");
    if (failed == http::error::body_limit) return io_error(url + " answered more than we accept");
    return unavailable(url + " cannot be reached: " + failed.message());
  }
}

Request HttpClient::Connection::make_request(http::verb verb, std::string_view target, std::string_view content,
                                             const HttpBody& body, const HttpHeaders& headers) const {
  constexpr unsigned kHttp11 = 11;
  Request request{verb, address.prefix + std::string{target}, kHttp11};
  request.set(http::field::host, address.host + ":" + address.port);
  request.set(http::field::user_agent, "takt");
  if (!options.token.empty()) request.set(http::field::authorization, "Bearer " + options.token);
  if (!body.type.empty())
    request.set(http::field::content_type, beast::string_view{body.type.data(), body.type.size()});
  if (body.compression == Compression::gzip) request.set(http::field::content_encoding, "gzip");
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = {content.data(), content.size()};
  if (verb != http::verb::get) request.content_length(content.size());
  return request;
}

Result<HttpReply> HttpClient::Connection::send(http::verb verb, std::string_view target, const HttpBody& body,
                                               const HttpHeaders& headers) {
  std::string packed;
  std::string_view content = body.content;
  if (body.compression == Compression::gzip) {
    Result<std::string> result = gzip_member(content);
    if (!result) return result.error();
    packed = std::move(*result);
    content = packed;
  }
  try {
    return exchange(make_request(verb, target, content, body, headers));
  } catch (const std::exception& problem) {  // Beast throws on header fields it cannot write
    close();
    return io_error(url + ": " + problem.what());
  }
}

Result<HttpClient> HttpClient::open(std::string_view url, HttpClientOptions options) {
  const Result<Address> address = parse_address(url);
  if (!address) return address.error();
  auto connection = std::make_unique<Connection>(std::move(options));
  if (address->secured) {
    auto tls = open_tls_client(connection->options.trust);
    if (!tls) return tls.error();
    connection->tls = std::move(*tls);
  }
  connection->url = url;
  connection->address = *address;
  return HttpClient{std::move(connection)};
}

HttpClient::HttpClient(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpReply> HttpClient::get(std::string_view target, const HttpHeaders& headers) {
  return connection_->send(http::verb::get, target, {}, headers);
}
Result<HttpReply> HttpClient::post(std::string_view target, const HttpBody& body, const HttpHeaders& headers) {
  return connection_->send(http::verb::post, target, body, headers);
}
Result<HttpReply> HttpClient::put(std::string_view target, const HttpBody& body, const HttpHeaders& headers) {
  return connection_->send(http::verb::put, target, body, headers);
}

const std::string& HttpClient::url() const { return connection_->url; }

}  // namespace takt
