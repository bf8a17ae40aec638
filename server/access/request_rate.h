// How many requests a caller may make.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace takt {

/// A bucket of tokens for each caller: it holds those of two seconds, and a request takes one. Any thread.
class RequestRate {
 public:
  using Clock = std::chrono::steady_clock;
  /// 0: any number.
  explicit RequestRate(double per_second) : per_second_(per_second) {}
  /// Whether one more of `caller` is within his rate.
  bool admit(std::string_view caller, Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double tokens;
    Clock::time_point filled;
  };
  const double per_second_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace takt
