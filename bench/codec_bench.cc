// What the column codecs make of a plant's columns: bytes a value, and how fast they encode, decode and add up, on
// one thread, beside a copy of the same values. Goals: sum, minimum and maximum of framed columns at 2 G values/s;
// encoding under 20 ns a value, of times under 3 ns.
//
// The columns are those of the workload T (temperature 0.1 ... pressure 0.001, 1 Hz with jitter) and E, a whole
// chunk each. Beside the bytes stand `entropy`, that of order 0 of the values or their differences, whichever is
// less (of times: of the jitter), and `zstd3`, zstd -3 of the plain column.
#include "engine/codec/doubles.h"

#include <benchmark/benchmark.h>
#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <random>
#include <variant>

namespace takt::bench {
namespace {

using Integers = std::vector<std::int64_t>;
using Doubles = std::vector<double>;

constexpr std::size_t kRows = kColumnRows;
constexpr std::int64_t kBegin = 1'767'592'800'000'000;

struct Column {
  const char* name;
  std::variant<Integers, Doubles> values;
  double entropy_bits;  // 0: of no order that a sample could tell
};

class Plant {
 public:
  Plant() {
    times();
    values();
    events();
  }
  std::vector<Column> columns;

 private:
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(limit));
  }
  double even() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  double bell() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += even();
    return sum;
  }

  static double entropy(const Integers& values) {
    std::map<std::int64_t, double> counts;
    for (const std::int64_t value : values) ++counts[value];
    double bits = 0;
    for (const auto& [value, count] : counts)
      bits -= count * std::log2(count / static_cast<double>(values.size()));
    return bits / static_cast<double>(values.size());
  }

  static double least_entropy(const Integers& values) {
    Integers differences(values.size());
    std::adjacent_difference(values.begin(), values.end(), differences.begin());
    return std::min(entropy(values), entropy({differences.begin() + 1, differences.end()}));
  }

  void times() {
    Integers micros(kRows), millis(kRows), jitter(kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
      jitter[i] = below(4001);
      micros[i] = kBegin + static_cast<std::int64_t>(i) * 1'000'000 + jitter[i];
      millis[i] = micros[i] - micros[i] % 1000;
    }
    // Of jitter that is even the sample's entropy says too little: 8192 rows cannot fill 4001 bins evenly.
    columns.push_back({"time_us", micros, std::log2(4001)});
    for (auto& value : jitter) value /= 1000;
    columns.push_back({"time_ms", millis, entropy(jitter)});
  }

  template <class Next>
  void add(const char* name, double scale, Next next) {
    Doubles values(kRows);
    Integers mantissas(kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
      mantissas[i] = static_cast<std::int64_t>(std::floor(next() * scale + 0.5));
      values[i] = static_cast<double>(mantissas[i]) / scale;
    }
    columns.push_back({name, std::move(values), least_entropy(mantissas)});
  }

  void values() {
    double x = 65, y = 12, z = 6, count = 250'000, pulses = 1e6, setpoint = 121.3, flag = 1;
    add("temperature", 10, [&] { return x += 0.02 * bell() + 0.001 * (65 - x); });
    add("vibration", 1000, [&] { return std::abs(1.2 + 0.25 * bell()); });
    add("current", 100, [&] { return y += 0.3 * bell() + 0.1 * (12 - y); });
    add("counter", 1, [&] { return count += even() < 1.0 / 30 ? 1 : 0; });
    add("pulses", 1, [&] { return pulses += 25 + static_cast<double>(below(2)); });
    add("setpoint", 10, [&] { return setpoint = even() < 1.0 / 2000 ? 100 + 50 * even() : setpoint; });
    add("flag", 1, [&] { return flag = even() < 1.0 / 120 ? 1 - flag : flag; });
    add("pressure", 1000, [&] { return z += 0.005 * bell() + 0.01 * (6 - z); });
    add("even_noise", 100, [&] { return 10 * even(); });  // a frame without an entropy stage
    Doubles reals(kRows);
    for (double& real : reals) real = 20 + bell();
    columns.push_back({"real", std::move(reals), 0});
  }

  void events() {
    Integers counts(kRows), states(kRows), quality(kRows);
    std::int64_t t = kBegin;
    for (std::size_t i = 0; i < kRows; ++i) {
      counts[i] = t += static_cast<std::int64_t>(30e6 * 1.1 * (0.95 + 0.1 * even()));
      states[i] = below(5);
      quality[i] = even() < 0.001 ? 64 : 192;
    }
    columns.push_back({"count_time", std::move(counts), std::log2(3.3e6)});
    columns.push_back({"state", states, entropy(states)});
    columns.push_back({"quality", quality, entropy(quality)});
  }

  std::mt19937_64 random_{1};
};

