// Whether one alert of the plant's description fires.
#pragma once

#include "schema/plant.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

enum class AlertState : std::uint8_t {
  ok,
  pending,  ///< beyond its limit, not yet for as long as it must be
  firing,
};
std::string_view name_of(AlertState state);
std::optional<AlertState> alert_state_named(std::string_view name);

struct Acknowledgement {
  std::string by, comment;
  Timestamp at;
  friend bool operator==(const Acknowledgement&, const Acknowledgement&) = default;
};

struct AlertSituation {
  AlertState state = AlertState::ok;
  Timestamp since = kBeginOfTime;  ///< when the state began; the beginning of time: nothing was ever judged
  std::optional<double> value;
  std::string subject;                       ///< the machine, source or target that the value is of, if of one
  std::optional<Timestamp> fired, resolved;  ///< the last time
  std::optional<Acknowledgement> acknowledged{};  ///< of the firing that lasts
  friend bool operator==(const AlertSituation&, const AlertSituation&) = default;
};

enum class AlertTurn : std::uint8_t { none, fired, resolved };

/// Looks at a new value. An alert begins to fire when its value has been beyond the limit (above `above`, below
/// `below`) at every look for `for_at_least`, and ends when it is back at `clear` (default: the limit) or better:
/// in between it does not flutter. No value changes nothing: what is not known is neither good nor bad.
AlertTurn judge(const Alert& alert, std::optional<double> value, Timestamp now, AlertSituation& situation);

}  // namespace takt
