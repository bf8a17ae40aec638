// Descriptions of the plant, one after another in time (contract 2, `PUT`).
#pragma once

#include "schema/plant.h"

#include <optional>
#include <string>
#include <vector>

namespace takt::oracle {

/// A description and the time for which it is the one that holds.
struct Description {
  Plant plant;
  TimeRange valid;
};

/// Never empty: the first one holds since ever, the last one for ever.
class Descriptions {
 public:
  explicit Descriptions(Plant plant) : list_{{std::move(plant), {kBeginOfTime, kEndOfTime}}} {}

  /// What a `PUT` does: `plant` holds from `from` on, else for all time; what held from later on is forgotten.
  void put(Plant plant, std::optional<Timestamp> from);

  const std::vector<Description>& list() const { return list_; }
  const Description& at(Timestamp t) const;
  /// What is a matter of the whole plant, not of a moment: which machines there are and where, which of them are
  /// switched off, the policies, the wall clock, after how much silence nothing is known.
  const Plant& newest() const { return list_.back().plant; }

 private:
  std::vector<Description> list_;
};

/// As `plant` has it; with nothing but its id where it has none of that id.
Machine machine_of(const Plant& plant, const std::string& id);

}  // namespace takt::oracle
