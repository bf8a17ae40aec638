#include "engine/readings/chunk.h"
#include "schema/wire_alignment.h"
#include "tests/engine/fuzz_seal.h"
#include "tests/engine/readings/fuzz.h"
#include "tests/support/fuzz_require.h"

namespace takt::fuzz {
namespace {

void seal_columns_v1(const wire::ChunkHeader& header, std::string_view body) {
  for (flatbuffers::uoffset_t i = 0; i < header.columns()->size(); ++i) {
    auto* column = const_cast<wire::Column*>(header.columns()->Get(i));
    if (column->offset() > body.size() || column->size() > body.size() - column->offset()) continue;
    reinterpret_cast<flatbuffers::Table*>(column)->SetField<std::uint64_t>(
        wire::Column::VT_CHECKSUM, XXH3_64bits(body.data() + column->offset(), column->size()), 0);
  }
}

std::string sealed(std::string_view data) {
  return sealed_chunk(data, [](std::uint8_t* bytes, std::size_t size, std::string_view body) {
    flatbuffers::Verifier verifier{bytes, size};
    if (!verifier.VerifyBuffer<wire::ChunkHeader>(nullptr)) return;
    const auto* header = flatbuffers::GetRoot<wire::ChunkHeader>(bytes);
    if (header->parts() != nullptr && is_aligned(header->parts())) seal_parts(*header->parts(), body);
    if (header->columns() != nullptr) seal_columns_v1(*header, body);
  });
}

void check(const ReadingColumns& rows, const ChunkHead& head) {
  require(rows.size() == head.rows && rows.number.size() == head.rows && head.rows <= kChunkRows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Reading row = rows[i];
    require(row.kind <= Value::Kind::text);
    require(row.text().size() + row.id().size() <= kChunkTextBytes);
  }
}

}  // namespace

bool reading_chunk(std::string_view data) {
  const std::string forged = sealed(data);
  const std::vector<char> exact(forged.begin(), forged.end());
  const std::string_view bytes{exact.data(), exact.size()};
  const auto head = read_chunk_head(bytes);
  if (!head) {
    require(head.error().code == ErrorCode::corruption);
    return false;
  }
  const bool is_sound = verify_chunk(bytes).has_value();
  bool decoded = false;
  for (const ChunkSeries& series : head->series) {
    const auto rows = decode_chunk(bytes, series.group);
    require(rows.has_value() || (!is_sound && rows.error().code == ErrorCode::corruption));
    if (!rows) continue;
    decoded = true;
    check(*rows, *head);
    // Who needs times and numbers alone is given the same.
    PlainRows plain;
    require(decode_plain(bytes, series.group, plain).has_value() && plain.at == rows->at);
    require(std::memcmp(plain.number.data(), rows->number.data(), rows->size() * sizeof(double)) == 0);
  }
  return decoded;
}

}  // namespace takt::fuzz
