#include "ingest/decode_attributes.h"

#include "ingest/decode_body.h"
#include "ingest/decode_number.h"
#include "schema/event_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace takt {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kMaxDepth = 32;

struct Member {
  std::string key, value;
};

AttributesFault append_value(std::string& out, ondemand::value value, int depth);

/// The fault of a string that simdjson could not unescape.
AttributesFault string_fault(std::string_view token) {
  return has_json_escapes_only(token.substr(1, token.size() - 2)) ? AttributesFault::not_unicode
                                                                  : AttributesFault::broken;
}

AttributesFault append_string(std::string& out, ondemand::value value, std::string_view token) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return string_fault(token);
  if (!simdjson::validate_utf8(text.data(), text.size())) return AttributesFault::not_unicode;
  append_json_string(out, text);
  return AttributesFault::none;
}

template <class Integer>
bool append_integer(std::string& out, std::string_view token) {
  Integer integer = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), integer);
  if (error != std::errc{} || end != token.data() + token.size()) return false;
  out += std::to_string(integer);
  return true;
}

AttributesFault append_number(std::string& out, std::string_view token) {
  const std::optional<Number> number = parse_number(token);
  if (!number) return AttributesFault::broken;
  if (append_integer<std::int64_t>(out, token) || append_integer<std::uint64_t>(out, token)) {
    return AttributesFault::none;
  }
  if (!std::isfinite(number->real)) return AttributesFault::number_out_of_range;
  // 1.0 is 1, and 1e20 is no integer of 64 bits: both are spelled as the double they are.
  append_json_number(out, number->real == 0 ? 0.0 : number->real);
  return AttributesFault::none;
}

AttributesFault append_scalar(std::string& out, std::string_view token) {
  if (token != "true" && token != "false" && token != "null") return append_number(out, token);
  out += token;
  return AttributesFault::none;
}

AttributesFault append_array(std::string& out, ondemand::array array, int depth) {
  out += '[';
  bool first = true;
  for (auto element : array) {
    ondemand::value value;
    if (element.get(value) != simdjson::SUCCESS) return AttributesFault::broken;
    if (!std::exchange(first, false)) out += ',';
    if (const AttributesFault fault = append_value(out, value, depth); fault != AttributesFault::none)
      return fault;
  }
  out += ']';
  return AttributesFault::none;
}

AttributesFault read_member(ondemand::field field, Member& member, int depth) {
  std::string_view key;
  if (field.unescaped_key().get(key) != simdjson::SUCCESS) return AttributesFault::broken;
  if (!simdjson::validate_utf8(key.data(), key.size())) return AttributesFault::not_unicode;
  member.key = key;
  return append_value(member.value, field.value(), depth);
}

AttributesFault read_members(ondemand::object object, std::vector<Member>& members, int depth) {
  for (auto element : object) {
    ondemand::field field;
    if (std::move(element).get(field) != simdjson::SUCCESS) return AttributesFault::broken;
    const AttributesFault fault = read_member(field, members.emplace_back(), depth);
    if (fault != AttributesFault::none) return fault;
  }
  std::ranges::sort(members, {}, &Member::key);
  const auto twin = std::ranges::adjacent_find(members, {}, &Member::key);
  return twin == members.end() ? AttributesFault::none : AttributesFault::double_key;
}

AttributesFault append_object(std::string& out, ondemand::object object, int depth) {
  std::vector<Member> members;
  if (const AttributesFault fault = read_members(object, members, depth); fault != AttributesFault::none) {
    return fault;
  }
  char separator = '{';
  for (const Member& member : members) {
    out += std::exchange(separator, ',');
    append_json_string(out, member.key);
    out += ':';
    out += member.value;
  }
  out += members.empty() ? "{}" : "}";
  return AttributesFault::none;
}

AttributesFault append_value(std::string& out, ondemand::value value, int depth) {
  if (depth == kMaxDepth) return AttributesFault::too_deep;
  const std::string_view token = trim(value.raw_json_token());
  if (token.empty()) return AttributesFault::broken;
  if (token.front() == '"') return append_string(out, value, token);
  if (token.front() == '{') {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return AttributesFault::broken;
    return append_object(out, object, depth + 1);
  }
  if (token.front() == '[') {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return AttributesFault::broken;
    return append_array(out, array, depth + 1);
  }
  return append_scalar(out, token);
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

std::string_view explain(AttributesFault fault) {
  switch (fault) {
    case AttributesFault::too_deep:
      return "The field \"attributes\" must not nest deeper than 32 levels.";
    case AttributesFault::double_key:
      return "The field \"attributes\" must not hold the same key twice.";
    case AttributesFault::not_unicode:
      return "The field \"attributes\" must hold valid Unicode; a surrogate stands alone.";
    case AttributesFault::number_out_of_range:
      return "The field \"attributes\" must hold numbers that fit a 64-bit floating point number.";
    default:
      return "The field \"attributes\" is not valid JSON.";
  }
}

AttributesFault append_canonical(std::string& out, ondemand::object object) {
  const std::size_t before = out.size();
  const AttributesFault fault = append_object(out, object, 1);
  if (out.size() == before + 2) out.resize(before);  // "{}" says nothing
  return fault;
}

bool has_json_escapes_only(std::string_view content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] != '\\') continue;
    if (++i == content.size()) return false;
    if (std::string_view("\"\\/bfnrt").find(content[i]) != std::string_view::npos) continue;
    const std::string_view digits = content.substr(i + 1, 4);
    if (content[i] != 'u' || digits.size() < 4 || !std::ranges::all_of(digits, is_hex)) return false;
    i += 4;
  }
  return true;
}

}  // namespace takt
