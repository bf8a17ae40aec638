// The decoder of JSON bodies under bytes from a stranger.
#include "tests/ingest/fuzz_promises.h"

namespace takt::fuzz {

Seen json_body(std::string_view data) { return seen(decoded(BodyFormat::json, data)); }

}  // namespace takt::fuzz
