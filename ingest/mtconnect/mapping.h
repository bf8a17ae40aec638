// What the keys of an adapter log mean: a small TOML file, and the events made with it.
#pragma once

#include "ingest/mtconnect/shdr.h"
#include "schema/event.h"
#include "schema/result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace takt::mtconnect {

/// The file, every key but `machine` optional:
/// ```toml
/// machine = "OKUMA"                 # the machine all events belong to
/// execution = "pexecution"          # its values become states; MTConnect's Execution names are built in
/// availability = "avail"            # while it is UNAVAILABLE the state is `unavailable`
/// good_total = "ppartcount"         # a counter: its resets are the engine's business; also scrap_total
/// product = "pprogram"              # the counts' product: the latest value at their time
/// attributes = ["pmode", "fmode"]   # their latest values go along with each state
/// readings = "numeric"              # every number of any key not named above; or a list of keys
/// without = ["ApplicationVersion"]  # but not these
/// conditions = []                   # keys of conditions and messages, see ShdrKeys
/// messages = []
/// [tags]                            # other names for the tags of readings
/// S1load = "spindle1.load"
/// [states]                          # other names for execution values
/// ACTIVE = "running"
/// ```
struct Mapping {
  std::string machine;
  std::string execution, availability, good_total, scrap_total, product;
  std::vector<std::string> attributes;
  bool numeric_readings = false;
  std::vector<std::string> readings, without;
  ShdrKeys keys;
  std::map<std::string, std::string, std::less<>> tags, states;
};

/// Errors name file, key and remedy.
Result<Mapping> parse_mapping(std::string_view toml, std::string_view file_name);

/// The events of a log in order of time, whatever the order of its lines. `indexes` of the batch holds the line
/// each event comes from; the batch owns all strings. Counter values that are no whole number from 0 become
/// faults.
///
/// Values of one instant: a program or attribute is known before the state or count beside it. Of several readings
/// of one key the last in the file wins, as it would in the adapter. Several states or counter values are all
/// true, one after the other, and two true events of one instant need different identities: from the second on
/// they carry `id` "0001", "0002" ... in the order of the file. UNAVAILABLE and empty values end a state
/// (`unavailable`), and are no count and no reading.
void append_events(Log& log, const Mapping& mapping, EventBatch& batch);

}  // namespace takt::mtconnect
