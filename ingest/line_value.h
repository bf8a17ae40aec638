// What stands behind the equals sign of a field of line protocol. Internal to its decoders.
#pragma once

#include "ingest/decode_number.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace takt {

enum class LinePrecision : std::uint8_t;

struct LineValue {
  enum class Kind : std::uint8_t { number, truth, text };
  Kind kind = Kind::number;
  Number number;
  bool truth = false;
  std::string_view text;
};

/// A value that is not in quotes: a number, an integer with i or u behind it, or a truth in any of its spellings.
std::optional<LineValue> bare_line_value(std::string_view text);
/// t, T, true, True, TRUE, and the same of false.
std::optional<bool> line_truth(std::string_view text);
/// A decimal integer of 64 bits.
std::optional<std::int64_t> line_integer(std::string_view text);
/// Microseconds of a time in this precision; nothing: more than 64 bits of them.
std::optional<std::int64_t> line_micros(std::int64_t time, LinePrecision precision);

}  // namespace takt
