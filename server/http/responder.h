// How a handler answers: once, now or later, from any thread; or with a stream of events.
#pragma once

#include "server/http/message.h"

#include <functional>
#include <memory>
#include <string_view>

namespace takt {

class Exchange;
class StreamQueue;

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

  /// Queues one event; line breaks in `data` are kept as the format asks for. False if the stream is closed.
  bool push(std::string_view event_name, std::string_view data, std::string_view id = {});
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

  /// Only the first answer counts: later calls of send() or stream() do nothing, or give a closed stream.
  void send(HttpResponse response);
  /// Answers 200 with `text/event-stream`. Comments keep the line alive while there is nothing to say.
  std::shared_ptr<EventStream> stream();

 private:
  std::shared_ptr<Exchange> exchange_;  // null once answered
};

using Handler = std::function<void(HttpRequest, Responder)>;

}  // namespace takt
