// A quarantine entry as bytes. Private to the engine.
#pragma once

#include "engine/store.h"

namespace takt {

std::string encode_quarantine(const QuarantineEntry& entry);
Result<QuarantineEntry> decode_quarantine(std::uint64_t number, std::string_view bytes);

}  // namespace takt
