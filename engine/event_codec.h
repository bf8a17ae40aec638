// Events as bytes for the event log and the journal: compact, self-contained, checked.
#pragma once

#include "schema/event.h"

#include <span>
#include <string>
#include <string_view>

namespace takt {

/// A frame of one commit: version, count, the events, XXH3 of all of it. docs/format.md draws it.
std::string encode_frame(std::span<const Event* const> events);

/// Decodes a frame into `out` (appending). Strings are borrowed from `frame`. corruption: the bytes are not a
/// frame, its checksum does not match, or it is of a newer version.
Result<void> decode_frame(std::string_view frame, std::vector<Event>& out);

}  // namespace takt
