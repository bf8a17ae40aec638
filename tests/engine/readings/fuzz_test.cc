// Stored readings forged behind their checksums: whoever can write to the data folder may make a checksum right,
// too.
#include "tests/engine/readings/fuzz.h"

#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

TEST(ForgedReadings, OfChunksAreRefusedOrReadButNothingElse) {
  const FuzzTried tried = try_fuzz("reading_chunk", 500, fuzz::reading_chunk);
  EXPECT_GE(tried.good, 2U);
  EXPECT_GT(tried.changed_good, 30U);
}

TEST(ForgedReadings, OfTheJournalAreRefusedOrReadButNothingElse) {
  const FuzzTried tried = try_fuzz("reading_frame", 2000, fuzz::reading_frame);
  EXPECT_GE(tried.good, 2U);
  EXPECT_GT(tried.changed_good, 30U);
}

}  // namespace
}  // namespace takt
