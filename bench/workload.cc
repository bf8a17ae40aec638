#include "bench/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace takt::bench {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;

/// splitmix64. No distribution of the standard library: they differ from one to the next.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  /// From 0 to below 1.
  double uniform() { return static_cast<double>(next() >> 11U) * (1.0 / 9007199254740992.0); }
  /// About normal: the sum of twelve, so that no library's mathematics matters.
  double normal() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum - 6.0;
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  std::uint64_t state_;
};

double round_to(double value, double parts) { return std::floor(value * parts + 0.5) / parts; }

/// A tag as it goes on.
struct Tag {
  double base = 0, value = 0;
  std::int64_t counter = 0;
  double set_point = 0;
  bool flag = false;
};

Tag first_of(int tag, Random& random) {
  Tag t;
  if (tag == 0) t.base = 60 + 20 * random.uniform();
  if (tag == 1) t.base = 180 + 40 * random.uniform();
  if (tag == 3) t.base = 8 + 10 * random.uniform();
  if (tag == 9) t.base = 5 + 2 * random.uniform();
  t.value = t.base;
  t.counter = random.between(0, 500'000);
  t.set_point = round_to(100 + 50 * random.uniform(), 10);
  t.flag = random.uniform() < 0.8;
  return t;
}

double next_of(int tag, Tag& t, Random& random) {
  const auto drift = [&](double noise, double pull) {
    // In two steps, as written, so that every compiler rounds alike.
    const double step = noise * random.normal() + pull * (t.base - t.value);
    t.value += step;
    return t.value;
  };
  switch (tag) {
    case 0:
    case 1:
      return round_to(drift(0.02, 0.001), 10);  // temperature
    case 2:
      return round_to(std::fabs(1.2 + 0.25 * random.normal()), 1000);  // vibration
    case 3: {
      const double current = drift(0.3, 0.1);
      return round_to(current < 0 ? 0 : current, 100);
    }
    case 4:
      if (random.uniform() < 1.0 / 30) ++t.counter;  // parts
      return static_cast<double>(t.counter);
    case 5:
      t.counter += 25 + random.between(0, 1);  // pulses
      return static_cast<double>(t.counter);
    case 6:
      if (random.uniform() < 1.0 / 2000) t.set_point = round_to(100 + 50 * random.uniform(), 10);
      return t.set_point;
    case 7:
      if (random.uniform() < 1.0 / 120) t.flag = !t.flag;
      return t.flag ? 1 : 0;
    case 8:
      if (random.uniform() < 1.0 / 1500) t.flag = !t.flag;
      return t.flag ? 1 : 0;
    default:
      return round_to(drift(0.005, 0.01), 1000);  // pressure
  }
}

std::uint8_t quality_of(Random& random) {
  const double u = random.uniform();
  if (u >= 0.001) return 192;
  return u < 0.0002 ? 0 : 64;
}

}  // namespace

void make_readings(std::uint32_t machines, int seconds, const std::function<void(const WorkloadReading&)>& take) {
  Random random{20260105};
  std::vector<Tag> tags;
  for (std::uint32_t i = 0; i < machines * kWorkloadTags; ++i) {
    tags.push_back(first_of(static_cast<int>(i % kWorkloadTags), random));
  }
  std::vector<std::vector<WorkloadReading>> late(static_cast<std::size_t>(seconds) + 62);
  for (int second = 0; second < seconds + 61; ++second) {
    auto& due = late[static_cast<std::size_t>(second)];
    for (const WorkloadReading& reading : due) take(reading);
    due = {};
    if (second >= seconds) continue;
    for (std::uint32_t i = 0; i < machines * kWorkloadTags; ++i) {
      const auto machine = i / kWorkloadTags, tag = i % kWorkloadTags;
      const double value = next_of(static_cast<int>(tag), tags[i], random);
      const std::uint8_t quality = quality_of(random);
      const std::int64_t at =
          kReadingsBegin + second * kSecond + 5000 + machine * 2500 + random.between(-2000, 2000);
      const WorkloadReading reading{machine + 1, static_cast<std::uint16_t>(tag + 1), at, value, quality};
      if (random.uniform() < 0.005) {
        late[static_cast<std::size_t>(second + random.between(1, 60))].push_back(reading);
      } else {
        take(reading);
      }
    }
  }
}

// ---------------------------------------- events

