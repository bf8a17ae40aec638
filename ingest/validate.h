// Decoded events against the plant and the clock: does what they name exist, can it have happened then?
#pragma once

#include "schema/event.h"
#include "schema/permit.h"
#include "schema/plant.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace takt {

/// What validate() asks of a plant, by hash. Immutable: any number of threads may use one.
class PlantIndex {
 public:
  explicit PlantIndex(Plant plant);

  const Plant& plant() const { return plant_; }
  bool has_machine(std::string_view id) const { return machines_.contains(id); }
  bool has_reason(std::string_view code) const { return reasons_.contains(code); }
  /// Whether meaning_of_state() knows it; described names and frequent built-in spellings take one look-up.
  bool has_state(std::string_view state) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

  Plant plant_;
  Names machines_, reasons_, states_;
};

/// How far ahead of the server's clock an event may be.
inline constexpr Duration kMostAhead = std::chrono::minutes{5};

/// Moves what the plant refuses from `batch.events` to `batch.rejected`, both still in order of their index:
/// unknown_machine (unless the plant registers machines by itself), unknown_state, unknown_reason (of state and
/// classify events), time_in_future (ts, start, or the end of a cycle more than 5 minutes ahead of `now`; orders
/// may be planned and classifications may end later) and too_old (before the plant's retention, or an event but a
/// reading before `horizon`, where events were dropped). What was received goes along, or, where `batch.raw` or
/// its element is empty, the event as JSON. `new_machines` gets, once each, the ids that accepted events name and
/// the plant does not know yet. For a sender with a permit other machines than its own are unknown, new ones too,
/// and an operator's events but classify are forbidden.
void validate(EventBatch& batch, const PlantIndex& plant, Timestamp now, std::vector<std::string>& new_machines,
              Timestamp horizon = kBeginOfTime, const Permit* permit = nullptr);

}  // namespace takt
