// How connectors that fetch by themselves hand events over: again and again, until they are in or nobody waits.
#pragma once

#include "ingest/ingestor.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace takt::mtconnect {

/// That a connector is to end. Any thread.
class StopSign {
 public:
  void set();
  bool is_set() const { return set_; }
  const std::atomic<bool>& flag() const { return set_; }
  /// True: it was set meanwhile.
  bool wait(std::chrono::milliseconds length);

 private:
  std::atomic<bool> set_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// The pauses between attempts: a second, then twice as long each time, up to 30 s.
class GrowingPause {
 public:
  std::chrono::milliseconds next() {
    const auto pause = next_;
    next_ = std::min(kLongest, next_ * 2);
    return pause;
  }
  void restart() { next_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{1'000}, kLongest{30'000};
  std::chrono::milliseconds next_ = kFirst;
};

/// Returns true once the events of `make` are durable, however long the server refuses them; false: `stop` was
/// set. Nothing else is read meanwhile, so that a sender is held up by TCP. `make` is called for each attempt and
/// makes the same events each time.
bool hand_over(Ingestor& ingestor, const std::shared_ptr<Source>& source, const std::function<EventBatch()>& make,
               StopSign& stop);

}  // namespace takt::mtconnect