namespace {

/// One machine's life, added to the events and to its hours.
class MachineLife {
 public:
  MachineLife(std::uint32_t machine, std::int64_t end, WorkloadHour* hours, std::vector<WorkloadEvent>& events)
      : machine_(machine), end_(end), hours_(hours), events_(events), random_(777'000 + machine - 1) {
    scrap_ = 0.005 + 0.03 * random_.uniform();
    rework_ = 0.002 + 0.01 * random_.uniform();
    slow_ = 1.0 + 0.2 * random_.uniform();
  }
  void run() {
    for (std::int64_t t = kEventsBegin; t < end_;) {
      const auto [mean, reason] = dwell();
      // Bounded: no state lasts longer than an hour.
      const double length = mean * (0.1 + 1.8 * random_.uniform());
      const std::int64_t until = std::min(t + std::max(static_cast<std::int64_t>(length * 1e6), kSecond), end_);
      events_.push_back({machine_, t, false, static_cast<std::uint8_t>(state_), reason});
      add_time(t, until);
      if (state_ == 0) add_counts(t, until);
      state_ = next_state((t - kEventsBegin) % kDay);
      t = until;
    }
  }

 private:
  std::pair<double, std::uint8_t> dwell() {
    switch (state_) {
      case 0:
        return {340, 0};
      case 1:
        return {70, static_cast<std::uint8_t>(10 + random_.between(0, 3))};
      case 2: {
        const double a = random_.uniform(), b = random_.uniform();
        return {200, static_cast<std::uint8_t>(20 + static_cast<int>(12 * a * b))};
      }
      case 3:
        return {300, static_cast<std::uint8_t>(40 + random_.between(0, 2))};
      default:
        return {1800, 50};
    }
  }
  int next_state(std::int64_t time_of_day) {
    if (state_ != 0) return 0;
    const double u = random_.uniform();
    const bool shift_ends = time_of_day % (8 * kHour) > static_cast<std::int64_t>(7.4 * 3600) * kSecond;
    if (shift_ends && random_.uniform() < 0.6) return 4;
    return u < 0.55 ? 1 : u < 0.85 ? 2 : 3;
  }
  WorkloadHour& hour_of(std::int64_t t) { return hours_[(t - kEventsBegin) / kHour]; }
  void add_time(std::int64_t from, std::int64_t until) {
    while (from < until) {
      const std::int64_t edge = std::min(until, kEventsBegin + ((from - kEventsBegin) / kHour + 1) * kHour);
      if (state_ == 0) hour_of(from).running_s += static_cast<double>(edge - from) / 1e6;
      if (state_ != 4) hour_of(from).planned_s += static_cast<double>(edge - from) / 1e6;
      from = edge;
    }
  }
  void add_counts(std::int64_t from, std::int64_t until) {
    const auto cycle = [&] { return static_cast<std::int64_t>(30e6 * slow_ * (0.95 + 0.1 * random_.uniform())); };
    for (std::int64_t t = from + cycle(); t < until; t += cycle()) {
      const double u = random_.uniform();
      const int kind = u < scrap_ ? 1 : u < scrap_ + rework_ ? 2 : 0;
      events_.push_back({machine_, t, true, static_cast<std::uint8_t>(kind), 0});
      WorkloadHour& hour = hour_of(t);
      ++(kind == 0 ? hour.good : kind == 1 ? hour.scrap : hour.rework);
    }
  }

  std::uint32_t machine_;
  std::int64_t end_;
  WorkloadHour* hours_;
  std::vector<WorkloadEvent>& events_;
  Random random_;
  int state_ = 0;
  double scrap_, rework_, slow_;
};

}  // namespace

WorkloadEvents make_events(std::uint32_t machines, int days) {
  WorkloadEvents made;
  const std::size_t hours = static_cast<std::size_t>(days) * 24;
  made.hours.resize(machines * hours);
  for (std::uint32_t machine = 1; machine <= machines; ++machine) {
    MachineLife{machine, kEventsBegin + days * kDay, &made.hours[(machine - 1) * hours], made.events}.run();
  }
  std::sort(made.events.begin(), made.events.end(), [](const WorkloadEvent& a, const WorkloadEvent& b) {
    if (a.at != b.at) return a.at < b.at;
    return a.machine != b.machine ? a.machine < b.machine : a.count < b.count;
  });
  return made;
}

std::string workload_machine(std::uint32_t machine) { return fmt::format("M{}", machine); }

std::string workload_plant_toml(std::uint32_t machines) {
  std::string toml = "[plant]\nid = \"P\"\n";
  for (std::uint32_t m = 1; m <= machines; ++m)
    toml += fmt::format("[[machine]]\nid = \"{}\"\n", workload_machine(m));
  return toml;
}

}  // namespace takt::bench
