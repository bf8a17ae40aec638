// Where in time which machines' sums may come out differently when one description takes another's place.
#pragma once

#include "engine/machine.h"

#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace takt {

/// Two descriptions, compared once for all machines. One thread.
class PlantDifference {
 public:
  /// Both outlive it, and know the same states and machine numbers.
  PlantDifference(const MasterData& before, const MasterData& after, Names& names);

  /// What may differ of a machine, whatever its events. Policies that count only when figures are made of sums
  /// change none.
  struct OfMachine {
    bool timeline = false, pieces = false;
    bool silence = false;  ///< another silence time-out: all of its timeline, and when it was heard
    bool any() const { return silence || timeline || pieces; }
  };
  OfMachine of(MachineId machine) const;
  /// Where it may differ given its events, whose times are `life`: in any order. Stops that reach over the edges
  /// may differ as a whole.
  std::vector<TimeRange> ranges(const MachineRecord& record, TimeRange life);
  /// Does beforehand what ranges() would take long for, and needs no look at the machine.
  void look_at_calendar(MachineId machine, TimeRange life);

 private:
  /// A span of time that holds one description of each.
  struct Span {
    TimeRange range;
    const PlantVersion *before, *after;
    std::unordered_set<NameId> states, reasons;  // that count otherwise
  };
  struct CycleEntry {
    NameId product;
    TimeRange valid;
  };
  using Plans = std::vector<const ShiftPlan*>;

  using Ranges = std::vector<TimeRange>;

  Ranges other_minor_stops(MachineId machine) const;
  Ranges other_pieces(MachineId machine) const;
  void compare_cycles(MachineId machine, const Span& span, Ranges& out) const;
  void compare_meanings(const MachineRecord& record, Ranges& out) const;
  bool same_rules(MachineId machine) const;
  const Ranges& calendar(MachineId machine, TimeRange life);
  Ranges planned_otherwise(MachineId machine, TimeRange life) const;

  const MasterData& before_;
  const MasterData& after_;
  bool same_zone_ = false, same_versions_ = false, same_meanings_ = true;
  std::vector<Span> spans_;
  std::map<MachineId, std::vector<CycleEntry>> cycles_;      // of either
  std::map<Plans, std::pair<TimeRange, Ranges>> calendars_;  // where looked at; machines mostly share theirs
};

/// The sections of the description that differ, by their keys: "ideal_cycle", "machine", ...
std::vector<std::string> changed_sections(const Plant& before, const Plant& after);

}  // namespace takt
