// What the timeline and the pieces of a machine add to the figures, one stretch and one event at a time.
#pragma once

#include "engine/names.h"
#include "schema/plant.h"
#include "schema/time.h"

#include <cstdint>
#include <optional>

namespace takt {

/// One piece event or counter increase as it is counted.
struct CountedPieces {
  Timestamp at;
  NameId product = NameId::none, order = NameId::none, defect = NameId::none;
  std::int64_t good = 0, scrap = 0, rework = 0;
  bool startup = false;

  bool none() const { return good == 0 && scrap == 0 && rework == 0; }
};

/// Sums contributions, to whatever it likes.
class ContributionSink {
 public:
  virtual ~ContributionSink() = default;
  /// Time of one category other than unknown; `minor`: part of a minor stop, which has no reason.
  virtual void time(TimeRange range, TimeCategory category, NameId reason, bool minor) = 0;
  /// A stop, and a failure, count where their first planned moment lies.
  virtual void stop(Timestamp first_planned, NameId reason, bool minor) = 0;
  virtual void failure(Timestamp first_planned) = 0;
  /// Never none; `cycle`: the ideal one, if the product has any there.
  virtual void pieces(const CountedPieces& pieces, std::optional<Duration> cycle) = 0;
};

}  // namespace takt
