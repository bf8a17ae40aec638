#include "schema/plant_reader.h"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

namespace takt {
namespace {

using namespace std::string_view_literals;
using std::chrono::days;
using Ids = std::unordered_set<std::string_view>;

constexpr Duration kDay = days{1};
constexpr std::array kDayNames = {"mon"sv, "tue"sv, "wed"sv, "thu"sv, "fri"sv, "sat"sv, "sun"sv};

/// The element of a list that a check speaks of.
struct Place {
  std::string_view list;
  std::size_t index = 0;
};
std::string to_string(const Place& place) {
  return std::string(place.list) + '[' + std::to_string(place.index) + ']';
}

/// Between the parts of a composed key; no id holds it.
constexpr char kSeparator = '\0';

class Checker {
 public:
  Checker(const Plant& plant, const Node& root, Problems& problems)
      : plant_(plant),
        root_(root),
        problems_(problems),
        areas_(ids_of(plant.areas)),
        lines_(ids_of(plant.lines)),
        machines_(ids_of(plant.machines)) {}

  void names();
  void references();
  void reasons();
  void timezone();
  void shifts();

 private:
  template <class T>
  static Ids ids_of(const std::vector<T>& list) {
    Ids ids;
    for (const T& each : list) ids.insert(each.id);
    return ids;
  }

  /// Reports every element of `list` whose key an earlier one has already.
  template <class T, class KeyOf>
  void unique(std::string_view list_name, std::string_view key, const std::vector<T>& list, KeyOf key_of);
  /// Reports `id` unless it is empty or one of `ids`.
  void refers(Place place, std::string_view key, std::string_view id, const Ids& ids, std::string_view list);
  void refers(Place place, const Scope& scope);
  void breaks_inside(std::size_t index);
  void overlap(std::size_t first, std::size_t second);
  /// The local dates, counted since 1970, on which an instance of `shift` may begin.
  std::pair<std::int64_t, std::int64_t> dates_of(const Shift& shift) const;
  void report(Place place, std::string_view key, const std::string& message);

