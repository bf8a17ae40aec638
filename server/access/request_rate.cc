#include "server/access/request_rate.h"

#include <algorithm>

namespace takt {
namespace {

constexpr std::size_t kMostCallers = 10'000;
constexpr double kBurstSeconds = 2;

}  // namespace

bool RequestRate::admit(std::string_view caller, Clock::time_point now) {
  if (per_second_ <= 0) return true;
  const double full = per_second_ * kBurstSeconds;
  const std::lock_guard lock{mutex_};
  auto found = buckets_.find(caller);
  if (found == buckets_.end()) {
    // Whose bucket is full again is as good as unknown.
    if (buckets_.size() >= kMostCallers) {
      std::erase_if(buckets_, [&](const auto& each) {
        return now - each.second.filled > std::chrono::duration<double>{kBurstSeconds};
      });
    }
    if (buckets_.size() >= kMostCallers) return false;
    found = buckets_.emplace(caller, Bucket{full, now}).first;
  }
  Bucket& bucket = found->second;
  const double passed = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = std::min(full, bucket.tokens + passed * per_second_);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace takt
