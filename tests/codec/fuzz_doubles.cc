// The decoder of doubles under bytes from a stranger. By itself: clang++ -fsanitize=fuzzer,address
// -DTAKT_LIBFUZZER.
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

#ifdef TAKT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  takt::fuzz::doubles({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
