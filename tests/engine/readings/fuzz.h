// What fuzzers try on the decoders of what is stored of readings.
#pragma once

#include <string_view>

namespace takt::fuzz {

/// Each seals the bytes, decodes them and ends the program if a promise of its decoder is broken. True: they
/// decoded.
bool reading_chunk(std::string_view data);
/// A frame of the journal.
bool reading_frame(std::string_view data);

}  // namespace takt::fuzz
