#include "query/figures.h"

namespace takt {

Policies policies_of(const Plant& plant) { return {plant.minor_stops, plant.unknown_time}; }

std::string_view name_of(Flag flag) {
  constexpr std::string_view kNames[] = {"ideal_cycle_missing", "no_output", "not_planned",
                                         "effectiveness_above_1", "unknown_time"};
  return kNames[static_cast<std::size_t>(flag)];
}

namespace {

/// Without the library's call for a number of 128 bits where it fits into 64, which a long double holds exactly.
long double to_long_double(WideInt value) {
  const auto low = static_cast<std::uint64_t>(value);
  return low == value ? static_cast<long double>(low) : static_cast<long double>(value);
}

bool fits_64_bits(WideInt value) { return static_cast<std::int64_t>(value) == value; }

std::optional<double> ratio_of_64_bits(std::int64_t numerator, std::int64_t denominator) {
  if (denominator == 0) return std::nullopt;
  // Up to 2^53 both are exact doubles and their quotient is rounded once, as anybody's recomputation is.
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  if (numerator < kExact && numerator > -kExact && denominator < kExact)
    return static_cast<double>(numerator) / static_cast<double>(denominator);
  return static_cast<double>(static_cast<long double>(numerator) / static_cast<long double>(denominator));
}

}  // namespace

std::optional<double> ratio(WideInt numerator, WideInt denominator) {
  if (fits_64_bits(numerator) && fits_64_bits(denominator))
    return ratio_of_64_bits(static_cast<std::int64_t>(numerator), static_cast<std::int64_t>(denominator));
  if (denominator == 0) return std::nullopt;
  constexpr WideInt kExact = WideInt{1} << 53;
  if (numerator < kExact && -numerator < kExact && denominator < kExact)
    return static_cast<double>(numerator) / static_cast<double>(denominator);
  return static_cast<double>(to_long_double(numerator) / to_long_double(denominator));
}

namespace {

/// Time by what it counts as under the policies.
struct CountedTime {
  Duration production, setup, delay, busy, unknown, failure;
};

CountedTime counted_time(const Elements& e, const Policies& policies) {
  const Account& a = e.account;
  CountedTime t{};
  t.unknown = e.planned_operation - a.production - a.setup - a.stop - a.planned_stop;
  const bool unknown_stops = policies.unknown_time == UnknownTimePolicy::stop;
  const Duration as_stop = unknown_stops ? t.unknown : Duration{0};
  t.production = a.production;
  t.setup = a.setup;
  t.delay = a.stop + as_stop;
  t.failure = a.stop - a.minor_stop + as_stop;
  if (policies.minor_stops == MinorStopPolicy::performance) {
    t.production += a.minor_stop;
    t.delay -= a.minor_stop;
  }
  t.busy = t.production + t.setup + t.delay;
  return t;
}

void add_ratios(Figures& f, const Account& a) {
  const auto us = [](Duration d) { return WideInt{d.count()}; };
  f.availability = ratio(us(f.actual_production), us(f.planned_busy));
  f.quality_ratio_by_count = ratio(f.good, f.produced);
  if (a.pieces_without_cycle != 0) return;
  f.effectiveness = ratio(a.ideal_produced, us(f.actual_production));
  f.quality_ratio = ratio(a.ideal_good, a.ideal_produced);
  f.oee = ratio(a.ideal_good, us(f.planned_busy));
  if (f.oee) {
    f.net_equipment_effectiveness = ratio(a.ideal_good * us(f.actual_production + f.actual_setup),
                                          us(f.planned_busy) * us(f.actual_production));
  }
  f.teep = ratio(a.ideal_good, us(f.calendar));
}

}  // namespace

Figures figures_of(const Elements& elements, const Policies& policies) {
  Figures figures;
  make_figures(elements, policies, figures);
  return figures;
}

void make_figures(const Elements& e, const Policies& policies, Figures& f) {
  const Account& a = e.account;
  const CountedTime time = counted_time(e, policies);
  f.calendar = e.calendar;
  f.planned_operation = e.planned_operation;
  f.planned_down = a.planned_stop;
  f.planned_busy = time.busy;
  f.actual_production = time.production;
  f.actual_setup = time.setup;
  f.actual_delay = time.delay;
  f.minor_stop = a.minor_stop;
  f.unknown = time.unknown;
  f.unplanned_production = a.unplanned_production;
  f.produced = a.produced(), f.good = a.good, f.scrap = a.scrap, f.rework = a.rework;
  f.unplanned_produced = a.unplanned_produced, f.unplanned_good = a.unplanned_good;
  f.stops = a.stops, f.minor_stops = a.minor_stops, f.failures = a.failures;
  if (a.pieces_without_cycle == 0) f.ideal_production = a.ideal_produced, f.ideal_good = a.ideal_good;
  add_ratios(f, a);
  if (a.pieces_without_cycle != 0) f.flags.push_back(Flag::ideal_cycle_missing);
  if (f.produced == 0 && f.planned_busy > Duration{0}) f.flags.push_back(Flag::no_output);
  if (f.planned_busy == Duration{0}) f.flags.push_back(Flag::not_planned);
  if (f.effectiveness && *f.effectiveness > 1) f.flags.push_back(Flag::effectiveness_above_1);
  if (f.unknown > Duration{0}) f.flags.push_back(Flag::unknown_time);
}

Losses losses_of(const Elements& e, const Policies& policies) {
  const Account& a = e.account;
  const CountedTime time = counted_time(e, policies);
  Losses l;
  l.planned_busy = time.busy;
  l.equipment_failure = time.failure;
  l.setup_and_adjustment = time.setup;
  l.idling_and_minor_stops = a.minor_stop;
  if (a.pieces_without_cycle != 0) return l;
  l.valuable = a.ideal_good;
  // What production took longer than it should; negative: it was faster. Never clipped, or the sum would not be
  // PBT.
  l.reduced_speed = WideInt{a.production.count()} - a.ideal_produced;
  l.reduced_yield = a.ideal_startup_rejects;
  l.process_defects = a.ideal_produced - a.ideal_good - a.ideal_startup_rejects;
  return l;
}

}  // namespace takt
