#include "engine/readings/chunk_bytes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <set>

namespace takt {
namespace {

constexpr std::uint32_t kMagic = 0x31434B54;  // "TKC1"
constexpr std::size_t kPrefix = 16;           // magic u32, header size u32, header checksum u64

bool makes_sense(const wire::ChunkHeader& chunk) {
  if (chunk.rows() == 0 || chunk.rows() > kChunkRows || chunk.first() > chunk.last()) return false;
  if (chunk.version() == 1) return chunk.columns() != nullptr;
  if (chunk.series() == nullptr || chunk.series()->size() == 0 || chunk.parts() == nullptr) return false;
  std::size_t parts = 1;  // that of the times
  std::set<std::uint32_t> groups;
  for (const wire::Series* series : *chunk.series()) {
    parts += series->columns();
    if (!groups.insert(series->group()).second || series->sum_exponent() > DecimalSum::kMaxExponent) return false;
  }
  return parts == chunk.parts()->size();
}

}  // namespace

Result<CheckedHeader> CheckedHeader::read(std::string_view bytes) {
  if (bytes.size() < kPrefix) return corruption("a chunk is shorter than its prefix");
  if (load<std::uint32_t>(bytes, 0) != kMagic) return corruption("a chunk does not begin with its mark");
  const auto size = load<std::uint32_t>(bytes, 4);
  if (size > bytes.size() - kPrefix) return corruption("a chunk's header is cut off");
  CheckedHeader header;
  header.words_.resize(size / sizeof(std::uint64_t) + 1);
  std::memcpy(header.words_.data(), bytes.data() + kPrefix, size);
  if (XXH3_64bits(header.words_.data(), size) != load<std::uint64_t>(bytes, 8)) {
    return corruption("a chunk's header does not match its checksum");
  }
  flatbuffers::Verifier verifier{reinterpret_cast<const std::uint8_t*>(header.words_.data()), size};
  if (!wire::VerifyChunkHeaderBuffer(verifier)) return corruption("a chunk's header is malformed");
  const wire::ChunkHeader& chunk = *header;
  if (chunk.version() == 0 || chunk.version() > kChunkVersion) {
    return corruption("a chunk is of format version " + std::to_string(chunk.version()) +
                      ", this program reads 1 to " + std::to_string(kChunkVersion) + "; use the newer program");
  }
  if (!makes_sense(chunk)) return corruption("a chunk's header makes no sense");
  return header;
}

std::string_view chunk_head_bytes(std::string_view chunk) {
  return chunk.substr(0, std::min(chunk.size(), kPrefix + load<std::uint32_t>(chunk, 4)));
}

std::string with_prefix(const flatbuffers::FlatBufferBuilder& header) {
  const std::uint32_t size = header.GetSize();
  const std::uint64_t checksum = XXH3_64bits(header.GetBufferPointer(), size);
  std::string bytes;
  bytes.append(reinterpret_cast<const char*>(&kMagic), 4);
  bytes.append(reinterpret_cast<const char*>(&size), 4);
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  bytes.append(reinterpret_cast<const char*>(header.GetBufferPointer()), size);
  return bytes;
}

}  // namespace takt
