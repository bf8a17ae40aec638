#include "tests/oracle/vocabulary.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace takt::oracle {
namespace {

constexpr std::array<const char*, 5> kTimeCategoryNames{"production", "setup", "stop", "planned_stop", "unknown"};
constexpr std::array<const char*, 9> kReasonCategoryNames{"failure", "setup",    "planned", "material", "operator",
                                                          "quality", "external", "speed",   "other"};

const std::map<std::string, std::string>& built_in_states() {
  static const std::map<std::string, std::string> states{
      {"running", "production"},
      {"setup", "setup"},
      {"idle", "stop"},
      {"down", "stop"},
      {"stopped", "stop"},
      {"planned_stop", "planned_stop"},
      {"off", "unknown"},
      {"unknown", "unknown"},
      {"unavailable", "unknown"},
      // PackML, ISA-TR88.00.02
      {"execute", "production"},
      {"starting", "stop"},
      {"suspending", "stop"},
      {"suspended", "stop"},
      {"unsuspending", "stop"},
      {"stopping", "stop"},
      {"aborting", "stop"},
      {"aborted", "stop"},
      {"holding", "stop"},
      {"held", "stop"},
      {"unholding", "stop"},
      {"completing", "stop"},
      {"complete", "stop"},
      {"resetting", "stop"},
      {"clearing", "stop"},
      // MTConnect Execution
      {"active", "production"},
      {"ready", "stop"},
      {"interrupted", "stop"},
      {"wait", "stop"},
      {"feed_hold", "stop"},
      {"optional_stop", "stop"},
      {"program_stopped", "stop"},
      {"program_completed", "stop"},
      {"program_optional_stop", "stop"},
  };
  return states;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

const Reason* reason_of(const Plant& plant, const std::string& code) {
  for (const Reason& reason : plant.reasons) {
    if (reason.code == code) return &reason;
  }
  return nullptr;
}

}  // namespace

State state_named(const Plant& plant, const std::string& name) {
  for (const StateName& own : plant.states) {
    if (own.name == name) return {own.name, kTimeCategoryNames.at(static_cast<std::size_t>(own.category))};
  }
  for (const StateName& own : plant.states) {
    if (lower(own.name) == lower(name))
      return {own.name, kTimeCategoryNames.at(static_cast<std::size_t>(own.category))};
  }
  return {lower(name), built_in_states().at(lower(name))};
}

std::string reason_category(const Plant& plant, const std::string& code) {
  const Reason* reason = reason_of(plant, code);
  while (reason != nullptr && !reason->category) reason = reason_of(plant, reason->parent);
  return reason == nullptr ? "other" : kReasonCategoryNames.at(static_cast<std::size_t>(*reason->category));
}

std::string time_category_under(const std::string& category) {
  if (category == "planned") return "planned_stop";
  if (category == "setup") return "setup";
  return "stop";
}

std::optional<Duration> ideal_cycle(const Plant& plant, const Machine& machine,
                                    const std::optional<std::string>& product, Timestamp t) {
  const IdealCycle* best = nullptr;
  for (const IdealCycle& cycle : plant.ideal_cycles) {
    if (cycle.machine != machine.id || cycle.product != product || !cycle.valid.contains(t)) continue;
    if (best == nullptr || best->valid.begin < cycle.valid.begin) best = &cycle;
  }
  return best == nullptr ? machine.ideal_cycle : best->cycle;
}

}  // namespace takt::oracle
