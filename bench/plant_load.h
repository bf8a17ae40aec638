// The simulated plant's events as bodies ready to be sent: what a benchmark of ingest feeds on.
#pragma once

#include "schema/event.h"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace takt::bench {

/// Where the simulated history begins, and a moment after any load: the clock of the servers under test, so that
/// no run depends on the day on which it is made.
inline constexpr Timestamp kLoadBegin = from_micros(1'767'571'200'000'000);  // 2026-01-05T00:00:00Z, a Monday
class FixedClock final : public Clock {
 public:
  explicit FixedClock(Timestamp now) : now_(now) {}
  Timestamp now() const override { return now_; }

 private:
  Timestamp now_;
};

struct Body {
  std::string text;
  std::size_t events = 0;
};

struct PlantLoad {
  std::string plant;  ///< in which they make sense, as TOML
  std::string path = "/v1/events",
              media_type = "application/x-ndjson";  ///< where the bodies go, and what they are
  std::vector<std::vector<Body>> connections;       ///< what each sends, one body after the other
  std::size_t events = 0, bytes = 0;
  std::array<std::size_t, kEventTypes> by_type{};

  /// Such as "reading 61 %, count 25 %, ...".
  std::string mix() const;
};

struct PlantLoadOptions {
  std::size_t machines = 50;
  std::size_t events = 500'000;
  std::size_t connections = 1;  ///< each sends for its own machines, as gateways do, in order of time
  std::size_t body_events = 5'000;
};

/// The first events of the plant's history, readings once a minute as in the demo. The same options, the same
/// bytes.
PlantLoad plant_load(const PlantLoadOptions& options);
/// T of the plant workload as line protocol, a reading a line, one machine after the other.
PlantLoad line_load(const PlantLoadOptions& options);

}  // namespace takt::bench
