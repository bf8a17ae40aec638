#include "engine/quarantine_codec.h"
#include "tests/engine/events/fuzz.h"

#include <cstdlib>

namespace takt::fuzz {

bool quarantine_entry(std::string_view data) {
  const auto entry = decode_quarantine(7, data);
  if (!entry) {
    if (entry.error().code != ErrorCode::corruption) std::abort();
    return false;
  }
  const std::string written = encode_quarantine(*entry);
  const auto again = decode_quarantine(7, written);
  if (!data.starts_with(written) || !again || encode_quarantine(*again) != written) std::abort();
  return true;
}

}  // namespace takt::fuzz
