// Planned time of many machines over many ranges.
#pragma once

#include "engine/master_data.h"

#include <array>
#include <memory>
#include <vector>

namespace takt {

/// Machines of one plan share what was found out for one of them, in every version of the description. Borrows the
/// description. Not thread-safe.
class PlannedTimes {
 public:
  explicit PlannedTimes(const MasterData& master) : master_(master) {}

  Duration of(MachineId machine, TimeRange range);

 private:
  struct Known {
    TimeRange range{kEndOfTime, kBeginOfTime};
    Duration planned{0};
  };
  /// A place for each range by where it begins: neighbours are spread evenly.
  static constexpr unsigned kPlaceBits = 8;
  struct Plan {
    std::vector<const ShiftPlan*> versions;
    std::array<Known, std::size_t{1} << kPlaceBits> known;
  };
  Plan& plan_of(MachineId machine);

  const MasterData& master_;
  std::vector<std::unique_ptr<Plan>> plans_;
  std::vector<Plan*> plan_of_machine_;
};

}  // namespace takt