std::string encode(const Integers& values) {
  std::string out;
  append_integers(out, values);
  return out;
}
std::string encode(const Doubles& values) {
  std::string out;
  append_doubles(out, values);
  return out;
}
bool decode(const std::string& bytes, Integers& values) { return decode_integers(bytes, values).has_value(); }
bool decode(const std::string& bytes, Doubles& values) { return decode_doubles(bytes, values).has_value(); }
bool sum_up(const std::string& bytes, const Integers& values) {
  const auto summary = summarize_integers(bytes, values.size());
  benchmark::DoNotOptimize(summary);
  return summary && summary->maximum == *std::max_element(values.begin(), values.end());
}
bool sum_up(const std::string& bytes, const Doubles& values) {
  const auto summary = summarize_doubles(bytes, values.size());
  benchmark::DoNotOptimize(summary);
  return summary && summary->maximum == *std::max_element(values.begin(), values.end());
}
void only_sum_up(const std::string& bytes, const Integers& values) {
  benchmark::DoNotOptimize(summarize_integers(bytes, values.size()));
}
void only_sum_up(const std::string& bytes, const Doubles& values) {
  benchmark::DoNotOptimize(summarize_doubles(bytes, values.size()));
}

template <class Values>
bool comes_back(const std::string& bytes, const Values& values) {
  Values back(values.size());
  return decode(bytes, back) && std::memcmp(back.data(), values.data(), values.size() * 8) == 0 &&
         sum_up(bytes, values);
}

template <class Values>
double zstd_bytes(const Values& values) {
  std::string out(ZSTD_compressBound(values.size() * 8), '\0');
  return static_cast<double>(ZSTD_compress(out.data(), out.size(), values.data(), values.size() * 8, 3));
}

void count_rows(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
}

template <class Values>
void encode_column(benchmark::State& state, const Values& values, double entropy_bits) {
  const std::string once = encode(values);
  if (!comes_back(once, values)) return state.SkipWithError("the column does not come back");
  for (auto _ : state) benchmark::DoNotOptimize(encode(values));
  count_rows(state);
  state.counters["bytes"] = static_cast<double>(once.size()) / static_cast<double>(kRows);
  if (entropy_bits > 0) state.counters["entropy"] = entropy_bits / 8;
  state.counters["zstd3"] = zstd_bytes(values) / static_cast<double>(kRows);
}

template <class Values>
void decode_column(benchmark::State& state, const Values& values) {
  const std::string bytes = encode(values);
  Values back(values.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(decode(bytes, back));
    benchmark::ClobberMemory();
  }
  count_rows(state);
}

template <class Values>
void sum_column(benchmark::State& state, const Values& values) {
  const std::string bytes = encode(values);
  for (auto _ : state) only_sum_up(bytes, values);
  count_rows(state);
}

void copy_column(benchmark::State& state) {
  const Integers from(kRows, 1);
  Integers to(kRows);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), kRows * sizeof(std::int64_t));
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  count_rows(state);
}

void register_column(const Column& column) {
  std::visit(
      [&](const auto& values) {
        const std::string name = column.name;
        const double entropy = column.entropy_bits;
        benchmark::RegisterBenchmark(("Encode/" + name).c_str(),
                                     [&values, entropy](auto& state) { encode_column(state, values, entropy); });
        benchmark::RegisterBenchmark(("Decode/" + name).c_str(),
                                     [&values](auto& state) { decode_column(state, values); });
        benchmark::RegisterBenchmark(("SumMinMax/" + name).c_str(),
                                     [&values](auto& state) { sum_column(state, values); });
      },
      column.values);
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  using namespace takt::bench;
  benchmark::Initialize(&argc, argv);
  const Plant plant;
  benchmark::RegisterBenchmark("Memcpy", copy_column);
  for (const Column& column : plant.columns) register_column(column);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
