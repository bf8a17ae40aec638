// When the plant meant to work, and how a range falls into buckets (contract 2 and 5).
#pragma once

#include "tests/oracle/wall_clock.h"

#include "schema/plant.h"

#include <optional>
#include <string>
#include <vector>

namespace takt::oracle {

/// One run of a shift on one date.
struct ShiftRun {
  std::string id;
  Day date = 0;  ///< that its start is set for
  TimeRange time;
  std::vector<TimeRange> breaks;
};

/// A bucket before anything cuts it.
struct Bucket {
  std::optional<std::string> shift;
  std::optional<Day> date;
  TimeRange time;
};

/// The plan of one machine between two instants.
class MachineCalendar {
 public:
  MachineCalendar(const Plant& plant, const Machine& machine, TimeRange known);
  bool has_plan() const { return has_plan_; }
  const std::vector<ShiftRun>& runs() const { return runs_; }
  /// Whether `t` is planned operation time; `t` must lie in `known`.
  bool planned_at(Timestamp t) const;
  /// Every instant at which planned_at() may change.
  std::vector<Timestamp> edges() const;

 private:
  bool has_plan_ = false;
  std::vector<ShiftRun> runs_;
  std::vector<TimeRange> closures_;
};

/// The gapless buckets of `grain` (hour, day, week, month, year, total) that overlap `range`, uncut.
std::vector<Bucket> buckets_of(const WallClock& clock, const std::string& grain, TimeRange range);

}  // namespace takt::oracle
