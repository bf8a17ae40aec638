// Good bodies made bad. AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/ingest/fuzz.h"

#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

/// What the formats give a meaning to, which random bytes seldom are.
std::string with_telling_bytes(std::string data, std::mt19937_64& random) {
  constexpr std::string_view telling = "\"\\{}[],:\n\r;-.eE+0u \xEF\xBB\xBF\xC3\x80";
  for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes)
    data.insert(random() % (data.size() + 1), 1, telling[random() % telling.size()]);
  return data;
}

void expect_promises_kept(fuzz::Seen (*fuzz)(std::string_view), const std::string& name, std::uint64_t seed) {
  const std::string good = fuzz_corpus(name).front();
  const fuzz::Seen whole = fuzz(good);
  EXPECT_GE(whole.accepted, 4U);
  EXPECT_EQ(whole.rejected, 1U);
  std::mt19937_64 random{seed};
  std::size_t accepted = 0, rejected = 0;
  for (int i = 0; i < fuzz_rounds(3000); ++i) {
    const fuzz::Seen seen = fuzz(i % 2 == 0 ? mutated(good, random) : with_telling_bytes(good, random));
    accepted += seen.accepted, rejected += seen.rejected;
  }
  EXPECT_GT(accepted, 3000U);
  EXPECT_GT(rejected, 300U);
}

TEST(BodiesOfStrangers, OfJsonKeepEveryPromise) { expect_promises_kept(fuzz::json_body, "json_body", 41); }
TEST(BodiesOfStrangers, OfNdjsonKeepEveryPromise) { expect_promises_kept(fuzz::ndjson_body, "ndjson_body", 42); }
TEST(BodiesOfStrangers, OfCsvKeepEveryPromise) { expect_promises_kept(fuzz::csv_body, "csv_body", 43); }

TEST(BodiesOfStrangers, OfLineProtocolKeepEveryPromise) {
  std::size_t rejected = 0;
  const FuzzTried tried = try_fuzz("line_protocol", 1500, [&](std::string_view input) {
    const fuzz::Seen seen = fuzz::line_protocol(input);
    rejected += seen.rejected;
    return seen.accepted > 0;
  });
  EXPECT_GE(tried.good, 3U);
  EXPECT_GT(tried.changed_good, 1500U);
  EXPECT_GT(rejected, 1500U);
}

void cut_off_anywhere(fuzz::Seen (*fuzz)(std::string_view), const std::string& name) {
  const std::string good = fuzz_corpus(name).front();
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < good.size(); ++size) accepted += fuzz(good.substr(0, size)).accepted;
  EXPECT_GT(accepted, good.size());
}

TEST(BodiesOfStrangers, CutOffAnywhereKeepEveryPromise) {
  cut_off_anywhere(fuzz::json_body, "json_body");
  cut_off_anywhere(fuzz::ndjson_body, "ndjson_body");
  cut_off_anywhere(fuzz::csv_body, "csv_body");
}

}  // namespace
}  // namespace takt
