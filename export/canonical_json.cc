#include "export/canonical_json.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace takt {
namespace {

namespace json = boost::json;

constexpr double kLargestExactInteger = 9007199254740992;  // 2^53

std::string without_nul(std::string_view text) {
  std::string out;
  for (const char c : text) c == '\0' ? out += "\xEF\xBF\xBD" : out += c;
  return out;
}

json::value canonical(const json::value& value) {
  if (const auto* object = value.if_object()) {
    std::vector<std::pair<std::string, const json::value*>> members;
    for (const auto& member : *object) members.emplace_back(without_nul(member.key()), &member.value());
    std::sort(members.begin(), members.end());
    json::object sorted;
    for (const auto& [name, member] : members) sorted.emplace(name, canonical(*member));
    return sorted;
  }
  if (const auto* array = value.if_array()) {
    json::array list;
    for (const json::value& element : *array) list.push_back(canonical(element));
    return list;
  }
  if (const auto* text = value.if_string()) return json::value(without_nul(*text));
  const auto* number = value.if_double();
  if (number != nullptr && std::trunc(*number) == *number && std::abs(*number) <= kLargestExactInteger)
    return static_cast<std::int64_t>(*number);
  return value;
}

}  // namespace

std::string canonical_json(const json::value& value) { return json::serialize(canonical(value)); }

}  // namespace takt
