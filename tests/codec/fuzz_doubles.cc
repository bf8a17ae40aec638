// The decoder of doubles under bytes from a stranger.
#include "engine/codec/doubles.h"
#include "tests/codec/fuzz.h"

#include <cstdlib>
#include <vector>

namespace takt::fuzz {

void doubles(std::string_view data) {
  const Input input = input_of(data);
  std::vector<double> values(input.rows);
  const bool decoded = decode_doubles(input.bytes, values).has_value();
  if (summarize_doubles(input.bytes, input.rows).has_value() != decoded) std::abort();
}

}  // namespace takt::fuzz
