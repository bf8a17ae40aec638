// Checkpoints whose bytes somebody else made. By itself: clang++ -fsanitize=fuzzer,address -DTAKT_LIBFUZZER.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdlib>
#include <cstring>

#include "engine/events/checkpoint.h"
#include "tests/engine/events/fuzz.h"

namespace takt::fuzz {

std::string sealed_checkpoint(std::string_view data) {
  std::string bytes{data};
  if (bytes.size() < sizeof(std::uint64_t)) return bytes;
  const std::size_t size = bytes.size() - sizeof(std::uint64_t);
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), size);
  std::memcpy(bytes.data() + size, &checksum, sizeof checksum);
  return bytes;
}

bool checkpoint(std::string_view data) {
  Names names;
  const auto read = decode_checkpoint(sealed_checkpoint(data), names);
  if (!read) {
    if (read.error().code != ErrorCode::corruption) std::abort();
    return false;
  }
  for (const auto& bucket : read->buckets) {
    if (bucket.grain > Grain::day) std::abort();
  }
  // What was read can be written, and is read again.
  const auto again = decode_checkpoint(encode_checkpoint(*read, names), names);
  if (!again || !(*again == *read)) std::abort();
  return true;
}

}  // namespace takt::fuzz

#ifdef TAKT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  takt::fuzz::checkpoint({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
