#include "query/render.h"

namespace takt {

void append_bucket(JsonText& out, const OeeBucket& b) {
  const Figures& f = b.figures;
  out.member("start", b.range.begin).member("end", b.range.end).member("shift", b.shift);
  out.key("business_date");
  if (b.business_day)
    out.value(format_day(*b.business_day));
  else
    out.null();
  out.member("revision", b.revision).member("open", b.open).member("partial", b.partial);
  out.member("calendar_time_s", f.calendar).member("planned_operation_time_s", f.planned_operation);
  out.member("planned_down_time_s", f.planned_down).member("planned_busy_time_s", f.planned_busy);
  out.member("actual_production_time_s", f.actual_production).member("actual_unit_setup_time_s", f.actual_setup);
  out.member("actual_unit_delay_time_s", f.actual_delay).member("minor_stop_time_s", f.minor_stop);
  out.member("unknown_time_s", f.unknown).member("unplanned_production_time_s", f.unplanned_production);
  out.member("produced_quantity", f.produced).member("good_quantity", f.good).member("scrap_quantity", f.scrap);
  out.member("rework_quantity", f.rework).member("unplanned_produced_quantity", f.unplanned_produced);
  out.member("unplanned_good_quantity", f.unplanned_good);
  out.seconds_member("ideal_production_time_s", f.ideal_production)
      .seconds_member("ideal_good_time_s", f.ideal_good);
  out.member("stops", f.stops).member("minor_stops", f.minor_stops).member("failures", f.failures);
  out.member("availability", f.availability).member("effectiveness", f.effectiveness);
  out.member("quality_ratio", f.quality_ratio).member("quality_ratio_by_count", f.quality_ratio_by_count);
  out.member("oee", f.oee)
      .member("net_equipment_effectiveness", f.net_equipment_effectiveness)
      .member("teep", f.teep);
  out.key("flags").begin_array();
  for (const Flag flag : f.flags) out.value(name_of(flag));
  out.end_array();
}

void append_current(JsonText& out, const CurrentMachine& m) {
  out.begin_object().member("machine", m.machine).member("state", m.state).member("category", name_of(m.category));
  out.member("reason", m.reason).member("since", m.since).member("product", m.product);
  append_bucket(out, m.bucket);
  out.end_object();
}

namespace {

void append_buckets(JsonText& out, const std::vector<OeeBucket>& buckets) {
  out.key("buckets").begin_array();
  for (const OeeBucket& bucket : buckets) {
    out.begin_object();
    append_bucket(out, bucket);
    out.end_object();
  }
  out.end_array();
}

void append_page_end(JsonText& out, const PageEnd& end) {
  if (end.asked) out.member("next_cursor", end.next);
}

std::string_view group_name(GroupBy group) {
  return group == GroupBy::machine ? "machine" : group == GroupBy::line ? "line" : "area";
}

}  // namespace

std::string render_oee(const OeeRequest& request, const std::vector<OeeSeries>& series, const PageEnd& end) {
  JsonText out;
  out.reserve(256 + series.size() * (series.empty() ? 0 : series.front().buckets.size()) * 1024);
  out.begin_object().member("scope", to_string(request.scope)).member("grain", name_of(request.grain));
  if (request.group == GroupBy::none) {
    append_buckets(out, series.front().buckets);
  } else {
    out.member("group", group_name(request.group)).key("series").begin_array();
    for (const OeeSeries& one : series) {
      out.begin_object().member("scope", to_string(one.scope));
      append_buckets(out, one.buckets);
      out.end_object();
    }
    out.end_array();
  }
  append_page_end(out, end);
  return out.end_object().take();
}

std::string render_current(const std::vector<CurrentMachine>& machines) {
  JsonText out;
  out.reserve(64 + machines.size() * 1200);
  out.begin_object().key("machines").begin_array();
  for (const CurrentMachine& machine : machines) append_current(out, machine);
  return out.end_array().end_object().take();
}

std::string render_timeline(std::string_view machine, const std::vector<TimelineInterval>& intervals,
                            std::optional<Timestamp> kept_from, const PageEnd& end) {
  JsonText out;
  out.begin_object().member("machine", machine).key("intervals").begin_array();
  for (const TimelineInterval& i : intervals) {
    out.begin_object().member("start", i.range.begin).member("end", i.range.end).member("state", i.state);
    out.member("category", name_of(i.category)).member("reason", i.reason);
    out.member("minor_stop", i.minor_stop).member("open", i.open).end_object();
  }
  out.end_array();
  if (kept_from) out.member("kept_from", *kept_from);
  append_page_end(out, end);
  return out.end_object().take();
}

void append_losses(JsonText& out, const Losses& l) {
  const auto us = [](Duration d) { return std::optional<WideInt>{d.count()}; };
  out.member("planned_busy_time_s", l.planned_busy).seconds_member("valuable_time_s", l.valuable);
  out.key("losses").begin_array();
  const auto loss = [&](std::string_view name, const std::optional<WideInt>& time) {
    out.begin_object().member("loss", name).seconds_member("time_s", time).end_object();
  };
  loss("equipment_failure", us(l.equipment_failure));
  loss("setup_and_adjustment", us(l.setup_and_adjustment));
  loss("idling_and_minor_stops", us(l.idling_and_minor_stops));
  loss("reduced_speed", l.reduced_speed);
  loss("process_defects", l.process_defects);
  loss("reduced_yield", l.reduced_yield);
  out.end_array();
}

std::string render_losses(const Losses& losses) {
  JsonText out;
  out.begin_object();
  append_losses(out, losses);
  return out.end_object().take();
}

std::string render_pareto(const Pareto& pareto) {
  JsonText out;
  out.begin_object().key("items").begin_array();
  Duration so_far{0};
  const auto share = [&](Duration part) { return ratio(part.count(), pareto.total.count()); };
  for (const ParetoItem& item : pareto.items) {
    so_far += item.time;
    out.begin_object().member("key", item.key).member("name", item.name).member("time_s", item.time);
    out.member("count", item.count).member("share", share(item.time)).member("cumulative_share", share(so_far));
    out.end_object();
  }
  out.end_array().member("total_time_s", pareto.total);
  if (pareto.kept_from) out.member("kept_from", *pareto.kept_from);
  return out.end_object().take();
}

std::string render_production(const std::vector<ProductionItem>& items) {
  JsonText out;
  std::int64_t total = 0;
  out.begin_object().key("items").begin_array();
  for (const ProductionItem& item : items) {
    const ProductSums& sums = item.sums;
    const auto ideal = [&](WideInt time) { return sums.without_cycle == 0 ? std::optional{time} : std::nullopt; };
    out.begin_object().member("product", item.product).member("name", item.name);
    out.member("produced_quantity", sums.produced()).member("good_quantity", sums.good);
    out.member("scrap_quantity", sums.scrap).member("rework_quantity", sums.rework);
    out.member("quality_ratio", ratio(sums.good, sums.produced()));
    out.seconds_member("ideal_production_time_s", ideal(sums.ideal_produced));
    out.seconds_member("ideal_good_time_s", ideal(sums.ideal_good)).end_object();
    total += sums.produced();
  }
  return out.end_array().member("produced_quantity", total).end_object().take();
}

std::string render_series(const SeriesRequest& request, const std::vector<SeriesPoint>& points,
                          const PageEnd& end) {
  JsonText out;
  out.reserve(64 + points.size() * 48);
  out.begin_object().member("machine", request.machine).member("tag", request.tag).key("points").begin_array();
  for (const SeriesPoint& point : points) {
    out.begin_array().value(point.at);
    std::visit([&](const auto& value) { out.value(value); }, point.value);
    out.end_array();
  }
  out.end_array();
  append_page_end(out, end);
  return out.end_object().take();
}

std::string render_series_csv(const std::vector<SeriesPoint>& points) {
  std::string out = "time,value\r\n";
  for (const SeriesPoint& point : points) {
    append_time(out, point.at);
    out += ',';
    if (const auto* text = std::get_if<std::string>(&point.value)) {
      out += '"';
      for (const char c : *text) out.append(c == '"' ? 2 : 1, c);
      out += '"';
    } else if (const auto* flag = std::get_if<bool>(&point.value)) {
      out += *flag ? "true" : "false";
    } else if (const double number = std::get<double>(point.value); std::isfinite(number)) {
      append_json_number(out, number);
    }
    out += "\r\n";
  }
  return out;
}

}  // namespace takt
