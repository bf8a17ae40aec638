// Telling somebody that an alert fires, or does no more.
#pragma once

#include "schema/plant.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

enum class DeliveryState : std::uint8_t { waiting, delivered, failed };
std::string_view name_of(DeliveryState state);
std::optional<DeliveryState> delivery_state_named(std::string_view name);

/// A message on its way to one target: tried until it is taken, or for a day.
struct AlertDelivery {
  std::string id;      ///< the same at each attempt, so that a receiver knows repeats: the header Takt-Delivery
  std::string alert;   ///< its id
  std::string target;  ///< as in the plant's description
  std::string body;    ///< JSON
  Timestamp made, next_attempt;
  DeliveryState state = DeliveryState::waiting;
  std::int64_t attempts = 0;
  std::string last_error{};
  std::optional<Timestamp> delivered{};
};

/// The target without what may be secret in it: users, passwords, queries.
std::string shown_target(std::string_view target);

/// One attempt: `webhook:URL` is sent a POST, which any 2xx takes; `mqtt:TOPIC` goes to `broker`, if there is one,
/// and `mqtt://HOST[:PORT]/TOPIC` or `mqtts://` to that one. Waits for five seconds at most. Any thread.
Result<void> deliver(const AlertDelivery& delivery, const std::optional<DataSource>& broker,
                     const std::atomic<bool>& stop);

/// When it is tried again after so many attempts: after 1 s, twice as long each time, 5 min at most; a fifth more
/// or less by `chance` (0 to 1), so that not all come at once.
Duration pause_after(std::int64_t attempts, double chance);

}  // namespace takt
