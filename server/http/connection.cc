#include "server/http/connection.h"

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

// g++ 12 destroys some temporaries of a co_await expression twice: lambdas with captures that own something, and
// aggregates. So operations and their buffers are named before they are awaited.

namespace takt {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr asio::use_awaitable_t<Strand> use_task;
constexpr std::size_t header_room_bytes = 4 * 1024;
constexpr std::size_t body_room_bytes = 128 * 1024;
constexpr std::size_t idle_buffer_bytes = 16 * 1024;  // what an idle connection may keep
constexpr std::size_t progress_bytes = 64 * 1024;     // that make a slow transfer welcome for another time-out
constexpr int stream_send_buffer_bytes = 256 * 1024;  // the kernel's share of a stream's queue
constexpr std::string_view heartbeat = ":\n\n";

std::string remote_name(const Socket& socket) {
  error_code ec;
  const tcp::endpoint endpoint = socket.remote_endpoint(ec);
  if (ec) return "unknown";
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

}  // namespace

void ServerCore::enter(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock(mutex_);
  connections_.emplace(connection.get(), connection);
}

void ServerCore::leave(const Connection& connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(&connection);
  if (connections_.empty()) empty_.notify_all();
}

std::size_t ServerCore::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

bool ServerCore::wait_until_empty(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return empty_.wait_until(lock, deadline, [this] { return connections_.empty(); });
}

void ServerCore::evict(std::size_t count) {
  std::vector<std::pair<Clock::time_point, std::shared_ptr<Connection>>> waiting;
  for_each([&](Connection& connection) {
    const Clock::time_point since = connection.waiting_since();
    if (since != Clock::time_point::max()) waiting.emplace_back(since, connection.shared_from_this());
  });
  count = std::min(count, waiting.size());
  std::partial_sort(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count), waiting.end(),
                    [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < count; ++i) waiting[i].second->evict();
}

Connection::Connection(std::shared_ptr<ServerCore> core, Socket socket)
    : core_(std::move(core)),
      options_(core_->options),
      transport_(std::move(socket), options_.tls ? options_.tls->context() : nullptr),
      socket_(transport_.socket()),
      remote_(remote_name(socket_)),
      waker_(socket_.get_executor()),
      watch_(socket_.get_executor()) {}

void Connection::start() {
  core_->enter(shared_from_this());
  asio::co_spawn(socket_.get_executor(), run(shared_from_this()), asio::detached);
}

void Connection::wake() {
  asio::post(socket_.get_executor(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->waker_.cancel();
    // The writer may hang in a write that the slow client never lets end.
    if (self->stream_ && self->stream_->overflown()) self->broken_ = true;
    if (self->broken_) self->close();
  });
}

void Connection::drain() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->fate_ = ConnectionFate::close;
    if (self->stream_) self->stream_->close();
    if (self->waiting_since() != Clock::time_point::max() && !self->parser_->got_some() && !self->has_input())
      self->close();
  });
}

void Connection::cancel() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->cancel_request(); });
}

void Connection::cut_off() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->close();
    self->waker_.cancel();
  });
}

void Connection::evict() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->waiting_since() != Clock::time_point::max()) self->close();
  });
}

void Connection::close() {
  error_code ignored;
  broken_ = true;
  socket_.close(ignored);
}

