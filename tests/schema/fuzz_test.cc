// Good descriptions made bad: AddressSanitizer sees what must not be done, the fuzzer sees promises that are
// broken.
#include "tests/schema/fuzz.h"

#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

TEST(PlantsOfStrangers, AreRefusedOrReadAgainAlike) {
  const FuzzTried tried = try_fuzz("plant", 500, fuzz::plant);
  EXPECT_GE(tried.good, 3U);
  EXPECT_GT(tried.changed_good, 30U);
}

}  // namespace
}  // namespace takt
