// What has happened to the warehouse's rows since a commit: pure questions to the engine, none to the target.
#pragma once

#include "engine/store.h"
#include "export/intervals.h"
#include "export/table.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace takt {

/// What the target knows of a machine since its last flush.
struct ExportedMachine {
  std::string settings_digest;
  std::optional<Timestamp> from, last_event;
  std::optional<Timestamp> settled;  ///< MachineRecord::settled_until()
};

/// Where the events since the last flush have touched a machine. An event's identity holds its time, so a
/// correction or withdrawal touches the same moment as what it replaces.
struct Touches {
  Intervals timeline;  ///< states and classifications: figures and stops
  Intervals pieces;    ///< counts and cycles: pieces, their products, orders and defects
  Intervals heard;     ///< all but classifications: where silence may have ended, or begun
  std::set<std::string, std::less<>> orders;
  void add(const Event& event);
};

/// What of a machine must be looked at again. It may hold more than has changed, never less.
struct MachineChanges {
  bool everything = false;
  Intervals figures;       ///< of all grains, and pieces
  Intervals shifts, days;  ///< besides
  Intervals stops;
  bool orders = false;
};

/// The last flush, or none: everything is new then.
struct LastFlush {
  Sequence commit = 0;
  Timestamp at;
};

/// Hex digests: of all that a plant's descriptions say, and of what one machine's figures depend on.
struct PlantDigests {
  std::string plant;
  std::map<std::string, std::string, std::less<>> machines;
  const std::string& machine(std::string_view id) const;  ///< of one that no description knows: "none"
};
PlantDigests digests_of(const std::vector<std::shared_ptr<PlantVersion>>& versions);

/// `previous` is what the target knows of the machine, `last` its last flush.
MachineChanges changes_of(const StoreView& view, MachineId machine, const ExportedMachine& previous,
                          const LastFlush& last, Touches& touches, Timestamp now);

}  // namespace takt
