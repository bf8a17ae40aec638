// A stopped store looked through from end to end: every checksum, every owner, every figure. What `takt verify`
// does.
#pragma once

#include "schema/time.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace takt {

/// One thing that is wrong: a line for a person who has to mend it.
struct Damage {
  std::string where;   ///< "chunk of machine M1, tag spindle.temp, 2026-01-05T06:00:00Z to 2026-01-05T07:00:00Z"
  std::string what;    ///< "a column does not match its checksum"
  std::string remedy;  ///< "restore it from a backup with takt restore; ..."
};
std::string to_string(const Damage& damage);

struct InspectionOptions {
  /// Called for each damage as it is found.
  std::function<void(const Damage&)> tell;
  /// Called now and then with what is being looked at and its share from 0 to 1.
  std::function<void(std::string_view step, double share)> progress;
};

struct Inspection {
  std::uint64_t damages = 0;
  std::uint64_t bytes = 0;  ///< of table files read
  std::uint64_t machines = 0, tags = 0;
  std::uint64_t commits = 0;   ///< frames of events and of the journal
  std::uint64_t events = 0;    ///< of all kinds but readings, in chunks and in their journal
  std::uint64_t readings = 0;  ///< rows of chunks
  std::uint64_t waiting = 0;   ///< readings of the journal, of which some may be in chunks already
  std::uint64_t chunks = 0, event_chunks = 0, quarantined = 0;
  std::uint64_t cells = 0;  ///< rollup cells that equal their sums made anew from the events
};

/// Changes nothing, and keeps writers out meanwhile. Chunks and frames are read one at a time; only the last step
/// needs as much memory as serving, as it recovers the store and computes every rollup anew. An error means that
/// nothing could be looked at: not a data folder, of a newer format, in use, not readable. Everything else is a
/// damage.
Result<Inspection> inspect_store(const std::filesystem::path& directory, const InspectionOptions& options);

}  // namespace takt
