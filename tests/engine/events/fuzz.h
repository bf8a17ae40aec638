// What fuzzers try on the decoders of what is stored of events.
#pragma once

#include <string>
#include <string_view>

namespace takt::fuzz {

/// The same bytes with the checksums of header and columns made right, as far as there is a header: only so does a
/// fuzzer get past them.
std::string sealed_event_chunk(std::string_view data);
/// The same of a checkpoint.
std::string sealed_checkpoint(std::string_view data);

/// Each seals the bytes, decodes them and ends the program if a promise of its decoder is broken. True: they
/// decoded.
bool event_chunk(std::string_view data);
bool checkpoint(std::string_view data);
/// A frame of the journal.
bool event_frame(std::string_view data);
/// What was refused, as it is kept.
bool quarantine_entry(std::string_view data);
/// The plant's descriptions, as they are kept.
bool stored_plants(std::string_view data);

}  // namespace takt::fuzz
