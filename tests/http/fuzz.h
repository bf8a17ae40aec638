// What fuzzers try on the readers of HTTP.
#pragma once

#include <cstddef>
#include <string_view>

namespace takt::fuzz {

/// Each ends the program if a promise of its reader is broken.
/// What a client sends over one connection; how many requests it is.
std::size_t http_requests(std::string_view data);
/// A byte that chooses gzip or zstd, and the body; true: it decoded.
bool packed_body(std::string_view data);

}  // namespace takt::fuzz