void Connection::begin_waiting() {
  waiting_since_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

void Connection::end_waiting() {
  waiting_since_.store(Clock::time_point::max().time_since_epoch().count(), std::memory_order_relaxed);
}

void Connection::set_deadline(Clock::duration limit) {
  expired_ = false;
  deadline_ = Clock::now() + limit;
  if (!watching_ || deadline_ < watch_.expiry()) arm_watch();
}

void Connection::arm_watch() {
  watching_ = true;
  watch_.expires_at(deadline_);
  watch_.async_wait([self = shared_from_this()](const error_code& ec) { self->on_watch(ec); });
}

void Connection::on_watch(const error_code& ec) {
  if (ec || finished_) return;
  watching_ = false;
  if (deadline_ == Clock::time_point::max()) return;
  if (Clock::now() < deadline_) return arm_watch();
  error_code ignored;
  expired_ = true;
  socket_.cancel(ignored);
}

Task<void> Connection::run(std::shared_ptr<Connection> self) {
  try {
    co_await self->serve();
  } catch (const std::exception& error) {
    spdlog::error("http: connection of {} ended by an exception: {}", self->remote_, error.what());
  }
  self->close();
  self->finished_ = true;
  self->watch_.cancel();
  self->cancel_request();
  if (self->exchange_) self->exchange_->abandon();
  if (self->stream_) self->stream_->end();
  self->core_->leave(*self);
}

Task<void> Connection::serve() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  if (transport_.is_secured() && !co_await shake_hands()) co_return;
  while (!stopping() || has_input()) {
    const Received received = co_await receive_request();
    if (received == Received::nothing) co_return;
    if (received == Received::refused) co_await refuse();
    if (received == Received::request) co_await answer_request();
    if (over()) co_return;
    if (fate_ == ConnectionFate::close) break;
  }
  if (transport_.is_secured()) co_return co_await say_farewell();
  if (parser_ && (parser_->refusal() || !parser_->is_done() || has_input())) co_await linger();
}

// Whoever speaks plain HTTP to a port of TLS is told so, in the language that he understands.
Task<bool> Connection::shake_hands() {
  constexpr char kHandshakeRecord = 22;
  constexpr std::string_view kNotSecured =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
      "Content-Length: 84\r\n\r\n"
      R"({"title":"TLS only","status":400,"detail":"this port speaks HTTPS: use https://..."})";
  begin_waiting();
  set_deadline(options_.header_timeout);
  error_code ec;
  co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(use_task, ec));
  char first = 0;
  if (ec || over() || ::recv(socket_.native_handle(), &first, 1, MSG_PEEK) != 1) co_return false;
  if (first != kHandshakeRecord) {
    const auto words = asio::buffer(kNotSecured);
    co_await asio::async_write(socket_, words, asio::redirect_error(use_task, ec));
    co_return false;
  }
  co_await transport_.async_handshake(asio::redirect_error(use_task, ec));
  end_waiting();
  if (ec) broken_ = true;
  co_return !over();
}

bool Connection::stopping() {
  if (core_->draining.load(std::memory_order_relaxed)) fate_ = ConnectionFate::close;
  return fate_ == ConnectionFate::close;
}

bool Connection::has_input() { return buffer_.size() > 0 || transport_.has_arrived(); }

Task<Connection::Received> Connection::receive_request() {
  parser_.emplace(options_, core_->body_room, remote_);
  begin_waiting();
  if (!co_await await_bytes()) co_return Received::nothing;
  bool whole = feed_parser();
  if (!whole) whole = co_await receive_header();
  end_waiting();
  if (!whole && parser_->is_header_done() && !over()) whole = co_await receive_body();
  if (whole) co_return parser_->refusal() ? Received::refused : Received::request;
  co_return broken_ || !parser_->got_some() ? Received::nothing : Received::refused;
}

// The first bytes of a request. A buffer that a large body has left behind is not kept while waiting.
Task<bool> Connection::await_bytes() {
  if (buffer_.size() > 0) co_return true;
  if (buffer_.capacity() > idle_buffer_bytes) buffer_.shrink_to_fit();
  set_deadline(options_.idle_timeout);
  co_return co_await receive(header_room_bytes);
}

// Until the header is there; true if the whole request is.
Task<bool> Connection::receive_header() {
  bool whole = false;
  if (!parser_->is_header_done()) set_deadline(options_.header_timeout);
  while (!whole && !parser_->is_header_done()) {
    if (!co_await receive(header_room_bytes)) co_return false;
    whole = feed_parser();
  }
  co_return whole;
}

Task<bool> Connection::receive_body() {
  set_deadline(options_.progress_timeout);
  if (parser_->expects_continue() && buffer_.size() == 0) {
    if (!co_await transmit("HTTP/1.1 100 Continue\r\n\r\n", "")) co_return false;
  }
  std::size_t welcome_bytes = 0;
  bool whole = false;
  while (!whole) {
    const std::size_t before = buffer_.size();
    if (!co_await receive(body_room_bytes)) co_return false;
    welcome_bytes += buffer_.size() - before;
    whole = feed_parser();
    if (welcome_bytes < progress_bytes) continue;
    welcome_bytes = 0;
    set_deadline(options_.progress_timeout);
  }
  co_return true;
}

