// A column of doubles as few bytes that describe themselves, lossless to the bit: NaN payloads, -0.0, infinities
// and subnormals come back as they were.
//
// Sensors speak decimals. A column of them is a column of integers, its mantissas, and one power of ten (the idea
// of ALP, Afroozeh, Kuffo and Boncz, SIGMOD 2024); we divide by the power instead of multiplying with its inverse,
// which is correctly rounded and so exact for every decimal of up to 15 digits. Values that do not come back to
// the bit are exceptions, written beside. The same for decimals that went through single precision, as those of
// most PLCs do. Real doubles are coded as their bits, the sign turned to the low end. Mantissas and bits are
// integer columns (engine/codec/integers.h), with all that these can do. docs/codecs.md draws the bytes.
//
// Columns have 0 to kColumnRows rows, and their number is not in the bytes. The functions keep no state and may be
// called from any thread.
#pragma once

#include "engine/codec/integers.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace takt {

/// The first byte of an encoded column of doubles, below its flag. Stored: numbers are never used again.
enum class DoubleCodec : std::uint8_t {
  raw = 0,             ///< 8 bytes a value
  decimal = 1,         ///< mantissa / 10^digits
  single_decimal = 2,  ///< the same, rounded to single precision
  bits = 3,            ///< the bits, turned left by one
};

/// Appends the column; the size written is never above 1 + 8 bytes a row.
void append_doubles(std::string& out, std::span<const double> values);

/// Fills `values`, as many as were encoded, from exactly `bytes`. Whatever the bytes are, nothing outside of them
/// is read; bytes that are no such column are ErrorCode::corruption, and `values` then hold anything.
Result<void> decode_doubles(std::string_view bytes, std::span<double> values);

/// The figures of all values of a column that are numbers; NaNs are only counted.
///
/// Of decimals the sum is exact: mantissas are added as integers, in whatever order chunks come, and divided once.
/// Exceptions, decimals of single precision and real doubles are added as doubles, with the rounding that this
/// has; the order is fixed, so the same column always gives the same bits.
struct DoubleSummary {
  std::size_t count = 0, nans = 0;
  double minimum = 0, maximum = 0;          ///< 0 if there is none; -0.0 and 0.0 are equal here
  __extension__ __int128 mantissa_sum = 0;  ///< sum of the decimals times 10^digits
  unsigned digits = 0;
  double rest = 0;  ///< sum of all other values
  double sum() const;
};
/// Frames of decimals are added up as mantissas, a vector at a time; neither they nor runs become doubles.
Result<DoubleSummary> summarize_doubles(std::string_view bytes, std::size_t rows);

/// The codec of an encoded column, for statistics and tests; raw if there are no bytes.
DoubleCodec double_codec(std::string_view bytes);

}  // namespace takt
