// What a machine was doing when, and which stops cost the most (contract 4).
#pragma once

#include "engine/store.h"

#include <optional>
#include <string>
#include <vector>

namespace takt {

struct TimelineInterval {
  TimeRange range;
  std::string state;
  TimeCategory category = TimeCategory::unknown;
  std::optional<std::string> reason;
  bool minor_stop = false, open = false;
};

/// Gapless, cut to the range and to now; equal neighbours are one.
std::vector<TimelineInterval> timeline(const StoreView& view, MachineId machine, TimeRange range, Timestamp now);

/// The interval that holds the moment before `t`, with all equal neighbours before it; of a machine never heard
/// of, unknown since the beginning of time.
Segment segment_at(const StoreView& view, const MachineRecord& record, Timestamp t);
/// The state's spelling for answers.
std::string shown_state(const StoreView& view, const Segment& segment, Timestamp t);

enum class ParetoBy : std::uint8_t { reason, category, machine };
std::optional<ParetoBy> pareto_by_named(std::string_view name);

struct ParetoItem {
  std::optional<std::string> key, name;  ///< no key: no reason
  Duration time{0};
  std::int64_t count = 0;
};
/// Stop time within planned busy time, minor stops too, longest first.
struct Pareto {
  std::vector<ParetoItem> items;
  Duration total{0};
  std::optional<Timestamp> kept_from;  ///< stops of before are retained no more, and not in it
};
Result<Pareto> downtime_pareto(const StoreView& view, const Scope& scope, TimeRange range, ParetoBy by,
                               Timestamp now);

}  // namespace takt
