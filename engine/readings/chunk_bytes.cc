#include "engine/readings/chunk_bytes.h"

#include <set>

#include "schema/wire_alignment.h"

namespace takt {
namespace {

bool makes_sense(const wire::ChunkHeader& chunk) {
  if (chunk.rows() == 0 || chunk.rows() > kChunkRows || chunk.first() > chunk.last()) return false;
  if (chunk.version() == 1) return chunk.columns() != nullptr;
  if (!is_aligned(chunk.parts())) return false;
  if (chunk.series() == nullptr || chunk.series()->size() == 0 || chunk.parts() == nullptr) return false;
  std::size_t parts = 1;  // that of the times
  std::set<std::uint32_t> groups;
  for (const wire::SeriesHead* series : *chunk.series()) {
    parts += series->columns();
    if (!groups.insert(series->group()).second || series->sum_exponent() > DecimalSum::kMaxExponent) return false;
  }
  return parts == chunk.parts()->size();
}

}  // namespace

Result<CheckedHeader> CheckedHeader::read(std::string_view bytes) {
  auto checked = header_bytes(ChunkMagic::readings, bytes);
  if (!checked) return checked.error();
  CheckedHeader header;
  header.bytes_ = std::move(*checked);
  flatbuffers::Verifier verifier{header.bytes_.data(), header.bytes_.size};
  if (!wire::VerifyChunkHeaderBuffer(verifier)) return corruption("a chunk's header is malformed");
  const wire::ChunkHeader& chunk = *header;
  if (chunk.version() == 0 || chunk.version() > kChunkVersion) {
    return corruption("a chunk is of format version " + std::to_string(chunk.version()) +
                      ", this program reads 1 to " + std::to_string(kChunkVersion) + "; use the newer program");
  }
  if (!makes_sense(chunk)) return corruption("a chunk's header makes no sense");
  return header;
}

}  // namespace takt
