// Internal: from bytes to an HttpRequest, by Beast's grammar and our limits.
#pragma once

#include "server/http/content_coding.h"
#include "server/http/http_server.h"
#include "server/http/message.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/beast/http/basic_parser.hpp>

namespace takt {

/// The room left for the bodies of all requests together. Thread-safe. One request at a time may take more than
/// there is: were all refused that do not fit together, none might ever be taken in.
class BodyRoom {
 public:
  explicit BodyRoom(std::size_t bytes) : free_bytes_(static_cast<std::ptrdiff_t>(bytes)) {}

  bool take(std::size_t bytes) {
    const auto wanted = static_cast<std::ptrdiff_t>(bytes);
    if (free_bytes_.fetch_sub(wanted, std::memory_order_relaxed) >= wanted) return true;
    give_back(bytes);
    return false;
  }
  void give_back(std::size_t bytes) {
    free_bytes_.fetch_add(static_cast<std::ptrdiff_t>(bytes), std::memory_order_relaxed);
  }
  /// False: another request does.
  bool overdraw() { return !overdrawn_.exchange(true, std::memory_order_relaxed); }
  void overdraw_no_more() { overdrawn_.store(false, std::memory_order_relaxed); }
  /// As take(), whether there is room or not.
  void take_anyway(std::size_t bytes) {
    free_bytes_.fetch_sub(static_cast<std::ptrdiff_t>(bytes), std::memory_order_relaxed);
  }

 private:
  std::atomic<std::ptrdiff_t> free_bytes_;
  std::atomic<bool> overdrawn_{false};
};

/// What one request holds of the room, until it has been answered.
class BodyShare {
 public:
  explicit BodyShare(BodyRoom& room) : room_(&room) {}
  BodyShare(BodyShare&& other) noexcept
      : room_(other.room_),
        bytes_(std::exchange(other.bytes_, 0)),
        overdraws_(std::exchange(other.overdraws_, false)) {}
  BodyShare& operator=(BodyShare&&) = delete;
  ~BodyShare() {
    room_->give_back(bytes_);
    if (overdraws_) room_->overdraw_no_more();
  }

  bool grow_to(std::size_t bytes) {
    if (bytes <= bytes_) return true;
    if (overdraws_) {
      room_->take_anyway(bytes - bytes_);
    } else if (!room_->take(bytes - bytes_)) {
      if (!room_->overdraw()) return false;
      overdraws_ = true;
      room_->take_anyway(bytes - bytes_);
    }
    bytes_ = bytes;
    return true;
  }

 private:
  BodyRoom* room_;  // borrowed: the server outlives its connections
  std::size_t bytes_ = 0;
  bool overdraws_ = false;
};

/// Parses one request. What it refuses, it explains.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  RequestParser(const HttpOptions& options, BodyRoom& room, const std::string& remote);

  /// Takes from `bytes` what it can; the number taken. After a refusal it is not fed any more.
  std::size_t feed(std::string_view bytes);
  const std::optional<HttpResponse>& refusal() const { return refusal_; }
  /// The client has ended its side before the request was complete.
  HttpResponse cut_short() const;

  bool is_http_1_0() const { return is_http_1_0_; }
  bool is_head() const { return request_.method == "HEAD"; }
  bool expects_continue() const { return expects_continue_; }

  /// The request, once is_done(). What it takes of the room stays with the parser.
  HttpRequest take() { return std::move(request_); }

 private:
  using error_code = boost::beast::error_code;
  using view = boost::beast::string_view;
  using field = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb, view method, view target, int version, error_code& ec) override;
  void on_response_impl(int, view, int, error_code&) override {}
  void on_field_impl(field name, view name_text, view value, error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& content_length, error_code& ec) override;
  std::size_t on_body_impl(view bytes, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t, view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view bytes, error_code& ec) override {
    return on_body_impl(bytes, ec);
  }
  void on_finish_impl(error_code& ec) override;

  void refuse(HttpResponse refusal, error_code& ec);
  void refuse_body(BodyFault fault, error_code& ec);
  HttpResponse explain(const error_code& ec) const;
  HttpResponse url_too_long() const;
  HttpResponse body_too_large() const;

  const HttpOptions& options_;  // borrowed from the server
  BodyShare share_;
  HttpRequest request_;
  std::unique_ptr<BodyDecoder> decoder_;  // null: the body is what was sent
  std::optional<HttpResponse> refusal_;
  bool is_http_1_0_ = false;
  bool expects_continue_ = false;
  bool header_complete_ = false;
};

}  // namespace takt
