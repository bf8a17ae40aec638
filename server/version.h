#pragma once

#include <string_view>

namespace takt {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace takt
