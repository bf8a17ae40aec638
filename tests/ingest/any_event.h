// Events of every type with every field that it may have, as the decoder tests make them.
#pragma once

#include "schema/event.h"

#include <bit>
#include <cmath>
#include <random>
#include <string_view>

namespace takt::any {

using Random = std::mt19937_64;

inline std::size_t below(Random& random, std::size_t limit) { return random() % limit; }
inline bool maybe(Random& random) { return below(random, 2) == 0; }

inline constexpr std::string_view kTexts[] = {"M1", "\"q\\", "\u00e4\u20ac\U0001F600", "a/b c", "{}[],:", "x"};
inline constexpr std::string_view kOwn[] = {R"({"a":1})", R"({"a":[1,-2.5,{"b":null}],"z":"\"\n"})",
                                            "{\"\u00e4\":true}"};

inline std::string_view any_text(Random& random) { return kTexts[below(random, std::size(kTexts))]; }
inline std::string_view perhaps_text(Random& random) {
  return maybe(random) ? any_text(random) : std::string_view{};
}
inline Timestamp any_time(Random& random) {
  return from_micros(static_cast<std::int64_t>(below(random, 2'000'000'000'000'000)));
}
inline std::int64_t perhaps_count(Random& random) {
  return maybe(random) ? static_cast<std::int64_t>(below(random, 1'000'000'001)) : kAbsent;
}
inline double any_number(Random& random) {
  const double number = std::bit_cast<double>(random());
  return std::isfinite(number) ? number : -0.0;
}

inline Value any_value(Random& random) {
  switch (below(random, 3)) {
    case 0:
      return {Value::Kind::number, any_number(random), {}};
    case 1:
      return {Value::Kind::boolean, maybe(random) ? 1.0 : 0.0, {}};
    default:
      return {Value::Kind::text, 0, maybe(random) ? "line\n\x01\x7f" : any_text(random)};
  }
}

inline void fill_quantities(Random& random, Event& event) {
  event.good = static_cast<std::int64_t>(below(random, 100));
  event.scrap = perhaps_count(random);
  event.rework = perhaps_count(random);
  event.product = perhaps_text(random);
  event.order = perhaps_text(random);
  event.defect = perhaps_text(random);
  event.startup = maybe(random);
}

inline void fill_own_fields(Random& random, Event& event) {
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

inline Event any_event(Random& random) {
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

}  // namespace takt::any
