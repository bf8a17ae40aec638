// The header of a chunk of readings, and chunks of version 1. Private to the engine.
#pragma once

#include "engine/chunk_parts.h"
#include "engine/readings/chunk.h"

namespace takt {

inline constexpr std::uint16_t kChunkVersion = 2;

/// A header that has been checked and makes sense.
class CheckedHeader {
 public:
  static Result<CheckedHeader> read(std::string_view bytes);
  const wire::ChunkHeader& operator*() const { return *wire::GetChunkHeader(bytes_.data()); }

 private:
  HeaderBytes bytes_;
};

ChunkHead chunk_head_v1(const wire::ChunkHeader& header);
Result<ReadingColumns> decode_chunk_v1(const wire::ChunkHeader& header, std::string_view chunk);

}  // namespace takt
