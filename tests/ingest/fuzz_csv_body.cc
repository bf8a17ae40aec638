// The decoder of CSV bodies under bytes from a stranger.
#include "tests/ingest/fuzz_promises.h"

namespace takt::fuzz {

Seen csv_body(std::string_view data) { return seen(decoded(BodyFormat::csv, data)); }

}  // namespace takt::fuzz
