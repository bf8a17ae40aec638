// How good what is sent is: what was refused, machine by machine.
#pragma once

#include "schema/event.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// The share of events that should be good: taken in or known already, at once or after a replay.
inline constexpr double kDataQualityGoal = 0.999;

using RejectsByCode = std::array<std::uint64_t, kRejections>;

/// Refused events since the process started. Any thread.
class MachineRejects {
 public:
  /// Names beyond so many, which strangers can invent, and events whose machine could not be read, count under "".
  static constexpr std::size_t kMostMachines = 1000;

  void add(const std::vector<RejectedEvent>& rejected);
  /// One of them was taken in after all.
  void replayed(std::string_view machine);

  struct Rejects {
    RejectsByCode by_code{};
    std::uint64_t replayed = 0;
  };
  std::map<std::string, Rejects, std::less<>> report() const;

 private:
  Rejects& of(std::string_view machine);

  mutable std::mutex mutex_;
  std::map<std::string, Rejects, std::less<>> machines_;
};

/// The share of good events; nothing: none came. `good` were taken in, replayed ones among them, or known already.
struct DataQuality {
  std::uint64_t good = 0, rejected = 0, replayed = 0;

  bool empty() const { return good + rejected == 0; }
  double share() const {
    const std::uint64_t bad = rejected - std::min(replayed, rejected);
    return static_cast<double>(good) / static_cast<double>(good + bad);
  }
};

}  // namespace takt
