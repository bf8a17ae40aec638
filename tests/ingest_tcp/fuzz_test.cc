// Good messages made bad: AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/ingest_tcp/fuzz.h"

#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

void try_all(const std::string& name, fuzz::Seen (*fuzz)(std::string_view)) {
  std::size_t rejected = 0;
  const FuzzTried tried = try_fuzz(name, 3000, [&](std::string_view input) {
    const fuzz::Seen seen = fuzz(input);
    rejected += seen.rejected;
    return seen.accepted > 0;
  });
  EXPECT_GE(tried.good, 2U);
  EXPECT_GT(tried.changed_good, 300U) << "it gets past the verifier";
  EXPECT_GT(rejected, 100U);
}

TEST(BinaryProtocolOfStrangers, KeepsEveryPromise) { try_all("wire_messages", fuzz::wire_messages); }
TEST(BinaryProtocolOfStrangers, KeepsEveryPromiseInBodies) { try_all("wire_batch", fuzz::wire_batch); }

TEST(SpoolAfterACrash, KeepsEveryPromise) {
  const FuzzTried tried = try_fuzz("spool_segment", 300,
                                   [](std::string_view input) { return fuzz::spool_segment(input).accepted > 0; });
  EXPECT_GE(tried.good, 1U);
  EXPECT_GT(tried.changed_good, 20U);
}

}  // namespace
}  // namespace takt
