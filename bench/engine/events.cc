// E, the states and counts of a plant: how fast they become durable figures, how many bytes they need, and how
// long the questions c to f of the plant workload take. Every answer is compared with the figures that the
// workload's generator summed itself.
#include "bench/engine/event_questions.h"
#include "bench/engine/parts.h"
#include "bench/engine/plant_events.h"
#include "bench/engine/store_under_test.h"
#include "bench/engine/yardsticks.h"
#include "bench/need.h"

#include <fmt/format.h>

namespace takt::bench {
namespace {

void report_size(Ground& ground, StoreUnderTest& store, const WorkloadEvents& e) {
  const double bytes = store.bytes() / static_cast<double>(e.events.size());
  const Store::EventChunks chunks = store->event_chunks();
  need_that(chunks.events == e.events.size(), "some events are in no chunk");
  const double in_chunks = static_cast<double>(chunks.bytes) / static_cast<double>(chunks.events);
  ground.report.add(
      {fmt::format("bytes an event, {} chunks", chunks.chunks), in_chunks, "bytes", at_most(in_chunks, 3.5)});
  const EventYardsticks others = yardsticks_of(e.events, ground.options.machines);
  ground.report.add({"bytes an event, all files with rollups", bytes, "bytes",
                     at_most(bytes, 4.0) + "; VictoriaMetrics 4.5 in ms, DuckDB 5.3"});
  ground.report.add({"entropy", others.entropy, "bytes", {}});
  ground.report.add({"all files to it", bytes / others.entropy, "x", {}});
  ground.report.add({"zstd -3 of the plain columns", others.zstd, "bytes", {}});
}

}  // namespace

void bench_events(Ground& ground) {
  const WorkloadEvents e = make_events(ground.options.machines, ground.options.days);
  const Vocabulary words{ground.options.machines};
  ground.report.heading(fmt::format("E: {} events, in process, fsync before each answer", e.events.size()));
  StoreUnderTest store{ground / "events", ground.options.machines};
  const double seconds = send_events(*store, e.events, words);
  store.settle();
  ground.report.add(
      {"1000 a call, 16 calls in flight", static_cast<double>(e.events.size()) / seconds / 1e6, "M/s", {}});
  report_size(ground, store, e);
  ground.report.heading("Questions to E, in process");
  measure_questions(ground.report, *store, e, words, {ground.options.machines, ground.options.days});
  ground.report.heading("Starting again with E");
  const auto begun = SteadyClock::now();
  store.reopen();
  const double opened = seconds_since(begun);  // closing is quick
  need_that(store->event_chunks().events == e.events.size(), "events are missing after a start");
  ground.report.add({"to open", opened, "s", {}});
  ground.report.add({"events a second", static_cast<double>(e.events.size()) / opened / 1e6, "M/s", {}});
}

}  // namespace takt::bench
