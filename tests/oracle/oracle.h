// Takt's figures computed a second time: slowly, obviously, from the contract alone (sections 1 to 5).
//
// Nothing is kept, indexed or added up in advance: every call tells each machine's whole story again from the
// events and asks plain questions about each moment of it. It shares no code with the engine, so equal answers
// mean that two readings of the contract agree. Where the contract is silent the comments say what was chosen.
#pragma once

#include "tests/oracle/descriptions.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace takt {

/// Immutable, so any thread may ask. Times come and go as in the contract: RFC 3339 in UTC; durations in seconds.
class Oracle {
 public:
  /// `events`: valid ones in the contract's JSON form; any order, with duplicates, corrections and withdrawals.
  /// What happens after `now` is not seen.
  Oracle(Plant plant, const std::vector<nlohmann::json>& events, Timestamp now)
      : Oracle(oracle::Descriptions{std::move(plant)}, events, now) {}
  Oracle(oracle::Descriptions descriptions, const std::vector<nlohmann::json>& events, Timestamp now);

  /// `intervals` of /v1/timeline.
  nlohmann::json timeline(const std::string& machine, TimeRange range) const;
  /// `buckets` of /v1/oee without `revision`; scope as in "line:L1", grain hour|shift|day|week|month|year|total.
  /// Flags come in the order in which section 5 names them; shifts by start, end, id.
  nlohmann::json oee(const std::string& scope, TimeRange range, const std::string& grain) const;
  /// The whole answer of /v1/losses.
  nlohmann::json losses(const std::string& scope, TimeRange range) const;
  /// The whole answer of /v1/downtime/pareto, by reason|category|machine. Of equal times the lesser key comes
  /// first.
  nlohmann::json pareto(const std::string& scope, TimeRange range, const std::string& by) const;
  /// The members of /v1/reliability that section 4 names, and `stops` and `stop_time_s`.
  nlohmann::json reliability(const std::string& scope, TimeRange range) const;
  /// What KPIs of ISO 22400-2 are made of beside buckets: ADET, AOET, IP, GP and the kWh of each time category.
  nlohmann::json kpi_elements(const std::string& scope, TimeRange range) const;

 private:
  oracle::Descriptions descriptions_;
  std::vector<nlohmann::json> live_;
  Timestamp now_;
};

}  // namespace takt
