// When the plant meant to work, and how a range falls into buckets (contract 2 and 5).
#pragma once

#include "tests/oracle/descriptions.h"
#include "tests/oracle/wall_clock.h"

#include "schema/plant.h"

#include <optional>
#include <string>
#include <vector>

namespace takt::oracle {

/// A bucket before anything cuts it.
struct Bucket {
  std::optional<std::string> shift;
  std::optional<Day> date;
  TimeRange time;
};

/// What one description says of a machine's plan, while it holds.
struct Rules {
  TimeRange valid;
  bool has_plan = false;
  std::vector<TimeRange> closures;
};

/// One run of a shift on one date.
struct ShiftRun {
  std::string id;
  Day date = 0;  ///< that its start is set for
  TimeRange time;
  std::vector<TimeRange> breaks;
  std::vector<TimeRange> closures;  ///< of the description that it began under, to its end
};

/// The plan of one machine between two instants.
class MachineCalendar {
 public:
  MachineCalendar(const Descriptions& descriptions, const std::string& machine, TimeRange known);
  /// The shifts that overlap `range`, whole; while there is no plan the local days, up to a shift that has begun
  /// before and from its end on.
  std::vector<Bucket> shifts(const WallClock& clock, TimeRange range) const;
  /// Whether `t` is planned operation time; `t` must lie in `known`.
  bool planned_at(Timestamp t) const;
  /// Every instant at which planned_at() may change.
  std::vector<Timestamp> edges() const;

 private:
  void add_rules(const Description& description, const WallClock& clock, const std::string& machine,
                 TimeRange known);
  const ShiftRun* run_at(Timestamp t) const;
  std::vector<Rules> rules_;
  std::vector<ShiftRun> runs_;
};

/// The gapless buckets of `grain` (hour, day, week, month, year, total) that overlap `range`, uncut.
std::vector<Bucket> buckets_of(const WallClock& clock, const std::string& grain, TimeRange range);

}  // namespace takt::oracle
