// Random numbers that are the same bytes on every platform: integer generators and distributions made of exactly
// rounded operations alone (no <random> distributions, no library logarithms).
#pragma once

#include <cstdint>

namespace takt {

/// One step of SplitMix64 (Steele, Lea, Flood 2014): a good mixing of 64 bits, here used as a hash.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return mix(mix(a) ^ b); }

/// A number in [0, 1) with 53 random bits.
constexpr double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11U) * 0x1p-53; }

/// About normal, mean 0, deviation 1, within +-3.46: the sum of four 16-bit uniforms, scaled.
constexpr double bell(std::uint64_t bits) {
  const std::uint64_t sum =
      (bits & 0xFFFFU) + ((bits >> 16U) & 0xFFFFU) + ((bits >> 32U) & 0xFFFFU) + ((bits >> 48U) & 0xFFFFU);
  return (static_cast<double>(sum) / 65535.0 - 2.0) * 1.7320508075688772;  // a uniform's variance is 1/12
}

/// Xoshiro256** (Blackman, Vigna 2018). Not thread-safe; a copy continues with the same numbers.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = seed = mix(seed);
  }

  constexpr std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  constexpr double uniform() { return unit(next()); }
  constexpr double between(double low, double high) { return low + (high - low) * uniform(); }
  /// A whole number in [low, high].
  constexpr std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  constexpr bool chance(double probability) { return uniform() < probability; }
  constexpr double normal() { return bell(next()); }
  /// Mostly near `low`, seldom near `high`, as repair times are: the mean lies a quarter of the way up.
  constexpr double skewed(double low, double high) {
    const double u = uniform();
    return low + (high - low) * u * u * u;
  }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, unsigned by) { return (x << by) | (x >> (64U - by)); }

  std::uint64_t state_[4] = {};
};

}  // namespace takt
