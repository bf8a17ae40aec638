// How often each call is asked, what comes of it, and how long it takes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace takt {

/// Of one call. Any thread.
class CallMeter {
 public:
  CallMeter(std::string method, std::string path) : method_(std::move(method)), path_(std::move(path)) {}
  void count(int status, std::chrono::microseconds took);

 private:
  friend class RequestMeter;
  // Upper bounds in microseconds; the last slot is for what takes longer.
  static constexpr std::array<std::int64_t, 13> kBounds{
      250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000, 3'000'000, 10'000'000};
  std::string method_, path_;
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> slots_{};
  std::array<std::atomic<std::uint64_t>, 6> by_class_{};  // [4]: 4xx
  std::atomic<std::uint64_t> micros_{0};
};

/// Of all calls.
class RequestMeter {
 public:
  /// While nobody counts or asks. The reference lives as long as the meter.
  CallMeter& add(std::string method, std::string path) {
    return calls_.emplace_back(std::move(method), std::move(path));
  }
  /// Prometheus text format: takt_http_requests_total by method, path and class of status, and
  /// takt_http_request_seconds as a histogram by method and path. Calls that were never asked are left out.
  void append_metrics(std::string& out) const;

 private:
  std::deque<CallMeter> calls_;
};

}  // namespace takt
