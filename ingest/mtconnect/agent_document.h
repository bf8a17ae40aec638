// What an MTConnect agent answers: devices, observations or an error, of any version from 1.0 to 2.x.
#pragma once

#include "schema/time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace takt::mtconnect {

/// Sequence numbers are 0 where a document has none.
struct AgentHeader {
  std::uint64_t instance = 0, first = 0, last = 0, next = 0;
};

struct DataItem {
  std::string id, name;
  std::string device;  ///< its name, else its uuid, else its id; empty: the agent itself
  std::string type, sub_type;
  bool is_condition = false;
};

struct Observation {
  std::string item;  ///< the data item's id
  Timestamp at;
  std::uint64_t sequence = 0;
  std::string value;  ///< of a condition its level: NORMAL, WARNING, FAULT, UNAVAILABLE
};

struct AgentDocument {
  AgentHeader header;
  std::vector<DataItem> items;
  std::vector<Observation> observations;  ///< by sequence
  std::size_t unreadable = 0;             ///< observations without a time
  std::string error_code, error;          ///< of an error document, such as OUT_OF_RANGE
};

/// Data sets, tables and time series are left out: they are no single values. invalid_argument: it is no XML, or
/// none of MTConnect.
Result<AgentDocument> read_agent_document(std::string_view xml);

}  // namespace takt::mtconnect
