// Bytes a reading on the disk, beside what others make of the same columns.
#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"
#include "bench/engine/yardsticks.h"

#include <fmt/format.h>

namespace takt::bench {
namespace {

struct Precision {
  const char* name;
  std::int64_t tick_micros;
  double goal;
};

double bytes_a_reading(Ground& ground, std::int64_t tick_micros) {
  std::vector<WorkloadReading> rows = ground.readings();
  for (WorkloadReading& r : rows) r.at -= r.at % tick_micros;
  StoreUnderTest store{ground / "size", ground.options.machines};
  send_all(*store, store.blocks(rows, 50'000), 4);
  store.settle();
  return store.bytes() / static_cast<double>(rows.size());
}

}  // namespace

void bench_size(Ground& ground) {
  const std::vector<WorkloadSeries> series = series_of(ground.readings(), ground.options.machines);
  for (const auto& [name, tick_micros, goal] :
       {Precision{"with microseconds", 1, 2.0}, Precision{"cut to milliseconds", 1000, 0.75}}) {
    ground.report.heading(fmt::format("Bytes a reading of T {}, all files, sealed and folded", name));
    const double bytes = bytes_a_reading(ground, tick_micros);
    const ReadingYardsticks others = yardsticks_of(series, tick_micros);
    ground.report.add({"all files", bytes, "bytes", at_most(bytes, goal)});
    ground.report.add({"entropy of order 0", others.entropy, "bytes", {}});
    ground.report.add({"all files to it", bytes / others.entropy, "x", {}});
    ground.report.add({"patched frames of reference", others.frames, "bytes", {}});
    ground.report.add({"zstd -3 of the plain columns", others.zstd, "bytes", {}});
    ground.report.add({"Gorilla", others.gorilla, "bytes", {}});
  }
}

}  // namespace takt::bench
