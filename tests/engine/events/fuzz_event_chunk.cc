// Chunks of events whose bytes somebody else made.
#include "engine/events/event_chunk.h"
#include "schema/event_chunk_generated.h"
#include "schema/wire_alignment.h"
#include "tests/engine/events/fuzz.h"
#include "tests/engine/fuzz_seal.h"
#include "tests/support/fuzz_require.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace takt::fuzz {
namespace {

bool same(const EventRow& a, const EventRow& b) {
  const Event &x = a.event, &y = b.event;
  const auto bits = [](double v) {
    std::uint64_t word = 0;
    std::memcpy(&word, &v, sizeof v);
    return word;
  };
  return a.commit == b.commit && x.type == y.type && x.at == y.at && x.end == y.end && x.revision == y.revision &&
         x.deleted == y.deleted && x.startup == y.startup && x.action == y.action && x.good == y.good &&
         x.state == y.state && x.reason == y.reason && x.id == y.id && x.attributes == y.attributes &&
         x.value.kind == y.value.kind && bits(x.value.number) == bits(y.value.number) &&
         x.value.text == y.value.text;
}

bool is_before(const EventRow& a, const EventRow& b) {
  if (a.event.type != b.event.type) return a.event.type < b.event.type;
  return a.event.at != b.event.at ? a.event.at < b.event.at : a.commit < b.commit;
}

}  // namespace

std::string sealed_event_chunk(std::string_view data) {
  return sealed_chunk(data, [](std::uint8_t* header, std::size_t size, std::string_view body) {
    flatbuffers::Verifier verifier{header, size};
    if (!wire::VerifyEventChunkHeaderBuffer(verifier)) return;
    const auto* parts = flatbuffers::GetRoot<wire::EventChunkHeader>(header)->parts();
    if (parts != nullptr && is_aligned(parts)) seal_parts(*parts, body);
  });
}

bool event_chunk(std::string_view data) {
  const std::string bytes = sealed_event_chunk(data);
  EventRows read;
  const auto decoded = decode_event_chunk(bytes, read);
  auto head = read_event_chunk_head(bytes);
  if (!decoded) {
    require(decoded.error().code == ErrorCode::corruption);
    return false;
  }
  require(head.has_value() && read.rows.size() == head->rows);
  require(std::is_sorted(read.rows.begin(), read.rows.end(), is_before));
  // What was read can be written, and is read again.
  const std::string written = encode_event_chunk(read.rows, *head);
  EventRows again;
  require(decode_event_chunk(written, again).has_value());
  require(std::equal(read.rows.begin(), read.rows.end(), again.rows.begin(), again.rows.end(), same));
  return true;
}

}  // namespace takt::fuzz
