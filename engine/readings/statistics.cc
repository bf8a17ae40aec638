#include "engine/readings/statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>

namespace takt {
namespace {

constexpr unsigned kMaxExponent = DecimalSum::kMaxExponent;
constexpr std::array<double, kMaxExponent + 1> kPowers{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
// Below it a mantissa found by multiplying is the right one, whatever the roundings on the way.
constexpr double kMaxMantissa = 562949953421312.0;  // 2^49

/// `value` as a mantissa of `exponent` digits after the point, or nothing if it is no such decimal.
std::optional<double> mantissa_of(double value, unsigned exponent) {
  const double scaled = value * kPowers[exponent];
  if (!(std::abs(scaled) < kMaxMantissa)) return std::nullopt;
  const double mantissa = std::nearbyint(scaled);
  return mantissa / kPowers[exponent] == value ? std::optional{mantissa} : std::nullopt;
}

/// The sum of the mantissas, if every value has one of this exponent. Written for the compiler to vectorise:
/// adding 1.5 * 2^52 rounds to an integer, which then is the low part of the double's bits.
bool sum_of_mantissas(std::span<const double> values, unsigned exponent, std::int64_t& sum) {
  constexpr double kRound = 6755399441055744.0;
  const double power = kPowers[exponent];
  std::int64_t total = 0, wrong = 0;
  for (const double value : values) {
    const double scaled = value * power;
    const double shifted = scaled + kRound;
    // What is too large is added, too, but then the sum is not used; without a sign, so that it may wrap.
    total = static_cast<std::int64_t>(static_cast<std::uint64_t>(total) + std::bit_cast<std::uint64_t>(shifted) -
                                      std::bit_cast<std::uint64_t>(kRound));
    wrong |= static_cast<std::int64_t>(!((shifted - kRound) / power == value)) |
             static_cast<std::int64_t>(!(std::abs(scaled) < kMaxMantissa));
  }
  sum = total;
  return wrong == 0;
}

/// The most digits after the point that leave the mantissa small enough.
unsigned most_digits(double value) {
  unsigned exponent = 0;
  while (exponent < kMaxExponent && std::abs(value) * kPowers[exponent + 1] < kMaxMantissa) ++exponent;
  return exponent;
}

WideInt power(unsigned exponent) {
  WideInt p = 1;
  for (; exponent > 0; --exponent) p *= 10;
  return p;
}

}  // namespace

void DecimalSum::add(double value) {
  // What is a decimal of few digits is one of as many as there is room for, too: so whether it is does not depend
  // on what was added before. The digits that did for the last value mostly do again.
  if (const auto mantissa = mantissa_of(value, exponent_)) return add(static_cast<WideInt>(*mantissa), exponent_);
  const unsigned digits = most_digits(value);
  if (const auto mantissa = mantissa_of(value, digits)) {
    unsigned least = std::min(exponent_, digits);
    while (!mantissa_of(value, least)) ++least;
    return add(static_cast<WideInt>(*mantissa_of(value, least)), least);
  }
  add_real(value);
}

void DecimalSum::add(std::span<const double> values) {
  constexpr std::size_t kBlock = 256;  // whose mantissas' sum is below 2^57
  constexpr unsigned kTries = 4;       // one value after the other takes as long as a few of them
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const auto block = values.subspan(begin, std::min(kBlock, values.size() - begin));
    std::int64_t sum = 0;
    unsigned exponent = exponent_;
    const unsigned most = std::min(exponent_ + kTries, kMaxExponent);
    while (exponent <= most && !sum_of_mantissas(block, exponent, sum)) ++exponent;
    if (exponent <= most) {
      add(sum, exponent);
    } else {
      for (const double value : block) add(value);
    }
  }
}

void DecimalSum::add(WideInt mantissa, unsigned exponent) {
  WideInt sum = mantissa_, part = mantissa;
  const unsigned digits = std::max(exponent_, exponent);
  const bool too_large = __builtin_mul_overflow(sum, power(digits - exponent_), &sum) ||
                         __builtin_mul_overflow(part, power(digits - exponent), &part) ||
                         __builtin_add_overflow(sum, part, &sum);
  if (too_large) return add_real(static_cast<double>(mantissa) / kPowers[exponent]);
  mantissa_ = sum;
  exponent_ = digits;
}

void DecimalSum::add_real(long double value) {
  const long double sum = real_ + value;
  const long double of_value = sum - real_;
  rest_ += (real_ - (sum - of_value)) + (value - of_value);
  real_ = sum;
}

void DecimalSum::add(const DecimalSum& other) {
  add(other.mantissa_, other.exponent_);
  add_real(other.real_);
  rest_ += other.rest_;
}

double DecimalSum::real_rest() const {
  // What is too large for a double has no rest that matters.
  const double main = real();
  return std::isfinite(main) ? static_cast<double>(real_ - static_cast<long double>(main) + rest_) : 0;
}

long double DecimalSum::precise() const {
  // Whole and fraction apart, so that little is rounded before the end.
  const WideInt scale = power(exponent_);
  const WideInt whole = mantissa_ / scale, fraction = mantissa_ % scale;
  const long double decimals = static_cast<long double>(whole) +
                               static_cast<long double>(fraction) / static_cast<long double>(kPowers[exponent_]);
  return decimals + (real_ + rest_);
}

void ReadingStatistics::add(double number, bool is_good) {
  if (numbers == 0) {
    minimum = maximum = first = number;
  } else {
    minimum = std::min(minimum, number);
    maximum = std::max(maximum, number);
    increase += number >= last ? number - last : number;
  }
  last = number;
  sum.add(number);
  ++numbers;
  good += is_good ? 1 : 0;
}

void ReadingStatistics::add(std::span<const double> values) {
  // Least and greatest in lanes of their own, as the order of comparing does not matter to them.
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> least, greatest;
  least.fill(values[0]), greatest.fill(values[0]);
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      least[lane] = value < least[lane] ? value : least[lane];
      greatest[lane] = value > greatest[lane] ? value : greatest[lane];
    }
  }
  ReadingStatistics part;
  part.minimum = *std::min_element(least.begin(), least.end());
  part.maximum = *std::max_element(greatest.begin(), greatest.end());
  for (; i < values.size(); ++i) {
    part.minimum = std::min(part.minimum, values[i]);
    part.maximum = std::max(part.maximum, values[i]);
  }
  for (std::size_t k = 1; k < values.size(); ++k) {
    part.increase += values[k] >= values[k - 1] ? values[k] - values[k - 1] : values[k];
  }
  part.numbers = static_cast<std::uint32_t>(values.size());
  part.first = values.front();
  part.last = values.back();
  part.sum.add(values);
  append(part);
}

void ReadingStatistics::append(const ReadingStatistics& later) {
  if (later.numbers == 0) return;
  if (numbers == 0) {
    *this = later;
    return;
  }
  minimum = std::min(minimum, later.minimum);
  maximum = std::max(maximum, later.maximum);
  increase += later.increase + (later.first >= last ? later.first - last : later.first);
  last = later.last;
  sum.add(later.sum);
  numbers += later.numbers;
  good += later.good;
}

ReadingStatistics statistics_of(const ReadingColumns& rows) {
  ReadingStatistics statistics;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Reading row = rows[i];
    if (row.kind != Value::Kind::number && row.kind != Value::Kind::boolean) continue;
    if (!row.withdrawn()) statistics.add(row.number, is_good(row.quality));
  }
  return statistics;
}

}  // namespace takt
