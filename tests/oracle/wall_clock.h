// What the clock on the plant's wall shows (contract 1, "Local time").
#pragma once

#include "schema/time.h"

#include <cstdint>
#include <string>
#include <vector>

namespace takt::oracle {

/// Days since 1970-01-01 of the local calendar.
using Day = std::int32_t;

/// One zone's wall clock. Asks the zone only "what is the offset at this instant", never the other way round: the
/// way back is searched for, so that a fault in the local-to-UTC look-up of the time library shows.
class WallClock {
 public:
  explicit WallClock(const std::string& zone) : zone_(zone) {}

  /// The first instant at which the wall shows `time_of_day` of `day` or later: so a skipped time is the end of
  /// its gap, and of two equal ones it is the first.
  Timestamp first_showing(Day day, Duration time_of_day) const;
  Timestamp midnight(Day day) const { return first_showing(day, Duration{0}); }
  Day date_at(Timestamp t) const;
  /// Every instant in `range` at which the wall shows a full hour, or at which the clock is changed; sorted.
  std::vector<Timestamp> hour_edges(TimeRange range) const;

 private:
  struct Stretch {  // of one offset
    TimeRange time;
    Duration offset;
  };
  std::vector<Stretch> stretches(TimeRange range) const;
  std::string zone_;
};

/// "2026-01-05".
std::string date_text(Day day);
/// 0 Monday ... 6 Sunday.
int weekday(Day day);
/// Reads the contract's two forms of a time: RFC 3339 with offset, microseconds since the epoch.
Timestamp read_time(const std::string& rfc3339);
/// RFC 3339 in UTC.
std::string time_text(Timestamp t);

}  // namespace takt::oracle
