// What fuzzers try on the readers of MTConnect.
#pragma once

#include <string_view>

namespace takt::fuzz {

/// Each ends the program if a promise of its reader is broken.
void shdr_stream(std::string_view data);
void agent_document(std::string_view data);

}  // namespace takt::fuzz
