#include "ingest/mtconnect/adapter_link.h"

#include <netdb.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstring>
#include <future>
#include <thread>
#include <vector>

namespace takt::mtconnect {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kStep{50};  // how long a stop may go unnoticed
constexpr std::size_t kReadBytes = std::size_t{64} << 10U;

std::vector<tcp::endpoint> look_up(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<tcp::endpoint> endpoints;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return endpoints;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    tcp::endpoint endpoint;
    if (each->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
    endpoint.resize(each->ai_addrlen);
    endpoints.push_back(endpoint);
  }
  ::freeaddrinfo(found);
  return endpoints;
}

/// The resolver cannot be interrupted; its thread is left to itself and owns all that it touches.
std::vector<tcp::endpoint> resolve(const std::string& host, const std::string& port, Clock::time_point until,
                                   const StopSign& stop) {
  const auto promise = std::make_shared<std::promise<std::vector<tcp::endpoint>>>();
  auto answer = promise->get_future();
  std::thread{[host, port, promise] { promise->set_value(look_up(host, port)); }}.detach();
  while (!stop.is_set() && Clock::now() < until) {
    if (answer.wait_for(kStep) == std::future_status::ready) return answer.get();
  }
  return {};
}

}  // namespace

struct AdapterLink::Parts {
  asio::io_context context{1};
  tcp::socket socket{context};
  std::array<char, kReadBytes> buffer;
  std::size_t got = 0;
  bool is_reading = false;
  boost::system::error_code failed;

  void run(milliseconds wait) {
    context.restart();
    context.run_for(wait);
  }
};

Result<AdapterLink> AdapterLink::connect(const std::string& host, const std::string& port, milliseconds patience,
                                         const StopSign& stop) {
  const auto until = Clock::now() + patience;
  const std::vector<tcp::endpoint> endpoints = resolve(host, port, until, stop);
  const std::string where = host + ":" + port;
  if (stop.is_set()) return cancelled();
  if (endpoints.empty()) return unavailable(where + " has no address");
  auto parts = std::make_unique<Parts>();
  bool done = false;
  asio::async_connect(parts->socket, endpoints,
                      [&done, &failed = parts->failed](boost::system::error_code error, const tcp::endpoint&) {
                        failed = error;
                        done = true;
                      });
  while (!done && !stop.is_set() && Clock::now() < until) parts->run(kStep);
  if (!done) {
    parts->socket.close();
    parts->run(kStep);
    return stop.is_set() ? cancelled() : unavailable(where + " did not answer in time");
  }
  if (parts->failed) return unavailable(where + " cannot be reached: " + parts->failed.message());
  boost::system::error_code ignored;
  parts->socket.set_option(asio::socket_base::keep_alive{true}, ignored);
  return AdapterLink{std::move(parts)};
}

AdapterLink::AdapterLink(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
AdapterLink::~AdapterLink() = default;
AdapterLink::AdapterLink(AdapterLink&&) noexcept = default;
AdapterLink& AdapterLink::operator=(AdapterLink&&) noexcept = default;

Result<std::string_view> AdapterLink::read(milliseconds wait) {
  Parts& parts = *parts_;
  if (!parts.is_reading) {
    parts.is_reading = true;
    parts.socket.async_read_some(asio::buffer(parts.buffer),
                                 [&parts](boost::system::error_code error, std::size_t size) {
                                   parts.failed = error, parts.got = size;
                                   parts.is_reading = false;
                                 });
  }
  parts.run(wait);
  if (parts.is_reading) return std::string_view{};
  if (parts.failed)
    return unavailable(parts.failed == asio::error::eof ? "it closed the connection" : parts.failed.message());
  return std::string_view{parts.buffer.data(), parts.got};
}

Result<void> AdapterLink::write(std::string_view text) {
  boost::system::error_code failed;
  asio::write(parts_->socket, asio::buffer(text.data(), text.size()), failed);
  if (failed) return unavailable(failed.message());
  return {};
}

}  // namespace takt::mtconnect
