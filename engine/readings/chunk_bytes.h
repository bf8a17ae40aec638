// The bytes around a chunk's header, and chunks of version 1. Private to the engine.
#pragma once

#include <cstring>

#include "engine/readings/chunk.h"
#include "schema/chunk_generated.h"

namespace takt {

inline constexpr std::uint16_t kChunkVersion = 2;

/// A little-endian number at any address; the bytes are there.
template <class T>
T load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// A header that has been checked, in memory of its own: the database hands out bytes at any address, FlatBuffers
/// reads aligned ones.
class CheckedHeader {
 public:
  static Result<CheckedHeader> read(std::string_view bytes);
  const wire::ChunkHeader& operator*() const { return *wire::GetChunkHeader(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
};

/// Prefix and finished header; the columns follow.
std::string with_prefix(const flatbuffers::FlatBufferBuilder& header);

ChunkHead chunk_head_v1(const wire::ChunkHeader& header);
Result<ReadingColumns> decode_chunk_v1(const wire::ChunkHeader& header, std::string_view chunk);

}  // namespace takt
