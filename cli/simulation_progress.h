// How far a simulation has been sent, kept in a small file, so that the next start goes on instead of beginning
// anew.
#pragma once

#include "schema/result.h"
#include "schema/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace takt {

struct SimulationProgress {
  std::size_t machines = 0;
  std::uint64_t seed = 0;
  Timestamp from{};        ///< where simulated time began
  Timestamp sent_until{};  ///< every event before it has been taken by the server
};

/// Nothing if there is no such file; an error if it is something else.
Result<std::optional<SimulationProgress>> load_progress(const std::string& file);
/// Replaces the file at once: after a crash it holds either the old or the new text.
Result<bool> save_progress(const std::string& file, const SimulationProgress& progress);

}  // namespace takt
