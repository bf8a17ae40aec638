// One flush: what the engine has learned since the target's watermark, written in one transaction.
#pragma once

#include "engine/store.h"
#include "export/export_target.h"

#include <cstddef>
#include <functional>
#include <optional>

namespace takt {

struct FlushReport {
  Sequence watermark = 0;        ///< every commit up to this one is in the target
  Timestamp at;                  ///< the moment that what lasts is told up to
  std::size_t rows_written = 0;  ///< rows that differed, removed ones too
  bool resynchronised =
      false;  ///< all was written anew: the first flush, or one that is ahead of a restored store
};

/// Brings the target up to date. Whole and idempotent: nothing or all of it is done, and doing it twice changes
/// nothing. Holds a view of the store for a slice of one machine's rows at a time, never while SQL runs. conflict:
/// the rows are of another store. The target's schema must be the newest.
///
/// With `only`, rows of that span are written whether they have changed or not, and the watermark stays where it
/// is. `given_up` is asked before each write; once it says yes, the flush is undone and answers unavailable.
Result<FlushReport> flush(const Store& store, ExportTarget& target, std::optional<TimeRange> only = std::nullopt,
                          const std::function<bool()>& given_up = {});

}  // namespace takt
