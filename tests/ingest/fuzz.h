// What fuzzers try on the decoders of bodies: bytes from a stranger, in a format that he chose.
#pragma once

#include <cstddef>
#include <string_view>

namespace takt::fuzz {

/// How many events were taken and how many refused, for tests that want to have seen both.
struct Seen {
  std::size_t accepted = 0, rejected = 0;
  bool readable = true;
};

/// Each decodes the bytes and ends the program if a promise of their decoder is broken.
Seen json_body(std::string_view data);
Seen ndjson_body(std::string_view data);
Seen csv_body(std::string_view data);
Seen line_protocol(std::string_view data);

}  // namespace takt::fuzz
