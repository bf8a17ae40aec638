// Streams and documents of machines under damaged bytes. What readers must not do is seen by AddressSanitizer, for
// which every input is a buffer of its own size.
#include "ingest/mtconnect/adapter_events.h"
#include "ingest/mtconnect/agent_events.h"
#include "ingest/mtconnect/shdr_stream.h"
#include "tests/engine/engine_store.h"
#include "tests/ingest/mtconnect/fuzz.h"
#include "tests/support/mutation.h"

#include <fstream>
#include <iterator>
#include <random>

namespace takt::mtconnect {
namespace {

std::string file(const std::string& name) {
  std::ifstream in{std::string{TAKT_TEST_DATA} + "/mtconnect/" + name, std::ios::binary};
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>{in}, {}};
}

void run(void (*fuzz)(std::string_view), const std::string& seed, std::uint64_t rounds) {
  std::mt19937_64 random{rounds};
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const std::string data = i == 0 ? seed : mutated(seed, random);
    const std::vector<char> exact(data.begin(), data.end());
    fuzz({exact.data(), exact.size()});
  }
}

TEST(DamagedMtconnect, StreamsAreReadWithinBounds) {
  run(fuzz::shdr_stream, file("okuma.txt").substr(0, 6000), 300);
  run(fuzz::shdr_stream, "* PONG 10000\n10|a|1\n20.5|b|--multiline--A\nx\n--multiline--A\n", 3000);
}

TEST(DamagedMtconnect, AgentDocumentsAreReadWithinBounds) {
  for (const char* name :
       {"agent_1.3_probe.xml", "agent_1.3_sample.xml", "agent_2.3_sample.xml", "agent_2.6_error.xml"})
    run(fuzz::agent_document, file(name), 500);
}

}  // namespace
}  // namespace takt::mtconnect
