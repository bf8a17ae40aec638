#include "schema/wire_message.h"
#include "tests/ingest_tcp/fuzz_batch_promises.h"
#include "tests/ingest_tcp/sealed_messages.h"

namespace takt::fuzz {
namespace {

/// As a connection numbers them: what a definition leaves out between is refused.
void define(std::vector<WireTag>& tags, const wire::Define& definition) {
  if (definition.first() > tags.size()) return;
  std::size_t number = definition.first();
  for (flatbuffers::uoffset_t i = 0; i < size_of(definition.series()); ++i, ++number) {
    WireTag tag = tag_of(*definition.series()->Get(i));
    if (number % 3 != 2) tag.series = SeriesId{static_cast<std::uint32_t>(number)};  // some are not described
    if (number < tags.size())
      tags[number] = std::move(tag);
    else
      tags.push_back(std::move(tag));
  }
}

}  // namespace

Seen wire_messages(std::string_view data) {
  const std::string stream = sealed_messages(data);
  std::vector<WireTag> tags;
  Seen seen;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t size = wire_size(stream.data() + at);
    require(size > kWireHead && size <= stream.size() - at);
    // Where a connection reads it: at the beginning of a buffer that ends with it.
    std::vector<char> bytes(stream.begin() + static_cast<std::ptrdiff_t>(at),
                            stream.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
    const wire::Message* message = read_message({bytes.data(), bytes.size()});
    if (message == nullptr) continue;
    if (const auto* definition = message->content_as_Define()) define(tags, *definition);
    const auto* frame = message->content_as_Frame();
    if (frame == nullptr || frame->batch() == nullptr) continue;
    const Seen of_frame = read_batch(*frame->batch(), tags);
    seen.accepted += of_frame.accepted, seen.rejected += of_frame.rejected;
    ++bytes.back();
    require(read_message({bytes.data(), bytes.size()}) == nullptr);  // one bit is not what the checksum says
  }
  return seen;
}

}  // namespace takt::fuzz
