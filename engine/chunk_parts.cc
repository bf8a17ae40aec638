#include "engine/chunk_parts.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace takt {
namespace {

constexpr std::size_t kPrefix = 16;  // magic u32, header size u32, header checksum u64

}  // namespace

std::string with_prefix(ChunkMagic magic, const flatbuffers::FlatBufferBuilder& header) {
  const std::uint32_t size = header.GetSize();
  const std::uint64_t checksum = XXH3_64bits(header.GetBufferPointer(), size);
  std::string bytes;
  bytes.append(reinterpret_cast<const char*>(&magic), 4);
  bytes.append(reinterpret_cast<const char*>(&size), 4);
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  bytes.append(reinterpret_cast<const char*>(header.GetBufferPointer()), size);
  return bytes;
}

Result<HeaderBytes> header_bytes(ChunkMagic magic, std::string_view chunk) {
  if (chunk.size() < kPrefix) return corruption("a chunk is shorter than its prefix");
  if (load<std::uint32_t>(chunk, 0) != static_cast<std::uint32_t>(magic))
    return corruption("a chunk does not begin with its mark");
  const auto size = load<std::uint32_t>(chunk, 4);
  if (size > chunk.size() - kPrefix) return corruption("a chunk's header is cut off");
  HeaderBytes header{std::vector<std::uint64_t>(size / sizeof(std::uint64_t) + 1), size};
  std::memcpy(header.words.data(), chunk.data() + kPrefix, size);
  if (XXH3_64bits(header.words.data(), size) != load<std::uint64_t>(chunk, 8))
    return corruption("a chunk's header does not match its checksum");
  return header;
}

std::string_view chunk_head_bytes(std::string_view chunk) {
  return chunk.substr(0, std::min(chunk.size(), kPrefix + load<std::uint32_t>(chunk, 4)));
}

std::uint64_t PartWriter::checksum(std::size_t begin) const {
  return XXH3_64bits(body_.data() + begin, body_.size() - begin);
}

Result<std::string_view> checked_part(const Parts& parts, std::size_t index, std::string_view body) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < index; ++i) begin += parts.Get(static_cast<unsigned>(i))->size();
  const wire::Part& part = *parts.Get(static_cast<unsigned>(index));
  if (begin > body.size() || part.size() > body.size() - begin) return corruption("a chunk's column is cut off");
  const std::string_view bytes = body.substr(begin, part.size());
  if (XXH3_64bits(bytes.data(), bytes.size()) != part.checksum())
    return corruption("a chunk's column does not match its checksum");
  return bytes;
}

}  // namespace takt
