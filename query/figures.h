// The arithmetic of ISO 22400-2 (contract 5): from sums of time and pieces to ratios. Pure functions, the one code
// path of tile, API, report and warehouse.
#pragma once

#include "engine/account.h"
#include "schema/plant.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace takt {

/// An account and the planned and calendar time of the same stretch; of a group, the sums over its machines.
struct Elements {
  Account account;
  Duration planned_operation{0};  ///< POT
  Duration calendar{0};
};

/// The plant's choices about disputed time.
struct Policies {
  MinorStopPolicy minor_stops = MinorStopPolicy::availability;
  UnknownTimePolicy unknown_time = UnknownTimePolicy::exclude;
};
Policies policies_of(const Plant& plant);

enum class Flag : std::uint8_t {
  ideal_cycle_missing,
  no_output,
  not_planned,
  effectiveness_above_1,
  unknown_time
};
std::string_view name_of(Flag flag);

/// Everything that an OEE bucket shows. Durations in microseconds; a ratio whose denominator is zero is absent.
struct Figures {
  Duration calendar{0};
  Duration planned_operation{0};  ///< POT
  Duration planned_down{0};       ///< planned stops in POT
  Duration planned_busy{0};       ///< PBT = POT - planned down - unknown = APT + setup + delay
  Duration actual_production{0};  ///< APT
  Duration actual_setup{0};
  Duration actual_delay{0};  ///< ADET: stops
  Duration minor_stop{0};
  Duration unknown{0};
  Duration unplanned_production{0};
  std::int64_t produced = 0, good = 0, scrap = 0, rework = 0;
  std::int64_t unplanned_produced = 0, unplanned_good = 0;
  std::optional<WideInt> ideal_production, ideal_good;  ///< microseconds; absent if a product has no ideal cycle
  std::int64_t stops = 0, minor_stops = 0, failures = 0;
  std::optional<double> availability;   ///< APT / PBT (ISO 22400-2, KPI 8)
  std::optional<double> effectiveness;  ///< ideal production time / APT (KPI 9)
  std::optional<double> quality_ratio;  ///< ideal good time / ideal production time (KPI 10, for several products)
  std::optional<double> quality_ratio_by_count;       ///< good / produced (KPI 10)
  std::optional<double> oee;                          ///< ideal good time / PBT (KPI 6)
  std::optional<double> net_equipment_effectiveness;  ///< OEE x (APT + setup) / APT (KPI 7)
  std::optional<double> teep;                         ///< ideal good time / calendar time
  std::vector<Flag> flags;
};
Figures figures_of(const Elements& elements, const Policies& policies);
/// The same into figures that are new, where many are made.
void make_figures(const Elements& elements, const Policies& policies, Figures& figures);

/// Planned busy time = valuable time + six losses, to the microsecond. The last four are absent without ideal
/// cycles.
struct Losses {
  Duration planned_busy{0};
  Duration equipment_failure{0}, setup_and_adjustment{0}, idling_and_minor_stops{0};
  std::optional<WideInt> valuable, reduced_speed, process_defects, reduced_yield;
};
Losses losses_of(const Elements& elements, const Policies& policies);

/// The ratio as the nearest double, absent for a denominator of zero.
std::optional<double> ratio(WideInt numerator, WideInt denominator);

}  // namespace takt
