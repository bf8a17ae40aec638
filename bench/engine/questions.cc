// What readings are asked for: a tag's last hour, a tag of all machines by minute, and the figures of very many.
#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"
#include "bench/need.h"

#include <fmt/format.h>

namespace takt::bench {
namespace {

constexpr TimeRange kAlways{kBeginOfTime, kEndOfTime};

SeriesSnapshot snapshot(Store& store, std::uint32_t machine, std::uint16_t tag, TimeRange range) {
  const StoreView view = store.read();
  return view.series(view.machine(machine_name(machine))->id(), tag_name(tag))->snapshot(range);
}

void last_hour(Ground& ground, Store& store) {
  const ChunkSource& source = store.read().chunks();
  const Timestamp end = from_micros(kReadingsBegin) + std::chrono::seconds{ground.options.seconds};
  const std::uint32_t machine = std::min(7U, ground.options.machines);
  std::size_t rows = 0;
  const double took = time_of([&] {
    rows = need(snapshot(store, machine, 1, {end - std::chrono::hours{1}, end}).rows(source)).size();
  });
  need_that(rows > 0, "the last hour has no rows");
  ground.report.add({fmt::format("a: the last hour of a tag, {} rows", rows), took, "ms", at_most(took, 0.3)});
}

void by_minute(Ground& ground, Store& store) {
  const ChunkSource& source = store.read().chunks();
  std::size_t steps = 0, rows = 0;
  const auto ask = [&] {
    steps = rows = 0;
    for (std::uint32_t m = 1; m <= ground.options.machines; ++m) {
      const auto found = need(snapshot(store, m, 1, kAlways).steps(source, std::chrono::minutes{1}, false));
      steps += found.size();
      for (const SeriesSnapshot::Step& step : found) rows += step.rows;
    }
  };
  const double took = time_of(ask);
  need_that(rows == ground.readings().size() / kWorkloadTags, "b does not count every row");
  ground.report.add({fmt::format("b: a tag of {} machines by minute, {} steps", ground.options.machines, steps),
                     took, "ms", at_most(took, 10)});
}

std::size_t count_all(Store& store, bool decoded) {
  const ChunkSource& source = store.read().chunks();
  std::size_t rows = 0;
  for (std::uint16_t tag = 1; tag <= kWorkloadTags; ++tag) {
    const SeriesSnapshot look = snapshot(store, 1, tag, kAlways);
    rows += decoded ? need(look.rows(source)).size() : need(look.total(source, false)).rows;
  }
  return rows;
}

}  // namespace

void bench_questions(Ground& ground) {
  ground.report.heading("Questions to T, in process");
  StoreUnderTest store{ground / "questions", ground.options.machines};
  send_all(*store, store.blocks(ground.readings(), 50'000), 4);
  store.settle();
  last_hour(ground, *store);
  by_minute(ground, *store);
}

void bench_total(Ground& ground) {
  constexpr int kSeconds = 1'000'000;
  ground.report.heading("The figures of 10 million readings of one machine");
  StoreUnderTest store{ground / "total", 1};
  std::vector<WorkloadReading> rows;
  make_readings(1, kSeconds, [&](const WorkloadReading& r) { rows.push_back(r); });
  send_all(*store, store.blocks(rows, 50'000), 4);
  store.settle();
  for (const bool decoded : {false, true}) need_that(count_all(*store, decoded) == rows.size(), "wrong count");
  const double by_headers = time_of([&] { count_all(*store, false); });
  const double decoded = time_of([&] { count_all(*store, true); });
  ground.report.add({"count, least, greatest and sum of all", by_headers, "ms", at_most(by_headers, 10)});
  ground.report.add({"all rows decoded", decoded, "ms", {}});
  ground.report.add({"that to it", decoded / by_headers, "x", {}});
}

}  // namespace takt::bench
