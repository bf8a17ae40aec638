#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

#include "query/explain.h"
#include "query/render.h"

namespace takt {
namespace {

std::string_view name_of(Unplanned why) {
  constexpr std::string_view kNames[] = {"no_shift", "break", "closure"};
  return kNames[static_cast<std::size_t>(why)];
}

std::string_view name_of(MinorVerdict verdict) {
  constexpr std::string_view kNames[] = {"within_limit", "over_limit", "no_limit", "reason", "open"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view name_of(UsedCycle::Source source) {
  constexpr std::string_view kNames[] = {"none", "machine", "ideal_cycle"};
  return kNames[static_cast<std::size_t>(source)];
}

/// Null for the beginning and the end of time.
std::optional<Timestamp> bound(Timestamp t) {
  return t == kBeginOfTime || t == kEndOfTime ? std::nullopt : std::optional{t};
}

/// The same for the same description, in every process.
std::string digest_of(const Plant& plant) {
  const std::string text = to_toml(plant);
  std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  std::string digits(16, '0');
  for (std::size_t i = digits.size(); i-- > 0; hash >>= 4U) digits[i] = "0123456789abcdef"[hash & 15U];
  return digits;
}

void append_plant(JsonText& out, const Explanation& e) {
  out.key("policies").begin_object();
  out.member("minor_stops",
             e.policies.minor_stops == MinorStopPolicy::availability ? "availability" : "performance");
  out.member("unknown_time", e.policies.unknown_time == UnknownTimePolicy::exclude ? "exclude" : "stop");
  out.member("timezone", e.newest->plant().timezone).member("plant", digest_of(e.newest->plant())).end_object();
  out.key("plant_versions").begin_array();
  for (const auto& version : e.versions) {
    out.begin_object().member("valid_from", bound(version->valid().begin));
    out.member("valid_to", bound(version->valid().end)).member("plant", digest_of(version->plant())).end_object();
  }
  out.end_array();
}

void append_interval(JsonText& out, const Explanation& e, const ExplainedInterval& i) {
  out.begin_object().member("machine", e.machines[index_of(i.machine)]).member("start", i.range.begin);
  out.member("end", i.range.end).member("time_s", i.range.length()).member("state", i.state);
  out.member("category", takt::name_of(i.category)).member("reason", i.reason).member("minor_stop", i.minor_stop);
  out.member("planned", i.planned).key("unplanned");
  i.unplanned ? out.value(name_of(*i.unplanned)) : out.null();
  out.member("shift", i.shift).member("element", takt::name_of(i.element)).member("version", i.version);
  out.end_object();
}

void begin_stop(JsonText& out, const Explanation& e, const ExplainedStop& s) {
  out.begin_object().member("machine", e.machines[index_of(s.machine)]).member("start", s.stretch.range.begin);
  out.member("end", s.stretch.range.end).member("open", s.stretch.open);
  out.member("time_s", s.stretch.range.length());
  out.member("planned_time_s", s.planned_time).member("reason", s.reason);
  out.member("first_planned", s.first_planned).member("counts", s.counts);
}

void append_stops(JsonText& out, const Explanation& e) {
  out.key("stops").begin_array();
  for (const ExplainedStop& stop : e.stops) {
    begin_stop(out, e, stop);
    out.key("reason_category");
    stop.reason ? out.value(takt::name_of(stop.category)) : out.null();
    out.member("minor_stop", stop.stretch.minor).member("minor_stop_s", stop.minor_limit);
    out.member("verdict", name_of(stop.verdict)).end_object();
  }
  out.end_array().key("failures").begin_array();
  for (const ExplainedStop& failure : e.failures) {
    begin_stop(out, e, failure);
    out.end_object();
  }
  out.end_array();
}

void append_counts(JsonText& out, const Explanation& e) {
  out.key("counts").begin_array();
  for (const ExplainedCounts& c : e.counts) {
    out.begin_object().member("machine", e.machines[index_of(c.machine)]).member("product", c.product);
    out.member("planned", c.planned).member("ideal_cycle_s", c.cycle.cycle);
    out.member("ideal_cycle_from", name_of(c.cycle.source)).member("valid_from", bound(c.cycle.valid.begin));
    out.member("valid_to", bound(c.cycle.valid.end)).member("version", c.version);
    out.member("produced_quantity", c.produced()).member("good_quantity", c.good);
    out.member("scrap_quantity", c.scrap).member("rework_quantity", c.rework);
    out.member("startup_reject_quantity", c.startup_rejects);
    out.seconds_member("ideal_production_time_s", c.ideal(c.produced()));
    out.seconds_member("ideal_good_time_s", c.ideal(c.good));
    out.seconds_member("ideal_startup_reject_time_s", c.ideal(c.startup_rejects)).end_object();
  }
  out.end_array();
}

void append_input(JsonText& out, const Formula::Input& input) {
  out.key(input.symbol);
  if (!input.value)
    out.null();
  else if (input.is_time)
    out.seconds(*input.value);
  else
    out.value(static_cast<std::int64_t>(*input.value));
}

void append_formulas(JsonText& out, const Explanation& e) {
  out.key("formulas").begin_array();
  for (const Formula& formula : e.formulas) {
    out.begin_object().member("id", formula.id).member("formula", formula.formula).key("inputs").begin_object();
    for (const Formula::Input& input : formula.inputs) append_input(out, input);
    out.end_object().member("value", formula.value).key("reason");
    formula.reason.empty() ? out.null() : out.value(formula.reason);
    out.end_object();
  }
  out.end_array();
}

}  // namespace

std::string render_explanation(const Explanation& e) {
  JsonText out;
  out.reserve(4096 + (e.intervals.size() + e.stops.size() + e.counts.size()) * 384);
  out.begin_object().member("scope", to_string(e.scope)).member("now", e.now).member("sequence", e.sequence);
  out.key("figure").begin_object();
  append_bucket(out, e.figure);
  out.end_object();
  append_plant(out, e);
  out.key("intervals").begin_array();
  for (const ExplainedInterval& interval : e.intervals) append_interval(out, e, interval);
  out.end_array();
  append_stops(out, e);
  append_counts(out, e);
  out.key("losses").begin_object();
  append_losses(out, e.losses);
  out.end_object();
  append_formulas(out, e);
  return out.end_object().take();
}

}  // namespace takt
