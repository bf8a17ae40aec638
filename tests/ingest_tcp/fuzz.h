// What fuzzers try on the binary protocol.
#pragma once

#include "tests/ingest/fuzz.h"

#include <string>
#include <string_view>

namespace takt::fuzz {

/// The same stream of messages with the heads made right, as far as lengths go: only so does a fuzzer get past
/// them.
std::string sealed_messages(std::string_view data);

/// Ends the program if a promise of the readers is broken. A stream of messages as a producer sends them, sealed.
Seen wire_messages(std::string_view data);
/// A Batch by itself, as the body of a request.
Seen wire_batch(std::string_view data);

}  // namespace takt::fuzz
