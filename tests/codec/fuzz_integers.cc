// The decoder of integers under bytes from a stranger. By itself: clang++ -fsanitize=fuzzer,address
// -DTAKT_LIBFUZZER.
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

#ifdef TAKT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  takt::fuzz::integers({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
