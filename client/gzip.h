// One gzip member, for request bodies.
#pragma once

#include "schema/result.h"

#include <string>
#include <string_view>

namespace takt {

Result<std::string> gzip_member(std::string_view content);

}  // namespace takt
