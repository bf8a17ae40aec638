// Internal: one client's connection, from its first byte to its last.
#pragma once

#include "net/transport.h"
#include "server/http/exchange.h"
#include "server/http/http_server.h"
#include "server/http/request_parser.h"
#include "server/http/response_writer.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>

namespace takt {

using Clock = std::chrono::steady_clock;
using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Strand>;
template <class T>
using Task = boost::asio::awaitable<T, Strand>;

class Connection;

/// What all connections of a server share. Thread-safe.
struct ServerCore {
  ServerCore(HttpOptions http_options, Handler request_handler)
      : options(std::move(http_options)),
        handler(std::move(request_handler)),
        body_room(options.max_bodies_bytes) {}

  void enter(const std::shared_ptr<Connection>& connection);
  void leave(const Connection& connection);
  std::size_t connections() const;
  bool wait_until_empty(Clock::time_point deadline);
  /// Closes up to `count` of the connections that have waited longest for a request.
  void evict(std::size_t count);
  template <class Action>
  void for_each(Action action);

  const HttpOptions options;
  const Handler handler;
  BodyRoom body_room;
  std::atomic<bool> draining = false;
  std::atomic<std::uint64_t> cancelled_requests = 0;
  boost::asio::io_context io;

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> connections_;
};

/// Everything below runs on the connection's strand, except where "any thread" is said.
/// Time limits need no timer of their own for each read and write: they set a deadline, and one watch compares the
/// clock with it when it may have passed. A request that is quick costs no timer at all.
class Connection final : public Wakeable, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerCore> core, Socket socket);

  void start();          ///< Any thread.
  void wake() override;  ///< Any thread.
  void drain();          ///< Any thread. Ends after the request in hand, now if there is none.
  void cancel();         ///< Any thread. Asks the handler of the request in hand to give up.
  void cut_off();        ///< Any thread. Ends now.
  void evict();          ///< Any thread. Ends now if it waits for a request.
  /// When it began to wait for a request's header; time_point::max() if it does not. Any thread.
  Clock::time_point waiting_since() const { return Clock::time_point(Clock::duration(waiting_since_.load())); }

 private:
  enum class Received { request, refused, nothing };

  static Task<void> run(std::shared_ptr<Connection> self);
  Task<void> serve();
  Task<bool> shake_hands();
  Task<Received> receive_request();
  Task<bool> await_bytes();
  Task<bool> receive_header();
  Task<bool> receive_body();
  Task<bool> receive(std::size_t room);
  bool feed_parser();
  Task<void> answer_request();
  void look_for_client();
  void cancel_request();
  Task<void> send_answer(HttpResponse response);
  Task<void> refuse();
  Task<void> stream_events(std::shared_ptr<StreamQueue> queue);
  static Task<void> watch_reader(std::shared_ptr<Connection> self, std::shared_ptr<StreamQueue> queue);
  Task<bool> transmit(std::string_view head, std::string_view body);
  Task<void> linger();
  Task<void> say_farewell();
  Task<void> sleep_until(Clock::time_point time);
  void call_handler(HttpRequest request);
  void close();

  void begin_waiting();
  void end_waiting();
  bool stopping();
  bool has_input();
  bool over() const { return expired_ || broken_; }
  void set_deadline(Clock::duration limit);
  void lift_deadline() { deadline_ = Clock::time_point::max(); }
  void arm_watch();
  void on_watch(const boost::system::error_code& ec);

  const std::shared_ptr<ServerCore> core_;  // first, so that the io_context outlives socket and timers
  const HttpOptions& options_;
  Transport transport_;
  Socket& socket_;  // the transport's
  std::string remote_;
  boost::beast::flat_buffer buffer_;  // received, not yet parsed: the next requests of a pipeline
  std::optional<RequestParser> parser_;
  AnswerTraits traits_;
  ConnectionFate fate_ = ConnectionFate::keep;
  std::string asked_;  // for the log
  std::string head_;
  std::shared_ptr<StreamQueue> stream_;
  std::shared_ptr<Exchange> exchange_;
  Clock::time_point gone_at_;  // when a client that has shut down its side counts as gone
  Timer waker_;                // waited for until something wakes the connection
  Timer watch_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool watching_ = false;
  bool expired_ = false;      // the deadline has passed
  bool broken_ = false;       // the socket is of no use any more
  bool input_ended_ = false;  // the client has shut down its side
  bool finished_ = false;
  std::atomic<Clock::rep> waiting_since_ = Clock::time_point::max().time_since_epoch().count();
};

template <class Action>
void ServerCore::for_each(Action action) {
  std::vector<std::shared_ptr<Connection>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, weak] : connections_)
      if (auto connection = weak.lock()) all.push_back(std::move(connection));
  }
  for (const auto& connection : all) action(*connection);
}

}  // namespace takt
