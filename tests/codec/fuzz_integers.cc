// The decoder of integers under bytes from a stranger.
#include "engine/codec/integers.h"
#include "tests/codec/fuzz.h"

#include <cstdlib>
#include <vector>

namespace takt::fuzz {

void integers(std::string_view data) {
  const Input input = input_of(data);
  std::vector<std::int64_t> values(input.rows);
  const bool decoded = decode_integers(input.bytes, values).has_value();
  if (summarize_integers(input.bytes, input.rows).has_value() != decoded) std::abort();
  std::vector<std::uint8_t> codes(input.rows);
  if (decode_codes(input.bytes, codes).has_value() && !decoded) std::abort();
}

}  // namespace takt::fuzz
