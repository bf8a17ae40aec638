// Good messages made bad: AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/ingest/mqtt/fuzz.h"
#include "tests/support/mutation.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

namespace takt {
namespace {

/// A few seconds; with TAKT_SOAK, which `./dev soak` sets, some minutes.
int rounds(int usual) { return std::getenv("TAKT_SOAK") == nullptr ? usual : usual * 200; }

std::vector<std::string> corpus(const std::string& name) {
  std::vector<std::string> out;
  for (const auto& file : std::filesystem::directory_iterator{TAKT_TEST_DATA "/fuzz/" + name}) {
    std::ostringstream text;
    text << std::ifstream{file.path(), std::ios::binary}.rdbuf();
    out.push_back(text.str());
  }
  return out;
}

void try_all(const std::string& name, std::size_t (*fuzz)(std::string_view)) {
  std::mt19937_64 random{17};
  const std::vector<std::string> inputs = corpus(name);
  ASSERT_GE(inputs.size(), 3U);
  std::size_t good = 0, mutants_with_events = 0;
  for (const std::string& input : inputs) {
    good += fuzz(input);
    for (int i = 0; i < rounds(4000); ++i) mutants_with_events += fuzz(mutated(input, random)) > 0 ? 1 : 0;
  }
  EXPECT_GT(good, inputs.size());
  EXPECT_GT(mutants_with_events, 100U) << "it gets past what is asked first";
}

TEST(BadMqttMessages, OfSparkplugDoNoHarm) { try_all("sparkplug", fuzz::sparkplug); }
TEST(BadMqttMessages, OfJsonDoNoHarm) { try_all("mqtt_json", fuzz::mqtt_json); }

}  // namespace
}  // namespace takt