// False at the end of what the client sends, when the deadline passes and when the socket breaks.
Task<bool> Connection::receive(std::size_t room) {
  if (over()) co_return false;
  error_code ec;
  const auto space = buffer_.prepare(room);
  const std::size_t count = co_await transport_.async_read_some(space, asio::redirect_error(use_task, ec));
  buffer_.commit(count);
  if (ec == asio::error::eof) input_ended_ = true;
  if (ec && ec != asio::error::eof && !expired_) broken_ = true;
  co_return count > 0 && !over();
}

// True when there is nothing more to receive for this request: it is complete or refused.
bool Connection::feed_parser() {
  const auto bytes = buffer_.data();
  std::string_view text(static_cast<const char*>(bytes.data()), bytes.size());
  // Some clients end a body with a line break too many: RFC 9112 section 2.2.
  const std::size_t breaks = parser_->got_some() ? 0 : std::min(text.find_first_not_of("\r\n"), text.size());
  text.remove_prefix(breaks);
  const std::size_t taken = text.empty() ? 0 : parser_->feed(text);
  buffer_.consume(breaks + taken);
  return parser_->is_done() || parser_->refusal().has_value();
}

Task<void> Connection::refuse() {
  const bool too_slow = expired_;
  HttpResponse refusal = parser_->cut_short();
  if (too_slow) refusal = problem(408, "The request came too slowly; nothing of it was used.");
  if (parser_->refusal()) refusal = *parser_->refusal();
  fate_ = ConnectionFate::close;
  traits_ = AnswerTraits();
  traits_.to_head = parser_->is_head();
  traits_.secured = transport_.is_secured();
  set_deadline(options_.linger_timeout);
  co_await send_answer(std::move(refusal));
}

Task<void> Connection::answer_request() {
  lift_deadline();
  HttpRequest request = parser_->take();
  request.secured = transport_.is_secured();
  request.certificate = transport_.certified_name();
  traits_.to_head = request.method == "HEAD";
  traits_.to_http_1_0 = parser_->is_http_1_0();
  traits_.accepts_gzip = accepts_gzip(request);
  traits_.secured = request.secured;
  if (!parser_->keep_alive()) fate_ = ConnectionFate::close;
  exchange_ = std::make_shared<Exchange>(weak_from_this(), options_.stream_queue_bytes);
  request.cancelled = exchange_->cancelled();
  gone_at_ = Clock::time_point::max();
  call_handler(std::move(request));
  std::optional<Exchange::Answer> answer = exchange_->take();
  while (!answer && !over()) {
    const bool given_up = exchange_->cancelled().stop_requested();
    co_await sleep_until(given_up ? Clock::time_point::max() : Clock::now() + options_.presence_interval);
    answer = exchange_->take();
    if (!answer && !over() && !given_up) look_for_client();
  }
  if (!answer) co_return;
  if (auto* response = std::get_if<HttpResponse>(&*answer)) {
    co_await send_answer(std::move(*response));
  } else {
    co_await stream_events(std::get<std::shared_ptr<StreamQueue>>(*answer));
  }
}

