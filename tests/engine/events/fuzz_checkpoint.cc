// Checkpoints whose bytes somebody else made.
#include "engine/events/checkpoint.h"
#include "tests/engine/events/fuzz.h"
#include "tests/engine/fuzz_seal.h"

#include <cstdlib>

namespace takt::fuzz {

std::string sealed_checkpoint(std::string_view data) { return sealed_at_end(data); }

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
