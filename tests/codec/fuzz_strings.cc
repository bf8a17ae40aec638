// The decoder of strings under bytes from a stranger.
#include "engine/codec/strings.h"
#include "tests/codec/fuzz.h"

#include <cstdlib>
#include <vector>

namespace takt::fuzz {

void strings(std::string_view data) {
  const Input input = input_of(data);
  const auto column = decode_strings(input.bytes, input.rows);
  if (!column) return;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < column->size(); ++i) bytes += (*column)[i].size();
  if (column->size() != input.rows || bytes > kStringColumnBytes * input.rows) std::abort();
}

}  // namespace takt::fuzz
