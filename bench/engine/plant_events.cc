#include "bench/engine/plant_events.h"

#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"

#include <array>

namespace takt::bench {
namespace {

constexpr std::size_t kBatchEvents = 1000, kInFlight = 16;
constexpr std::array<const char*, 5> kStates{"running", "idle", "down", "setup", "planned_stop"};

}  // namespace

Vocabulary::Vocabulary(std::uint32_t count) {
  for (std::uint32_t m = 0; m <= count; ++m) machines.push_back(machine_name(m));
  for (int reason = 0; reason <= 50; ++reason)
    reasons.push_back(reason == 0 ? std::string{} : "R" + std::to_string(reason));
}

Event event_of(const WorkloadEvent& from, const Vocabulary& words) {
  Event event;
  event.type = from.count ? EventType::count : EventType::state;
  event.machine = words.machines[from.machine];
  event.at = from_micros(from.at);
  if (from.count) {
    (from.code == 0 ? event.good : from.code == 1 ? event.scrap : event.rework) = 1;
  } else {
    event.state = kStates[from.code];
    event.reason = words.reasons[from.reason];
  }
  return event;
}

double send_events(Store& store, const std::vector<WorkloadEvent>& events, const Vocabulary& words) {
  const auto begun = SteadyClock::now();
  Sender sender{store, kInFlight};
  for (std::size_t i = 0; i < events.size();) {
    EventBatch batch;
    batch.events.reserve(kBatchEvents);
    for (const std::size_t end = std::min(events.size(), i + kBatchEvents); i < end; ++i) {
      batch.indexes.push_back(batch.events.size());
      batch.events.push_back(event_of(events[i], words));
    }
    sender.send(std::move(batch));
  }
  sender.finish();
  return seconds_since(begun);
}

}  // namespace takt::bench
