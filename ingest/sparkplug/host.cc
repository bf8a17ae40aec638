#include "ingest/sparkplug/host.h"

#include "ingest/decode_draft.h"
#include "schema/event_json.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <algorithm>

namespace takt {
namespace {

constexpr std::string_view kSession = "bdSeq";
constexpr std::int64_t kStale = 500;  // of the property Quality: the value is what it last was, if that
constexpr std::size_t kShownBytes = 512;
constexpr Duration kTick{1};
constexpr Duration kSkew{300'000'000};  // what is further ahead of time is refused

/// What a message was, for the quarantine.
std::string raw_of(std::string_view topic, std::string_view payload) {
  std::string raw = R"({"topic":)";
  append_json_string(raw, topic);
  raw += R"(,"payload_hex":")";
  for (const char c : payload.substr(0, kShownBytes)) raw += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return raw + "\"}";
}

bool is_for_the_host(SparkplugVerb verb) { return verb < SparkplugVerb::ncmd; }

bool is_control(std::string_view name) {
  return name == kSession || name.starts_with("Node Control/") || name.starts_with("Device Control/");
}

std::optional<std::uint64_t> session_of(const SparkplugPayload& payload) {
  const auto found = std::ranges::find(payload.metrics, kSession, &SparkplugMetric::name);
  if (found == payload.metrics.end() || found->written != SparkplugMetric::Written::integer) return std::nullopt;
  return found->bits;
}

std::string prefix_of(const SparkplugTopic& topic) {
  std::string prefix = fmt::format("{}/{}/", topic.group, topic.node);
  if (!topic.device.empty()) prefix.append(topic.device).push_back('/');
  return prefix;
}

std::string_view machine_of(const SparkplugTopic& topic) {
  return topic.device.empty() ? topic.node : topic.device;
}

}  // namespace

SparkplugNotes SparkplugHost::receive(std::string_view topic, std::string_view bytes, Timestamp now,
                                      const Sink& sink) {
  SparkplugNotes notes;
  const auto parsed = parse_sparkplug_topic(topic);
  if (!parsed || !is_for_the_host(parsed->verb)) {
    if (parsed && parsed->verb == SparkplugVerb::state) receive_state(*parsed, bytes, notes);
    return notes;
  }
  const auto payload = decoder_.decode(bytes);
  if (!payload) {
    notes.rejected.push_back({0, Rejection::bad_value, payload.error().context, raw_of(topic, bytes)});
    return notes;
  }
  Message message{*parsed, topic, **payload, now, sink, notes};
  Node* const node = node_of(*parsed);
  if (node == nullptr) {
    refuse(message, Rejection::too_large, fmt::format("There are more than {} nodes and devices.", kMostThings));
    return notes;
  }
  signals_.clear();
  unlisted_.clear();
  switch (parsed->verb) {
    case SparkplugVerb::nbirth:
      node_birth(*node, message);
      break;
    case SparkplugVerb::dbirth:
      device_birth(*node, message);
      break;
    case SparkplugVerb::ndeath:
      node_death(*node, message);
      break;
    case SparkplugVerb::ddeath:
      device_death(*node, message);
      break;
    default:
      data(*node, message);
  }
  return notes;
}

/// Anyone may publish to the host's topic, or an older connection's will come late.
void SparkplugHost::receive_state(const SparkplugTopic& topic, std::string_view payload,
                                  SparkplugNotes& notes) const {
  if (topic.node != host_id_) return;
  std::string text{payload};
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
  notes.said_offline = text.find(R"("online":true)") == std::string::npos;
}

SparkplugNotes SparkplugHost::reconnected(Timestamp now) {
  SparkplugNotes notes;
  for (auto& [name, node] : nodes_) {
    const bool was_born = std::exchange(node.own.born, false);
    node.seq.reset();
    node.asked = kBeginOfTime;
    const std::size_t slash = name.find('/');
    if (was_born)
      ask_for_rebirth(node,
                      {{}, std::string_view{name}.substr(0, slash), std::string_view{name}.substr(slash + 1), {}},
                      now, notes);
  }
  return notes;
}

void SparkplugHost::passing_time(Timestamp now, const Sink& sink) {
  for (auto& [name, node] : nodes_) {
    if (!node.devices_due || now - node.born_received < kBirthPatience) continue;
    node.devices_due = false;
    if (!node.own.born) continue;
    for (auto& [id, device] : node.devices) {
      if (!device.born) forget_values(device, node.born_at, id, sink);
    }
  }
}

SparkplugHost::Node* SparkplugHost::node_of(const SparkplugTopic& topic) {
  key_.assign(topic.group).append("/").append(topic.node);
  if (const auto found = nodes_.find(key_); found != nodes_.end()) return &found->second;
  if (things_ >= kMostThings) return nullptr;
  ++things_;
  return &nodes_[key_];
}

