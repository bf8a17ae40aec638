// What fuzzers try on the binary protocol.
#pragma once

#include "tests/ingest/fuzz.h"

#include <string_view>

namespace takt::fuzz {

/// Ends the program if a promise of the readers is broken. A stream of messages as a producer sends them, sealed.
Seen wire_messages(std::string_view data);
/// A Batch by itself, as the body of a request.
Seen wire_batch(std::string_view data);
/// A segment of a producer's spool, sealed, as it is found after a crash.
Seen spool_segment(std::string_view data);

}  // namespace takt::fuzz
