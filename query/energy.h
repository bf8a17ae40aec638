// What machines consumed, and while they did what (contract 3: counter readings of `energy` events).
#pragma once

#include "engine/store.h"

#include <array>
#include <cstdint>
#include <numeric>

namespace takt {

/// Kilowatt hours by time category; of a group, sums over its machines.
struct EnergyUse {
  std::int64_t increases = 0;                 ///< read in the range, be they of zero
  std::array<double, kTimeCategories> kwh{};  ///< by TimeCategory

  double of(TimeCategory category) const { return kwh[static_cast<std::size_t>(category)]; }
  double total() const { return std::accumulate(kwh.begin(), kwh.end(), 0.0); }
};

/// Adds the increases read in `range`, up to now. The first reading of a machine is a baseline, each later one
/// adds its increase; after a fall, which is a reset, that is the new reading. An increase is spread evenly over
/// the time since the reading before it, and so over what the machine did meanwhile.
void add_energy(const StoreView& view, MachineId machine, TimeRange range, Timestamp now, EnergyUse& sum);

}  // namespace takt
