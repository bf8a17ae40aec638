// The topics of Sparkplug B: spBv1.0/group/VERB/node[/device], and spBv1.0/STATE/host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

enum class SparkplugVerb : std::uint8_t { nbirth, ndata, ndeath, dbirth, ddata, ddeath, ncmd, dcmd, state };

/// Borrowed from the topic it was read from. `state` has but a `node`, the host's id.
struct SparkplugTopic {
  SparkplugVerb verb = SparkplugVerb::state;
  std::string_view group, node, device;
};
/// Nothing if it is no such topic.
std::optional<SparkplugTopic> parse_sparkplug_topic(std::string_view topic);

std::string sparkplug_state_topic(std::string_view host_id);
std::string sparkplug_command_topic(std::string_view group, std::string_view node);

}  // namespace takt