SparkplugHost::Thing* SparkplugHost::device_of(Node& node, std::string_view device) {
  if (const auto found = node.devices.find(device); found != node.devices.end()) return &found->second;
  if (things_ >= kMostThings) return nullptr;
  ++things_;
  return &node.devices[std::string{device}];
}

void SparkplugHost::node_birth(Node& node, Message& message) {
  const auto session = session_of(message.payload);
  const Timestamp at = message.payload.at.value_or(message.now);
  node.seq = static_cast<std::uint8_t>(message.payload.seq.value_or(0));
  node.session = session;
  node.born_at = at, node.born_received = message.now;
  node.devices_due = !node.devices.empty();
  for (auto& [id, device] : node.devices) device.born = false;
  if (renew(node.own, message)) flush(message);
}

void SparkplugHost::device_birth(Node& node, Message& message) {
  Thing* const device = device_of(node, message.topic.device);
  if (device == nullptr)
    return refuse(message, Rejection::too_large,
                  fmt::format("There are more than {} nodes and devices.", kMostThings));
  if (node.own.born) count_gap(node, message);
  if (!node.own.born) ask_for_rebirth(node, message.topic, message.now, message.notes);
  if (renew(*device, message)) flush(message);
}

void SparkplugHost::data(Node& node, Message& message) {
  Thing* const thing = message.topic.device.empty() ? &node.own : device_of(node, message.topic.device);
  if (node.own.born) count_gap(node, message);
  bool strange = !node.own.born || thing == nullptr || !thing->born;
  std::size_t unknown = 0;
  for (const SparkplugMetric& metric : message.payload.metrics) {
    Point* point = nullptr;
    if (!strange) {
      const auto by_alias = metric.alias ? thing->by_alias.find(*metric.alias) : thing->by_alias.end();
      if (by_alias != thing->by_alias.end()) point = &thing->points[by_alias->second];
      if (const auto by_name = thing->by_name.find(metric.name);
          point == nullptr && by_name != thing->by_name.end())
        point = &thing->points[by_name->second];
    }
    if (point != nullptr)
      tell(*thing, *point, metric, message);
    else if (!metric.name.empty() && metric.type != SparkplugType::unknown)
      tell_unlisted(node, metric, message), ++unknown;
    else if (++unknown == 1 && !strange)
      refuse(message, Rejection::bad_value,
             metric.alias
                 ? fmt::format("No birth has said what alias {} is; a rebirth was asked for.", *metric.alias)
                 : "No birth has said what metric " + in_quotes(metric.name) + " is; a rebirth was asked for.");
  }
  if (strange && unknown > 0 && signals_.empty())
    refuse(message, Rejection::bad_value,
           "This came before a birth has said what its metrics are; a rebirth was asked for.");
  if (strange || unknown > 0) ask_for_rebirth(node, message.topic, message.now, message.notes);
  flush(message);
}

void SparkplugHost::node_death(Node& node, Message& message) {
  const auto session = session_of(message.payload);
  if (node.session && session && *node.session != *session) return;
  node.own.born = false, node.devices_due = false;
  node.seq.reset();
  forget_values(node.own, message.now, message.topic.node, message.sink);
  for (auto& [id, device] : node.devices) {
    device.born = false;
    forget_values(device, message.now, id, message.sink);
  }
}

void SparkplugHost::device_death(Node& node, Message& message) {
  if (node.own.born) count_gap(node, message);
  const auto found = node.devices.find(message.topic.device);
  if (found == node.devices.end()) return;
  found->second.born = false;
  forget_values(found->second, message.payload.at.value_or(message.now), found->first, message.sink);
}

/// A repeated number is a message delivered twice, which does no harm.
void SparkplugHost::count_gap(Node& node, Message& message) {
  if (!message.payload.seq) return;
  const auto seq = static_cast<std::uint8_t>(*message.payload.seq);
  const auto before = std::exchange(node.seq, seq);
  if (!before) return;
  const auto missing = static_cast<std::uint8_t>(seq - *before - 1);
  if (missing == 0 || seq == *before) return;
  message.notes.gaps += missing;
  ask_for_rebirth(node, message.topic, message.now, message.notes);
}

void SparkplugHost::ask_for_rebirth(Node& node, const SparkplugTopic& topic, Timestamp now,
                                    SparkplugNotes& notes) const {
  if (now >= node.asked && now < node.asked + kRebirthPause) return;
  node.asked = now;
  notes.rebirths.push_back(sparkplug_command_topic(topic.group, topic.node));
}

