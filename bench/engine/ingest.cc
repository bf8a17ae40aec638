// How fast readings become durable, in order of time and not.
#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"
#include "bench/need.h"
#include "bench/probes.h"

#include <fmt/format.h>

#include <algorithm>

namespace takt::bench {
namespace {

constexpr std::size_t kBulkRows = 50'000, kBulkInFlight = 4;
constexpr std::size_t kCallRows = 1000;
constexpr std::size_t kReadingBytes = 24;  // as the probe writes them: series, time, value, quality
constexpr std::size_t kMostInCalls = 4'000'000, kMostAlone = 400'000, kMostLate = 5'000'000;

using Rows = std::vector<WorkloadReading>;

Rows first_of(const Rows& rows, std::size_t most) {
  return {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), most))};
}

void bulk(Ground& ground) {
  const Rows& t = ground.readings();
  const double rows = static_cast<double>(t.size());
  std::vector<double> rates, writes;
  for (int i = 0; i < ground.options.repetitions; ++i) {
    const double bytes_per_s = need(sequential_write_bytes_per_s(ground.path(), t.size() * kReadingBytes));
    writes.push_back(bytes_per_s / kReadingBytes);
    StoreUnderTest store{ground / "bulk", ground.options.machines};
    rates.push_back(rows / send_all(*store, store.blocks(t, kBulkRows), kBulkInFlight));
  }
  const double rate = median(rates) / 1e6;
  ground.report.add({"bulk, 50,000 a call, 4 calls in flight", rate, "M/s",
                     at_least(rate, 10) + "; floor 5; DuckDB 8.6 in process"});
  ground.report.add({"probe: sequential write of the same bytes, fsync", median(writes) / 1e6, "M/s", {}});
  ground.report.add({"that to it", median(rates) / median(writes), "x", {}});
}

void sixteen_in_flight(Ground& ground) {
  const Rows some = first_of(ground.readings(), kMostInCalls);
  std::vector<double> rates, answers;
  for (int i = 0; i < ground.options.repetitions; ++i) {
    StoreUnderTest store{ground / "sixteen", ground.options.machines};
    const double seconds = send_all(*store, store.blocks(some, kCallRows), 16, &answers);
    rates.push_back(static_cast<double>(some.size()) / seconds);
  }
  const double rate = median(rates) / 1e6;
  ground.report.add({"1000 a call, 16 calls in flight", rate, "M/s", at_least(rate, 5) + "; floor 2"});
  ground.report.add({"  answer p50", percentile(answers, 0.5), "ms", {}});
  ground.report.add({"  answer p99", percentile(answers, 0.99), "ms", {}});
}

/// Bound by fsync, so beside the probe of it, before and after each repetition.
void one_at_a_time(Ground& ground) {
  const Rows few = first_of(ground.readings(), kMostAlone);
  std::vector<double> calls, probes, rates;
  const auto probe = [&] { probes.push_back(1e3 / need(synced_appends_per_s(ground.path()))); };
  for (int i = 0; i < ground.options.repetitions; ++i) {
    probe();
    StoreUnderTest store{ground / "alone", ground.options.machines};
    std::vector<double> answers;
    const double seconds = send_all(*store, store.blocks(few, kCallRows), 1, &answers);
    rates.push_back(static_cast<double>(few.size()) / seconds);
    calls.push_back(median(answers));
    probe();
  }
  const double to_probe = median(calls) / median(probes);
  ground.report.add(
      {"1000 a call, one at a time", median(rates) / 1e6, "M/s", "DuckDB 1.0 in process, one at a time"});
  ground.report.add({"  a call", median(calls), "ms", {}});
  ground.report.add({"probe: append of 4 KiB with fdatasync", median(probes), "ms", {}});
  ground.report.add({"a call to it", to_probe, "x", at_most(to_probe, 1.3)});
}

/// A fifth of the rows arrives late, by up to an hour.
Rows shuffled(const Rows& in_order) {
  constexpr std::uint64_t kHourMicros = 3'600'000'000;
  std::vector<std::pair<std::int64_t, WorkloadReading>> arrivals;
  std::uint64_t state = 1;
  for (const WorkloadReading& r : in_order) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const bool late = (state >> 33U) % 5 == 0;
    arrivals.emplace_back(r.at + (late ? static_cast<std::int64_t>((state >> 20U) % kHourMicros) : 0), r);
  }
  std::stable_sort(arrivals.begin(), arrivals.end(), [](auto& a, auto& b) { return a.first < b.first; });
  Rows rows;
  for (const auto& [at, r] : arrivals) rows.push_back(r);
  return rows;
}

}  // namespace

void bench_ingest(Ground& ground) {
  ground.report.heading(
      fmt::format("T: {} readings, in process, fsync before each answer", ground.readings().size()));
  bulk(ground);
  sixteen_in_flight(ground);
  one_at_a_time(ground);
}

void bench_late(Ground& ground) {
  ground.report.heading("20 % of the rows late by up to an hour");
  Rows in_order = first_of(ground.readings(), kMostLate);
  std::stable_sort(in_order.begin(), in_order.end(), [](auto& a, auto& b) { return a.at < b.at; });
  const Rows late = shuffled(in_order);
  const auto rate_of = [&](const Rows& rows) {
    StoreUnderTest store{ground / "late", ground.options.machines};
    return static_cast<double>(rows.size()) / send_all(*store, store.blocks(rows, kBulkRows), kBulkInFlight);
  };
  std::vector<double> ordered_rates, late_rates;
  for (int i = 0; i < ground.options.repetitions; ++i) {
    ordered_rates.push_back(rate_of(in_order));
    late_rates.push_back(rate_of(late));
  }
  const double share = median(late_rates) / median(ordered_rates);
  ground.report.add({"in order", median(ordered_rates) / 1e6, "M/s", {}});
  ground.report.add({"late", median(late_rates) / 1e6, "M/s", {}});
  ground.report.add({"that to it", share, "x", at_least(share, 0.5)});
}

}  // namespace takt::bench
