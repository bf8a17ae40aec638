// The decoder of strings under bytes from a stranger. By itself: clang++ -fsanitize=fuzzer,address
// -DTAKT_LIBFUZZER.
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

#ifdef TAKT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  takt::fuzz::strings({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
