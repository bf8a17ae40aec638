// The questions c to f to E, compared with what the workload's generator summed itself.
#pragma once

#include "bench/engine/plant_events.h"
#include "bench/report.h"
#include "bench/workload.h"
#include "engine/store.h"

namespace takt::bench {

struct PlantSize {
  std::uint32_t machines = 0;
  int days = 0;
};

/// Every answer is compared before the clock starts; a wrong one ends the program.
void measure_questions(Report& report, const Store& store, const WorkloadEvents& e, const Vocabulary& words,
                       PlantSize size);

/// Asks for every hour of every machine, and counts those that are not what the generator says.
std::size_t differing_hours(const Store& store, const WorkloadEvents& e, PlantSize size);

/// Milliseconds of c from the rollups, and of the same recomputed from the events.
struct HourlyTimes {
  double from_rollups = 0, from_events = 0;
};
HourlyTimes hourly_times(const Store& store, PlantSize size);

}  // namespace takt::bench
