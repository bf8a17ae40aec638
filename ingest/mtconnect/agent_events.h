// From an agent's observations to events: addresses, and what data items mean by their types.
#pragma once

#include "ingest/mtconnect/agent_document.h"
#include "ingest/signal_mapper.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace takt::mtconnect {

/// Whether observations happened, or are what holds at the moment.
enum class Observed : std::uint8_t { happened, holds };

/// The address of a data item is `device/name`, or `device/id` where it has no name of its own. The plant's rules
/// decide first; without one a device's first EXECUTION is its state, PART_COUNT its totals (good: subtype GOOD,
/// else ALL or none; scrap: BAD), and all else what SignalMapper makes of its name. One thread at a time.
class AgentEvents {
 public:
  AgentEvents(const Plant& plant, const DataSource& source, const std::vector<DataItem>& items);

  EventBatch events(const std::vector<Observation>& observations, Observed observed);

 private:
  struct Item {
    std::string device, address;
    bool is_amount;
  };
  std::unordered_map<std::string, Item> items_;  // by id
  SignalMapper mapper_;
};

}  // namespace takt::mtconnect
