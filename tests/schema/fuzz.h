// What fuzzers try on the readers of descriptions.
#pragma once

#include <string_view>

namespace takt::fuzz {

/// A description in TOML, or, if it begins with a brace, in JSON. Ends the program if a promise of its reader is
/// broken. True: it describes a plant.
bool plant(std::string_view data);

}  // namespace takt::fuzz
