// One event as JSON, as the contract's section 3 spells it: what the simulator sends, the quarantine keeps, a
// replay reads.
#pragma once

#include "schema/event.h"

#include <string>
#include <string_view>

namespace takt {

/// Appends `event` as one JSON object without white space or line end; only the fields that are given, times in
/// RFC 3339, numbers in their shortest spelling that reads back exactly. Decoding it gives the equal event.
/// The strings of the event must be UTF-8, its numbers finite and `attributes` canonical, as decoders leave them.
void append_json(std::string& out, const Event& event);

/// Appends `text` as a JSON string with its quotes. UTF-8 passes through; quotes, backslashes and control
/// characters are escaped.
void append_json_string(std::string& out, std::string_view text);

/// Appends a finite number in its shortest spelling that reads back as the same double; -0 keeps its sign.
void append_json_number(std::string& out, double number);

}  // namespace takt