  const Plant& plant_;
  const Node& root_;
  Problems& problems_;
  Ids areas_, lines_, machines_;
  const date::time_zone* zone_ = nullptr;
};

void Checker::report(Place place, std::string_view key, const std::string& message) {
  const Node* list = root_.find(place.list);
  const Node& element = (*list->as<Node::List>())[place.index];
  const Node* node = element.find(key);
  problems_.add(node != nullptr ? node->line : element.line, to_string(place) + '.' + std::string(key), message);
}

template <class T, class KeyOf>
void Checker::unique(std::string_view list_name, std::string_view key, const std::vector<T>& list, KeyOf key_of) {
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto [first, is_new] = seen.try_emplace(key_of(list[i]), i);
    if (is_new) continue;
    report({list_name, i}, key,
           "is the same as of " + to_string(Place{list_name, first->second}) + "; take one out or rename it");
  }
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

void Checker::names() {
  const auto id = [](const auto& each) { return each.id; };
  const auto code = [](const auto& each) { return each.code; };
  unique("area", "id", plant_.areas, id);
  unique("line", "id", plant_.lines, id);
  unique("machine", "id", plant_.machines, id);
  unique("product", "id", plant_.products, id);
  unique("alert", "id", plant_.alerts, id);
  unique("recipe", "id", plant_.recipes, id);
  unique("source", "id", plant_.sources, id);
  unique("reason", "code", plant_.reasons, code);
  unique("defect", "code", plant_.defects, code);
  unique("state", "name", plant_.states, [](const StateName& s) { return lower_case(s.name); });
  unique("tag", "name", plant_.tags, [](const Tag& t) { return t.machine + kSeparator + t.name; });
  unique("characteristic", "name", plant_.characteristics,
         [](const Characteristic& c) { return c.product + kSeparator + c.name; });
  // The latest valid_from wins, so two of one machine, product and valid_from have no winner.
  unique("ideal_cycle", "valid_from", plant_.ideal_cycles, [](const IdealCycle& c) {
    return c.machine + kSeparator + c.product + kSeparator + std::to_string(micros(c.valid.begin));
  });
}

void Checker::refers(Place place, std::string_view key, std::string_view id, const Ids& ids,
                     std::string_view list) {
  if (id.empty() || ids.contains(id)) return;
  std::string_view meant;
  if (problems_.few()) {
    std::vector<std::string_view> known(ids.begin(), ids.end());
    std::sort(known.begin(), known.end());  // the same remedy every time
    meant = nearest(id, known);
  }
  const std::string_view id_key = list == "reason" ? "code" : "id";
  std::string remedy = "declare [[" + std::string(list) + "]] " + std::string(id_key) + " = " + double_quoted(id);
  remedy += meant.empty() ? std::string(" or mend the name") : " or did you mean " + double_quoted(meant) + "?";
  report(place, key,
         double_quoted(id) + (list == "area" ? " is not an " : " is not a ") + std::string(list) + "; " + remedy);
}

void Checker::refers(Place place, const Scope& scope) {
  if (scope.kind == Scope::Kind::area) refers(place, "scope", scope.id, areas_, "area");
  if (scope.kind == Scope::Kind::line) refers(place, "scope", scope.id, lines_, "line");
  if (scope.kind == Scope::Kind::machine) refers(place, "scope", scope.id, machines_, "machine");
}

void Checker::references() {
  const auto each = [](const auto& list, auto check) {
    for (std::size_t i = 0; i < list.size(); ++i) check(i, list[i]);
  };
  each(plant_.lines, [&](std::size_t i, const Line& l) { refers({"line", i}, "area", l.area, areas_, "area"); });
  each(plant_.machines, [&](std::size_t i, const Machine& m) {
    refers({"machine", i}, "line", m.line, lines_, "line");
  });
  each(plant_.tags, [&](std::size_t i, const Tag& t) {
    refers({"tag", i}, "machine", t.machine, machines_, "machine");
  });
  each(plant_.recipes, [&](std::size_t i, const Recipe& r) {
    refers({"recipe", i}, "machine", r.machine, machines_, "machine");
  });
  each(plant_.ideal_cycles, [&](std::size_t i, const IdealCycle& c) {
    refers({"ideal_cycle", i}, "machine", c.machine, machines_, "machine");
  });
  each(plant_.alerts, [&](std::size_t i, const Alert& a) {
    if (const auto scope = parse_scope(a.scope)) refers({"alert", i}, *scope);
  });
  each(plant_.shifts, [&](std::size_t i, const Shift& s) { refers({"shift", i}, s.scope); });
  each(plant_.closures, [&](std::size_t i, const Closure& c) { refers({"closure", i}, c.scope); });
  each(plant_.sources, [&](std::size_t i, const DataSource& s) {
    if (!plant_.auto_register) refers({"source", i}, "machine", s.machine, machines_, "machine");
  });
  Ids sources = ids_of(plant_.sources);
  sources.insert("mqtt");  // of `takt serve --mqtt`
  each(plant_.signals, [&](std::size_t i, const SignalRule& r) {
    refers({"signal", i}, "source", r.source, sources, "source");
    const bool named = r.machine.find('{') == std::string::npos;
    if (named && !plant_.auto_register) refers({"signal", i}, "machine", r.machine, machines_, "machine");
  });
}

constexpr std::size_t kNone = SIZE_MAX;

/// One element of every circle that following `parents` runs into.
std::vector<std::size_t> circles(const std::vector<std::size_t>& parents) {
  std::vector<std::size_t> found;
  std::vector<std::size_t> walk_of(parents.size(), kNone);  // the walk that came by first
  for (std::size_t walk = 0; walk < parents.size(); ++walk) {
    std::size_t at = walk;
    while (at != kNone && walk_of[at] == kNone) {
      walk_of[at] = walk;
      at = parents[at];
    }
    if (at != kNone && walk_of[at] == walk) found.push_back(at);
  }
  return found;
}

void Checker::reasons() {
  Ids codes;
  std::unordered_map<std::string_view, std::size_t> index_of;
  for (std::size_t i = 0; i < plant_.reasons.size(); ++i) {
    codes.insert(plant_.reasons[i].code);
    index_of.try_emplace(plant_.reasons[i].code, i);
  }
  std::vector<std::size_t> parents(plant_.reasons.size(), kNone);
  for (std::size_t i = 0; i < parents.size(); ++i) {
    const std::string& parent = plant_.reasons[i].parent;
    refers({"reason", i}, "parent", parent, codes, "reason");
    const auto found = index_of.find(parent);
    if (!parent.empty() && found != index_of.end()) parents[i] = found->second;
  }
  for (const std::size_t i : circles(parents)) {
    report({"reason", i}, "parent",
           double_quoted(plant_.reasons[i].parent) + " leads in a circle back to " +
               double_quoted(plant_.reasons[i].code) + "; give one reason of the circle another parent or none");
  }
}

void Checker::timezone() {
  std::string problem;
  try {
    zone_ = date::locate_zone(plant_.timezone);
    return;
  } catch (const std::exception& error) {
    problem = error.what();
  }
  std::string remedy = R"(write an IANA name such as "Europe/Berlin" or "UTC")";
  try {
    std::vector<std::string_view> known;
    for (const date::time_zone& zone : date::get_tzdb().zones) known.push_back(zone.name());
    const std::string_view meant = nearest(plant_.timezone, known);
    if (!meant.empty()) remedy = "did you mean " + double_quoted(meant) + "?";
  } catch (const std::exception&) {
    remedy = "this system has no time zones (" + problem + "); install tzdata";
  }
  const Node* table = root_.find("plant");
  const Node* node = table != nullptr ? table->find("timezone") : nullptr;
  problems_.add(node != nullptr ? node->line : 0, "plant.timezone",
                double_quoted(plant_.timezone) + " is not a time zone; " + remedy);
}

/// How long after a shift's start a wall time comes: before it means the next day.
Duration after(Duration start, Duration time) { return time >= start ? time - start : time - start + kDay; }

/// Wall-clock length of something whose end, at or before its start, lies on the next day.
Duration length(Duration start, Duration end) { return end > start ? end - start : end - start + kDay; }

void Checker::breaks_inside(std::size_t index) {
  const Shift& shift = plant_.shifts[index];
  for (const Break& each : shift.breaks) {
    if (after(shift.start, each.start) + length(each.start, each.end) <= length(shift.start, shift.end)) continue;
    report({"shift", index}, "breaks",
           "a break lies outside its shift; mend the break, or start or end of the shift");
  }
}

std::pair<std::int64_t, std::int64_t> Checker::dates_of(const Shift& shift) const {
  // The first date whose shift start is not before t.
  const auto first_at = [&](Timestamp t) -> std::int64_t {
    const auto offset = zone_ != nullptr ? zone_->get_info(std::chrono::floor<std::chrono::seconds>(t)).offset
                                         : std::chrono::seconds{0};
    return std::chrono::ceil<days>(t + offset - shift.start).time_since_epoch().count();
  };
  const std::int64_t first = shift.valid.begin == kBeginOfTime ? INT32_MIN : first_at(shift.valid.begin);
  const std::int64_t end = shift.valid.end == kEndOfTime ? INT32_MAX : first_at(shift.valid.end);
  return {first, end};
}

/// 0 Monday; 1970-01-01 was a Thursday.
unsigned weekday_of(std::int64_t date) { return static_cast<unsigned>(((date + 3) % 7 + 7) % 7); }

/// Whether both begin on days that let them overlap; `lag`: how many days after `a` that instance of `b` begins.
bool collide(const Shift& a, const Shift& b, std::int64_t lag) {
  const Duration gap = b.start + lag * kDay - a.start;
  return gap < length(a.start, a.end) && -gap < length(b.start, b.end);
}

void Checker::overlap(std::size_t first, std::size_t second) {
  const Shift& a = plant_.shifts[first];
  const Shift& b = plant_.shifts[second];
  const auto [a_first, a_end] = dates_of(a);
  const auto [b_first, b_end] = dates_of(b);
  for (std::int64_t lag = -1; lag <= 1; ++lag) {
    if (!collide(a, b, lag)) continue;
    const std::int64_t from = std::max(a_first, b_first - lag);
    const std::int64_t pattern = 7 * std::lcm(std::int64_t{a.every_weeks}, std::int64_t{b.every_weeks});
    const std::int64_t to = std::min({a_end, b_end - lag, from + pattern});
    for (std::int64_t date = from; date < to; ++date) {
      const unsigned a_day = weekday_of(date);
      const unsigned b_day = weekday_of(date + lag);
      if (!a.is_set_for(date) || !b.is_set_for(date + lag)) continue;
      report({"shift", second}, "start",
             double_quoted(b.id) + " of " + std::string(kDayNames.at(b_day)) + " overlaps " + double_quoted(a.id) +
                 " of " + std::string(kDayNames.at(a_day)) + " (" + to_string(Place{"shift", first}) +
                 ") in the plan of " + to_string(b.scope) +
                 "; mend start, end, days, weeks or valid_from and valid_to of one of them");
      return;
    }
  }
}

void Checker::shifts() {
  std::map<std::string, std::vector<std::size_t>> plans;
  for (std::size_t i = 0; i < plant_.shifts.size(); ++i) {
    breaks_inside(i);
    auto& plan = plans[to_string(plant_.shifts[i].scope)];
    for (const std::size_t earlier : plan) overlap(earlier, i);
    plan.push_back(i);
  }
}

}  // namespace

void check_plant(const Plant& plant, const Node& root, Problems& problems) {
  Checker checker(plant, root, problems);
  checker.timezone();
  checker.names();
  checker.references();
  checker.reasons();
  checker.shifts();
}

}  // namespace takt
