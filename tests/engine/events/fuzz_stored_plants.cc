#include "engine/plant_codec.h"
#include "tests/engine/events/fuzz.h"

#include <cstdlib>

namespace takt::fuzz {

bool stored_plants(std::string_view data) {
  const auto plants = decode_plants(data);
  if (!plants) {
    if (plants.error().code != ErrorCode::corruption) std::abort();
    return false;
  }
  const std::string written = encode_plants(*plants);
  const auto again = decode_plants(written);
  if (!again || *again != *plants || encode_plants(*again) != written) std::abort();
  return true;
}

}  // namespace takt::fuzz
