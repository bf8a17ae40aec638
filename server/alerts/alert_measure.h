// What alerts are on: figures of the plant, and of the server itself.
#pragma once

#include "export/exporter.h"
#include "ingest/ingestor.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace takt {

struct Measured {
  std::optional<double> value;  ///< none: not known, such as the OEE of a shift without planned busy time
  std::string subject{};        ///< the machine, source or export target that it is of
  std::string problem{};        ///< why there never will be a value
};

/// - `oee`, `availability`, `effectiveness`, `quality_ratio`, `net_equipment_effectiveness`, `teep`: of the
/// running
///   shifts of the scope's machines (between shifts the last ones), a ratio of sums.
/// - the ids of the other KPIs of /v1/kpis: of the last 24 hours, looked at once a minute.
/// - `freshness_s`: how long ago the machine of the scope was heard of that was silent longest.
/// - `lag_s`: receipt less event time of the source that lags most. `rejects_per_min`: events refused within the
/// last
///   minute. `export_lag_s`, `queue_events`, `disk_free_bytes`: as in /metrics.
///
/// One thread. Borrows all.
class AlertMeasures {
 public:
  AlertMeasures(Store& store, Ingestor& ingestor, const Exporter& exporter)
      : store_(store), ingestor_(ingestor), exporter_(exporter) {}

  Measured measure(const Alert& alert, Timestamp now);

 private:
  struct Kept {
    Measured measured;
    Timestamp at;
  };
  Measured of_shifts(const Alert& alert, const Scope& scope, Timestamp now) const;
  Measured of_day(const Alert& alert, const Scope& scope, Timestamp now);
  Measured freshness(const Scope& scope, Timestamp now) const;
  Measured rejects(Timestamp now);

  Store& store_;
  Ingestor& ingestor_;
  const Exporter& exporter_;
  std::map<std::string, Kept> kept_;             // by id of the alert
  std::map<Timestamp, std::uint64_t> rejected_;  // how many there were, of the last minute
};

}  // namespace takt
