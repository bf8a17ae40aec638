#include "bench/engine/yardsticks.h"

#include "engine/codec/integers.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <unordered_map>

namespace takt::bench {
namespace {

using Integers = std::vector<std::int64_t>;
constexpr std::int64_t kSecond = 1'000'000;

// ---------------------------------------- entropy

/// Counts values, and says how many bits they have in all if each is coded by how often it occurs.
class Frequencies {
 public:
  void add(std::int64_t value) { ++counts_[value], ++total_; }
  void add(const Integers& values) {
    for (const std::int64_t value : values) add(value);
  }
  double bits() const {
    double sum = 0;
    for (const auto& [value, count] : counts_) sum -= count * std::log2(count / total_);
    return sum;
  }

 private:
  std::unordered_map<std::int64_t, double> counts_;
  double total_ = 0;
};

// ---------------------------------------- patched frames of reference

constexpr std::size_t kFrameRows = 1024;
constexpr double kFrameHeaderBits = 8 * 11, kPositionBits = 10;  // reference, width, number of exceptions

int bits_between(std::int64_t least, std::int64_t greatest) {
  return static_cast<int>(
      std::bit_width(static_cast<std::uint64_t>(greatest) - static_cast<std::uint64_t>(least)));
}

/// The most values that a frame of so many bits can hold, wherever its reference is.
std::size_t most_within(std::span<const std::int64_t> sorted, int width) {
  std::size_t most = 0, first = 0;
  for (std::size_t last = 0; last < sorted.size(); ++last) {
    while (bits_between(sorted[first], sorted[last]) > width) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

/// Every value as an offset of so many bits; what does not fit lies behind, whole and with its place.
double frame_bits(std::span<const std::int64_t> values) {
  Integers sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const int widest = bits_between(sorted.front(), sorted.back());
  const double rows = static_cast<double>(values.size());
  double best = rows * widest;
  for (int width = 0; width < widest; ++width) {
    const double exceptions = rows - static_cast<double>(most_within(sorted, width));
    best = std::min(best, rows * width + exceptions * (kPositionBits + widest));
  }
  return best + kFrameHeaderBits;
}
double frames_bits(const Integers& values) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); i += kFrameRows) {
    sum += frame_bits(std::span{values}.subspan(i, std::min(kFrameRows, values.size() - i)));
  }
  return sum;
}

// ---------------------------------------- zstd and Gorilla

template <class T>
double zstd_bits(std::span<const T> values) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); i += kColumnRows) {
    const std::size_t bytes = std::min(kColumnRows, values.size() - i) * sizeof(T);
    std::string out(ZSTD_compressBound(bytes), '\0');
    sum += 8 * static_cast<double>(ZSTD_compress(out.data(), out.size(), &values[i], bytes, 3));
  }
  return sum;
}

/// Pelkonen and others, VLDB 2015: the wider the change of the step, the longer its prefix.
double gorilla_time_bits(const Integers& at) {
  double bits = 64;
  std::int64_t step = 0;
  for (std::size_t i = 1; i < at.size(); ++i) {
    const std::int64_t change = std::abs(at[i] - at[i - 1] - step);
    step = at[i] - at[i - 1];
    bits += change == 0 ? 1 : change <= 63 ? 2 + 7 : change <= 255 ? 3 + 9 : change <= 2047 ? 4 + 12 : 4 + 32;
  }
  return bits;
}

/// The bits that differ from the value before; 11 more where their window has to be told.
double gorilla_value_bits(const std::vector<double>& values) {
  double bits = 64;
  int leading = 65, trailing = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto differing = std::bit_cast<std::uint64_t>(values[i]) ^ std::bit_cast<std::uint64_t>(values[i - 1]);
    const int zeros = std::min(31, std::countl_zero(differing)), zeros_behind = std::countr_zero(differing);
    if (differing == 0) {
      bits += 1;
    } else if (zeros >= leading && zeros_behind >= trailing) {
      bits += 2 + 64 - leading - trailing;
    } else {
      leading = zeros, trailing = zeros_behind;
      bits += 2 + 11 + 64 - leading - trailing;
    }
  }
  return bits;
}

// ---------------------------------------- columns

Integers differences(const Integers& values) {
  Integers out(values.size());
  for (std::size_t i = 1; i < values.size(); ++i) out[i] = values[i] - values[i - 1];
  return out;
}

/// What is left of times in ticks when a clock of one a second is taken away, around its middle.
Integers jitter_of(const Integers& at, std::int64_t tick) {
  Integers out(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) out[i] = at[i] - static_cast<std::int64_t>(i) * (kSecond / tick);
  const auto [least, greatest] = std::minmax_element(out.begin(), out.end());
  const std::int64_t middle = *least + (*greatest - *least) / 2;
  for (std::int64_t& value : out) value -= middle;
  return out;
}

Integers cut_to(const Integers& at, std::int64_t tick) {
  Integers out(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) out[i] = at[i] / tick;
  return out;
}

