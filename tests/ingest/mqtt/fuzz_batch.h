// What holds for every batch that a reader of messages makes.
#pragma once

#include "schema/event.h"

#include <simdjson.h>
#include <cstdlib>

namespace takt::fuzz {

/// Ends the program unless the batch is one that may be handed on.
inline void check_batch(const EventBatch& batch) {
  if (batch.indexes.size() != batch.events.size()) std::abort();
  std::size_t before = 0;
  for (const RejectedEvent& each : batch.rejected) {
    if (each.index < before || each.index >= batch.size()) std::abort();
    before = each.index;
  }
  for (const Event& event : batch.events) {
    for (const std::string_view text : {event.machine, event.state, event.tag, event.value.text, event.product})
      if (!simdjson::validate_utf8(text.data(), text.size())) std::abort();
    if (event.machine.empty()) std::abort();
  }
}

}  // namespace takt::fuzz
