// Excel workbooks (.xlsx), row by row.
#pragma once

#include "ingest/table/row_source.h"

#include <memory>
#include <string>

namespace takt {

/// Reads `sheet`, the first one if empty. Memory: the workbook's shared texts, kMostTexts bytes at most, and some
/// rows. Errors say what is wrong with the file: it is no workbook, a part is missing or broken, or unpacks to
/// more than anybody writes.
Result<std::unique_ptr<RowSource>> xlsx_rows(const std::string& file, const std::string& sheet);

/// What a workbook may unpack to: bytes of shared texts, bytes of any one part, and how many times its size once
/// it is larger than kFreelyUnpacked.
inline constexpr std::size_t kMostTexts = std::size_t{256} << 20U;
inline constexpr std::size_t kMostUnpacked = std::size_t{4} << 30U;
inline constexpr std::size_t kFreelyUnpacked = std::size_t{16} << 20U;
inline constexpr std::size_t kMostTimes = 200;

}  // namespace takt
