// The events E as the store takes them in.
#pragma once

#include "bench/workload.h"
#include "engine/store.h"

#include <string>
#include <vector>

namespace takt::bench {

/// The strings that the workload's numbers stand for. They outlive every batch.
struct Vocabulary {
  std::vector<std::string> machines, reasons;
  explicit Vocabulary(std::uint32_t machines);
};

inline constexpr std::uint8_t kWorkloadIdle = 1, kWorkloadDown = 2;  ///< the states that are stops

Event event_of(const WorkloadEvent& from, const Vocabulary& words);

/// Sends all, 1000 a call, 16 calls in flight, in the order of `events`. Returns the seconds until the last
/// answer.
double send_events(Store& store, const std::vector<WorkloadEvent>& events, const Vocabulary& words);

}  // namespace takt::bench
