// The warehouse as files that any program reads: a table each, TABLE.csv.
#pragma once

#include "engine/store.h"
#include "schema/result.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

namespace takt {

struct CsvReport {
  std::size_t files = 0, rows = 0;
};

/// Writes every table of the warehouse as of now into `folder`, which is made if it is not there; with `only`,
/// facts and rollups of that span. Files of earlier exports are replaced, each when its new one is whole.
///
/// RFC 4180 with a header row: the columns and values of an SQLite warehouse, shortest digits that are exact. An
/// empty field is NULL, an empty text stands as "". Memory does not grow with the tables; the disk holds them
/// twice meanwhile. `progress` hears of each table and the share of all that is done.
Result<CsvReport> export_csv(const Store& store, const std::filesystem::path& folder,
                             std::optional<TimeRange> only,
                             const std::function<void(std::string_view table, double share)>& progress);

}  // namespace takt
