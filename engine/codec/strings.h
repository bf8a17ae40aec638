// A column of strings as few bytes that describe themselves: reasons, orders, products; attributes and texts.
//
// Strings that repeat become a dictionary and a column of numbers; those that do not are written one behind
// another. Either way all bytes together go through zstd (level 1) where that saves 15 %. Lengths and numbers are
// integer columns (engine/codec/integers.h). docs/codecs.md draws the bytes.
//
// Columns have 0 to kColumnRows rows, and their number is not in the bytes. Any bytes are a string, zeros too. The
// functions keep no state and may be called from any thread.
#pragma once

#include "engine/codec/integers.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// The first byte of an encoded column of strings, below its flag. Stored: numbers are never used again.
enum class StringCodec : std::uint8_t {
  plain = 0,       ///< lengths, then the bytes of all rows
  dictionary = 1,  ///< the distinct strings as plain, then a column of their numbers
};

/// What all distinct strings of a column may take together, in and out; also what a reader is ready to allocate.
inline constexpr std::size_t kStringColumnBytes = 64 << 20;

/// A decoded column. It owns its bytes; a repeated string is there once.
class StringColumn {
 public:
  std::size_t size() const { return rows_.size(); }
  /// Lives as long as the column.
  std::string_view operator[](std::size_t row) const {
    const auto number = rows_[row];
    return std::string_view{bytes_}.substr(begins_[number], begins_[number + 1] - begins_[number]);
  }

 private:
  friend class StringColumnReader;
  std::string bytes_;
  std::vector<std::size_t> begins_;  // of each distinct string, and the end of the last
  std::vector<std::uint32_t> rows_;
};

/// Appends the column. Fails with invalid_argument, and appends nothing, if it takes more than kStringColumnBytes.
Result<void> append_strings(std::string& out, std::span<const std::string_view> values);

/// The column of `rows` rows in exactly `bytes`. Whatever the bytes are, nothing outside of them is read and no
/// more than kStringColumnBytes are allocated for them; bytes that are no such column are ErrorCode::corruption.
Result<StringColumn> decode_strings(std::string_view bytes, std::size_t rows);

}  // namespace takt
