// The warehouse against the engine: every row computed again from the store, every column compared.
#pragma once

#include "engine/store.h"
#include "export/export_target.h"

#include <cstddef>
#include <string>
#include <vector>

namespace takt {

/// One value that differs. A row that only one side has is told as the column "row": "present" or "missing".
struct Difference {
  std::string table, machine;
  std::string row;  ///< the rest of its key, such as the bucket's start; empty for totals
  std::string column, engine, target;
};
std::string to_string(const Difference& difference);

struct VerifyReport {
  Sequence watermark = 0;     ///< of the target
  Sequence sequence = 0;      ///< of the store: ahead of the watermark, the target needs a flush
  std::size_t rows = 0;       ///< compared
  std::size_t made_anew = 0;  ///< hours whose sums were made anew from their events, and compared
  std::size_t differing = 0;
  std::vector<Difference> differences;  ///< the first hundred

  bool equal() const { return differing == 0; }
};

/// Compares all rollups, facts and dimensions as of the target's last flush. Meant for a store at rest: what is
/// committed meanwhile may be told as a difference. not_found: nothing was flushed yet; conflict: another store's
/// rows.
Result<VerifyReport> verify(const Store& store, ExportTarget& target);

}  // namespace takt
