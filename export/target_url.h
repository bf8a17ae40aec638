// Where exports go, as users write it: sqlite:FILE.
#pragma once

#include "schema/result.h"

#include <filesystem>
#include <string_view>

namespace takt {

/// "sqlite:warehouse.sqlite", "sqlite:///var/lib/takt/warehouse.sqlite".
struct TargetUrl {
  std::filesystem::path file;
};
/// invalid_argument: another kind of target, no file, or an option that is not known.
Result<TargetUrl> parse_target_url(std::string_view url);

}  // namespace takt
