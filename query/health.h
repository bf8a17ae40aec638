// A score of how well each machine has done lately, and what lowers it (contract 4). docs/kpis.md has the weights.
#pragma once

#include "engine/store.h"
#include "query/oee.h"

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// The day that is judged, and the week before it that it is compared with.
inline constexpr Duration kHealthDay = std::chrono::hours{24};
inline constexpr Duration kHealthHistory = kHealthDay + std::chrono::hours{7 * 24};

/// One thing that health is judged by.
struct HealthPart {
  std::string_view id;
  int weight = 0;               ///< of 100
  std::optional<double> value;  ///< what was measured
  std::optional<double> score;  ///< 0 worst to 1; absent: there is nothing to judge by, and the part has no weight
  double points_lost = 0;       ///< of the machine's 100
};

/// Score and points lost add up to 100.
struct MachineHealth {
  std::string machine;
  std::optional<double> score;  ///< 0 to 100; absent: there is nothing to judge by
  std::vector<HealthPart> parts;
  /// Parts that cost points, the dearest first.
  std::vector<std::string_view> lowered_by() const;
};

/// Machines of the scope, but those switched off of a group, over the day up to `now`. Errors as of elements() and
/// reliability(); cancelled: soon after stop was requested.
Result<std::vector<MachineHealth>> health(const StoreView& view, const Scope& scope, Timestamp now,
                                          const std::stop_token& stop = {});
std::string render_health(const std::vector<MachineHealth>& machines);

}  // namespace takt
