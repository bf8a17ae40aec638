#include "tests/oracle/figures.h"

namespace takt::oracle {
namespace {

void add_time(Sums& sums, const Piece& piece, Duration length) {
  if (!piece.planned) {
    if (piece.category == "production") sums.unplanned_production += length;
    return;
  }
  sums.planned_operation += length;
  if (piece.category == "planned_stop") sums.planned_down += length;
  if (piece.category == "unknown") sums.unknown += length;
  if (piece.category == "production") sums.production += length;
  if (piece.category == "setup") sums.setup += length;
  if (piece.category == "stop") sums.stop += length;
  if (piece.minor_stop) sums.minor_stop += length;
}

void add_output(Sums& sums, const Output& output) {
  const std::int64_t rejects = output.scrap + output.rework;
  const std::int64_t produced = output.good + rejects;
  if (!output.planned) {
    sums.unplanned_produced += produced;
    sums.unplanned_good += output.good;
    return;
  }
  sums.good += output.good;
  sums.scrap += output.scrap;
  sums.rework += output.rework;
  if (produced == 0) return;
  if (!output.cycle) {
    sums.ideal_cycle_missing = true;
    return;
  }
  const Wide cycle_us = output.cycle->count();
  sums.ideal_production_us += produced * cycle_us;
  sums.ideal_good_us += output.good * cycle_us;
  (output.startup ? sums.reduced_yield_us : sums.process_defects_us) += rejects * cycle_us;
}

std::int64_t count_in(const std::vector<Stop>& stops, TimeRange time, bool minor_only) {
  std::int64_t count = 0;
  for (const Stop& stop : stops) {
    if (minor_only && !stop.minor) continue;
    if (stop.counted_at && time.contains(*stop.counted_at)) ++count;
  }
  return count;
}

/// What section 5 makes of the sums under the plant's two policies.
struct Elements {
  Duration busy, production, delay;
};

Elements elements_of(const Sums& sums, const Plant& plant) {
  Elements elements{sums.planned_operation - sums.planned_down - sums.unknown, sums.production, sums.stop};
  if (plant.unknown_time == UnknownTimePolicy::stop) {
    elements.busy += sums.unknown;
    elements.delay += sums.unknown;
  }
  if (plant.minor_stops == MinorStopPolicy::performance) {
    elements.production += sums.minor_stop;
    elements.delay -= sums.minor_stop;
  }
  return elements;
}

void put_ideal_figures(Json& figures, const Sums& sums, const Elements& elements) {
  if (sums.ideal_cycle_missing) {
    for (const char* name : {"ideal_production_time_s", "ideal_good_time_s", "effectiveness", "quality_ratio",
                             "oee", "net_equipment_effectiveness", "teep"}) {
      figures[name] = nullptr;
    }
    return;
  }
  const Wide busy = elements.busy.count();
  const Wide production = elements.production.count();
  figures["ideal_production_time_s"] = seconds(sums.ideal_production_us);
  figures["ideal_good_time_s"] = seconds(sums.ideal_good_us);
  figures["effectiveness"] = ratio(sums.ideal_production_us, production);
  figures["quality_ratio"] = ratio(sums.ideal_good_us, sums.ideal_production_us);
  figures["oee"] = ratio(sums.ideal_good_us, busy);
  // oee x (APT + setup) / APT, over one fraction bar
  figures["net_equipment_effectiveness"] =
      ratio(sums.ideal_good_us * (production + sums.setup.count()), busy * production);
  figures["teep"] = ratio(sums.ideal_good_us, sums.calendar.count());
}

Json flags_of(const Sums& sums, const Elements& elements, const Json& figures) {
  Json flags = Json::array();
  const std::int64_t produced = sums.good + sums.scrap + sums.rework;
  if (sums.ideal_cycle_missing) flags.push_back("ideal_cycle_missing");
  if (produced == 0 && elements.busy > Duration{0}) flags.push_back("no_output");
  if (elements.busy == Duration{0}) flags.push_back("not_planned");
  const bool too_fast = !sums.ideal_cycle_missing && elements.production > Duration{0} &&
                        sums.ideal_production_us > elements.production.count();
  if (too_fast) flags.push_back("effectiveness_above_1");
  if (figures.at("unknown_time_s") > 0) flags.push_back("unknown_time");
  return flags;
}

}  // namespace

void add(Sums& sums, const MachineStory& story, TimeRange time) {
  for (const Output& output : story.outputs()) {
    if (time.contains(output.at)) add_output(sums, output);
  }
  time = intersect(time, {kBeginOfTime, story.end_of_time()});
  sums.calendar += time.length();
  for (const Piece& piece : story.pieces()) add_time(sums, piece, intersect(piece.time, time).length());
  sums.stops += count_in(story.stops(), time, false);
  sums.minor_stops += count_in(story.stops(), time, true);
  sums.failures += count_in(story.failures(), time, false);
}

Json figures(const Sums& sums, const Plant& plant) {
  const Elements elements = elements_of(sums, plant);
  const std::int64_t produced = sums.good + sums.scrap + sums.rework;
  Json figures{
      {"calendar_time_s", seconds(sums.calendar.count())},
      {"planned_operation_time_s", seconds(sums.planned_operation.count())},
      {"planned_down_time_s", seconds(sums.planned_down.count())},
      {"planned_busy_time_s", seconds(elements.busy.count())},
      {"actual_production_time_s", seconds(elements.production.count())},
      {"actual_unit_setup_time_s", seconds(sums.setup.count())},
      {"actual_unit_delay_time_s", seconds(elements.delay.count())},
      {"minor_stop_time_s", seconds(sums.minor_stop.count())},
      {"unknown_time_s", seconds(sums.unknown.count())},
      {"unplanned_production_time_s", seconds(sums.unplanned_production.count())},
      {"produced_quantity", produced},
      {"good_quantity", sums.good},
      {"scrap_quantity", sums.scrap},
      {"rework_quantity", sums.rework},
      {"unplanned_produced_quantity", sums.unplanned_produced},
      {"unplanned_good_quantity", sums.unplanned_good},
      {"stops", sums.stops},
      {"minor_stops", sums.minor_stops},
      {"failures", sums.failures},
      {"availability", ratio(elements.production.count(), elements.busy.count())},
      {"quality_ratio_by_count", ratio(sums.good, produced)},
  };
  put_ideal_figures(figures, sums, elements);
  figures["flags"] = flags_of(sums, elements, figures);
  return figures;
}

Json six_big_losses(const Sums& sums, const Plant& plant) {
  const Elements elements = elements_of(sums, plant);
  const Duration minor_in_production =
      plant.minor_stops == MinorStopPolicy::performance ? sums.minor_stop : Duration{0};
  const Duration delay_but_minor = elements.delay + minor_in_production - sums.minor_stop;
  auto loss = [](const char* name, Wide us) { return Json{{"loss", name}, {"time_s", seconds(us)}}; };
  auto by_cycle = [&](const char* name, Wide us) {
    return sums.ideal_cycle_missing ? Json{{"loss", name}, {"time_s", nullptr}} : loss(name, us);
  };
  const Wide reduced_speed = (elements.production - minor_in_production).count() - sums.ideal_production_us;
  return {
      {"planned_busy_time_s", seconds(elements.busy.count())},
      {"valuable_time_s", sums.ideal_cycle_missing ? Json{} : Json(seconds(sums.ideal_good_us))},
      {"losses",
       {loss("equipment_failure", delay_but_minor.count()), loss("setup_and_adjustment", sums.setup.count()),
        loss("idling_and_minor_stops", sums.minor_stop.count()), by_cycle("reduced_speed", reduced_speed),
        by_cycle("process_defects", sums.process_defects_us), by_cycle("reduced_yield", sums.reduced_yield_us)}}};
}

double seconds(Wide microseconds) {
  // Both are exact doubles here, so the quotient is rounded once.
  return static_cast<double>(microseconds) / 1e6;
}

Json ratio(Wide numerator, Wide denominator) {
  if (denominator == 0) return nullptr;
  // Rounded once where both are exact doubles; products of two times need the longer format.
  constexpr Wide kExact = Wide{1} << 53;
  if (numerator < kExact && denominator < kExact)
    return static_cast<double>(numerator) / static_cast<double>(denominator);
  return static_cast<double>(static_cast<long double>(numerator) / static_cast<long double>(denominator));
}

}  // namespace takt::oracle
