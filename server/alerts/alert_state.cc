#include "server/alerts/alert_state.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

constexpr std::array<std::string_view, 3> kNames{"ok", "pending", "firing"};

bool is_beyond(const Alert& alert, double value) {
  return alert.above ? value > *alert.above : alert.below && value < *alert.below;
}

bool is_clear(const Alert& alert, double value) {
  return alert.above ? value <= alert.clear.value_or(*alert.above)
                     : value >= alert.clear.value_or(alert.below.value_or(value));
}

void enter(AlertSituation& situation, AlertState state, Timestamp now) {
  situation.state = state;
  situation.since = now;
}

}  // namespace

std::string_view name_of(AlertState state) { return kNames.at(static_cast<std::size_t>(state)); }

std::optional<AlertState> alert_state_named(std::string_view name) {
  const auto at = std::ranges::find(kNames, name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<AlertState>(at - kNames.begin());
}

AlertTurn judge(const Alert& alert, std::optional<double> value, Timestamp now, AlertSituation& situation) {
  situation.value = value;
  if (!value) return AlertTurn::none;
  if (situation.since == kBeginOfTime) situation.since = now;
  if (situation.state == AlertState::firing) {
    if (!is_clear(alert, *value)) return AlertTurn::none;
    enter(situation, AlertState::ok, now);
    situation.resolved = now;
    situation.acknowledged.reset();
    return AlertTurn::resolved;
  }
  if (!is_beyond(alert, *value)) {
    if (situation.state == AlertState::pending) enter(situation, AlertState::ok, now);
    return AlertTurn::none;
  }
  if (situation.state == AlertState::ok) enter(situation, AlertState::pending, now);
  if (now - situation.since < alert.for_at_least) return AlertTurn::none;
  enter(situation, AlertState::firing, now);
  situation.fired = now;
  situation.resolved.reset();
  return AlertTurn::fired;
}

}  // namespace takt
