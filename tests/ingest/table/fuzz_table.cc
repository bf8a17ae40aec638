#include "ingest/table/delimited_rows.h"
#include "tests/ingest/table/fuzz_table_promises.h"

#include <algorithm>
#include <sstream>
#include <string>

namespace takt::fuzz {
namespace {

std::unique_ptr<RowSource> rows_of(std::string_view text, char delimiter) {
  return delimited_rows(std::make_unique<std::istringstream>(std::string{text}), delimiter, text.size());
}

/// Rows are numbered by the lines that they begin on.
void check_rows(RowSource& rows, std::string_view text) {
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  TableRow row;
  std::size_t line = 0;
  for (auto more = rows.next(row); more && *more; more = rows.next(row)) {
    require(row.line > line && row.line <= lines && !row.cells.empty());
    line = row.line;
  }
}

}  // namespace

Seen table(std::string_view data) {
  if (data.empty()) return {};
  const TableOptions& options = table_options(static_cast<unsigned char>(data.front()));
  data.remove_prefix(1);
  check_rows(*rows_of(data, options.delimiter), data);
  return table_promises(rows_of(data, options.delimiter), options);
}

}  // namespace takt::fuzz
