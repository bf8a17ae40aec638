// What others make of the same columns, in bytes: the entropy that no coder of single values gets below, and the
// usual ways. Made in the same run as our figures.
#pragma once

#include "bench/workload.h"

#include <cstdint>
#include <vector>

namespace takt::bench {

/// One tag of one machine in order of time. Values are decimals: mantissa / unit.
struct WorkloadSeries {
  double unit = 1;
  std::vector<std::int64_t> at, mantissas;
  std::vector<double> values;
  std::vector<std::uint8_t> qualities;
};
/// T by series.
std::vector<WorkloadSeries> series_of(const std::vector<WorkloadReading>& readings, std::uint32_t machines);

/// Bytes a reading.
struct ReadingYardsticks {
  double entropy = 0;  ///< of order 0: jitter against the clock's line, values or their differences, qualities
  double frames = 0;   ///< patched frames of reference of the same integers, 1024 a frame
  double zstd = 0;     ///< zstd -3 of the plain columns, a chunk each
  double gorilla = 0;  ///< delta of delta of the times, values xor-ed with the one before
};
/// Times in units of `tick_micros`.
ReadingYardsticks yardsticks_of(const std::vector<WorkloadSeries>& series, std::int64_t tick_micros);

/// Bytes an event.
struct EventYardsticks {
  double entropy = 0;  ///< by the distributions that the events were drawn from
  double zstd = 0;     ///< zstd -3 of the plain columns of each machine, a chunk each
};
EventYardsticks yardsticks_of(const std::vector<WorkloadEvent>& events, std::uint32_t machines);

}  // namespace takt::bench
