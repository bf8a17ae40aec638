// The versions of a plant description as one stored value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/plant.h"
#include "schema/result.h"
#include "schema/time.h"

namespace takt {

/// Each description and the time that it holds from.
using PlantVersions = std::vector<std::pair<Timestamp, Plant>>;

/// JSON: readable without Takt.
std::string encode_plants(const PlantVersions& versions);
/// corruption: damaged, or not understood.
Result<PlantVersions> decode_plants(std::string_view text);

}  // namespace takt
