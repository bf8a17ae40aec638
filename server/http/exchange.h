// Internal: where the threads of handlers meet the connection that waits for them.
#pragma once

#include "server/http/message.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace takt {

/// A connection seen from another thread.
class Wakeable {
 public:
  virtual ~Wakeable() = default;
  /// Makes the connection look again at what it waits for. From any thread.
  virtual void wake() = 0;
};

/// The bounded queue between EventStream::push and the connection. Thread-safe.
class StreamQueue {
 public:
  StreamQueue(std::weak_ptr<Wakeable> connection, std::size_t limit_bytes)
      : connection_(std::move(connection)), limit_bytes_(limit_bytes) {}

  bool push(std::string_view frame);
  void close();
  bool closed() const;
  void on_close(std::function<void()> callback);

  // The connection's side.
  struct Batch {
    std::string bytes;  ///< All that was queued.
    bool last = false;  ///< Nothing follows: the stream was closed.
  };
  /// Takes what is queued and calls what was taken before sent. If there is nothing, the next push wakes the
  /// connection.
  Batch take();
  /// The client was too slow.
  bool overflown() const;
  /// Nobody reads any more: runs the callback.
  void end();

 private:
  void wake() const;

  const std::weak_ptr<Wakeable> connection_;
  const std::size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::string pending_;
  std::size_t sending_bytes_ = 0;
  bool waiting_ = false;
  bool closed_ = false;
  bool overflown_ = false;
  bool ended_ = false;
  std::function<void()> on_close_;
};

/// One request's answer on its way from whatever thread to the connection. Thread-safe.
class Exchange {
 public:
  using Answer = std::variant<HttpResponse, std::shared_ptr<StreamQueue>>;

  Exchange(std::weak_ptr<Wakeable> connection, std::size_t stream_limit_bytes)
      : connection_(std::move(connection)), stream_limit_bytes_(stream_limit_bytes) {}

  void answer(Answer answer);
  std::shared_ptr<StreamQueue> make_stream() const;
  std::stop_token cancelled() const { return stop_.get_token(); }

  /// The answer; without one, its arrival will wake the connection.
  std::optional<Answer> take();
  /// Asks the handler to give up. False if it has answered, or was asked before.
  bool cancel();
  /// The connection is gone: a stream that comes or has come is closed at once.
  void abandon();

 private:
  const std::weak_ptr<Wakeable> connection_;
  const std::size_t stream_limit_bytes_;
  std::mutex mutex_;
  std::optional<Answer> answer_;
  std::stop_source stop_;
  bool answered_ = false;
  bool abandoned_ = false;
  bool waiting_ = false;
};

}  // namespace takt
