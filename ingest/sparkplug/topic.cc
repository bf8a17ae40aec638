#include "ingest/sparkplug/topic.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

constexpr std::string_view kNamespace = "spBv1.0/";
constexpr std::array<std::string_view, 8> kVerbs = {"NBIRTH", "NDATA",  "NDEATH", "DBIRTH",
                                                    "DDATA",  "DDEATH", "NCMD",   "DCMD"};

bool is_of_device(SparkplugVerb verb) {
  return verb == SparkplugVerb::dbirth || verb == SparkplugVerb::ddata || verb == SparkplugVerb::ddeath ||
         verb == SparkplugVerb::dcmd;
}

/// Takes the next level off `rest`.
std::string_view next_level(std::string_view& rest) {
  const std::string_view level = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(level.size() + 1, rest.size()));
  return level;
}

}  // namespace

std::optional<SparkplugTopic> parse_sparkplug_topic(std::string_view topic) {
  if (!topic.starts_with(kNamespace)) return std::nullopt;
  std::string_view rest = topic.substr(kNamespace.size());
  SparkplugTopic out;
  out.group = next_level(rest);
  if (out.group == "STATE") {
    if (rest.empty() || rest.find('/') != std::string_view::npos) return std::nullopt;
    return SparkplugTopic{SparkplugVerb::state, {}, rest, {}};
  }
  const auto verb = std::ranges::find(kVerbs, next_level(rest));
  if (verb == kVerbs.end()) return std::nullopt;
  out.verb = static_cast<SparkplugVerb>(verb - kVerbs.begin());
  out.node = next_level(rest);
  out.device = next_level(rest);
  if (out.group.empty() || out.node.empty() || !rest.empty() || topic.ends_with('/')) return std::nullopt;
  if (is_of_device(out.verb) == out.device.empty()) return std::nullopt;
  return out;
}

std::string sparkplug_state_topic(std::string_view host_id) {
  return std::string{kNamespace} + "STATE/" + std::string{host_id};
}

std::string sparkplug_command_topic(std::string_view group, std::string_view node) {
  return std::string{kNamespace}.append(group).append("/NCMD/").append(node);
}

}  // namespace takt
