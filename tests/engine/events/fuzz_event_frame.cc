#include "engine/event_codec.h"
#include "tests/engine/events/fuzz.h"
#include "tests/engine/fuzz_seal.h"

#include <cstdlib>

namespace takt::fuzz {
namespace {

std::string written(const std::vector<Event>& events) {
  std::vector<const Event*> pointers;
  for (const Event& event : events) pointers.push_back(&event);
  return encode_frame(pointers);
}

}  // namespace

bool event_frame(std::string_view data) {
  const std::string bytes = sealed_at_end(data);
  const std::vector<char> exact(bytes.begin(), bytes.end());
  std::vector<Event> events;
  if (const auto read = decode_frame({exact.data(), exact.size()}, events); !read) {
    if (read.error().code != ErrorCode::corruption) std::abort();
    return false;
  }
  // What was read can be written, and is read again.
  const std::string frame = written(events);
  std::vector<Event> again;
  if (!decode_frame(frame, again) || again.size() != events.size() || written(again) != frame) std::abort();
  return true;
}

}  // namespace takt::fuzz
