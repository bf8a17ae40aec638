#include "simulator/sensors.h"

#include <cmath>

#include "simulator/random.h"

namespace takt {
namespace {

/// One second of a first-order lag.
void approach(double& value, double target, double seconds) { value += (target - value) / (seconds + 1); }

/// A triangle from 0 (at 03:00 UTC) to 1 and back in a day: the hall warms up and cools down.
double warmth_of_day(Second now) {
  const auto moment = static_cast<double>((now + 21 * 3600) % 86400) / 43200;
  return moment < 1 ? moment : 2 - moment;
}

double rounded(double value, double steps) {
  const double shown = value < 0 ? 0 : value;
  return static_cast<double>(std::llround(shown * steps)) / steps;
}

}  // namespace

void Sensors::step(Second now, bool running, bool air_lost, double wear) {
  const double ambient = 19 + 5 * warmth_of_day(now);
  approach(temperature_, ambient + (running ? 18 + running_kw_ + 7 * wear : 3), 900);
  approach(vibration_, running ? 1.1 + running_kw_ * 0.02 + 2.6 * wear * wear : 0.12, 4);
  approach(current_, running ? running_kw_ * 1.9 : 1.1, 5);
  const double compressor = static_cast<double>(now % 240) / 240 * 0.3;
  approach(pressure_, air_lost ? 3.4 : 6.35 - compressor - (running ? 0.1 : 0), 8);
}

double Sensors::value(std::size_t tag, std::int64_t micros) const {
  const double noise = bell(mix(seed_ + tag, static_cast<std::uint64_t>(micros)));
  switch (tag) {
    case 0:
      return rounded(temperature_ + 0.12 * noise, 10);
    case 1:
      return rounded(vibration_ * (1 + 0.05 * noise), 1000);
    case 2:
      return rounded(current_ * (1 + 0.02 * noise), 100);
    default:
      return rounded(pressure_ + 0.015 * noise, 100);
  }
}

}  // namespace takt
