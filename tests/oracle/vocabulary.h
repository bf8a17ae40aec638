// What states and reasons count as (contract 2).
#pragma once

#include "schema/plant.h"

#include <optional>
#include <string>

namespace takt::oracle {

/// A state as answers spell it, and its category: production, setup, stop, planned_stop or unknown.
struct State {
  std::string name = "unknown";
  std::string category = "unknown";
};
State state_named(const Plant& plant, const std::string& name);

/// failure, setup, planned, ...: the reason's own, else the nearest parent's, else other.
std::string reason_category(const Plant& plant, const std::string& code);
/// What time without production counts as under a reason of `category`.
std::string time_category_under(const std::string& category);

/// The product's cycle at `t`, else the machine's, else none.
std::optional<Duration> ideal_cycle(const Plant& plant, const Machine& machine,
                                    const std::optional<std::string>& product, Timestamp t);

}  // namespace takt::oracle
