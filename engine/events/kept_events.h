// What retention leaves of a machine's events: all from a moment on, and of before it what later figures need.
#pragma once

#include "schema/event.h"
#include "schema/time.h"

#include <set>
#include <string>
#include <utility>

namespace takt {

/// From when on a machine's figures follow from its events. Those of before were dropped, and their sums stay.
/// Both are the beginning of time where nothing was.
struct Horizon {
  Timestamp pieces = kBeginOfTime;
  /// Never after `pieces`; the beginning of the stop or setup that lasts there, so that it can be judged whole.
  Timestamp timeline = kBeginOfTime;
  friend bool operator==(const Horizon&, const Horizon&) = default;
};

/// Says of every event of one machine but readings whether it is kept. Immutable.
class KeptEvents {
 public:
  explicit KeptEvents(Horizon horizon) : horizon_(horizon) {}

  const Horizon& horizon() const { return horizon_; }
  /// Events of this type and moment stay, whatever else their identity: the last before the horizon.
  void keep(EventType type, Timestamp at) { moments_.emplace(type, at); }
  /// All of this order stays.
  void keep_order(std::string_view order) { orders_.emplace(order); }

  bool operator()(const Event& event) const {
    return event.type == EventType::order ? holds_order(event.at, event.order) : holds(event.type, event.at);
  }
  /// Of all types but orders. `at` is the identity's time: of a cycle its start.
  bool holds(EventType type, Timestamp at) const {
    const bool of_timeline = type == EventType::state || type == EventType::classify;
    return at >= (of_timeline ? horizon_.timeline : horizon_.pieces) || moments_.contains({type, at});
  }
  bool holds_order(Timestamp at, std::string_view order) const {
    return at >= horizon_.pieces || orders_.contains(order);
  }

 private:
  Horizon horizon_;
  std::set<std::pair<EventType, Timestamp>> moments_;
  std::set<std::string, std::less<>> orders_;
};

}  // namespace takt
