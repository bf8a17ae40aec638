// How fast encoded columns become sum, minimum and maximum on one core, beside a copy of the plain values. Columns
// of T that take an entropy stage (docs/codecs.md) are small and slow; those in plain frames are what a core can
// do.
#include "bench/engine/parts.h"
#include "bench/engine/yardsticks.h"
#include "bench/need.h"
#include "bench/probes.h"
#include "engine/codec/doubles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <span>

namespace takt::bench {
namespace {

constexpr std::array<const char*, kWorkloadTags> kTagKinds{
    "temperature",   "oil temperature", "vibration",    "current",   "parts counter",
    "pulse counter", "set-point",       "running flag", "door flag", "pressure"};

/// Columns of one kind, a chunk each.
struct Encoded {
  std::vector<std::string> columns;
  std::vector<std::size_t> rows;
  double total_rows = 0, bytes = 0;

  void add(std::span<const double> values) {
    append_doubles(columns.emplace_back(), values);
    rows.push_back(values.size());
    total_rows += static_cast<double>(values.size());
    bytes += static_cast<double>(columns.back().size());
    const DoubleSummary summary = need(summarize_doubles(columns.back(), values.size()));
    need_that(summary.maximum == *std::max_element(values.begin(), values.end()), "a maximum is wrong");
  }
  double bytes_a_value() const { return bytes / total_rows; }
};

Encoded encode_tag(const std::vector<WorkloadSeries>& series, std::size_t tag) {
  Encoded out;
  for (std::size_t i = tag; i < series.size(); i += kWorkloadTags) {
    const std::vector<double>& values = series[i].values;
    for (std::size_t at = 0; at < values.size(); at += kColumnRows) {
      out.add(std::span{values}.subspan(at, std::min(kColumnRows, values.size() - at)));
    }
  }
  return out;
}

/// Even noise of two decimals: a frame of reference, as an entropy stage would save nothing.
Encoded encode_noise() {
  constexpr int kColumns = 200;
  Encoded out;
  std::mt19937_64 random{1};
  for (int i = 0; i < kColumns; ++i) {
    std::vector<double> values(kColumnRows);
    for (double& value : values) value = static_cast<double>(random() % 1000) / 100;
    out.add(values);
  }
  return out;
}

double milliseconds_to_sum(const Encoded& encoded) {
  return time_of([&] {
    double sum = 0;
    for (std::size_t i = 0; i < encoded.columns.size(); ++i) {
      const auto summary = summarize_doubles(encoded.columns[i], encoded.rows[i]);
      sum += summary ? summary->sum() : 0;
    }
    asm volatile("" : : "m"(sum));  // must not be left out
  });
}

double rate_of(const Encoded& encoded) { return encoded.total_rows / milliseconds_to_sum(encoded) / 1e6; }

}  // namespace

void bench_decode(Ground& ground) {
  ground.report.heading("Columns into sum, minimum and maximum, one core");
  const Encoded noise = encode_noise();
  const double framed = rate_of(noise);
  const double copied = memcpy_bytes_per_s(kColumnRows * sizeof(double)) / sizeof(double) / 1e9;
  ground.report.add({fmt::format("even noise in frames, {:.2f} bytes a value", noise.bytes_a_value()), framed,
                     "G/s", at_least(framed, 2)});
  ground.report.add({"probe: memcpy of a column, in the cache", copied, "G/s", {}});
  ground.report.add({"that to it", framed / copied, "x", {}});

  const std::vector<WorkloadSeries> series = series_of(ground.readings(), ground.options.machines);
  double rows = 0, milliseconds = 0;
  for (std::size_t tag = 0; tag < kWorkloadTags; ++tag) {
    const Encoded encoded = encode_tag(series, tag);
    const double took = milliseconds_to_sum(encoded);
    rows += encoded.total_rows, milliseconds += took;
    ground.report.add({fmt::format("T: {}, {:.2f} bytes a value", kTagKinds[tag], encoded.bytes_a_value()),
                       encoded.total_rows / took / 1e6,
                       "G/s",
                       {}});
  }
  const double rate = rows / milliseconds / 1e6;
  const double all = memcpy_bytes_per_s(static_cast<std::size_t>(rows) * sizeof(double)) / sizeof(double) / 1e9;
  ground.report.add({"all values of T", rate, "G/s", at_least(rate, 2)});
  ground.report.add({"probe: memcpy of all plain values", all, "G/s", {}});
  ground.report.add({"that to it", rate / all, "x", {}});
}

}  // namespace takt::bench
