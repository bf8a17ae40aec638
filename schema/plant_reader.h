// From the tree of a description to a validated plant. Private to schema.
#pragma once

#include "schema/plant_problems.h"
#include "schema/plant_tree.h"

namespace takt {

/// What is checked: all, or each key by itself.
enum class PlantCheck : std::uint8_t { whole, keys_alone };

/// The plant that `root` describes, or everything that is wrong with it. `file` goes before each problem.
Result<Plant> plant_from_tree(const Node& root, std::string_view file, PlantCheck check);

/// Reports what no table shows alone: names used twice, references to nothing, shifts that overlap.
/// The lists of `plant` stand in the order of the lists of `root`, which knows the lines.
void check_plant(const Plant& plant, const Node& root, Problems& problems);

}  // namespace takt