// Asks the kernel instead of reading: nothing of a pipeline's next requests is touched, and an end behind them
// shows.
void Connection::look_for_client() {
  pollfd client{socket_.native_handle(), POLLRDHUP, 0};
  if (::poll(&client, 1, 0) <= 0) return;
  if ((client.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return cancel_request();
  if (gone_at_ == Clock::time_point::max()) gone_at_ = Clock::now() + options_.half_close_patience;
  if (Clock::now() >= gone_at_) cancel_request();
}

void Connection::cancel_request() {
  if (exchange_ && exchange_->cancel()) ++core_->cancelled_requests;
}

void Connection::call_handler(HttpRequest request) {
  asked_.assign(request.method).append(" ").append(request.path);
  try {
    // Unanswered when the handler throws, the Responder answers 500.
    core_->handler(std::move(request), Responder(exchange_));
  } catch (const std::exception& error) {
    spdlog::error("http: {} failed: {}", asked_, error.what());
  } catch (...) {
    spdlog::error("http: {} failed by something that is no exception", asked_);
  }
}

Task<void> Connection::send_answer(HttpResponse response) {
  compress(response, traits_);
  write_head(response, traits_, stopping() ? ConnectionFate::close : fate_, head_);
  const bool bodiless = traits_.to_head || response.status == 204 || response.status == 304;
  if (!co_await transmit(head_, bodiless ? std::string_view() : response.payload())) broken_ = true;
}

// Sends both, as long as the client takes at least progress_bytes in each time-out.
Task<bool> Connection::transmit(std::string_view head, std::string_view body) {
  std::size_t welcome_bytes = progress_bytes;
  error_code ec;
  while (!ec && !broken_ && head.size() + body.size() > 0) {
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(body)};
    std::size_t sent =
        transport_.write_some(parts, ec);  // mostly all fits in at once, and nothing has to be awaited
    if (ec == asio::error::would_block || ec == asio::error::try_again) {
      if (welcome_bytes >= progress_bytes) {
        welcome_bytes = 0;
        set_deadline(options_.progress_timeout);
      }
      ec = {};
      sent = co_await transport_.async_write_some(parts, asio::redirect_error(use_task, ec));
    }
    welcome_bytes += sent;
    body.remove_prefix(sent - std::min(sent, head.size()));
    head.remove_prefix(std::min(sent, head.size()));
  }
  co_return !ec && !over();
}

Task<void> Connection::stream_events(std::shared_ptr<StreamQueue> queue) {
  error_code ignored;
  fate_ = ConnectionFate::close;
  stream_ = queue;
  socket_.set_option(asio::socket_base::send_buffer_size(stream_send_buffer_bytes), ignored);
  const std::string head = event_stream_head();
  bool open = co_await transmit(head, "") && !traits_.to_head;
  asio::co_spawn(socket_.get_executor(), watch_reader(shared_from_this(), queue), asio::detached);
  while (open) {
    if (core_->draining.load(std::memory_order_relaxed)) queue->close();
    const StreamQueue::Batch batch = queue->take();
    if (!batch.bytes.empty()) {
      open = co_await transmit(batch.bytes, "");
    } else if (batch.last || over()) {
      open = false;
    } else {
      lift_deadline();
      // A client that shut down its side may be gone altogether: only writing tells, so that is tried sooner.
      const auto pause = input_ended_ ? std::min(options_.heartbeat_interval, std::chrono::milliseconds(1000))
                                      : options_.heartbeat_interval;
      const Clock::time_point next_heartbeat = Clock::now() + pause;
      co_await sleep_until(next_heartbeat);
      if (Clock::now() >= next_heartbeat) open = co_await transmit(heartbeat, "");
    }
  }
  queue->end();
}

// Nothing a client says on an event stream means anything, but that it leaves does.
Task<void> Connection::watch_reader(std::shared_ptr<Connection> self, std::shared_ptr<StreamQueue> queue) {
  error_code ec;
  std::array<char, 512> ignored{};
  const auto space = asio::buffer(ignored);
  while (!ec && !queue->closed())
    co_await self->transport_.async_read_some(space, asio::redirect_error(use_task, ec));
  self->input_ended_ = true;
  if (ec && ec != asio::error::eof) self->broken_ = true;
  self->waker_.cancel();
}

Task<void> Connection::sleep_until(Clock::time_point time) {
  error_code ignored;
  waker_.expires_at(time);
  co_await waker_.async_wait(asio::redirect_error(use_task, ignored));
}

// So that the client knows the answer for whole, also where only the end of the connection ends it.
Task<void> Connection::say_farewell() {
  error_code ignored;
  set_deadline(options_.linger_timeout);
  co_await transport_.async_farewell(asio::redirect_error(use_task, ignored));
}

// Closing a socket with unread input resets the connection, and the reset overtakes our answer.
Task<void> Connection::linger() {
  error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  if (ec || input_ended_) co_return;
  set_deadline(options_.linger_timeout);
  while (!over()) {
    buffer_.clear();
    if (!co_await receive(header_room_bytes)) co_return;
  }
}

}  // namespace takt
