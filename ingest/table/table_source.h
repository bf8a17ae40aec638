// Tables as a source of `takt import`.
#pragma once

#include "ingest/import_source.h"
#include "ingest/table/row_source.h"
#include "ingest/table/table_mapping.h"

#include <memory>
#include <string>

namespace takt {

/// Whether the options ask for more than the CSV that the server reads as it is, or the file is no such CSV: its
/// first line has semicolons or tabs, and no comma.
bool needs_mapping(const std::string& file, const TableOptions& options);
/// A .csv file with `format` csv, a workbook with xlsx. invalid_argument: options, header or file are wrong.
Result<std::unique_ptr<ImportSource>> open_table(const std::string& file, ImportFormat format,
                                                 const TableOptions& options);
/// The same of rows that are read already. Every line of a body is one event of it, wrong as it may be.
Result<std::unique_ptr<ImportSource>> open_table(std::unique_ptr<RowSource> rows, const TableOptions& options);

}  // namespace takt
