// What is kept of many readings of one tag, so that they need not be read again.
#pragma once

#include "engine/account.h"
#include "engine/readings/columns.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace takt {

/// A sum of doubles that depends neither on their order nor on how they were grouped. Numbers that are decimals of
/// few digits, as sensors send them, are summed as the decimals: ten times 0.1 is 1. The others are summed apart
/// in twice the precision of a double.
class DecimalSum {
 public:
  DecimalSum() = default;
  DecimalSum(WideInt mantissa, unsigned exponent, double real = 0, double real_rest = 0)
      : mantissa_(mantissa), exponent_(exponent), real_(real), rest_(real_rest) {}
  static constexpr unsigned kMaxExponent = 15;

  void add(double value);
  void add(std::span<const double> values);
  void add(const DecimalSum& other);
  /// Adds `mantissa` / 10^`exponent`.
  void add(WideInt mantissa, unsigned exponent);
  double value() const { return static_cast<double>(precise()); }
  double mean(std::uint64_t count) const { return static_cast<double>(precise() / count); }

  WideInt mantissa() const { return mantissa_; }
  unsigned exponent() const { return exponent_; }
  /// The part that is no decimal, as two doubles.
  double real() const { return static_cast<double>(real_ + rest_); }
  double real_rest() const;

 private:
  long double precise() const;
  void add_real(long double value);
  WideInt mantissa_ = 0;
  unsigned exponent_ = 0;  // of ten, up to kMaxExponent
  long double real_ = 0, rest_ = 0;
};

/// Of the numbers (booleans as 0 and 1) among readings that are not withdrawn.
struct ReadingStatistics {
  std::uint32_t numbers = 0;
  std::uint32_t good = 0;  ///< of these, of good quality
  double minimum = 0, maximum = 0, first = 0, last = 0;
  /// Of a counter: what each value is above the one before, or, where it falls, the value itself. The first is the
  /// baseline.
  double increase = 0;
  DecimalSum sum;

  void add(double number, bool is_good);
  /// At least one number. `good` stays as it is.
  void add(std::span<const double> values);
  /// Of readings that are all later.
  void append(const ReadingStatistics& later);
};

ReadingStatistics statistics_of(const ReadingColumns& rows);

}  // namespace takt
