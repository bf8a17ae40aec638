#include "schema/plant_reader.h"

#include "schema/plant_fields.h"

#include <array>

namespace takt {
namespace {

using namespace std::string_view_literals;

constexpr std::int64_t kMostDays = 1'000'000;
constexpr std::int64_t kMostPieces = std::int64_t{1} << 53U;  // JSON numbers are exact up to there

/// The enumerator of `names` that `key` holds, or `fallback`.
template <class Enum, std::size_t N>
Enum choose(Fields& fields, std::string_view key, const std::array<std::string_view, N>& names, Enum fallback) {
  const std::optional<std::size_t> index = fields.choice(key, names);
  return index ? static_cast<Enum>(*index) : fallback;
}

/// The names of the first `N` enumerators.
template <class Enum, std::size_t N>
std::array<std::string_view, N> names_of() {
  std::array<std::string_view, N> names;
  for (std::size_t i = 0; i < N; ++i) names.at(i) = name_of(static_cast<Enum>(i));
  return names;
}

void read_plant_table(Fields& fields, Plant& plant) {
  constexpr std::array kMinorStops = {"availability"sv, "performance"sv};
  constexpr std::array kUnknownTime = {"exclude"sv, "stop"sv};
  const std::string id = fields.optional_id("id");
  if (!id.empty()) plant.id = id;
  plant.name = fields.name(plant.id);
  plant.timezone = fields.text("timezone", plant.timezone);
  plant.minor_stops = choose(fields, "minor_stops", kMinorStops, plant.minor_stops);
  plant.unknown_time = choose(fields, "unknown_time", kUnknownTime, plant.unknown_time);
  plant.auto_register = fields.flag("auto_register", plant.auto_register);
}

void read_retention(Fields& fields, Plant& plant) {
  plant.retention_readings_days = fields.whole("readings", 0, 0, kMostDays);
  plant.retention_events_days = fields.whole("events", 0, 0, kMostDays);
}

Area read_area(Fields& fields) {
  Area area;
  area.id = fields.id("id");
  area.name = fields.name(area.id);
  return area;
}

Line read_line(Fields& fields) {
  Line line;
  line.id = fields.id("id");
  line.name = fields.name(line.id);
  line.area = fields.optional_id("area");
  return line;
}

Machine read_machine(Fields& fields) {
  Machine machine;
  machine.id = fields.id("id");
  machine.name = fields.name(machine.id);
  machine.line = fields.optional_id("line");
  machine.ideal_cycle = fields.seconds("ideal_cycle_s", Fields::Least::above_zero);
  machine.minor_stop = fields.seconds("minor_stop_s", Fields::Least::zero).value_or(Duration{0});
  machine.silence_timeout = fields.seconds("silence_timeout_s", Fields::Least::zero).value_or(Duration{0});
  machine.counter_modulus = fields.whole("counter_modulus", 0, 0, kMostPieces);
  machine.active = fields.flag("active", true);
  return machine;
}

Product read_product(Fields& fields) {
  Product product;
  product.id = fields.id("id");
  product.name = fields.name(product.id);
  product.unit = fields.text("unit", product.unit);
  return product;
}

Tag read_tag(Fields& fields) {
  constexpr std::array kKinds = {"gauge"sv, "counter"sv, "state"sv};
  Tag tag;
  tag.machine = fields.optional_id("machine");
  tag.name = fields.id("name");
  tag.unit = fields.text("unit");
  tag.kind = choose(fields, "kind", kKinds, tag.kind);
  return tag;
}

void read_limits(Fields& fields, Alert& alert) {
  alert.above = fields.number("above");
  alert.below = fields.number("below");
  alert.clear = fields.number("clear");
  if (alert.above.has_value() == alert.below.has_value()) {
    fields.problem("above", alert.above ? "stands beside below; make two alerts of it"
                                        : "is missing, and so is below; add above = or below = a limit");
  }
  if (!alert.clear) return;
  if (alert.above && *alert.clear > *alert.above) fields.problem("clear", "must not lie above the limit above");
  if (alert.below && *alert.clear < *alert.below) fields.problem("clear", "must not lie below the limit below");
}

Alert read_alert(Fields& fields) {
  Alert alert;
  alert.id = fields.id("id");
  alert.on = fields.id("on");
  alert.scope = to_string(fields.scope());
  read_limits(fields, alert);
  alert.for_at_least = fields.seconds("for_s", Fields::Least::zero).value_or(Duration{0});
  alert.send = fields.texts("send");
  for (const std::string& target : alert.send) {
    const bool known = target.starts_with("webhook:") || target.starts_with("mqtt:");
    if (!known || target.ends_with(':')) {
      fields.problem("send", double_quoted(target) + R"( is no target; write "webhook:URL" or "mqtt:TOPIC")");
    }
  }
  return alert;
}

Characteristic read_characteristic(Fields& fields) {
  constexpr std::int64_t kMostInSubgroup = 1000;
  Characteristic characteristic;
  characteristic.product = fields.id("product");
  characteristic.name = fields.id("name");
  characteristic.lsl = fields.number("lsl");
  characteristic.usl = fields.number("usl");
  characteristic.target = fields.number("target");
  characteristic.subgroup_size = fields.whole("subgroup_size", 1, 1, kMostInSubgroup);
  const auto& [product, name, lsl, usl, target, size] = characteristic;
  if (lsl && usl && !(*lsl < *usl)) fields.problem("usl", "must be above lsl; mend one of them");
  if (target && ((lsl && *target < *lsl) || (usl && *target > *usl))) {
    fields.problem("target", "lies outside lsl and usl; mend one of them");
  }
  return characteristic;
}

Recipe read_recipe(Fields& fields) {
  Recipe recipe;
  recipe.id = fields.id("id");
  recipe.product = fields.optional_id("product");
  recipe.machine = fields.optional_id("machine");
  recipe.setup = fields.seconds("setup_s", Fields::Least::zero);
  recipe.parameters = fields.parameters("parameters");
  return recipe;
}

IdealCycle read_ideal_cycle(Fields& fields) {
  IdealCycle cycle;
  cycle.machine = fields.id("machine");
  cycle.product = fields.id("product");
  cycle.cycle = fields.required_seconds("seconds", Fields::Least::above_zero);
  cycle.valid = fields.validity();
  return cycle;
}

Shift read_shift(Fields& fields) {
  Shift shift;
  shift.id = fields.id("id");
  shift.name = fields.name(shift.id);
  shift.days = fields.days();
  shift.every_weeks = static_cast<std::uint8_t>(fields.whole("every_weeks", 1, 1, kMaxRotationWeeks));
  if (shift.every_weeks > 1)
    shift.week_of = fields.local_time("week_of").day;
  else if (fields.get("week_of") != nullptr)
    fields.problem("week_of", "tells a week of a rotation; write over how many weeks it goes as every_weeks, too");
  shift.start = fields.time_of_day("start", Fields::Edge::start);
  shift.end = fields.time_of_day("end", Fields::Edge::end);
  shift.breaks = fields.breaks();
  shift.scope = fields.scope();
  shift.valid = fields.validity();
  return shift;
}

Closure read_closure(Fields& fields) {
  Closure closure;
  closure.id = fields.optional_id("id");
  closure.name = fields.name(closure.id);
  closure.from = fields.local_time("from");
  closure.to = fields.local_time("to");
  closure.scope = fields.scope();
  if (closure.to <= closure.from) fields.problem("to", "is not after from; mend one of them");
  return closure;
}

Reason read_reason(Fields& fields) {
  static constexpr std::size_t kCategories = static_cast<std::size_t>(ReasonCategory::other) + 1;
  Reason reason;
  reason.code = fields.id("code");
  reason.name = fields.name(reason.code);
  reason.parent = fields.optional_id("parent");
  const auto category = fields.choice("category", names_of<ReasonCategory, kCategories>());
  if (category) reason.category = static_cast<ReasonCategory>(*category);
  reason.iso14224_mode = fields.text("iso14224_mode");
  reason.iso14224_mechanism = fields.text("iso14224_mechanism");
  reason.iso14224_cause = fields.text("iso14224_cause");
  reason.iso14224_detection = fields.text("iso14224_detection");
  reason.iso14224_impact = fields.text("iso14224_impact");
  return reason;
}

Defect read_defect(Fields& fields) {
  Defect defect;
  defect.code = fields.id("code");
  defect.name = fields.name(defect.code);
  return defect;
}

StateName read_state(Fields& fields) {
  StateName state;
  state.name = fields.id("name");
  const auto names = names_of<TimeCategory, kTimeCategories>();
  const Node* category = fields.get("category");
  if (category == nullptr) fields.problem("category", "is missing; write " + alternatives(names));
  state.category = choose(fields, "category", names, state.category);
  return state;
}

DataSource read_source(Fields& fields) {
  DataSource source;
  source.id = fields.id("id");
  source.kind = fields.id("kind");
  source.url = fields.text("url");
  source.machine = fields.optional_id("machine");
  source.user = fields.text("user");
  source.password_file = fields.text("password_file");
  source.ca_file = fields.text("ca_file");
  source.options = fields.parameters("options");
  source.active = fields.flag("active", true);
  const std::size_t host = source.url.find("://");
  if (host != std::string::npos && source.url.find('@', host) != std::string::npos)
    fields.problem("url", "holds a user or a password, and is shown; write user = and password_file = instead");
  return source;
}

SignalRule read_signal(Fields& fields) {
  SignalRule rule;
  rule.source = fields.optional_id("source");
  rule.match = fields.text("match");
  if (rule.match.empty())
    fields.problem("match", "is missing; add match = \"...\", as in \"{machine}/Execution\"");
  rule.as = choose(fields, "as", names_of<SignalUse, kSignalUses>(), rule.as);
  rule.machine = fields.text("machine");
  rule.tag = fields.text("tag");
  rule.values = fields.parameters("values");
  return rule;
}

/// A table that may be missing.
void read_table(Fields& root, std::string_view key, Plant& plant, Problems& problems,
                void (*read)(Fields&, Plant&)) {
  const Node* node = root.get(key);
  if (node == nullptr) return;
  Fields fields(*node, std::string(key), problems);
  read(fields, plant);
  fields.finish();
}

/// A list of tables that may be missing: one element for each, even of those with problems.
template <class T>
std::vector<T> read_list(Fields& root, std::string_view key, Problems& problems, T (*read)(Fields&)) {
  std::vector<T> list;
  const Node* node = root.get(key);
  if (node == nullptr) return list;
  const auto* elements = node->as<Node::List>();
  if (elements == nullptr) {
    root.problem(key, "must be a list of tables, not " + std::string(kind_of(*node)) + "; in TOML write [[" +
                          std::string(key) + "]]");
    return list;
  }
  for (const Node& element : *elements) {
    Fields fields(element, std::string(key) + '[' + std::to_string(list.size()) + ']', problems);
    list.push_back(read(fields));
    fields.finish();
  }
  return list;
}

}  // namespace

Result<Plant> plant_from_tree(const Node& root, std::string_view file, PlantCheck check) {
  Problems problems(file);
  Fields fields(root, {}, problems);
  Plant plant;
  plant.name = plant.id;
  read_table(fields, "plant", plant, problems, read_plant_table);
  read_table(fields, "retention", plant, problems, read_retention);
  plant.areas = read_list(fields, "area", problems, read_area);
  plant.lines = read_list(fields, "line", problems, read_line);
  plant.machines = read_list(fields, "machine", problems, read_machine);
  plant.products = read_list(fields, "product", problems, read_product);
  plant.tags = read_list(fields, "tag", problems, read_tag);
  plant.alerts = read_list(fields, "alert", problems, read_alert);
  plant.characteristics = read_list(fields, "characteristic", problems, read_characteristic);
  plant.recipes = read_list(fields, "recipe", problems, read_recipe);
  plant.ideal_cycles = read_list(fields, "ideal_cycle", problems, read_ideal_cycle);
  plant.shifts = read_list(fields, "shift", problems, read_shift);
  plant.closures = read_list(fields, "closure", problems, read_closure);
  plant.reasons = read_list(fields, "reason", problems, read_reason);
  plant.defects = read_list(fields, "defect", problems, read_defect);
  plant.states = read_list(fields, "state", problems, read_state);
  plant.sources = read_list(fields, "source", problems, read_source);
  plant.signals = read_list(fields, "signal", problems, read_signal);
  fields.finish();
  if (check == PlantCheck::whole) check_plant(plant, root, problems);
  if (!problems.empty()) return problems.error();
  return plant;
}

}  // namespace takt
