#include "server/http/responder.h"

#include "server/http/exchange.h"

#include <algorithm>

namespace takt {
namespace {

// A line break inside a name would begin a field of its own.
std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find_first_of(std::string_view("\r\n\0", 3)));
}

void append_field(std::string& frame, std::string_view name, std::string_view value) {
  frame.append(name).append(": ").append(value).append("\n");
}

}  // namespace

std::string event_frame(std::string_view event_name, std::string_view data, std::string_view id) {
  std::string frame;
  frame.reserve(data.size() + event_name.size() + id.size() + 32);
  if (!id.empty()) append_field(frame, "id", first_line(id));
  if (!event_name.empty()) append_field(frame, "event", first_line(event_name));
  for (;;) {
    const auto end = data.find_first_of("\r\n");
    append_field(frame, "data", data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return frame += '\n';
}

EventStream::EventStream(std::shared_ptr<StreamQueue> queue) : queue_(std::move(queue)) {}
EventStream::~EventStream() { queue_->close(); }
bool EventStream::push(std::string_view event_name, std::string_view data, std::string_view id) {
  return !queue_->closed() && queue_->push(event_frame(event_name, data, id));
}
bool EventStream::push_frame(std::string_view frame) { return !queue_->closed() && queue_->push(frame); }
void EventStream::close() { queue_->close(); }
bool EventStream::closed() const { return queue_->closed(); }
void EventStream::on_close(std::function<void()> callback) { queue_->on_close(std::move(callback)); }

Responder::Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
Responder::Responder(Responder&& other) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder old(std::move(*this));  // answers 500 if it was not answered
  exchange_ = std::move(other.exchange_);
  finish_ = std::move(other.finish_);
  return *this;
}

Responder::~Responder() {
  if (exchange_) send(problem(500, "The server could not answer; its log says why."));
}

void Responder::send(HttpResponse response) {
  const auto exchange = std::exchange(exchange_, nullptr);
  if (!exchange) return;
  if (const auto finish = std::exchange(finish_, nullptr)) finish(response);
  exchange->answer(std::move(response));
}

std::shared_ptr<EventStream> Responder::stream() {
  const auto exchange = std::exchange(exchange_, nullptr);
  auto queue = exchange ? exchange->make_stream() : std::make_shared<StreamQueue>(std::weak_ptr<Wakeable>(), 0);
  if (exchange) {
    exchange->answer(queue);
  } else {
    queue->close();
    queue->end();
  }
  return std::make_shared<EventStream>(std::move(queue));
}

}  // namespace takt
