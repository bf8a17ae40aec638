#include "schema/plant.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

using namespace std::string_view_literals;

// In the order of the enumerations.
constexpr std::array kTimeCategoryNames = {"production"sv, "setup"sv, "stop"sv, "planned_stop"sv, "unknown"sv};
static_assert(kTimeCategoryNames.size() == kTimeCategories);
constexpr std::array kReasonCategoryNames = {"failure"sv, "setup"sv,    "planned"sv, "material"sv, "operator"sv,
                                             "quality"sv, "external"sv, "speed"sv,   "other"sv};
constexpr std::array kSignalUseNames = {"state"sv,       "reason"sv,       "product"sv, "order"sv, "good_total"sv,
                                        "scrap_total"sv, "rework_total"sv, "good"sv,    "scrap"sv, "rework"sv,
                                        "kwh_total"sv,   "reading"sv,      "event"sv,   "ignore"sv};
static_assert(kSignalUseNames.size() == kSignalUses);
constexpr std::array kScopePrefixes = {"plant"sv, "area:"sv, "line:"sv, "machine:"sv};

struct BuiltInState {
  std::string_view name;
  TimeCategory category;
};
constexpr auto kProduction = TimeCategory::production;
constexpr auto kStop = TimeCategory::stop;
constexpr std::array kBuiltInStates = {
    BuiltInState{"running", kProduction},
    BuiltInState{"setup", TimeCategory::setup},
    BuiltInState{"idle", kStop},
    BuiltInState{"down", kStop},
    BuiltInState{"stopped", kStop},
    BuiltInState{"planned_stop", TimeCategory::planned_stop},
    BuiltInState{"off", TimeCategory::unknown},
    BuiltInState{"unknown", TimeCategory::unknown},
    BuiltInState{"unavailable", TimeCategory::unknown},
    // PackML, ISA-TR88.00.02; `stopped` and `idle` stand above, `completed` is the 2022 spelling of `complete`.
    BuiltInState{"execute", kProduction},
    BuiltInState{"starting", kStop},
    BuiltInState{"suspending", kStop},
    BuiltInState{"suspended", kStop},
    BuiltInState{"unsuspending", kStop},
    BuiltInState{"stopping", kStop},
    BuiltInState{"aborting", kStop},
    BuiltInState{"aborted", kStop},
    BuiltInState{"clearing", kStop},
    BuiltInState{"holding", kStop},
    BuiltInState{"held", kStop},
    BuiltInState{"unholding", kStop},
    BuiltInState{"completing", kStop},
    BuiltInState{"complete", kStop},
    BuiltInState{"completed", kStop},
    BuiltInState{"resetting", kStop},
    // MTConnect part 3, Execution; `stopped` and `unavailable` stand above.
    BuiltInState{"active", kProduction},
    BuiltInState{"ready", kStop},
    BuiltInState{"interrupted", kStop},
    BuiltInState{"wait", kStop},
    BuiltInState{"feed_hold", kStop},
    BuiltInState{"optional_stop", kStop},
    BuiltInState{"program_stopped", kStop},
    BuiltInState{"program_completed", kStop},
    BuiltInState{"program_optional_stop", kStop},
};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

template <class T>
const T* find(const std::vector<T>& list, std::string T::*key, std::string_view id) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const T& each) { return each.*key == id; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

bool Shift::is_set_for(std::int64_t date) const {
  const auto week = [](std::int64_t day) { return (day + 3) / 7 - ((day + 3) % 7 < 0 ? 1 : 0); };  // from Monday
  const std::int64_t weekday = date + 3 - week(date) * 7;
  return (days >> weekday & 1) != 0 && (week(date) - week(week_of)) % every_weeks == 0;
}

std::string_view name_of(TimeCategory category) {
  return kTimeCategoryNames.at(static_cast<std::size_t>(category));
}

std::string_view name_of(ReasonCategory category) {
  return kReasonCategoryNames.at(static_cast<std::size_t>(category));
}

std::string_view name_of(SignalUse use) { return kSignalUseNames.at(static_cast<std::size_t>(use)); }

Result<Scope> parse_scope(std::string_view text) {
  if (text == "plant") return Scope{};
  for (const auto kind : {Scope::Kind::area, Scope::Kind::line, Scope::Kind::machine}) {
    const std::string_view prefix = kScopePrefixes.at(static_cast<std::size_t>(kind));
    if (text.starts_with(prefix) && text.size() > prefix.size()) {
      return Scope{kind, std::string(text.substr(prefix.size()))};
    }
  }
  return invalid('"' + std::string(text) + "\" is not a scope; write plant, area:ID, line:ID or machine:ID");
}

std::string to_string(const Scope& scope) {
  return std::string(kScopePrefixes.at(static_cast<std::size_t>(scope.kind))) + scope.id;
}

const Machine* Plant::machine(std::string_view wanted) const { return find(machines, &Machine::id, wanted); }
const Line* Plant::line(std::string_view wanted) const { return find(lines, &Line::id, wanted); }
const Area* Plant::area(std::string_view wanted) const { return find(areas, &Area::id, wanted); }
const Reason* Plant::reason(std::string_view code) const { return find(reasons, &Reason::code, code); }

ReasonCategory effective_category(const Plant& plant, const Reason& reason) {
  const Reason* each = &reason;
  // As many steps as there are reasons: a plant that was not validated may hold a cycle.
  for (std::size_t step = 0; each != nullptr && step <= plant.reasons.size(); ++step) {
    if (each->category) return *each->category;
    each = each->parent.empty() ? nullptr : plant.reason(each->parent);
  }
  return ReasonCategory::other;
}

std::optional<StateMeaning> meaning_of_state(const Plant& plant, std::string_view state) {
  for (const StateName& own : plant.states) {
    if (same_letters(own.name, state)) return StateMeaning{own.name, own.category};
  }
  for (const BuiltInState& each : kBuiltInStates) {
    if (same_letters(each.name, state)) return StateMeaning{std::string(each.name), each.category};
  }
  return std::nullopt;
}

}  // namespace takt
