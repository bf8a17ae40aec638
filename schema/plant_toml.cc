#include "schema/plant_reader.h"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace takt {
namespace {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

Duration time_of(const toml::time& time) {
  return std::chrono::hours{time.hour} + std::chrono::minutes{time.minute} + std::chrono::seconds{time.second} +
         duration_cast<Duration>(nanoseconds{time.nanosecond});
}

std::int32_t day_of(const toml::date& date) {
  const std::chrono::year_month_day day{std::chrono::year{date.year}, std::chrono::month{date.month},
                                        std::chrono::day{date.day}};
  return static_cast<std::int32_t>(std::chrono::sys_days{day}.time_since_epoch().count());
}

Node tree_of(const toml::node& node);

Node::Table members_of(const toml::table& table) {
  Node::Table members;
  for (const auto& [key, value] : table) {
    Node node = tree_of(value);
    // An implicit table ([a.b] makes a) has no place of its own; its key has.
    if (!value.is_table() || node.line == 0) node.line = static_cast<int>(key.source().begin.line);
    members.push_back({std::string(key.str()), std::move(node)});
  }
  return members;
}

Node::List elements_of(const toml::array& array) {
  Node::List list;
  for (const toml::node& each : array) list.push_back(tree_of(each));
  return list;
}

decltype(Node::value) value_of(const toml::date_time& moment) {
  const LocalTime local{day_of(moment.date), time_of(moment.time)};
  if (!moment.offset) return local;
  return Timestamp{std::chrono::days{local.day} + local.time - std::chrono::minutes{moment.offset->minutes}};
}

Node tree_of(const toml::node& node) {
  Node tree;
  tree.line = static_cast<int>(node.source().begin.line);
  if (const auto* table = node.as_table()) tree.value = members_of(*table);
  if (const auto* array = node.as_array()) tree.value = elements_of(*array);
  if (const auto* text = node.as_string()) tree.value = text->get();
  if (const auto* integer = node.as_integer()) tree.value = integer->get();
  if (const auto* real = node.as_floating_point()) tree.value = real->get();
  if (const auto* flag = node.as_boolean()) tree.value = flag->get();
  if (const auto* date = node.as_date()) tree.value = LocalTime{day_of(date->get()), Duration{0}};
  if (const auto* time = node.as_time()) tree.value = ClockTime{time_of(time->get())};
  if (const auto* moment = node.as_date_time()) tree.value = value_of(moment->get());
  return tree;
}

/// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_key(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(key) : toml_string(key);
}

std::string toml_number(double number) {
  std::string text = fmt::format("{}", number);  // the shortest that reads back as the same double
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string toml_value(const json::value& value);

std::string toml_list(const json::array& array) {
  std::string out;
  for (const json::value& each : array) out += (out.empty() ? "" : ", ") + toml_value(each);
  return '[' + out + ']';
}

std::string toml_inline_table(const json::object& object) {
  std::string out;
  for (const auto& [key, value] : object) {
    out += (out.empty() ? "" : ", ") + toml_key(key) + " = " + toml_value(value);
  }
  return '{' + out + '}';
}

std::string toml_value(const json::value& value) {
  if (const auto* object = value.if_object()) return toml_inline_table(*object);
  if (const auto* array = value.if_array()) return toml_list(*array);
  if (const auto* text = value.if_string()) return toml_string(*text);
  if (const auto* flag = value.if_bool()) return *flag ? "true" : "false";
  if (const auto* integer = value.if_int64()) return std::to_string(*integer);
  return toml_number(value.to_number<double>());
}

/// The keys whose strings TOML writes as dates, without quotes.
bool is_date(std::string_view key) {
  return key == "valid_from" || key == "valid_to" || key == "from" || key == "to";
}

std::string toml_table(std::string_view heading, const json::object& object) {
  std::string out(heading);
  for (const auto& [key, value] : object) {
    const auto* text = value.if_string();
    const bool date = text != nullptr && is_date(key);
    out += '\n' + toml_key(key) + " = " + (date ? std::string(*text) : toml_value(value));
  }
  return out + '\n';
}

}  // namespace

Result<Plant> parse_plant_toml(std::string_view text, std::string_view file_name) {
  try {
    const toml::table table = toml::parse(text, file_name);
    Node root{members_of(table)};
    return plant_from_tree(root, file_name, PlantCheck::whole);
  } catch (const toml::parse_error& error) {
    return invalid(fmt::format("{}:{}: this is not TOML: {} (column {})", file_name, error.source().begin.line,
                               error.description(), error.source().begin.column));
  }
}

std::string to_toml(const Plant& plant) {
  std::string out;
  for (const auto& [key, value] : to_json(plant)) {
    const std::string name(key);
    if (const auto* table = value.if_object()) out += (out.empty() ? "[" : "\n[") + toml_table(name + ']', *table);
    if (const auto* list = value.if_array()) {
      for (const json::value& each : *list) out += "\n[[" + toml_table(name + "]]", each.as_object());
    }
  }
  return out;
}

}  // namespace takt
