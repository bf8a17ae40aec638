// Good requests made bad: AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/http/fuzz.h"

#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

TEST(HttpOfStrangers, IsTheSameHoweverItIsCut) {
  const FuzzTried tried = try_fuzz("http_requests", 3000, fuzz::http_requests);
  EXPECT_GE(tried.good, 3U);
  EXPECT_GT(tried.changed_good, 300U);
}

TEST(PackedBodiesOfStrangers, AreReadUpToTheirLimit) {
  const FuzzTried tried = try_fuzz("packed_body", 3000, fuzz::packed_body);
  EXPECT_GE(tried.good, 3U);
  EXPECT_GT(tried.changed - tried.changed_good, 300U);
}

}  // namespace
}  // namespace takt
