#include "ingest/plain_lines.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ingest/decode_draft.h"
#include "ingest/line_value.h"

namespace takt {
namespace {

constexpr std::size_t kMostHeads = 100'000, kMostNames = 200'000;  // of a body
constexpr std::size_t kMostKeyBytes = 128;
constexpr Timestamp kYear10000 = std::chrono::sys_days{std::chrono::year{10000} / 1 / 1};

bool has(std::string_view text, char c) { return std::memchr(text.data(), c, text.size()) != nullptr; }

bool is_name(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()) && is_id(text); }

}  // namespace

bool PlainLines::read(std::string_view line, std::size_t index, PlainReadings& out) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || has(line, '"') || has(line, '\\')) return false;
  Head* const head = head_of(line.substr(0, blank));
  if (head == nullptr || !head->plain) return false;
  const std::size_t before = out.size();
  if (add_fields(*head, line.substr(blank), index, out)) return true;
  out.resize(before);
  return false;
}

PlainLines::Head* PlainLines::head_of(std::string_view text) {
  if (last_ != nullptr && *last_text_ == text) return last_;
  auto at = heads_.find(text);
  if (at == heads_.end()) {
    if (heads_.size() >= kMostHeads) return nullptr;
    at = heads_.emplace(std::string{text}, described(text)).first;
  }
  last_text_ = &at->first, last_ = &at->second;
  return last_;
}

/// Not plain whatever is not as expected: the decoder of all lines knows what it is.
PlainLines::Head PlainLines::described(std::string_view text) const {
  const std::size_t end = std::min(text.find(','), text.size());
  const std::string_view measurement = text.substr(0, end);
  Head head;
  std::string_view machine;
  for (std::string_view tags = text.substr(end); !tags.empty();) {
    const std::string_view tag = tags.substr(1, std::min(tags.find(',', 1), tags.size()) - 1);
    tags.remove_prefix(1 + tag.size());
    const std::size_t equals = tag.find('=');
    if (equals == std::string_view::npos) return head;
    const std::string_view key = tag.substr(0, equals), value = tag.substr(equals + 1);
    if (value.empty() || has(value, '=') || (key != "machine" && key != "host")) return head;
    if (key == "machine" && machine.empty()) machine = value;
  }
  if (machine.empty()) machine = options_.machine;
  const auto type = event_type_named(measurement);
  head.plain = !measurement.empty() && simdjson::validate_utf8(text.data(), text.size()) && is_name(machine) &&
               (!type || *type == EventType::reading);
  head.machine = machine;
  if (!type) head.prefix = std::string{measurement} + '.';
  return head;
}

bool PlainLines::add_fields(Head& head, std::string_view rest, std::size_t index, PlainReadings& out) {
  const std::size_t first = out.size();
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  for (;;) {
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return false;
    const auto name = name_of(head, rest.substr(0, equals), out);
    rest.remove_prefix(equals + 1);
    const std::size_t end = std::min(rest.find_first_of(", "), rest.size());
    const auto value = bare_line_value(rest.substr(0, end));
    if (!name || !value || !std::isfinite(value->number.real)) return false;
    const bool truth = value->kind == LineValue::Kind::truth;
    out.name.push_back(*name);
    out.number.push_back(truth ? (value->truth ? 1 : 0) : value->number.real);
    out.kind.push_back(truth ? Value::Kind::boolean : Value::Kind::number);
    out.index.push_back(index);
    rest.remove_prefix(end);
    if (!rest.starts_with(',')) return set_time(rest, first, out);
    rest.remove_prefix(1);
  }
}

std::optional<std::uint32_t> PlainLines::name_of(Head& head, std::string_view key, PlainReadings& out) {
  if (head.next < head.fields.size() && head.fields[head.next].key == key) {
    const std::uint32_t name = head.fields[head.next].name;
    head.next = head.next + 1 == head.fields.size() ? 0 : head.next + 1;
    return name;
  }
  auto place = head.places.find(key);
  if (place == head.places.end()) {
    if (key.size() > kMostKeyBytes || has(key, ',') || has(key, ' ') || names_ >= kMostNames) return std::nullopt;
    const std::string tag = head.prefix + std::string{key};
    if (key.empty() || !is_name(tag)) return std::nullopt;
    ++names_;
    place = head.places.emplace(std::string{key}, static_cast<std::uint32_t>(head.fields.size())).first;
    head.fields.push_back({std::string{key}, static_cast<std::uint32_t>(out.names.size())});
    out.names.push_back({head.machine, tag});
  }
  head.next = place->second + 1 == head.fields.size() ? 0 : place->second + 1;
  return head.fields[place->second].name;
}

/// `text` is what stands behind the fields of the rows from `first` on.
bool PlainLines::set_time(std::string_view text, std::size_t first, PlainReadings& out) const {
  const std::size_t begin = text.find_first_not_of(' ');
  std::optional<std::int64_t> at = micros(options_.received);
  if (begin != std::string_view::npos) {
    const auto time = line_integer(text.substr(begin, text.find_last_not_of(' ') + 1 - begin));
    at = time ? line_micros(*time, options_.precision) : std::nullopt;
  }
  if (!at || *at < micros(kEarliestTime) || *at >= micros(kYear10000)) return false;
  out.at.resize(out.name.size(), *at);
  return out.at.size() > first;
}

}  // namespace takt
