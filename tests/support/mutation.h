// Good bytes made bad, for decoders that must bear anything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

namespace takt {

/// One to four changes of the kinds that fuzzers like, half of them near the beginning.
inline std::string mutated(std::string data, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 4; changes > 0 && !data.empty(); --changes) {
    // One draw a statement: compilers may take those of one expression in any order, and a seed must mean the
    // same.
    const std::size_t end = random() % 2 == 0 ? std::min<std::size_t>(data.size(), 24) : data.size();
    const std::size_t at = random() % end, length = 1 + random() % 8;
    switch (random() % 5) {
      case 0:
        data[at] = static_cast<char>(random());
        break;
      case 1:
        data[at] = static_cast<char>(random() % 2 == 0 ? 0xff : 0x00);
        break;
      case 2:
        data.erase(at, length);
        break;
      case 3:
        data.insert(at, std::string(length, static_cast<char>(random())));
        break;
      default:
        data.resize(at);
        break;
    }
  }
  return data;
}

}  // namespace takt
