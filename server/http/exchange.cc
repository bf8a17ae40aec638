#include "server/http/exchange.h"

#include <exception>

#include <spdlog/spdlog.h>

namespace takt {

void StreamQueue::wake() const {
  if (const auto connection = connection_.lock()) connection->wake();
}

bool StreamQueue::push(std::string_view frame) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    if (pending_.size() + sending_bytes_ + frame.size() > limit_bytes_) {
      closed_ = overflown_ = true;
      pending_ = {};
    } else {
      pending_.append(frame);
      if (!std::exchange(waiting_, false)) return true;  // it will look by itself
    }
  }
  wake();
  return !closed();
}

void StreamQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
  }
  wake();
}

bool StreamQueue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

bool StreamQueue::overflown() const {
  const std::lock_guard lock(mutex_);
  return overflown_;
}

void StreamQueue::on_close(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      std::swap(on_close_, callback);
      return;
    }
  }
  if (callback) callback();
}

StreamQueue::Batch StreamQueue::take() {
  const std::lock_guard lock(mutex_);
  Batch batch{std::exchange(pending_, {}), closed_};
  sending_bytes_ = batch.bytes.size();
  waiting_ = batch.bytes.empty();
  return batch;
}

void StreamQueue::end() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    closed_ = ended_ = true;
    pending_ = {};
    callback = std::exchange(on_close_, nullptr);
  }
  // Outside the lock: the callback may well look at this stream.
  try {
    if (callback) callback();
  } catch (const std::exception& error) {
    spdlog::error("http: what was to follow the end of an event stream failed: {}", error.what());
  }
}

void Exchange::answer(Answer answer) {
  bool awaited = false;
  {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
    answered_ = true;
    awaited = waiting_ && !abandoned_;
    if (!awaited && !abandoned_) return;  // the connection will look by itself
  }
  if (!awaited) return abandon();
  if (const auto connection = connection_.lock()) connection->wake();
}

bool Exchange::cancel() {
  {
    const std::lock_guard lock(mutex_);
    if (answered_) return false;
  }
  return stop_.request_stop();  // outside the lock: what it calls may well answer
}

void Exchange::abandon() {
  std::optional<Answer> unread;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    unread = std::exchange(answer_, std::nullopt);
  }
  if (!unread) return;
  if (const auto* stream = std::get_if<std::shared_ptr<StreamQueue>>(&*unread)) (*stream)->end();
}

std::shared_ptr<StreamQueue> Exchange::make_stream() const {
  return std::make_shared<StreamQueue>(connection_, stream_limit_bytes_);
}

std::optional<Exchange::Answer> Exchange::take() {
  const std::lock_guard lock(mutex_);
  waiting_ = !answer_;
  return std::exchange(answer_, std::nullopt);
}

}  // namespace takt
