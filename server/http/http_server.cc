#include "server/http/http_server.h"

#include "server/http/connection.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <future>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace takt {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<tcp, Strand>;

constexpr asio::use_awaitable_t<Strand> use_task;
constexpr std::chrono::milliseconds accept_pause{
    5};  // while there is no room, or no file descriptor, for a connection
constexpr std::size_t evicted_at_once = 16;

Error listen_error(const ListenAddress& address, const error_code& ec) {
  const std::string where = address.to_string();
  if (ec == asio::error::address_in_use)
    return {ErrorCode::conflict,
            fmt::format(
                "cannot listen on {}: the port is in use; stop the program that holds it or choose another port",
                where)};
  if (ec == boost::system::errc::address_not_available)
    return invalid(
        fmt::format("cannot listen on {}: this machine has no such address; use 127.0.0.1 for this machine "
                    "only or 0.0.0.0 for every network",
                    where));
  if (ec == asio::error::access_denied)
    return io_error(fmt::format("cannot listen on {}: not permitted; choose a port of 1024 or above", where));
  return io_error(fmt::format("cannot listen on {}: {}", where, ec.message()));
}

Result<tcp::endpoint> endpoint_of(const ListenAddress& address) {
  error_code ec;
  const auto ip = asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, ec);
  if (ec)
    return invalid(
        fmt::format("\"{}\" is not an IP address; write one such as 127.0.0.1, 0.0.0.0 or ::1", address.host));
  return tcp::endpoint(ip, address.port);
}

error_code open(Acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  // A restarted server must not wait for the dead connections of the one before.
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  return ec;
}

void run_io(asio::io_context& io) {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) {
      spdlog::error("http: {}", error.what());
    }
  }
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  const Error error = invalid(fmt::format("\"{}\" is not ADDRESS:PORT; write 127.0.0.1:8080 or [::1]:8080", text));
  if (colon == std::string_view::npos) return error;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return error;
  ListenAddress address{host.empty() ? "127.0.0.1" : std::string(host), 0};
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (fault != std::errc() || end != digits.data() + digits.size()) return error;
  const auto endpoint = endpoint_of(address);
  if (!endpoint) return endpoint.error();
  return address;
}

std::string ListenAddress::to_string() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

/// The accepting socket and the threads.
class HttpServer::Listener {
 public:
  Listener(HttpOptions options, Handler handler)
      : core_(std::make_shared<ServerCore>(std::move(options), std::move(handler))),
        work_(core_->io.get_executor()),
        acceptor_(asio::make_strand(core_->io.get_executor())),
        pause_(acceptor_.get_executor()) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  error_code start(const tcp::endpoint& endpoint);
  void stop_accepting();
  bool drain(std::chrono::milliseconds patience, const std::function<void()>& give_up);
  std::uint16_t port() const { return port_; }
  const ServerCore& core() const { return *core_; }

 private:
  Task<void> accept();
  Task<bool> accept_one();
  Task<void> wait_a_little();

  const std::shared_ptr<ServerCore> core_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;  // threads stay while no client is there
  Acceptor acceptor_;
  Timer pause_;
  std::uint16_t port_ = 0;
  std::vector<std::jthread> threads_;  // last: joined first
};

error_code HttpServer::Listener::start(const tcp::endpoint& endpoint) {
  const error_code ec = open(acceptor_, endpoint);
  if (ec) return ec;
  port_ = acceptor_.local_endpoint().port();
  asio::co_spawn(acceptor_.get_executor(), accept(), asio::detached);
  for (int i = 0; i < std::max(1, core_->options.io_threads); ++i)
    threads_.emplace_back([core = core_] { run_io(core->io); });
  return {};
}

Task<void> HttpServer::Listener::accept() {
  while (acceptor_.is_open()) {
    bool accepted = false;
    try {
      if (core_->connections() < core_->options.max_connections) accepted = co_await accept_one();
    } catch (const std::exception& error) {
      spdlog::error("http: cannot serve a connection: {}", error.what());
    }
    if (accepted || !acceptor_.is_open()) continue;
    core_->evict(evicted_at_once);
    co_await wait_a_little();
  }
}

Task<bool> HttpServer::Listener::accept_one() {
  error_code ec;
  Socket socket = co_await acceptor_.async_accept(asio::make_strand(core_->io.get_executor()),
                                                  asio::redirect_error(use_task, ec));
  // Whoever closed the acceptor has counted the connections already: none may follow.
  if (!acceptor_.is_open() || ec == asio::error::connection_aborted) co_return true;
  if (ec) {
    spdlog::warn("http: cannot accept a connection: {}", ec.message());  // mostly: out of file descriptors
    co_return false;
  }
  std::make_shared<Connection>(core_, std::move(socket))->start();
  co_return true;
}

Task<void> HttpServer::Listener::wait_a_little() {
  error_code ignored;
  pause_.expires_after(accept_pause);
  co_await pause_.async_wait(asio::redirect_error(use_task, ignored));
}

void HttpServer::Listener::stop_accepting() {
  if (threads_.empty()) return;
  std::promise<void> closed;
  asio::post(acceptor_.get_executor(), [this, &closed] {
    error_code ignored;
    acceptor_.close(ignored);
    closed.set_value();
  });
  closed.get_future().wait();  // the port is free when this returns
}

bool HttpServer::Listener::drain(std::chrono::milliseconds patience, const std::function<void()>& give_up) {
  const Clock::time_point deadline = Clock::now() + patience;
  stop_accepting();
  core_->draining = true;
  core_->for_each([](Connection& connection) { connection.drain(); });
  if (core_->wait_until_empty(deadline - core_->options.last_words)) return true;
  core_->for_each([](Connection& connection) { connection.cancel(); });
  if (give_up) give_up();
  if (core_->wait_until_empty(deadline)) return true;
  core_->for_each([](Connection& connection) { connection.cut_off(); });
  return false;
}

HttpServer::Listener::~Listener() {
  stop_accepting();
  core_->draining = true;
  core_->for_each([](Connection& connection) { connection.cut_off(); });
  work_.reset();  // the threads end with the last connection
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const ListenAddress& address, HttpOptions options,
                                                       Handler handler) {
  const auto endpoint = endpoint_of(address);
  if (!endpoint) return endpoint.error();
  try {
    auto listener = std::make_unique<Listener>(std::move(options), std::move(handler));
    const error_code ec = listener->start(*endpoint);
    if (ec) return listen_error(address, ec);
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
  } catch (const std::exception& error) {
    return io_error(fmt::format("cannot start the HTTP server: {}", error.what()));
  }
}

HttpServer::HttpServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const { return listener_->port(); }
std::size_t HttpServer::connections() const { return listener_->core().connections(); }
std::uint64_t HttpServer::cancelled_requests() const { return listener_->core().cancelled_requests.load(); }
void HttpServer::stop_accepting() { listener_->stop_accepting(); }
bool HttpServer::drain(std::chrono::milliseconds patience, const std::function<void()>& give_up) {
  return listener_->drain(patience, give_up);
}

}  // namespace takt
