#include "ingest/data_quality.h"

#include "ingest/decode_draft.h"

namespace takt {

void MachineRejects::add(const std::vector<RejectedEvent>& rejected) {
  if (rejected.empty()) return;
  const std::lock_guard lock{mutex_};
  for (const RejectedEvent& each : rejected) ++of(each.machine).by_code.at(static_cast<std::size_t>(each.code));
}

void MachineRejects::replayed(std::string_view machine) {
  const std::lock_guard lock{mutex_};
  ++of(machine).replayed;
}

std::map<std::string, MachineRejects::Rejects, std::less<>> MachineRejects::report() const {
  const std::lock_guard lock{mutex_};
  return machines_;
}

MachineRejects::Rejects& MachineRejects::of(std::string_view machine) {
  const auto known = machines_.find(machine);
  if (known != machines_.end()) return known->second;
  const bool counts_alone = machines_.size() < kMostMachines && is_id(machine);
  return machines_[counts_alone ? std::string{machine} : std::string{}];
}

}  // namespace takt
