// What fuzzers try on the readers of tables.
#pragma once

#include "tests/ingest/fuzz.h"

namespace takt::fuzz {

/// Each ends the program if a promise of its reader is broken.
/// A byte that chooses what is said of the table, and the text of it.
Seen table(std::string_view data);
/// An Excel workbook. Bytes that do not begin as one are its sheet, a zero and its shared texts, which are put
/// into one: what a fuzzer changes gets past the checksums.
Seen workbook(std::string_view data);

}  // namespace takt::fuzz
