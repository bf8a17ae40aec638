#include "schema/plant_reader.h"

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <limits>

namespace takt {
namespace {

namespace json = boost::json;

/// Builds the tree from the parser's calls. Boost's own value would keep the last of two equal keys without a
/// word, and its doubles are not the nearest ones.
class TreeBuilder {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  Node root;
  std::optional<std::string> repeated_key;  ///< a key that stands twice in its object

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open(Node::Table{}); }
  bool on_object_end(std::size_t, json::error_code&) {
    note_repeated_key(std::get<Node::Table>(open_.back()->value));
    return close();
  }
  bool on_array_begin(json::error_code&) { return open(Node::List{}); }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return collect(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    collect(part);
    key_ = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return collect(part); }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    collect(part);
    return add({std::exchange(text_, {})});
  }
  bool on_number_part(json::string_view part, json::error_code&) { return collect(part); }
  bool on_int64(std::int64_t value, json::string_view, json::error_code&) {
    text_.clear();
    return add({value});
  }
  bool on_uint64(std::uint64_t value, json::string_view, json::error_code&) {
    text_.clear();
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value > kMost) return add({static_cast<double>(value)});
    return add({static_cast<std::int64_t>(value)});
  }
  bool on_double(double, json::string_view part, json::error_code&) {
    collect(part);
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{}) value = std::numeric_limits<double>::infinity();  // refused where it is read
    text_.clear();
    return add({value});
  }
  bool on_bool(bool value, json::error_code&) { return add({value}); }
  bool on_null(json::error_code&) { return add({}); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool collect(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  Node& place(Node node) {
    if (open_.empty()) return root = std::move(node);
    if (auto* list = std::get_if<Node::List>(&open_.back()->value)) return list->emplace_back(std::move(node));
    auto& table = std::get<Node::Table>(open_.back()->value);
    return table.emplace_back(Member{std::move(key_), std::move(node)}).value;
  }
  bool add(Node node) {
    place(std::move(node));
    return true;
  }
  void note_repeated_key(const Node::Table& table) {
    std::vector<std::string_view> keys;
    for (const Member& member : table) keys.push_back(member.key);
    std::sort(keys.begin(), keys.end());
    const auto repeated = std::adjacent_find(keys.begin(), keys.end());
    if (repeated != keys.end()) repeated_key = *repeated;
  }
  template <class Container>
  bool open(Container container) {
    open_.push_back(&place({std::move(container)}));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  // Parents are complete before their siblings are added, so the pointers stay valid.
  std::vector<Node*> open_;
  std::string key_, text_;
};

/// Where in `text` a reader finds byte `offset`.
std::string position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return fmt::format("line {}, column {}", line, column);
}

json::value seconds(Duration d) {
  constexpr std::int64_t kSecond = 1'000'000;
  if (d.count() % kSecond == 0) return d.count() / kSecond;
  return static_cast<double>(d.count()) / kSecond;  // the double nearest to it, which reads back as it
}

std::string time_of_day(Duration time) {
  const auto s = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  std::string text = fmt::format("{:02}:{:02}", s / 3600, s / 60 % 60);
  if (s % 60 != 0) text += fmt::format(":{:02}", s % 60);
  return text;
}

constexpr std::size_t kDateLength = 10;  // 2026-01-05

std::string local_text(const LocalTime& local) {
  std::string text = format_time(Timestamp{std::chrono::days{local.day} + local.time});
  text.pop_back();  // the Z: this is wall-clock time
  return text;
}

void put_text(json::object& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

template <class Number>
void put_number(json::object& out, std::string_view key, const std::optional<Number>& number) {
  if (number) out[key] = *number;
}

void put_validity(json::object& out, const TimeRange& valid) {
  if (valid.begin != kBeginOfTime) out["valid_from"] = format_time(valid.begin);
  if (valid.end != kEndOfTime) out["valid_to"] = format_time(valid.end);
}

json::object as_json(const Area& area) { return {{"id", area.id}, {"name", area.name}}; }

json::object as_json(const Line& line) {
  json::object out{{"id", line.id}, {"name", line.name}};
  put_text(out, "area", line.area);
  return out;
}

json::object as_json(const Machine& machine) {
  json::object out{{"id", machine.id}, {"name", machine.name}};
  put_text(out, "line", machine.line);
  if (machine.ideal_cycle) out["ideal_cycle_s"] = seconds(*machine.ideal_cycle);
  out["minor_stop_s"] = seconds(machine.minor_stop);
  out["silence_timeout_s"] = seconds(machine.silence_timeout);
  out["counter_modulus"] = machine.counter_modulus;
  out["active"] = machine.active;
  return out;
}

json::object as_json(const Product& product) {
  return {{"id", product.id}, {"name", product.name}, {"unit", product.unit}};
}

json::object as_json(const Tag& tag) {
  json::object out;
  put_text(out, "machine", tag.machine);
  out["name"] = tag.name;
  put_text(out, "unit", tag.unit);
  out["kind"] = tag.kind == TagKind::gauge ? "gauge" : tag.kind == TagKind::counter ? "counter" : "state";
  return out;
}

json::object as_json(const Alert& alert) {
  json::object out{{"id", alert.id}, {"on", alert.on}, {"scope", alert.scope}};
  put_number(out, "above", alert.above);
  put_number(out, "below", alert.below);
  put_number(out, "clear", alert.clear);
  out["for_s"] = seconds(alert.for_at_least);
  out["send"] = json::array(alert.send.begin(), alert.send.end());
  return out;
}

json::object as_json(const Characteristic& characteristic) {
  json::object out{{"product", characteristic.product}, {"name", characteristic.name}};
  put_number(out, "lsl", characteristic.lsl);
  put_number(out, "usl", characteristic.usl);
  put_number(out, "target", characteristic.target);
  out["subgroup_size"] = characteristic.subgroup_size;
  return out;
}

json::object as_json(const Recipe& recipe) {
  json::object out{{"id", recipe.id}};
  put_text(out, "product", recipe.product);
  put_text(out, "machine", recipe.machine);
  if (recipe.setup) out["setup_s"] = seconds(*recipe.setup);
  out["parameters"] = recipe.parameters;
  return out;
}

json::object as_json(const IdealCycle& cycle) {
  json::object out{{"machine", cycle.machine}, {"product", cycle.product}, {"seconds", seconds(cycle.cycle)}};
  put_validity(out, cycle.valid);
  return out;
}

json::array days_json(std::uint8_t bits) {
  constexpr std::array kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  json::array days;
  for (std::size_t i = 0; i < kDays.size(); ++i) {
    if ((bits >> i & 1U) != 0) days.emplace_back(kDays.at(i));
  }
  return days;
}

json::object as_json(const Shift& shift) {
  json::array breaks;
  for (const Break& each : shift.breaks) {
    breaks.push_back(json::array{json::string(time_of_day(each.start)), json::string(time_of_day(each.end))});
  }
  json::object out{{"id", shift.id},
                   {"name", shift.name},
                   {"days", days_json(shift.days)},
                   {"start", time_of_day(shift.start)},
                   {"end", time_of_day(shift.end)},
                   {"breaks", std::move(breaks)},
                   {"scope", to_string(shift.scope)}};
  if (shift.every_weeks > 1) {
    out["every_weeks"] = shift.every_weeks;
    out["week_of"] = local_text({shift.week_of, Duration{0}}).substr(0, kDateLength);
  }
  put_validity(out, shift.valid);
  return out;
}

json::object as_json(const Closure& closure) {
  json::object out;
  put_text(out, "id", closure.id);
  put_text(out, "name", closure.name);
  out["from"] = local_text(closure.from);
  out["to"] = local_text(closure.to);
  out["scope"] = to_string(closure.scope);
  return out;
}

json::object as_json(const Reason& reason) {
  json::object out{{"code", reason.code}, {"name", reason.name}};
  put_text(out, "parent", reason.parent);
  if (reason.category) out["category"] = name_of(*reason.category);
  put_text(out, "iso14224_mode", reason.iso14224_mode);
  put_text(out, "iso14224_mechanism", reason.iso14224_mechanism);
  put_text(out, "iso14224_cause", reason.iso14224_cause);
  put_text(out, "iso14224_detection", reason.iso14224_detection);
  put_text(out, "iso14224_impact", reason.iso14224_impact);
  return out;
}

json::object as_json(const Defect& defect) { return {{"code", defect.code}, {"name", defect.name}}; }

json::object as_json(const StateName& state) {
  return {{"name", state.name}, {"category", name_of(state.category)}};
}

json::object as_json(const DataSource& source) {
  json::object out{{"id", source.id}, {"kind", source.kind}};
  put_text(out, "url", source.url);
  put_text(out, "machine", source.machine);
  put_text(out, "user", source.user);
  put_text(out, "password_file", source.password_file);
  put_text(out, "ca_file", source.ca_file);
  if (!source.options.empty()) out["options"] = source.options;
  out["active"] = source.active;
  return out;
}

json::object as_json(const SignalRule& rule) {
  json::object out;
  put_text(out, "source", rule.source);
  out["match"] = rule.match;
  out["as"] = name_of(rule.as);
  put_text(out, "machine", rule.machine);
  put_text(out, "tag", rule.tag);
  if (!rule.values.empty()) out["values"] = rule.values;
  return out;
}

json::object plant_table(const Plant& plant) {
  return {{"id", plant.id},
          {"name", plant.name},
          {"timezone", plant.timezone},
          {"minor_stops", plant.minor_stops == MinorStopPolicy::availability ? "availability" : "performance"},
          {"unknown_time", plant.unknown_time == UnknownTimePolicy::exclude ? "exclude" : "stop"},
          {"auto_register", plant.auto_register}};
}

template <class T>
json::array list(const std::vector<T>& elements) {
  json::array out;
  for (const T& each : elements) out.push_back(as_json(each));
  return out;
}

}  // namespace

namespace {

Result<Plant> parse(std::string_view text, PlantCheck check) {
  json::basic_parser<TreeBuilder> parser{json::parse_options{}};
  json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (!error && read < text.size()) error = json::error::extra_data;
  if (error) {
    return invalid(position(text, read) + ": this is not JSON (" + error.message() +
                   "); mend the description there");
  }
  const TreeBuilder& built = parser.handler();
  if (built.repeated_key) {
    return invalid(double_quoted(*built.repeated_key) + " stands twice in one object; take one of them out");
  }
  return plant_from_tree(built.root, {}, check);
}

}  // namespace

Result<Plant> parse_plant_json(std::string_view text) { return parse(text, PlantCheck::whole); }
Result<Plant> parse_stored_plant_json(std::string_view text) { return parse(text, PlantCheck::keys_alone); }

json::object to_json(const Plant& plant) {
  return {{"plant", plant_table(plant)},
          {"retention", {{"readings", plant.retention_readings_days}, {"events", plant.retention_events_days}}},
          {"area", list(plant.areas)},
          {"line", list(plant.lines)},
          {"machine", list(plant.machines)},
          {"product", list(plant.products)},
          {"tag", list(plant.tags)},
          {"alert", list(plant.alerts)},
          {"characteristic", list(plant.characteristics)},
          {"recipe", list(plant.recipes)},
          {"ideal_cycle", list(plant.ideal_cycles)},
          {"shift", list(plant.shifts)},
          {"closure", list(plant.closures)},
          {"reason", list(plant.reasons)},
          {"defect", list(plant.defects)},
          {"state", list(plant.states)},
          {"source", list(plant.sources)},
          {"signal", list(plant.signals)}};
}

}  // namespace takt
