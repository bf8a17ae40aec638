// What a machine's events come to under another description, worked out beside the figures that are served.
#pragma once

#include "engine/cell_changes.h"
#include "engine/machine.h"

namespace takt {

/// One machine under the description in use and under one that is to come. Borrows all three, for as long as
/// nothing of them changes: of one StoreView, or of the committer's thread.
class Rehearsal {
 public:
  /// Which contributions may differ. What cannot is not even added up.
  struct Scope {
    bool timeline = true, pieces = true;
  };
  Rehearsal(const MachineRecord& record, const MasterData& now, const MasterData& next, Scope scope);

  /// From the first to past the last moment that either has anything to add of; empty without events.
  TimeRange life() const;
  /// With all of the stops that reach over its edges, under either description.
  TimeRange widened(TimeRange range) const;
  /// By how much what lies in `part` adds differently to the cells.
  CellChanges changes(TimeRange part) const;
  /// Where the sums of the timeline end, under each. Where they differ, it has changed what the last state is.
  Timestamp settled_now() const { return record_.settled_until(); }
  Timestamp settled_next() const { return settled_next_; }

 private:
  Deltas sums(TimeRange part, const MasterData& master, const Timeline& timeline, const Pieces& pieces,
              Timestamp settled) const;

  const MachineRecord& record_;
  const MasterData& now_;
  const MasterData& next_;
  Scope scope_;
  Timeline timeline_;
  Pieces pieces_;
  Timestamp settled_next_;
};

}  // namespace takt
