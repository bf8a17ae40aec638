// The plant description as rows of the dimension tables. Pure functions.
#pragma once

#include "engine/calendar.h"
#include "export/table.h"
#include "schema/plant.h"

#include <utility>
#include <vector>

namespace takt {

/// A table and all that stands in it.
using TableRows = std::pair<const Table*, std::vector<SqlRow>>;

/// Tables that hold nothing but what `plant` describes.
std::vector<TableRows> plant_dimensions(const Plant& plant);
/// The units that a plant uses and that the schema does not bring along, with nothing known but their names.
std::vector<SqlRow> own_units(const Plant& plant);
/// dim_date: whole years from that of `first` to the one after that of `last`, days since 1970-01-01.
std::vector<SqlRow> date_rows(std::int32_t first, std::int32_t last);
/// dim_date_range at `now`.
std::vector<SqlRow> date_range_rows(const WallClock& wall, Timestamp now);

}  // namespace takt
