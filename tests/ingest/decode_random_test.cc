#include "tests/ingest/any_event.h"
#include "tests/ingest/decoded.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace takt {
namespace {

using any::any_event;
using any::below;
using any::maybe;
using any::Random;

TEST(DecodeRandom, WrittenEventsReadBackEqual) {
  Random random(1);
  for (int i = 0; i < 5000; ++i) {
    const Event event = any_event(random);
    const std::string json = json_of(event);
    const Decoded all = decode_all(i % 2 == 0 ? BodyFormat::ndjson : BodyFormat::json, json);
    ASSERT_EQ(all.events.size(), 1U) << json << (all.rejected.empty() ? all.error : all.rejected[0].message);
    ASSERT_TRUE(same(all.events[0], event)) << json << "\n" << json_of(all.events[0]);
  }
}

void mutate(Random& random, std::string& line) {
  constexpr std::string_view letters = "{}[]\",:\\0123456789.eE+-truefalsnu \t\r\x01\x7f\xC2\x80\xFF";
  const std::size_t at = below(random, line.size());
  switch (below(random, 4)) {
    case 0:
      line[at] = letters[below(random, letters.size())];
      return;
    case 1:
      line.insert(at, 1, letters[below(random, letters.size())]);
      return;
    case 2:
      line.erase(at, 1 + below(random, 3));
      return;
    default:
      line.insert(at, line.substr(below(random, line.size()), below(random, 12)));
  }
}

// Mutations hold no line feed, so each line stays one event, whatever becomes of it.
TEST(DecodeRandom, EveryMutatedLineIsAcceptedOrRefused) {
  Random random(2);
  for (int i = 0; i < 6000; ++i) {
    std::string line = json_of(any_event(random));
    for (std::size_t n = below(random, 5) + 1; n > 0 && line.size() > 1; --n) mutate(random, line);
    const std::vector<char> exact(line.begin(), line.end());  // ASan guards its end
    const Decoded all = decode_all(BodyFormat::ndjson, {exact.data(), exact.size()});
    ASSERT_TRUE(all.size() == 1 || !all.error.empty()) << line;
    for (const Event& event : all.events) {
      const std::string again = json_of(event);
      const Decoded twice = decode_all(BodyFormat::ndjson, again);
      ASSERT_EQ(twice.events.size(), 1U) << line << "\n" << again;
      ASSERT_TRUE(same(twice.events[0], event)) << line << "\n" << again;
    }
  }
}

TEST(DecodeRandom, MutatedBodiesNumberEachEventOnce) {
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string body = i % 2 == 0 ? "[" : "type,machine,ts,state,attributes.a\n";
    for (int n = 0; n < 5; ++n) {
      body += i % 2 == 0 ? json_of(any_event(random)) + (n < 4 ? "," : "]") : "state,\"M\"\"1\",7,down,\"x\ny\"\n";
    }
    for (int n = 0; n < 4; ++n) mutate(random, body);
    const std::vector<char> exact(body.begin(), body.end());
    const Decoded all = decode_all(i % 2 == 0 ? BodyFormat::json : BodyFormat::csv, {exact.data(), exact.size()});
    std::vector<std::size_t> indexes = all.indexes;
    for (const RejectedEvent& rejected : all.rejected) indexes.push_back(rejected.index);
    std::ranges::sort(indexes);
    for (std::size_t k = 0; k < indexes.size(); ++k) ASSERT_EQ(indexes[k], k) << body;
  }
}

}  // namespace
}  // namespace takt
