// Signals that belong to no machine, as the quarantine keeps them until the plant has one for them.
#pragma once

#include "ingest/signal_mapper.h"
#include "schema/event.h"

#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// The event that a signal would be, as JSON, with its address in place of the machine.
std::string stray_json(const Event& event, std::string_view address);

/// Whether what was refused is what stray_json() writes.
bool is_stray(const RejectedEvent& refused);

/// Finds machines for them by a plant that has changed. One thread.
class StraySignals {
 public:
  /// `source` may be one that the plant does not describe.
  StraySignals(const Plant& plant, std::string_view source);

  /// The event with the machine, and the tag of a reading, that its address has by now. Nothing: it is still
  /// nobody's, or cannot be read.
  std::optional<std::string> claimed(std::string_view raw);

 private:
  SignalMapper mapper_;
};

}  // namespace takt
