// What the parts of the engine's benchmark share. Each part is a file and a few rows of the table.
#pragma once

#include "bench/report.h"
#include "bench/samples.h"
#include "bench/scratch_folder.h"
#include "bench/workload.h"

#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

namespace takt::bench {

struct EngineOptions {
  std::string folder = "data", json;
  std::string takt;  ///< the program, for `verify`; empty: the one beside this
  std::uint32_t machines = 200;
  int seconds = 5000;  ///< of T
  int days = 30;       ///< of E
  int repetitions = 3;
  int hot_seconds = 2 * 24 * 3600;  ///< of the readings whose memory is measured
  int verified_seconds = 50'000;    ///< of those that `takt verify` reads
  int journal_megabytes = 1000;     ///< that a killed process leaves behind
};

/// Where a part works, and what on.
class Ground {
 public:
  Ground(const EngineOptions& with, Report& into, const ScratchFolder& below)
      : options(with), report(into), folder_(below) {}

  const EngineOptions& options;
  Report& report;

  std::filesystem::path operator/(const char* name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_.path(); }
  /// T in the order of arrival, made by whoever asks first.
  const std::vector<WorkloadReading>& readings();

 private:
  const ScratchFolder& folder_;
  std::vector<WorkloadReading> readings_;
};

void bench_ingest(Ground& ground);
void bench_late(Ground& ground);
void bench_size(Ground& ground);
void bench_decode(Ground& ground);
void bench_questions(Ground& ground);
void bench_total(Ground& ground);
void bench_events(Ground& ground);
void bench_restart(Ground& ground);
void bench_memory(Ground& ground);
void bench_verify(Ground& ground);

using SteadyClock = std::chrono::steady_clock;
inline double seconds_since(SteadyClock::time_point begun) {
  return std::chrono::duration<double>(SteadyClock::now() - begun).count();
}

/// Milliseconds of `ask`, the median of several.
template <class Ask>
double time_of(Ask ask) {
  constexpr int kTimes = 15;
  std::vector<double> times;
  for (int i = 0; i < kTimes; ++i) {
    const auto begun = SteadyClock::now();
    ask();
    times.push_back(seconds_since(begun) * 1e3);
  }
  return median(std::move(times));
}

/// The same in processor time of all threads, which neighbours change less.
template <class Ask>
double processor_time_of(Ask ask) {
  constexpr int kTimes = 15;
  std::vector<double> times;
  const auto now_ms = [] {
    timespec spent{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return static_cast<double>(spent.tv_sec) * 1e3 + static_cast<double>(spent.tv_nsec) / 1e6;
  };
  for (int i = 0; i < kTimes; ++i) {
    const double begun = now_ms();
    ask();
    times.push_back(now_ms() - begun);
  }
  return median(std::move(times));
}

}  // namespace takt::bench
