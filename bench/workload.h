// The plant workload that engines are compared with: the same rows on every machine, made and not stored.
//
// T: readings of 10 tags a machine at 1 Hz (temperatures, vibration, current, counters, set-point, flags,
// pressure), 2 ms of jitter, 0.5 % up to a minute late, 0.1 % not of good quality. E: a state about every 260 s
// and a count every 30 s of running, with the hourly figures that are right for it, summed as the events are made.
#pragma once

#include "schema/time.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace takt::bench {

struct WorkloadReading {
  std::uint32_t machine;  ///< from 1
  std::uint16_t tag;      ///< from 1 to 10
  std::int64_t at;        ///< microseconds
  double value;
  std::uint8_t quality;
};
inline constexpr std::uint16_t kWorkloadTags = 10;
inline constexpr std::int64_t kReadingsBegin = 1'767'592'800'000'000;  // 2026-01-05T06:00:00Z

/// T, in the order of arrival.
void make_readings(std::uint32_t machines, int seconds, const std::function<void(const WorkloadReading&)>& take);

struct WorkloadEvent {
  std::uint32_t machine;  ///< from 1
  std::int64_t at;
  bool count;  ///< else a state
  std::uint8_t
      code;  ///< of a count 0 good 1 scrap 2 rework; of a state 0 run 1 idle 2 down 3 setup 4 planned stop
  std::uint8_t reason;  ///< of a state; 0: none
};
/// What is right for one machine and hour.
struct WorkloadHour {
  double running_s = 0, planned_s = 0;
  std::int64_t good = 0, scrap = 0, rework = 0;
};
struct WorkloadEvents {
  std::vector<WorkloadEvent> events;  ///< by time
  std::vector<WorkloadHour> hours;    ///< machine by machine, each all its hours
};
inline constexpr std::int64_t kEventsBegin = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z

/// What the machines are called, and the plant that has them, as TOML.
std::string workload_machine(std::uint32_t machine);
std::string workload_plant_toml(std::uint32_t machines);

WorkloadEvents make_events(std::uint32_t machines, int days);

}  // namespace takt::bench
