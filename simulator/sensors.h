// The four sensors of a simulated machine: they follow what it does, wear with it, and are noisy.
#pragma once

#include "simulator/shift_clock.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace takt {

inline constexpr std::array<std::string_view, 4> kSensorTags = {"spindle.temp", "vibration", "motor.current",
                                                                "air.pressure"};

class Sensors {
 public:
  Sensors(std::uint64_t seed, double running_kw) : seed_(seed), running_kw_(running_kw) {}

  /// One second of the machine's life. `wear` runs from 0 (new bearing) to about 1 (due).
  void step(Second now, bool running, bool air_lost, double wear);
  /// What the sensor `tag` (an index of kSensorTags) shows at `micros` since the epoch, rounded as it would be.
  /// The noise is a function of the time alone, so that the interval of the readings changes nothing else.
  double value(std::size_t tag, std::int64_t micros) const;

 private:
  std::uint64_t seed_;
  double running_kw_;
  double temperature_ = 24, vibration_ = 0.15, current_ = 1.1, pressure_ = 6.2;
};

}  // namespace takt
