// The sums behind every figure of section 5, and the figures formed from them at the very end.
#pragma once

#include "tests/oracle/machine_story.h"

#include <cstdint>

namespace takt::oracle {

__extension__ using Wide = __int128;

/// Whole microseconds and pieces of one bucket; sums over machines add member by member.
struct Sums {
  Duration calendar{0}, planned_operation{0}, planned_down{0}, unknown{0}, production{0}, setup{0};
  Duration stop{0}, minor_stop{0};  ///< stop time without unknown time, minor stops among it
  Duration unplanned_production{0};
  std::int64_t good = 0, scrap = 0, rework = 0, unplanned_produced = 0, unplanned_good = 0;
  Wide ideal_production_us = 0, ideal_good_us = 0, process_defects_us = 0, reduced_yield_us = 0;
  bool ideal_cycle_missing = false;
  std::int64_t stops = 0, minor_stops = 0, failures = 0;
};

/// Adds what the machine's story has within `time`, which must not reach beyond now; nothing after the story's
/// end.
void add(Sums& sums, const MachineStory& story, TimeRange time);

/// The elements, ratios and flags of section 5.
Json figures(const Sums& sums, const Plant& plant);
/// The answer of /v1/losses.
Json six_big_losses(const Sums& sums, const Plant& plant);

double seconds(Wide microseconds);
/// null where the denominator is zero.
Json ratio(Wide numerator, Wide denominator);

}  // namespace takt::oracle
