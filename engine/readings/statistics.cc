#include "engine/readings/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace takt {
namespace {

constexpr unsigned kMaxExponent = 15;
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

void DecimalSum::add_real(double value) {
  // The rounding error of each addition is kept, too.
  const double sum = real_ + value;
  const double of_value = sum - real_;
  real_rest_ += (real_ - (sum - of_value)) + (value - of_value);
  real_ = sum;
}

void DecimalSum::add(const DecimalSum& other) {
  add(other.mantissa_, other.exponent_);
  add_real(other.real_);
  real_rest_ += other.real_rest_;
}

double DecimalSum::value() const {
  // Whole and fraction apart: each is a double or nearly, and the sum is rounded once.
  const WideInt scale = power(exponent_);
  const double decimals =
      static_cast<double>(mantissa_ / scale) + static_cast<double>(mantissa_ % scale) / kPowers[exponent_];
  return decimals + real_ + real_rest_;
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
