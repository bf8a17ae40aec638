// A column of integers as few bytes that describe themselves.
//
// Times, counters, codes, mantissas of decimals: whatever the column, the chooser takes the coding of the least
// bytes among constant, frame of reference, delta, linear prediction, runs, dictionary and raw. Frames have
// patched exceptions; residuals whose noise is uneven may take an entropy stage where that saves a sixteenth of
// the column. Any 64-bit value comes back; arithmetic wraps. docs/codecs.md draws the bytes and says when each
// coding wins.
//
// Columns have 0 to kColumnRows rows, and their number is not in the bytes: the chunk's header has it. The
// functions keep no state and may be called from any thread.
#pragma once

#include "schema/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace takt {

/// The rows a column can have.
inline constexpr std::size_t kColumnRows = 8192;

/// The first byte of an encoded integer column, below its two flags. Stored: numbers are never used again.
enum class IntegerCodec : std::uint8_t {
  raw = 0,         ///< 8 bytes a value
  constant = 1,    ///< one value
  frame = 2,       ///< offsets from a reference a vector
  delta = 3,       ///< a frame of the differences from one value to the next
  linear = 4,      ///< a frame of the differences from a clock that ticks evenly and may skip ticks
  runs = 5,        ///< a column of values and a column of run lengths
  dictionary = 6,  ///< a column of distinct values and a column of their numbers
};

/// Appends the column; the size written is never above 1 + 8 bytes a row.
void append_integers(std::string& out, std::span<const std::int64_t> values);
/// The same for states, kinds and flags of a byte each.
void append_codes(std::string& out, std::span<const std::uint8_t> codes);

/// Fills `values`, as many as were encoded, from exactly `bytes`. Whatever the bytes are, nothing outside of them
/// is read; bytes that are no such column are ErrorCode::corruption, and `values` then hold anything.
Result<void> decode_integers(std::string_view bytes, std::span<std::int64_t> values);
Result<void> decode_codes(std::string_view bytes, std::span<std::uint8_t> codes);

/// Of all values of a column. Exact: the sum has room for any column.
struct IntegerSummary {
  std::size_t count = 0;
  std::int64_t minimum = 0, maximum = 0;  ///< 0 if there is none
  __extension__ __int128 sum = 0;
};
/// The figures of a column of `rows` rows, a vector at a time in the first-level cache; runs and constants are not
/// spread out at all. Errors as for decode_integers().
Result<IntegerSummary> summarize_integers(std::string_view bytes, std::size_t rows);

/// The codec of an encoded column, for statistics and tests; raw if there are no bytes.
IntegerCodec integer_codec(std::string_view bytes);
/// Whether its residuals took the entropy stage.
bool has_entropy_stage(std::string_view bytes);

}  // namespace takt
