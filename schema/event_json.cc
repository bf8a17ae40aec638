#include "schema/event_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace takt {
namespace {

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += digits[byte >> 4U];
  out += digits[byte & 0xFU];
}

void append_integer(std::string& out, std::int64_t number) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

/// Writes `,"name":value` for each field that is given.
class Fields {
 public:
  explicit Fields(std::string& out) : out_(out) {}

  void string(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    append_json_string(out_, value);
  }
  void time(std::string_view name, Timestamp value) {
    if (value == kBeginOfTime) return;
    key(name);
    out_ += '"';
    append_time(out_, value);
    out_ += '"';
  }
  void integer(std::string_view name, std::int64_t value) {
    if (value == kAbsent) return;
    key(name);
    append_integer(out_, value);
  }
  void number(std::string_view name, double value) {
    if (std::isnan(value)) return;
    key(name);
    append_json_number(out_, value);
  }
  void truth(std::string_view name, bool value) {
    if (!value) return;
    key(name);
    out_ += "true";
  }
  void value(const Value& value) {
    if (value.kind == Value::Kind::none) return;
    key("value");
    switch (value.kind) {
      case Value::Kind::boolean:
        out_ += value.number != 0 ? "true" : "false";
        return;
      case Value::Kind::text:
        append_json_string(out_, value.text);
        return;
      default:
        append_json_number(out_, value.number);
    }
  }
  void object(std::string_view name, std::string_view json) {
    if (json.empty()) return;
    key(name);
    out_ += json;
  }

 private:
  void key(std::string_view name) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
  }

  std::string& out_;  // borrowed: append_json() owns neither
};

bool has_duration(EventType type) { return type == EventType::cycle || type == EventType::classify; }

void append_times(Fields& fields, const Event& event) {
  fields.time(has_duration(event.type) ? "start" : "ts", event.at);
  fields.time("end", event.end);
}

void append_what(Fields& fields, const Event& event) {
  fields.string("state", event.state);
  fields.string("reason", event.reason);
  fields.integer("good", event.good);
  fields.integer("scrap", event.scrap);
  fields.integer("rework", event.rework);
  fields.integer("good_total", event.good_total);
  fields.integer("scrap_total", event.scrap_total);
  fields.integer("rework_total", event.rework_total);
  fields.string("tag", event.tag);
  fields.string("product", event.product);
  fields.string("order", event.order);
  if (event.action != OrderAction::none) fields.string("action", name_of(event.action));
}

void append_measured(Fields& fields, const Event& event) {
  fields.string("characteristic", event.characteristic);
  fields.value(event.value);
  fields.integer("quality", event.value_quality);
  fields.string("serial", event.serial);
  fields.string("subgroup", event.subgroup);
  fields.string("result", event.result);
  fields.string("defect", event.defect);
  fields.integer("quantity", event.quantity);
  fields.time("planned_start", event.planned_start);
  fields.time("planned_end", event.planned_end);
  fields.truth("startup", event.startup);
  fields.number("kwh_total", event.kwh_total);
}

void append_common(Fields& fields, const Event& event) {
  fields.string("by", event.by);
  fields.time("recorded_at", event.recorded_at);
  fields.string("id", event.id);
  if (event.revision != 0) fields.integer("revision", event.revision);
  fields.truth("deleted", event.deleted);
  fields.object("attributes", event.attributes);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, plain, i - plain);
    append_escape(out, text[i]);
    plain = i + 1;
  }
  out.append(text, plain);
  out += '"';
}

void append_json_number(std::string& out, double number) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

void append_json(std::string& out, const Event& event) {
  out += "{\"type\":\"";
  out += name_of(event.type);
  out += '"';
  Fields fields(out);
  fields.string("machine", event.machine);
  append_times(fields, event);
  append_what(fields, event);
  append_measured(fields, event);
  append_common(fields, event);
  out += '}';
}

}  // namespace takt
