// Chunks of events whose bytes somebody else made. By itself: clang++ -fsanitize=fuzzer,address -DTAKT_LIBFUZZER.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "engine/chunk_parts.h"
#include "engine/events/event_chunk.h"
#include "schema/event_chunk_generated.h"
#include "tests/engine/events/fuzz.h"

namespace takt::fuzz {
namespace {

constexpr std::size_t kPrefix = 16;

void require(bool promise) {
  if (!promise) std::abort();
}

void seal_columns(wire::EventChunkHeader& header, std::string_view body) {
  for (const wire::Part* part : *header.parts()) {
    const std::string_view column = body.substr(0, part->size());
    body.remove_prefix(column.size());
    const wire::Part sealed{XXH3_64bits(column.data(), column.size()), part->size(), part->kind()};
    std::memcpy(const_cast<wire::Part*>(part), &sealed, sizeof sealed);
  }
}

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
  std::string bytes{data};
  if (bytes.size() < kPrefix) return bytes;
  const std::size_t size = std::min<std::size_t>(load<std::uint32_t>(bytes, 4), bytes.size() - kPrefix);
  std::vector<std::uint64_t> words(size / sizeof(std::uint64_t) + 1);
  auto* const header = reinterpret_cast<std::uint8_t*>(words.data());
  std::memcpy(header, bytes.data() + kPrefix, size);
  flatbuffers::Verifier verifier{header, size};
  if (wire::VerifyEventChunkHeaderBuffer(verifier)) {
    auto* chunk = flatbuffers::GetMutableRoot<wire::EventChunkHeader>(header);
    if (chunk->parts() != nullptr) seal_columns(*chunk, std::string_view{bytes}.substr(kPrefix + size));
  }
  std::memcpy(bytes.data() + kPrefix, header, size);
  const std::uint64_t checksum = XXH3_64bits(header, size);
  std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
  return bytes;
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

#ifdef TAKT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  takt::fuzz::event_chunk({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
