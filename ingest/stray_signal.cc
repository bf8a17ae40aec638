#include "ingest/stray_signal.h"

#include "schema/event_json.h"

#include <simdjson.h>

#include <algorithm>

namespace takt {
namespace {

constexpr std::string_view kBegin = "{\"signal\":";

DataSource source_named(const Plant& plant, std::string_view id) {
  const auto found = std::find_if(plant.sources.begin(), plant.sources.end(),
                                  [&](const DataSource& each) { return each.id == id; });
  if (found != plant.sources.end()) return *found;
  DataSource unlisted;
  unlisted.id = id;
  return unlisted;
}

}  // namespace

std::string stray_json(const Event& event, std::string_view address) {
  std::string json;
  append_json(json, event);
  std::string out{kBegin};
  append_json_string(out, address);
  out += ',';
  return out.append(json, 1);
}

bool is_stray(const RejectedEvent& refused) {
  return refused.code == Rejection::unknown_machine && refused.raw.starts_with(kBegin);
}

StraySignals::StraySignals(const Plant& plant, std::string_view source)
    : mapper_(plant, source_named(plant, source)) {}

std::optional<std::string> StraySignals::claimed(std::string_view raw) {
  namespace dom = simdjson::dom;
  dom::parser parser;
  dom::object event;
  std::string_view address;
  if (parser.parse(raw.data(), raw.size()).get_object().get(event) != simdjson::SUCCESS) return std::nullopt;
  if (event["signal"].get(address) != simdjson::SUCCESS) return std::nullopt;
  const SignalPlace place = mapper_.place_of(address);
  if (place.machine.empty()) return std::nullopt;
  std::string out = "{\"machine\":";
  append_json_string(out, place.machine);
  for (const dom::key_value_pair member : event) {
    if (member.key == "signal") continue;
    out += ',';
    append_json_string(out, member.key);
    out += ':';
    if (member.key == "tag")
      append_json_string(out, place.tag);
    else
      out += simdjson::minify(member.value);
  }
  return out + '}';
}

}  // namespace takt
