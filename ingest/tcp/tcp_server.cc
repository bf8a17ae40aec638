#include "ingest/tcp/tcp_server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>

#include "ingest/tcp/connection.h"

namespace takt {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kLastWords = std::chrono::seconds{2};
constexpr auto kAcceptPause = std::chrono::milliseconds{10};  // where there is no descriptor for a connection

/// Naming tags waits for the committer: one thread more than there is to compute.
std::size_t thread_count() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 4) + 1; }

Error listen_error(const std::string& where, const error_code& ec) {
  if (ec == asio::error::address_in_use)
    return {ErrorCode::conflict,
            fmt::format("cannot listen on {}: the port is in use; choose another one", where)};
  return invalid(fmt::format("cannot listen on {}: {}", where, ec.message()));
}

}  // namespace

class TcpServer::Listener {
 public:
  Listener(TcpOptions options, Ingestor& ingestor, Store& store)
      : core_(std::move(options), ingestor, store),
        work_(core_.io.get_executor()),
        acceptor_(asio::make_strand(core_.io)),
        pause_(acceptor_.get_executor()) {}

  Result<void> open(const std::string& address, std::uint16_t port) {
    error_code ec;
    const auto ip = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, ec);
    const std::string where = fmt::format("{}:{}", address, port);
    if (!ec) acceptor_.open(ip.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor_.bind({ip, port}, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return listen_error(where, ec);
    accept();
    for (std::size_t i = 0; i < thread_count(); ++i) threads_.emplace_back([this] { run(); });
    return {};
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::size_t connections() { return core_.all().size(); }

  void stop() {
    if (threads_.empty()) return;
    core_.stopping = true;
    asio::post(acceptor_.get_executor(), [this] {
      error_code ec;
      acceptor_.close(ec);
      pause_.cancel();
    });
    for (const auto& connection : core_.all())
      connection->finish(wire::FaultCode::unavailable, "the server is stopping; it goes on when it is back");
    core_.wait_for_deliveries();
    core_.wait_until_empty(tcp::Steady::now() + kLastWords);
    work_.reset();
    core_.io.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    core_.connections.clear();
  }

 private:
  void run() {
    for (;;) {
      try {
        core_.io.run();
        return;
      } catch (const std::exception& error) {
        spdlog::error("tcp: {}", error.what());
      }
    }
  }

  void accept() {
    acceptor_.async_accept(asio::make_strand(core_.io), [this](const error_code& ec, Socket socket) {
      if (core_.stopping) return;
      if (ec) return accept_later();
      const auto connection = std::make_shared<tcp::Connection>(core_, std::move(socket));
      if (core_.enter(connection)) connection->start();
      accept();
    });
  }
  void accept_later() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& ec) {
      if (!ec && !core_.stopping) accept();
    });
  }

  tcp::Core core_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::basic_socket_acceptor<asio::ip::tcp, Strand> acceptor_;
  tcp::Timer pause_;
  std::vector<std::thread> threads_;
};

TcpServer::TcpServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
TcpServer::~TcpServer() { stop(); }

Result<std::unique_ptr<TcpServer>> TcpServer::listen(const std::string& address, std::uint16_t port,
                                                     TcpOptions options, Ingestor& ingestor, Store& store) {
  auto listener = std::make_unique<Listener>(std::move(options), ingestor, store);
  if (const auto opened = listener->open(address, port); !opened) return opened.error();
  return std::unique_ptr<TcpServer>{new TcpServer{std::move(listener)}};
}

std::uint16_t TcpServer::port() const { return listener_->port(); }
std::size_t TcpServer::connections() const { return listener_->connections(); }
void TcpServer::stop() { listener_->stop(); }

}  // namespace takt
