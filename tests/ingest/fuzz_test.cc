// Good bodies made bad. AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/ingest/fuzz.h"

#include "tests/support/mutation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace takt {
namespace {

/// A few seconds; with TAKT_SOAK, which `./dev soak` sets, some minutes.
int rounds(int usual) { return std::getenv("TAKT_SOAK") == nullptr ? usual : usual * 200; }

std::string corpus(const std::string& name) {
  std::ifstream in{TAKT_TEST_DATA "/bodies/" + name, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

/// What the formats give a meaning to, which random bytes seldom are.
std::string with_telling_bytes(std::string data, std::mt19937_64& random) {
  constexpr std::string_view telling = "\"\\{}[],:\n\r;-.eE+0u \xEF\xBB\xBF\xC3\x80";
  for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes)
    data.insert(random() % (data.size() + 1), 1, telling[random() % telling.size()]);
  return data;
}

void expect_promises_kept(fuzz::Seen (*fuzz)(std::string_view), const std::string& file, std::uint64_t seed) {
  const std::string good = corpus(file);
  ASSERT_FALSE(good.empty()) << file;
  const fuzz::Seen whole = fuzz(good);
  EXPECT_GE(whole.accepted, 4U);
  EXPECT_EQ(whole.rejected, 1U);
  std::mt19937_64 random{seed};
  std::size_t accepted = 0, rejected = 0;
  for (int i = 0; i < rounds(3000); ++i) {
    const fuzz::Seen seen = fuzz(i % 2 == 0 ? mutated(good, random) : with_telling_bytes(good, random));
    accepted += seen.accepted, rejected += seen.rejected;
  }
  EXPECT_GT(accepted, 3000U);
  EXPECT_GT(rejected, 300U);
}

TEST(BodiesOfStrangers, OfJsonKeepEveryPromise) { expect_promises_kept(fuzz::json_body, "events.json", 41); }
TEST(BodiesOfStrangers, OfNdjsonKeepEveryPromise) { expect_promises_kept(fuzz::ndjson_body, "events.ndjson", 42); }
TEST(BodiesOfStrangers, OfCsvKeepEveryPromise) { expect_promises_kept(fuzz::csv_body, "events.csv", 43); }

void cut_off_anywhere(fuzz::Seen (*fuzz)(std::string_view), const std::string& file) {
  const std::string good = corpus(file);
  ASSERT_FALSE(good.empty()) << file;
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < good.size(); ++size) accepted += fuzz(good.substr(0, size)).accepted;
  EXPECT_GT(accepted, good.size());
}

TEST(BodiesOfStrangers, CutOffAnywhereKeepEveryPromise) {
  cut_off_anywhere(fuzz::json_body, "events.json");
  cut_off_anywhere(fuzz::ndjson_body, "events.ndjson");
  cut_off_anywhere(fuzz::csv_body, "events.csv");
}

}  // namespace
}  // namespace takt
