#include "schema/event.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

using namespace std::string_view_literals;

// In the order of the enumerations.
constexpr std::array kTypeNames = {"state"sv,   "count"sv, "cycle"sv,    "reading"sv,
                                   "quality"sv, "order"sv, "classify"sv, "energy"sv};
static_assert(kTypeNames.size() == kEventTypes);
constexpr std::array kActionNames = {""sv, "plan"sv, "start"sv, "stop"sv, "complete"sv};
constexpr std::array kRejectionNames = {"bad_json"sv,      "unknown_type"sv,   "missing_field"sv,
                                        "unknown_field"sv, "bad_value"sv,      "unknown_machine"sv,
                                        "unknown_state"sv, "unknown_reason"sv, "time_in_future"sv,
                                        "too_old"sv,       "too_large"sv,      "forbidden"sv};
static_assert(kRejectionNames.size() == kRejections);

template <class Enum, std::size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view name_of(EventType type) { return kTypeNames.at(static_cast<std::size_t>(type)); }
std::string_view name_of(OrderAction action) { return kActionNames.at(static_cast<std::size_t>(action)); }
std::string_view name_of(Rejection code) { return kRejectionNames.at(static_cast<std::size_t>(code)); }

std::optional<Rejection> rejection_named(std::string_view name) { return find<Rejection>(kRejectionNames, name); }

std::optional<EventType> event_type_named(std::string_view name) { return find<EventType>(kTypeNames, name); }

std::optional<OrderAction> order_action_named(std::string_view name) {
  if (name.empty()) return std::nullopt;  // `none` is the absence of an action, not one that can be sent
  return find<OrderAction>(kActionNames, name);
}

}  // namespace takt
