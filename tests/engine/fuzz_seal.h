// Forged bytes with their checksums made right, as whoever can write to the data folder could: only so does a
// fuzzer get past them.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chunk_parts.h"

namespace takt::fuzz {

inline constexpr std::size_t kChunkPrefix = 16;
inline constexpr std::size_t kSealBytes = sizeof(std::uint64_t);

/// The checksum behind all else.
inline std::string sealed_at_end(std::string_view data) {
  std::string bytes{data};
  if (bytes.size() < kSealBytes) return bytes;
  const std::size_t size = bytes.size() - kSealBytes;
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), size);
  std::memcpy(bytes.data() + size, &checksum, sizeof checksum);
  return bytes;
}

/// Those of a chunk's columns, told by its header.
inline void seal_parts(const Parts& parts, std::string_view body) {
  for (const wire::Part* part : parts) {
    const std::string_view column = body.substr(0, part->size());
    body.remove_prefix(column.size());
    const wire::Part sealed{XXH3_64bits(column.data(), column.size()), part->size(), part->kind()};
    std::memcpy(const_cast<wire::Part*>(part), &sealed, sizeof sealed);
  }
}

/// That of a chunk's header, as far as there is one; before it seal(header, size, body) may change the header.
template <class Seal>
std::string sealed_chunk(std::string_view data, Seal seal) {
  std::string bytes{data};
  if (bytes.size() < kChunkPrefix) return bytes;
  const std::size_t size = std::min<std::size_t>(load<std::uint32_t>(bytes, 4), bytes.size() - kChunkPrefix);
  std::vector<std::uint64_t> words(size / sizeof(std::uint64_t) + 1);
  auto* const header = reinterpret_cast<std::uint8_t*>(words.data());
  std::memcpy(header, bytes.data() + kChunkPrefix, size);
  seal(header, size, std::string_view{bytes}.substr(kChunkPrefix + size));
  std::memcpy(bytes.data() + kChunkPrefix, header, size);
  const std::uint64_t checksum = XXH3_64bits(header, size);
  std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
  return bytes;
}

}  // namespace takt::fuzz
