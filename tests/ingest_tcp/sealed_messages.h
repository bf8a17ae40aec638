// Messages of the binary protocol whose heads are made right.
#pragma once

#include "schema/wire_message.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace takt::fuzz {

/// The same stream with its lengths and checksums made right, as far as lengths go: only so does a fuzzer get past
/// them.
inline std::string sealed_messages(std::string_view data) {
  std::string out;
  while (data.size() > kWireHead) {
    std::uint32_t length = 0;
    std::memcpy(&length, data.data(), sizeof length);
    data.remove_prefix(kWireHead);
    length = static_cast<std::uint32_t>(std::min<std::size_t>(length, data.size()));
    const std::size_t head = out.size();
    const std::uint32_t whole = (std::max(length, 1U) + 7) / 8 * 8;
    out.append(4, '\0').append("TKT1").append(8, '\0').append(data.substr(0, length)).append(whole - length, '\0');
    const std::uint64_t checksum = XXH3_64bits(out.data() + head + kWireHead, whole);
    std::memcpy(out.data() + head, &whole, sizeof whole);
    std::memcpy(out.data() + head + 8, &checksum, sizeof checksum);
    data.remove_prefix(length);
  }
  return out;
}

}  // namespace takt::fuzz
