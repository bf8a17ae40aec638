#include "tests/oracle/event_set.h"

#include "tests/oracle/wall_clock.h"

#include <map>
#include <tuple>

namespace takt::oracle {
namespace {

bool given(const Json& event, const char* field) { return event.contains(field) && !event.at(field).is_null(); }

std::string or_empty(const Json& event, const char* field) { return text_of(event, field).value_or(""); }

std::string time_key(const Json& event, const char* field) {
  const std::optional<Timestamp> t = time_of(event, field);
  return t ? time_text(*t) : "";
}

/// Spelt times and absent fields are not content: the same moment in another spelling is the same.
std::string content_of(Json event) {
  for (const char* field : {"ts", "start", "end", "recorded_at", "planned_start", "planned_end"}) {
    if (given(event, field)) event[field] = time_key(event, field);
  }
  return event.dump();
}

/// The higher one holds.
using Rank = std::tuple<std::int64_t, bool, std::string>;

Rank rank_of(const Json& event) {
  return {integer_of(event, "revision").value_or(0), event.value("deleted", false), content_of(event)};
}

}  // namespace

std::optional<std::string> text_of(const Json& event, const char* field) {
  if (!given(event, field)) return std::nullopt;
  return event.at(field).get<std::string>();
}

std::optional<std::int64_t> integer_of(const Json& event, const char* field) {
  if (!given(event, field)) return std::nullopt;
  return event.at(field).get<std::int64_t>();
}

std::optional<Timestamp> time_of(const Json& event, const char* field) {
  if (!given(event, field)) return std::nullopt;
  const Json& value = event.at(field);
  return value.is_number() ? from_micros(value.get<std::int64_t>()) : read_time(value.get<std::string>());
}

Timestamp identity_time(const Json& event) {
  const std::string type = event.at("type");
  return *time_of(event, type == "cycle" || type == "classify" ? "start" : "ts");
}

std::vector<std::string> rest_of_identity(const Json& event) {
  const std::string type = event.at("type");
  const std::string id = or_empty(event, "id");
  if (type == "reading") return {or_empty(event, "tag"), id};
  if (type == "count" || type == "cycle") {
    return {or_empty(event, "product"), or_empty(event, "order"), or_empty(event, "defect"), id};
  }
  if (type == "quality") return {or_empty(event, "characteristic"), or_empty(event, "serial"), id};
  if (type == "order") return {or_empty(event, "order"), or_empty(event, "action"), id};
  if (type == "classify") return {time_key(event, "end"), time_key(event, "recorded_at"), id};
  return {id};
}

std::vector<std::string> identity_of(const Json& event) {
  std::vector<std::string> identity{event.at("machine"), event.at("type"), time_text(identity_time(event))};
  for (const std::string& part : rest_of_identity(event)) identity.push_back(part);
  return identity;
}

std::vector<Json> live_events(const std::vector<Json>& sent) {
  std::map<std::vector<std::string>, Json> winners;
  for (const Json& event : sent) {
    const auto [place, is_new] = winners.try_emplace(identity_of(event), event);
    if (!is_new && rank_of(event) > rank_of(place->second)) place->second = event;
  }
  std::vector<Json> live;
  for (const auto& [identity, event] : winners) {
    if (!event.value("deleted", false)) live.push_back(event);
  }
  return live;
}

}  // namespace takt::oracle
