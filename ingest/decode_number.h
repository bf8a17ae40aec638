// Numbers as JSON spells them, in JSON and in CSV cells. Internal to the decoders.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace takt {

struct Number {
  double real = 0;           ///< infinite if no double can hold the number
  std::int64_t integer = 0;  ///< meaningful if `integral`
  bool integral = false;     ///< whole and within 64 bits, however it is spelled: 3, 3.0, 3e0
};

/// Nothing if `text` as a whole is not a number by the grammar of RFC 8259, section 6 (no NaN, +1, 01, .5 or 1.).
std::optional<Number> parse_number(std::string_view text);

}  // namespace takt
