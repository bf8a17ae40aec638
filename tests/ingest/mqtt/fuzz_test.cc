// Good messages made bad: AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/ingest/mqtt/fuzz.h"
#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

void try_all(const std::string& name, std::size_t (*fuzz)(std::string_view)) {
  const FuzzTried tried = try_fuzz(name, 4000, [&](std::string_view input) { return fuzz(input) > 0; });
  EXPECT_GE(tried.inputs, 3U);
  EXPECT_EQ(tried.good, tried.inputs);
  EXPECT_GT(tried.changed_good, 100U) << "it gets past what is asked first";
}

TEST(BadMqttMessages, OfSparkplugDoNoHarm) { try_all("sparkplug", fuzz::sparkplug); }
TEST(BadMqttMessages, OfJsonDoNoHarm) { try_all("mqtt_json", fuzz::mqtt_json); }

}  // namespace
}  // namespace takt
