// Weeks of a plant's states and counts, taken in without HTTP: what a benchmark of questions asks about.
#pragma once

#include "bench/need.h"
#include "bench/plant_load.h"
#include "ingest/ingestor.h"
#include "simulator/random.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace takt::bench {

inline constexpr std::uint64_t kHistorySeed = 1;

/// What machines with that much to tell would have sent, in order of time: a state every 260 s on average, a count
/// every ten minutes.
class PlantHistory {
 public:
  PlantHistory(const Plant& plant, Ingestor& ingestor) : plant_(plant), ingestor_(ingestor) {
    for (const Machine& machine : plant.machines) machines_.push_back({machine.id, kLoadBegin});
    for (const Reason& reason : plant.reasons) reasons_.push_back(reason.code);
  }

  void run_until(Timestamp end) {
    for (Timestamp slot = kLoadBegin; slot < end; slot += kCountEvery) {
      for (Source& machine : machines_) fill(machine, slot, std::min(end, slot + kCountEvery));
    }
    flush();
  }
  std::size_t events() const { return events_; }

 private:
  static constexpr std::size_t kBatchEvents = 8'000;
  static constexpr Duration kCountEvery = std::chrono::minutes{10};
  static constexpr Duration kMeanState = std::chrono::seconds{260};
  struct Source {
    std::string_view id;
    Timestamp next_state;
    bool running = false;
  };

  void fill(Source& machine, Timestamp from, Timestamp to) {
    for (; machine.next_state < to; machine.next_state += until_next_state()) add(state_of(machine));
    add(count_of(machine, from));
  }
  Duration until_next_state() {
    return std::chrono::duration_cast<Duration>(kMeanState * random_.between(0.2, 1.8));
  }
  Event state_of(Source& machine) {
    machine.running = !machine.running;
    Event event;
    event.type = EventType::state;
    event.machine = machine.id;
    event.at = machine.next_state;
    event.state = machine.running ? "running" : "down";
    if (!machine.running && random_.chance(0.5)) event.reason = any_of(reasons_);
    return event;
  }
  Event count_of(const Source& machine, Timestamp at) {
    Event event;
    event.type = EventType::count;
    event.machine = machine.id;
    event.at = at;
    event.good = random_.integer(0, 40);
    event.scrap = random_.chance(0.1) ? 1 : 0;
    // A product runs for hours.
    const auto turn = static_cast<std::size_t>(at.time_since_epoch() / std::chrono::hours{5});
    event.product = plant_.products[turn % plant_.products.size()].id;
    return event;
  }
  std::string_view any_of(const std::vector<std::string_view>& list) {
    return list[static_cast<std::size_t>(random_.integer(0, static_cast<std::int64_t>(list.size()) - 1))];
  }

  void add(const Event& event) {
    batch_.indexes.push_back(batch_.events.size());
    batch_.events.push_back(event);  // its strings are the plant's, which outlives the batch
    if (batch_.events.size() == kBatchEvents) flush();
  }
  void flush() {
    const std::size_t sent = batch_.events.size();
    const IngestAnswer answer = need(ingestor_.accept(std::exchange(batch_, {}), "bench"));
    need_that(answer.accepted == sent, "the history was not accepted whole");
    events_ += sent;
  }

  const Plant& plant_;  // borrowed
  Ingestor& ingestor_;  // borrowed
  Random random_{kHistorySeed};
  std::vector<Source> machines_;
  std::vector<std::string_view> reasons_;
  EventBatch batch_;
  std::size_t events_ = 0;
};

}  // namespace takt::bench
