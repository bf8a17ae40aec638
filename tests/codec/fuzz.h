// What fuzzers try on the decoders: a column of some bytes, and a number of rows that they may not have.
#pragma once

#include <cstddef>
#include <string_view>

namespace takt::fuzz {

struct Input {
  std::size_t rows;
  std::string_view bytes;
};

/// The first two bytes say the rows, up to a few more than a column can have.
inline Input input_of(std::string_view data) {
  if (data.size() < 2) return {0, data};
  const auto low = static_cast<unsigned char>(data[0]), high = static_cast<unsigned char>(data[1]);
  return {(low | std::size_t{high} << 8) % 8200, data.substr(2)};
}

/// Each ends the program if a promise of its decoder is broken.
void integers(std::string_view data);
void doubles(std::string_view data);
void strings(std::string_view data);

}  // namespace takt::fuzz