/// Takes a birth's metrics in the place of those before. False: there are too many, and the thing is not born.
bool SparkplugHost::renew(Thing& thing, Message& message) {
  points_ -= thing.points.size();
  if (points_ + message.payload.metrics.size() > kMostPoints) {
    thing = {};
    refuse(message, Rejection::too_large, fmt::format("The metrics of all births are more than {}.", kMostPoints));
    return false;
  }
  const Thing before = std::exchange(thing, {});
  thing.newest = before.newest;
  thing.points.reserve(message.payload.metrics.size());
  for (const SparkplugMetric& metric : message.payload.metrics) learn(thing, before, metric, message);
  points_ += thing.points.size();
  thing.born = true;
  return true;
}

void SparkplugHost::learn(Thing& renewed, const Thing& before, const SparkplugMetric& metric, Message& message) {
  if (is_control(metric.name)) return;
  if (metric.name.empty() || !simdjson::validate_utf8(metric.name.data(), metric.name.size()))
    return refuse(message, Rejection::bad_value, "A metric of a birth has no name, or one that is no UTF-8.");
  const auto [place, added] = renewed.by_name.emplace(metric.name, renewed.points.size());
  if (!added) return refuse(message, Rejection::bad_value, "A birth names " + in_quotes(metric.name) + " twice.");
  if (metric.alias) renewed.by_alias.insert_or_assign(*metric.alias, place->second);
  Point point{prefix_of(message.topic).append(metric.name), metric.type};
  if (const auto old = before.by_name.find(metric.name); old != before.by_name.end())
    point.known = before.points[old->second].known, point.unknown_since = before.points[old->second].unknown_since;
  renewed.points.push_back(std::move(point));
  tell(renewed, renewed.points.back(), metric, message);
}

Timestamp SparkplugHost::time_of(const SparkplugMetric& metric, const Message& message) {
  return metric.at ? *metric.at : message.payload.at.value_or(message.now);
}

void SparkplugHost::tell(Thing& thing, Point& point, const SparkplugMetric& metric, Message& message) {
  const SparkplugType type = metric.type == SparkplugType::unknown ? point.type : metric.type;
  if (metric.transient || !is_read(type)) return ++message.notes.ignored, void();
  const auto value = value_of(metric, type);
  if (!value)
    return refuse(message, Rejection::bad_value,
                  "The value of " + in_quotes(point.address) + " is not of its type.");
  const bool birth = message.topic.verb == SparkplugVerb::nbirth || message.topic.verb == SparkplugVerb::dbirth;
  Signal signal{point.address, time_of(metric, message), value->value, value->whole, metric.quality, birth};
  if (metric.quality == kStale) signal.value = {}, signal.whole = kAbsent;
  // What held before the death holds again, but from the birth on: between them nobody knew.
  if (birth && !point.known && signal.at <= point.unknown_since)
    signal.at = std::max(message.payload.at.value_or(message.now), point.unknown_since + kTick);
  point.known = true;
  if (!metric.historical && signal.at <= message.now + kSkew) thing.newest = std::max(thing.newest, signal.at);
  signals_.push_back(signal);
}

void SparkplugHost::tell_unlisted(Node& node, const SparkplugMetric& metric, Message& message) {
  if (is_control(metric.name) || !simdjson::validate_utf8(metric.name.data(), metric.name.size())) return;
  Point point{prefix_of(message.topic).append(metric.name), metric.type};
  Thing* const thing = message.topic.device.empty() ? &node.own : device_of(node, message.topic.device);
  Thing nobody;
  tell(thing == nullptr ? nobody : *thing, point, metric, message);
  if (signals_.empty() || signals_.back().address.data() != point.address.data()) return;
  unlisted_.push_back(std::make_unique<std::string>(std::move(point.address)));
  signals_.back().address = *unlisted_.back();
}

void SparkplugHost::flush(Message& message) {
  if (!signals_.empty()) message.sink(signals_, machine_of(message.topic));
}

/// Not at the very time of the last values: two states of one instant would correct each other.
void SparkplugHost::forget_values(Thing& thing, Timestamp at, std::string_view machine, const Sink& sink) {
  at = std::max(at, thing.newest + kTick);
  signals_.clear();
  for (Point& point : thing.points) {
    if (!std::exchange(point.known, false)) continue;
    point.unknown_since = at;
    signals_.push_back({point.address, at, {}, kAbsent, kAbsent, false});
  }
  if (!signals_.empty()) sink(signals_, machine);
}

void SparkplugHost::refuse(Message& message, Rejection code, std::string sentence) {
  auto& rejected = message.notes.rejected;
  rejected.push_back({rejected.size(), code, std::move(sentence), raw_of(message.raw_topic, {})});
}

}  // namespace takt
