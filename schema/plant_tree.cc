#include "schema/plant_tree.h"

#include <array>

namespace takt {

const Node* Node::find(std::string_view key) const {
  const auto* table = as<Table>();
  if (table == nullptr) return nullptr;
  for (const Member& member : *table) {
    if (member.key == key) return member.value.is_null() ? nullptr : &member.value;
  }
  return nullptr;
}

std::string_view kind_of(const Node& node) {
  constexpr std::array<std::string_view, 10> kKinds = {
      "null",        "a boolean",           "a number",      "a number", "a string",
      "a date-time", "a local date(-time)", "a time of day", "a list",   "a table"};
  static_assert(kKinds.size() == std::variant_size_v<decltype(Node::value)>);
  return kKinds.at(node.value.index());
}

}  // namespace takt
