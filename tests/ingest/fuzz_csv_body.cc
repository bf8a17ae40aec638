// The decoder of CSV bodies under bytes from a stranger. By itself: clang++ -fsanitize=fuzzer,address
// -DTAKT_LIBFUZZER, with tests/data/bodies as corpus.
#include "tests/ingest/fuzz_promises.h"

namespace takt::fuzz {

Seen csv_body(std::string_view data) { return seen(decoded(BodyFormat::csv, data)); }

}  // namespace takt::fuzz

#ifdef TAKT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  takt::fuzz::csv_body({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
