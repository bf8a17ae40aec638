#pragma once

#include "schema/time.h"

#include <chrono>
#include <string_view>

namespace takt {

inline constexpr std::string_view kVersion = "0.1.0";
/// A clock that says less than this is wrong.
inline constexpr Timestamp kMadeAfter = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

}  // namespace takt
