#include "query/planned_times.h"

#include <algorithm>

namespace takt {

PlannedTimes::Plan& PlannedTimes::plan_of(MachineId machine) {
  if (plan_of_machine_.size() <= index_of(machine)) plan_of_machine_.resize(index_of(machine) + 1, nullptr);
  Plan*& plan = plan_of_machine_[index_of(machine)];
  if (plan != nullptr) return *plan;
  std::vector<const ShiftPlan*> versions;
  for (const auto& version : master_.versions()) versions.push_back(version->settings(machine).plan);
  const auto at =
      std::find_if(plans_.begin(), plans_.end(), [&](const auto& known) { return known->versions == versions; });
  if (at != plans_.end()) return *(plan = at->get());
  plans_.push_back(std::make_unique<Plan>());
  plans_.back()->versions = std::move(versions);
  return *(plan = plans_.back().get());
}

Duration PlannedTimes::of(MachineId machine, TimeRange range) {
  constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15U;
  const auto begin = static_cast<std::uint64_t>(micros(range.begin));
  Known& known = plan_of(machine).known[begin * kGoldenRatio >> (64 - kPlaceBits)];
  if (known.range != range) known = {range, master_.planned_time(machine, range)};
  return known.planned;
}

}  // namespace takt