double unit_of(int tag) {
  constexpr std::array<double, kWorkloadTags> kUnits{10, 10, 1000, 100, 1, 1, 10, 1, 1, 1000};
  return kUnits[static_cast<std::size_t>(tag)];
}

}  // namespace

std::vector<WorkloadSeries> series_of(const std::vector<WorkloadReading>& readings, std::uint32_t machines) {
  std::vector<std::vector<WorkloadReading>> rows(machines * kWorkloadTags);
  for (const WorkloadReading& r : readings) rows[(r.machine - 1) * kWorkloadTags + r.tag - 1U].push_back(r);
  std::vector<WorkloadSeries> all(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::sort(rows[i].begin(), rows[i].end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    all[i].unit = unit_of(static_cast<int>(i % kWorkloadTags));
    for (const WorkloadReading& r : rows[i]) {
      all[i].at.push_back(r.at);
      all[i].values.push_back(r.value);
      all[i].mantissas.push_back(std::llround(r.value * all[i].unit));
      all[i].qualities.push_back(r.quality);
    }
  }
  return all;
}

ReadingYardsticks yardsticks_of(const std::vector<WorkloadSeries>& series, std::int64_t tick_micros) {
  ReadingYardsticks bits;
  std::array<Frequencies, kWorkloadTags> plain, changes;
  Frequencies jitters, qualities;
  double rows = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const WorkloadSeries& s = series[i];
    const Integers at = cut_to(s.at, tick_micros), jitter = jitter_of(at, tick_micros),
                   change = differences(s.mantissas), quality(s.qualities.begin(), s.qualities.end());
    rows += static_cast<double>(s.at.size());
    jitters.add(jitter), qualities.add(quality);
    plain[i % kWorkloadTags].add(s.mantissas), changes[i % kWorkloadTags].add(change);
    bits.frames +=
        frames_bits(jitter) + std::min(frames_bits(s.mantissas), frames_bits(change)) + frames_bits(quality);
    bits.zstd += zstd_bits<std::int64_t>(at) + zstd_bits<double>(s.values) + zstd_bits<std::uint8_t>(s.qualities);
    bits.gorilla += gorilla_time_bits(at) + gorilla_value_bits(s.values) +
                    gorilla_value_bits({quality.begin(), quality.end()});
  }
  bits.entropy = jitters.bits() + qualities.bits();
  for (std::size_t tag = 0; tag < kWorkloadTags; ++tag) {
    bits.entropy += std::min(plain[tag].bits(), changes[tag].bits());
  }
  for (double* sum : {&bits.entropy, &bits.frames, &bits.zstd, &bits.gorilla}) *sum /= 8 * rows;
  return bits;
}

// ---------------------------------------- events

namespace {

/// A cycle lasts 30 s, times the machine's own slowness of 1 to 1.2, less or more 5 %: so many microseconds, each
/// as likely. A state lasts from 0.1 to 1.9 times its mean.
constexpr double kCycleSpreadMicros = 30e6 * 1.1 * 0.1;
constexpr std::array<double, 5> kMeanSeconds{340, 70, 200, 300, 1800};

double entropy_bits(const std::vector<WorkloadEvent>& events, std::uint32_t machines) {
  std::vector<Frequencies> kinds(machines);
  Frequencies reasons[5], after_running;
  std::vector<bool> ran(machines);
  double bits = 0;
  for (const WorkloadEvent& e : events) {
    const std::size_t machine = e.machine - 1;
    if (e.count) {
      kinds[machine].add(e.code);
      bits += std::log2(kCycleSpreadMicros);
      continue;
    }
    reasons[e.code].add(e.reason);
    if (ran[machine]) after_running.add(e.code);
    ran[machine] = e.code == 0;
    bits += std::log2(1.8e6 * kMeanSeconds[e.code]);
  }
  for (const Frequencies& kind : kinds) bits += kind.bits();
  for (const Frequencies& reason : reasons) bits += reason.bits();
  return bits + after_running.bits();
}

}  // namespace

EventYardsticks yardsticks_of(const std::vector<WorkloadEvent>& events, std::uint32_t machines) {
  struct Columns {
    Integers at;
    std::vector<std::uint8_t> is_count, code, reason;
  };
  std::vector<Columns> all(machines);
  for (const WorkloadEvent& e : events) {
    Columns& columns = all[e.machine - 1];
    columns.at.push_back(e.at);
    columns.is_count.push_back(e.count ? 1 : 0);
    columns.code.push_back(e.code);
    columns.reason.push_back(e.reason);
  }
  EventYardsticks bits;
  bits.entropy = entropy_bits(events, machines);
  for (const Columns& columns : all) {
    bits.zstd += zstd_bits<std::int64_t>(columns.at);
    for (const auto& codes : {columns.is_count, columns.code, columns.reason})
      bits.zstd += zstd_bits<std::uint8_t>(codes);
  }
  const double rows = static_cast<double>(events.size());
  return {bits.entropy / 8 / rows, bits.zstd / 8 / rows};
}

}  // namespace takt::bench
