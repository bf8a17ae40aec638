// How a handler answers: once, now or later, from any thread; or with a stream of events.
#pragma once

#include "server/http/message.h"

#include <functional>
#include <memory>
#include <string_view>

namespace takt {

class Exchange;
class StreamQueue;

/// One event as it stands in a stream; line breaks in `data` are kept as the format asks for.
std::string event_frame(std::string_view event_name, std::string_view data, std::string_view id = {});

/// The sending end of one Server-Sent-Events answer (WHATWG HTML section 9.2). All calls may come from any thread
/// and none of them waits for the network: events queue up to HttpOptions::stream_queue_bytes. A client that reads
/// more slowly than that is cut off without harm to anybody else; a browser then connects again by itself.
/// Dropping the last reference ends the stream after what was pushed.
class EventStream {
 public:
  explicit EventStream(std::shared_ptr<StreamQueue> queue);
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  /// Queues one event. False if the stream is closed.
  bool push(std::string_view event_name, std::string_view data, std::string_view id = {});
  /// Queues what event_frame() has made: for those that many streams get.
  bool push_frame(std::string_view frame);
  /// Ends the stream after what was pushed.
  void close();
  /// The client left, was too slow, or the server stops: nothing pushed from now on arrives anywhere.
  bool closed() const;
  /// Called once, from a thread of the server, soon after the stream has ended; at once, from here, if it has
  /// already. Replaces an earlier callback.
  void on_close(std::function<void()> callback);

 private:
  std::shared_ptr<StreamQueue> queue_;
};

/// The duty to answer one request. Whoever holds it last must have answered: destroyed unanswered, it answers 500.
/// One thread at a time; which one does not matter, and it may outlive the server.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange);
  ~Responder();
  Responder(Responder&& other) noexcept;
  Responder& operator=(Responder&& other) noexcept;

  /// What an answer goes through before it is sent, on the thread that sends it; a stream does not. Replaces what
  /// was given before. It must not throw.
  void before_sending(std::function<void(HttpResponse&)> finish) { finish_ = std::move(finish); }
  /// Only the first answer counts: later calls of send() or stream() do nothing, or give a closed stream.
  void send(HttpResponse response);
  /// Answers 200 with `text/event-stream`. Comments keep the line alive while there is nothing to say.
  std::shared_ptr<EventStream> stream();

 private:
  std::shared_ptr<Exchange> exchange_;  // null once answered
  std::function<void(HttpResponse&)> finish_;
};

using Handler = std::function<void(HttpRequest, Responder)>;

}  // namespace takt
