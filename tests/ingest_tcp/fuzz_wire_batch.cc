#include "tests/ingest_tcp/fuzz_batch_promises.h"

namespace takt::fuzz {

Seen wire_batch(std::string_view data) {
  const std::vector<char> exact(data.begin(), data.end());  // aligned, and ending where the data ends
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(exact.data());
  flatbuffers::Verifier verifier{bytes, exact.size(), /*max_depth=*/16, /*max_tables=*/100'000};
  if (!verifier.VerifyBuffer<wire::Batch>(nullptr)) return {0, 0, false};
  const auto& batch = *flatbuffers::GetRoot<wire::Batch>(bytes);
  std::vector<WireTag> tags;
  if (batch.readings() != nullptr) {
    for (flatbuffers::uoffset_t i = 0; i < size_of(batch.readings()->series()); ++i)
      tags.push_back(tag_of(*batch.readings()->series()->Get(i)));
  }
  for (std::size_t i = 0; i < tags.size(); i += 2) tags[i].series = SeriesId{static_cast<std::uint32_t>(i)};
  return read_batch(batch, tags);
}

}  // namespace takt::fuzz
