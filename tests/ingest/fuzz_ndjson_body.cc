// The decoder of NDJSON bodies under bytes from a stranger.
#include "tests/ingest/fuzz_promises.h"

#include <algorithm>

namespace takt::fuzz {

/// A line means the same whatever stands before and behind it.
Seen ndjson_body(std::string_view data) {
  const Outcome whole = decoded(BodyFormat::ndjson, data);
  if (!whole.readable) return seen(whole);
  if (data.starts_with("\xEF\xBB\xBF")) data.remove_prefix(3);
  std::size_t index = 0;
  while (!data.empty()) {
    const std::string_view line = data.substr(0, data.find('\n'));
    data.remove_prefix(std::min(line.size() + 1, data.size()));
    if (line.starts_with("\xEF\xBB\xBF")) return seen(whole);  // by itself it would be skipped
    const Outcome alone = decoded(BodyFormat::ndjson, line);
    if (!alone.readable) continue;
    require(alone.events.size() == 1 && index < whole.events.size() && alone.events[0] == whole.events[index]);
    ++index;
  }
  require(index == whole.events.size());
  return seen(whole);
}

}  // namespace takt::fuzz
