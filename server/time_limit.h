// Queries that take too long are given up.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace takt {

/// A query under way. Any thread.
class LimitedQuery {
 public:
  explicit LimitedQuery(const std::stop_token& client) : client_(client, Stop{&source_}) {}
  /// Stop is requested when its client has left or its time is over.
  std::stop_token token() const { return source_.get_token(); }
  /// Its time was over.
  bool overran() const { return overran_; }

 private:
  friend class TimeLimit;
  struct Stop {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  void overrun() {
    overran_ = true;
    source_.request_stop();
  }

  std::stop_source source_;
  std::atomic<bool> overran_{false};
  std::stop_callback<Stop> client_;  // last: it may stop the source while it is made
};

/// One limit for all queries, and the thread that watches them. Any thread.
class TimeLimit {
 public:
  /// 0: none.
  explicit TimeLimit(std::chrono::milliseconds limit) : limit_(limit) {
    if (limit_.count() > 0) thread_ = std::thread{[this] { watch(); }};
  }
  ~TimeLimit() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

  /// Queries that were given up since the start.
  std::uint64_t overruns() const { return overruns_; }

  /// Begins now; ends when the last reference goes.
  std::shared_ptr<LimitedQuery> begin(const std::stop_token& client) {
    auto query = std::make_shared<LimitedQuery>(client);
    if (limit_.count() == 0) return query;
    const std::lock_guard lock{mutex_};
    while (!queries_.empty() && queries_.front().query.expired()) queries_.pop_front();
    if (queries_.empty()) wake_.notify_one();
    queries_.push_back({std::chrono::steady_clock::now() + limit_, query});
    return query;
  }

 private:
  struct Watched {
    std::chrono::steady_clock::time_point deadline;
    std::weak_ptr<LimitedQuery> query;
  };

  void watch() {
    std::unique_lock lock{mutex_};
    while (!stopping_) {
      if (queries_.empty()) {
        wake_.wait(lock);
      } else if (const auto deadline = queries_.front().deadline; deadline > std::chrono::steady_clock::now()) {
        wake_.wait_until(lock, deadline);
      } else {
        const auto late = queries_.front().query.lock();
        queries_.pop_front();
        lock.unlock();  // what a stop calls may take its time
        if (late) late->overrun(), ++overruns_;
        lock.lock();
      }
    }
  }

  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> overruns_{0};
  std::deque<Watched> queries_;  // in the order of their deadlines, as all have one limit
  std::thread thread_;           // last: it uses the rest
};

}  // namespace takt
