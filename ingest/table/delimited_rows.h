// Text tables: CSV with any delimiter.
#pragma once

#include "ingest/table/row_source.h"

#include <istream>
#include <memory>

namespace takt {

/// Cells may be quoted as RFC 4180 says; a quote that is never closed swallows 1 MiB at most. `delimiter` 0: of
/// comma, semicolon and tab the one that the first line has most of. `bytes`: of the whole, 0 if unknown.
std::unique_ptr<RowSource> delimited_rows(std::unique_ptr<std::istream> in, char delimiter, std::size_t bytes);

}  // namespace takt
