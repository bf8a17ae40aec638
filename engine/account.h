// What a machine did in a stretch of time, as integers that add up: the only thing that is ever aggregated.
#pragma once

#include "schema/time.h"

#include <cstdint>

namespace takt {

__extension__ using WideInt = __int128;

/// Sums of one or many machines over one or many stretches of time (contract 5, ISO 22400-2 elements). Adding two
/// accounts of disjoint stretches gives the account of both; no ratio and no floating point is ever kept here.
/// Policies (minor stops, unknown time) are applied where figures are made of it, in query/kpi.
struct Account {
  // Time in planned operation time (POT), by category. Unknown time is POT less these four.
  Duration production{0}, setup{0}, stop{0}, planned_stop{0};
  Duration minor_stop{0};                                 ///< the part of `stop` that belongs to minor stops
  Duration unplanned_production{0};                       ///< production outside POT
  std::int64_t stops = 0, minor_stops = 0, failures = 0;  ///< whose first moment in POT lies here

  // Pieces in POT, and outside it.
  std::int64_t good = 0, scrap = 0, rework = 0;
  std::int64_t unplanned_produced = 0, unplanned_good = 0;
  std::int64_t pieces_without_cycle = 0;  ///< in POT, of products without an ideal cycle
  // Pieces in POT times their ideal cycle, in microseconds.
  WideInt ideal_produced = 0, ideal_good = 0, ideal_startup_rejects = 0;

  std::int64_t produced() const { return good + scrap + rework; }

  Account& operator+=(const Account& other) { return add(other, 1); }
  Account& operator-=(const Account& other) { return add(other, -1); }
  friend bool operator==(const Account&, const Account&) = default;

 private:
  Account& add(const Account& o, int sign) {
    production += sign * o.production, setup += sign * o.setup, stop += sign * o.stop;
    planned_stop += sign * o.planned_stop, minor_stop += sign * o.minor_stop;
    unplanned_production += sign * o.unplanned_production;
    stops += sign * o.stops, minor_stops += sign * o.minor_stops, failures += sign * o.failures;
    good += sign * o.good, scrap += sign * o.scrap, rework += sign * o.rework;
    unplanned_produced += sign * o.unplanned_produced, unplanned_good += sign * o.unplanned_good;
    pieces_without_cycle += sign * o.pieces_without_cycle;
    ideal_produced += sign * o.ideal_produced, ideal_good += sign * o.ideal_good;
    ideal_startup_rejects += sign * o.ideal_startup_rejects;
    return *this;
  }
};

/// All parts of an account, for who keeps or hashes each.
inline constexpr Duration Account::*kAccountTimes[] = {&Account::production, &Account::setup,
                                                       &Account::stop,       &Account::planned_stop,
                                                       &Account::minor_stop, &Account::unplanned_production};
inline constexpr std::int64_t Account::*kAccountCounts[] = {&Account::stops,
                                                            &Account::minor_stops,
                                                            &Account::failures,
                                                            &Account::good,
                                                            &Account::scrap,
                                                            &Account::rework,
                                                            &Account::unplanned_produced,
                                                            &Account::unplanned_good,
                                                            &Account::pieces_without_cycle};
inline constexpr WideInt Account::*kAccountIdealTimes[] = {&Account::ideal_produced, &Account::ideal_good,
                                                           &Account::ideal_startup_rejects};

}  // namespace takt
