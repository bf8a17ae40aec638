#include "tests/ingest/decoded.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace takt {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t limit) { return random() % limit; }
bool maybe(Random& random) { return below(random, 2) == 0; }

constexpr std::string_view kTexts[] = {"M1", "\"q\\", "\u00e4\u20ac\U0001F600", "a/b c", "{}[],:", "x"};
constexpr std::string_view kOwn[] = {R"({"a":1})", R"({"a":[1,-2.5,{"b":null}],"z":"\"\n"})", "{\"\u00e4\":true}"};

std::string_view any_text(Random& random) { return kTexts[below(random, std::size(kTexts))]; }
std::string_view perhaps_text(Random& random) { return maybe(random) ? any_text(random) : std::string_view{}; }
Timestamp any_time(Random& random) {
  return from_micros(static_cast<std::int64_t>(below(random, 2'000'000'000'000'000)));
}
std::int64_t perhaps_count(Random& random) {
  return maybe(random) ? static_cast<std::int64_t>(below(random, 1'000'000'001)) : kAbsent;
}
double any_number(Random& random) {
  const double number = std::bit_cast<double>(random());
  return std::isfinite(number) ? number : -0.0;
}

Value any_value(Random& random) {
  switch (below(random, 3)) {
    case 0:
      return {Value::Kind::number, any_number(random), {}};
    case 1:
      return {Value::Kind::boolean, maybe(random) ? 1.0 : 0.0, {}};
    default:
      return {Value::Kind::text, 0, maybe(random) ? "line\n\x01\x7f" : any_text(random)};
  }
}

void fill_quantities(Random& random, Event& event) {
  event.good = static_cast<std::int64_t>(below(random, 100));
  event.scrap = perhaps_count(random);
  event.rework = perhaps_count(random);
  event.product = perhaps_text(random);
  event.order = perhaps_text(random);
  event.defect = perhaps_text(random);
  event.startup = maybe(random);
}

void fill_own_fields(Random& random, Event& event) {
  switch (event.type) {
    case EventType::state:
      event.state = any_text(random);
      event.reason = perhaps_text(random);
      return;
    case EventType::count:
      fill_quantities(random, event);
      if (event.scrap == kAbsent) event.scrap_total = perhaps_count(random);
      return;
    case EventType::cycle:
      fill_quantities(random, event);
      event.end = event.at + Duration(below(random, 1000));
      return;
    case EventType::reading:
      event.tag = any_text(random);
      event.value = any_value(random);
      event.value_quality = maybe(random) ? 192 : kAbsent;
      return;
    case EventType::quality:
      event.characteristic = any_text(random);
      event.serial = perhaps_text(random);
      event.subgroup = perhaps_text(random);
      event.result = maybe(random) ? "fail" : "";
      if (maybe(random)) event.value = {Value::Kind::number, any_number(random), {}};
      event.quantity = maybe(random) ? 1 + static_cast<std::int64_t>(below(random, 9)) : kAbsent;
      return;
    case EventType::order:
      event.order = any_text(random);
      event.action = static_cast<OrderAction>(1 + below(random, 4));
      event.quantity = perhaps_count(random);
      if (maybe(random)) event.planned_start = any_time(random);
      if (maybe(random)) event.planned_end = any_time(random);
      return;
    case EventType::classify:
      event.reason = any_text(random);
      event.by = perhaps_text(random);
      if (maybe(random)) event.end = event.at + Duration(1);
      if (maybe(random)) event.recorded_at = any_time(random);
      return;
    case EventType::energy:
      event.kwh_total = std::abs(any_number(random));
      return;
  }
}

Event any_event(Random& random) {
  Event event;
  event.type = static_cast<EventType>(below(random, kEventTypes));
  event.machine = any_text(random);
  event.at = any_time(random);
  event.id = perhaps_text(random);
  event.revision = maybe(random) ? static_cast<std::int64_t>(random() >> 1U) : 0;
  event.deleted = below(random, 8) == 0;
  if (maybe(random)) event.attributes = kOwn[below(random, std::size(kOwn))];
  fill_own_fields(random, event);
  return event;
}

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
