// Good tables made bad: AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/ingest/table/fuzz.h"

#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

void try_all(const std::string& name, fuzz::Seen (*fuzz)(std::string_view), int changes, std::size_t least) {
  std::size_t rejected = 0;
  const FuzzTried tried = try_fuzz(name, changes, [&](std::string_view input) {
    const fuzz::Seen seen = fuzz(input);
    rejected += seen.rejected;
    return seen.accepted > 0;
  });
  EXPECT_GE(tried.good, 3U);
  EXPECT_GT(tried.changed_good, least);
  EXPECT_GT(rejected, least);
}

TEST(TablesOfStrangers, OfTextKeepEveryPromise) { try_all("table", fuzz::table, 1000, 100); }
TEST(TablesOfStrangers, InWorkbooksKeepEveryPromise) { try_all("workbook", fuzz::workbook, 500, 20); }

}  // namespace
}  // namespace takt
