// One gzip member, for request bodies.
#pragma once

#include "schema/result.h"

#include <string>
#include <string_view>

namespace takt {

Result<std::string> gzip(std::string_view content);

}  // namespace takt
