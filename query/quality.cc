#include "query/quality.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "query/json_text.h"
#include "query/oee.h"

namespace takt {
namespace {

constexpr std::int64_t kMostInSubgroup = 25;  // as far as the constants go
constexpr std::int64_t kMostByRange = 10;     // above it a range says less than a deviation
constexpr double kD2OfMovingRange = 1.128;    // as the contract has it

struct InspectionRow {
  Timestamp at;
  std::uint64_t subgroup = 0;
  bool failed = false;
  std::int64_t quantity = 1;
  double value = 0;  ///< NaN: none was measured
};

struct Subgroup {
  Timestamp at;
  std::vector<double> values;
  std::int64_t quantity = 0, failed = 0;
};

/// Inspections of one name go together, the others by `size` in a row. In order of their first.
std::vector<Subgroup> subgroups_of(const std::vector<InspectionRow>& inspections) {
  std::vector<Subgroup> groups;
  std::unordered_map<std::uint64_t, std::size_t> named;
  for (const InspectionRow& each : inspections) {
    std::size_t place = groups.size();
    if (each.subgroup != 0) place = named.try_emplace(each.subgroup, groups.size()).first->second;
    if (place == groups.size()) groups.push_back({each.at, {}, 0, 0});
    Subgroup& group = groups[place];
    group.quantity += each.quantity;
    group.failed += each.failed ? each.quantity : 0;
    if (!std::isnan(each.value)) group.values.push_back(each.value);
  }
  return groups;
}

/// Those without a name in rows of `size`; the last one may be shorter. Named ones as they are.
std::vector<Subgroup> rows_of(const std::vector<InspectionRow>& inspections, std::int64_t size, bool measured) {
  std::vector<InspectionRow> numbered = inspections;
  std::int64_t count = 0;
  std::uint64_t row = 0;
  std::set<std::uint64_t> taken;
  for (const InspectionRow& each : numbered) taken.insert(each.subgroup);
  for (InspectionRow& each : numbered) {
    if (each.subgroup != 0 || (measured && std::isnan(each.value))) continue;
    if (count++ % size == 0) {
      do {
        ++row;
      } while (taken.contains(row));
    }
    each.subgroup = row;
  }
  if (measured) std::erase_if(numbered, [](const InspectionRow& each) { return std::isnan(each.value); });
  return subgroups_of(numbered);
}

/// How many most named subgroups have; nothing: none is named.
std::optional<std::int64_t> usual_size(const std::vector<InspectionRow>& inspections) {
  std::map<std::uint64_t, std::int64_t> of_name;
  for (const InspectionRow& each : inspections) {
    if (each.subgroup != 0 && !std::isnan(each.value)) ++of_name[each.subgroup];
  }
  std::map<std::int64_t, std::int64_t> frequent;
  for (const auto& [name, size] : of_name) ++frequent[size];
  const auto most = std::ranges::max_element(frequent, {}, [](const auto& entry) { return entry.second; });
  return most == frequent.end() ? std::nullopt : std::optional{most->first};
}

double mean_of(const std::vector<double>& values) { return spread_of(values.data(), values.size()).mean; }

ControlChart chart_of(std::string_view kind, double center, double limit) {
  return {kind, center, center + limit, center - limit, {}, {}};
}

std::vector<double> heights(const ControlChart& chart) {
  std::vector<double> values;
  for (const auto& [at, value] : chart.points) values.push_back(value);
  return values;
}

/// The chart of a spread: its limits are `factor` around the centre, none below zero.
void finish_spread(ControlChart& chart, double factor, RuleSet rules) {
  chart.center = mean_of(heights(chart));
  chart.ucl = chart.center * (1 + factor);
  chart.lcl = std::max(0.0, chart.center * (1 - factor));
  chart.violations = beyond_limits(heights(chart), chart.lcl, chart.ucl, rules);
}

/// X and moving range (size 1), X-bar with R (2 to 10) or with s (above). Montgomery, chapter 6.
void add_value_charts(const std::vector<Subgroup>& groups, std::size_t size, RuleSet rules,
                      QualityFigures& figures) {
  if (groups.empty()) return;
  const bool single = size == 1, by_range = static_cast<std::int64_t>(size) <= kMostByRange;
  ControlChart place{single ? "x" : "xbar", 0, 0, 0, {}, {}};
  ControlChart spread{single ? "mr" : by_range ? "r" : "s", 0, 0, 0, {}, {}};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Spread s = spread_of(groups[i].values.data(), groups[i].values.size());
    place.points.emplace_back(groups[i].at, s.mean);
    if (!single) spread.points.emplace_back(groups[i].at, by_range ? s.range : s.deviation);
    if (single && i > 0) spread.points.emplace_back(groups[i].at, std::abs(s.mean - place.points[i - 1].second));
  }
  if (!spread.points.empty()) {
    const double n = by_range ? std::max<double>(2, static_cast<double>(size)) : 0;
    const double c = by_range ? 0 : c4(size);
    const double factor = by_range ? 3 * d3(static_cast<std::size_t>(n)) / d2(static_cast<std::size_t>(n))
                                   : 3 * std::sqrt(1 - c * c) / c;
    finish_spread(spread, factor, rules);
    figures.sigma_within = spread.center / (single ? kD2OfMovingRange : by_range ? d2(size) : c);
  }
  const double center = mean_of(heights(place));
  const double sigma = figures.sigma_within.value_or(0) / std::sqrt(static_cast<double>(size));
  auto points = std::move(place.points);
  place = chart_of(place.kind, center, 3 * sigma);
  place.points = std::move(points);
  if (figures.sigma_within) place.violations = run_rules(heights(place), center, sigma, rules);
  figures.charts.push_back(std::move(place));
  if (!spread.points.empty()) figures.charts.push_back(std::move(spread));
}

constexpr std::string_view name_of(AttributeChart chart) {
  switch (chart) {
    case AttributeChart::p:
      return "p";
    case AttributeChart::np:
      return "np";
    case AttributeChart::c:
      return "c";
    case AttributeChart::u:
      return "u";
    case AttributeChart::none:
      break;
  }
  return "";
}

/// Binomial limits of p and np, Poisson ones of c and u (Montgomery, chapter 7). Where subgroups are of several
/// sizes the limits shown are those of the mean size; each point is judged by its own.
void add_attribute_chart(const std::vector<Subgroup>& groups, AttributeChart kind, RuleSet rules,
                         QualityFigures& figures) {
  double inspected = 0, failed = 0;
  for (const Subgroup& group : groups)
    inspected += static_cast<double>(group.quantity), failed += static_cast<double>(group.failed);
  if (groups.empty() || inspected == 0) return;
  const double mean_size = inspected / static_cast<double>(groups.size()), share = failed / inspected;
  const bool counts = kind == AttributeChart::np || kind == AttributeChart::c;
  const bool poisson = kind == AttributeChart::c || kind == AttributeChart::u;
  const auto limits = [&](double size) {
    const double of_share = 3 * std::sqrt((poisson ? share : share * (1 - share)) / size);
    const double factor = counts ? size : 1;
    return std::pair{std::max(0.0, (share - of_share) * factor), (share + of_share) * factor};
  };
  const auto [lcl, ucl] = limits(mean_size);
  ControlChart chart{name_of(kind), share * (counts ? mean_size : 1), ucl, lcl, {}, {}};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto size = static_cast<double>(groups[i].quantity);
    const double value = static_cast<double>(groups[i].failed) / (counts ? 1 : size);
    chart.points.emplace_back(groups[i].at, value);
    const auto [low, high] = limits(size);
    for (Violation violation : beyond_limits({value}, low, high, rules)) {
      violation.index = i;
      chart.violations.push_back(std::move(violation));
    }
  }
  figures.charts.push_back(std::move(chart));
}

bool is_of(const StoreView& view, const QualityRecord& record, const QualityRequest& request) {
  if (view.names().text(record.characteristic) != request.characteristic) return false;
  return !request.product || view.names().text(record.product) == *request.product;
}

/// What the plant describes for the products of these inspections, if it is one thing.
std::optional<Characteristic> described(const StoreView& view, const QualityRequest& request,
                                        const std::set<std::string_view>& products) {
  std::optional<Characteristic> found;
  for (const Characteristic& each : view.master().latest().plant().characteristics) {
    if (each.name != request.characteristic) continue;
    const bool meant = products.empty() || products.contains(each.product) || products.contains("");
    if (!meant) continue;
    const bool differs = found && (found->lsl != each.lsl || found->usl != each.usl ||
                                   found->target != each.target || found->subgroup_size != each.subgroup_size);
    if (differs) return std::nullopt;
    found = each;
  }
  return found;
}

Result<void> check_limits(const QualityFigures& figures) {
  if (figures.lsl && figures.usl && *figures.lsl >= *figures.usl) return invalid("lsl must be below usl");
  if (figures.subgroup_size < 1 || figures.subgroup_size > kMostInSubgroup)
    return invalid("subgroup_size is from 1 to 25");
  return {};
}

std::optional<Timestamp> kept_from(const MachineRecord& record, TimeRange range) {
  const Timestamp from = record.horizon().pieces;
  const bool lost = range.begin < from && record.first_event().value_or(kEndOfTime) < from;
  return lost ? std::optional{from} : std::nullopt;
}

}  // namespace

std::optional<AttributeChart> attribute_chart_named(std::string_view name) {
  for (const AttributeChart chart :
       {AttributeChart::p, AttributeChart::np, AttributeChart::c, AttributeChart::u}) {
    if (name == name_of(chart)) return chart;
  }
  return std::nullopt;
}

Capability capability(double mean, std::optional<double> sigma_within, std::optional<double> sigma_overall,
                      const std::optional<double>& lsl, const std::optional<double>& usl,
                      const std::optional<double>& target) {
  Capability c;
  const auto least = [](const std::optional<double>& a, const std::optional<double>& b) {
    if (!a) return b;
    return b ? std::optional{std::min(*a, *b)} : a;
  };
  if (sigma_within && *sigma_within > 0) {
    const double s = *sigma_within;
    if (lsl) c.cpl = (mean - *lsl) / (3 * s);
    if (usl) c.cpu = (*usl - mean) / (3 * s);
    c.cpk = least(c.cpl, c.cpu);
    if (lsl && usl) c.cp = (*usl - *lsl) / (6 * s);
    if (lsl && usl && target) c.cpm = (*usl - *lsl) / (6 * std::sqrt(s * s + (mean - *target) * (mean - *target)));
  }
  if (sigma_overall && *sigma_overall > 0) {
    const double s = *sigma_overall;
    if (lsl && usl) c.pp = (*usl - *lsl) / (6 * s);
    std::optional<double> lower, upper;
    if (lsl) lower = (mean - *lsl) / (3 * s);
    if (usl) upper = (*usl - mean) / (3 * s);
    c.ppk = least(lower, upper);
  }
  return c;
}

std::optional<double> sigma_level(double dpmo) {
  if (dpmo <= 0 || dpmo >= 1e6) return std::nullopt;
  return boost::math::quantile(boost::math::normal{}, 1 - dpmo / 1e6) + 1.5;
}

Result<QualityFigures> quality(const StoreView& view, const QualityRequest& request, Timestamp now,
                               const std::stop_token& stop) {
  const auto machine = machines_of(view, {Scope::Kind::machine, request.machine});
  if (!machine) return machine.error();
  const MachineRecord& record = view.machine(machine->front());
  const Timestamp end = std::min({request.range.end, now, record.end_of_pieces()});
  QualityFigures figures;
  std::vector<InspectionRow> inspections;
  std::set<std::string_view> products;
  std::unordered_map<std::uint64_t, bool> first_failed;
  std::unordered_set<std::uint64_t> inspected, defective;
  std::size_t seen = 0;
  for (auto at = record.quality().begin(); at != record.quality().end() && at->at < end; ++at) {
    if (++seen % 4096 == 0 && stop.stop_requested()) return cancelled();
    const QualityRecord each = *at;
    if (each.rank.withdrawn() || !is_of(view, each, request)) continue;
    if (each.serial != 0) first_failed.try_emplace(each.serial, each.failed);
    if (each.at < request.range.begin) continue;
    if (each.serial != 0) inspected.insert(each.serial);
    if (each.serial != 0 && each.failed) defective.insert(each.serial);
    if (each.failed) figures.failed_quantity += each.quantity;
    products.insert(view.names().text(each.product));
    inspections.push_back({each.at, each.subgroup, each.failed, each.quantity, each.value});
  }
  figures.inspected = static_cast<std::int64_t>(inspected.size());
  figures.defective = static_cast<std::int64_t>(defective.size());
  figures.first_pass = std::ranges::count_if(inspected, [&](auto serial) { return !first_failed.at(serial); });
  figures.kept_from = kept_from(record, request.range);

  const auto known = described(view, request, products);
  figures.lsl = request.lsl || !known ? request.lsl : known->lsl;
  figures.usl = request.usl || !known ? request.usl : known->usl;
  figures.target = request.target || !known ? request.target : known->target;
  const std::int64_t usual = known ? known->subgroup_size : 1;
  figures.subgroup_size =
      request.subgroup_size.value_or(usual > 1 ? usual : usual_size(inspections).value_or(usual));
  if (const auto checked = check_limits(figures); !checked) return checked.error();

  std::vector<double> values;
  for (const InspectionRow& each : inspections) {
    if (!std::isnan(each.value)) values.push_back(each.value);
  }
  figures.values = static_cast<std::int64_t>(values.size());
  if (!values.empty()) {
    const Spread all = spread_of(values.data(), values.size());
    figures.mean = all.mean;
    if (values.size() > 1) figures.sigma_overall = all.deviation;
  }
  if (request.chart != AttributeChart::none) {
    add_attribute_chart(rows_of(inspections, figures.subgroup_size, false), request.chart, request.rules, figures);
  }
  std::vector<Subgroup> groups = rows_of(inspections, figures.subgroup_size, true);
  const auto size = static_cast<std::size_t>(figures.subgroup_size);
  std::erase_if(groups, [&](const Subgroup& group) { return group.values.size() != size; });
  add_value_charts(groups, size, request.rules, figures);
  figures.capability = capability(figures.mean.value_or(0), figures.sigma_within, figures.sigma_overall,
                                  figures.lsl, figures.usl, figures.target);
  return figures;
}

std::string render_quality(const QualityFigures& f) {
  const auto part = [&](std::int64_t of, std::int64_t all) {
    return all > 0 ? std::optional{static_cast<double>(of) / static_cast<double>(all)} : std::nullopt;
  };
  const auto per_million = [](const std::optional<double>& share) {
    return share ? std::optional{*share * 1e6} : std::nullopt;
  };
  const auto fpy = part(f.first_pass, f.inspected), dpu = part(f.failed_quantity, f.inspected);
  const auto dpmo = per_million(dpu);
  JsonText out;
  out.begin_object().member("n", f.values).member("subgroup_size", f.subgroup_size);
  out.member("inspected", f.inspected).member("first_pass", f.first_pass).member("fpy", fpy).member("rty", fpy);
  out.member("dpu", dpu).member("dpmo", dpmo).member("ppm", per_million(part(f.defective, f.inspected)));
  out.member("sigma_level", dpmo ? sigma_level(*dpmo) : std::nullopt);
  out.member("mean", f.mean).member("sigma_within", f.sigma_within).member("sigma_overall", f.sigma_overall);
  out.member("lsl", f.lsl).member("usl", f.usl).member("target", f.target);
  const Capability& c = f.capability;
  out.member("cp", c.cp).member("cpl", c.cpl).member("cpu", c.cpu).member("cpk", c.cpk);
  out.member("pp", c.pp).member("ppk", c.ppk).member("cpm", c.cpm);
  out.key("charts").begin_array();
  for (const ControlChart& chart : f.charts) {
    out.begin_object().member("kind", chart.kind).member("center", chart.center);
    out.member("ucl", chart.ucl).member("lcl", chart.lcl).key("points").begin_array();
    for (const auto& [at, value] : chart.points) out.begin_array().value(at).value(value).end_array();
    out.end_array().key("violations").begin_array();
    for (const Violation& violation : chart.violations) {
      out.begin_object().member("index", std::uint64_t{violation.index}).key("rules").begin_array();
      for (const std::string& rule : violation.rules) out.value(rule);
      out.end_array().end_object();
    }
    out.end_array().end_object();
  }
  out.end_array();
  if (f.kept_from) out.member("kept_from", *f.kept_from);
  return out.end_object().take();
}

Result<DefectPareto> defect_pareto(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                                   const std::stop_token& stop) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  std::map<NameId, std::int64_t> by_defect;
  DefectPareto pareto;
  for (const MachineId machine : *machines) {
    if (stop.stop_requested()) return cancelled();
    const MachineRecord& record = view.machine(machine);
    const TimeRange part{range.begin, std::min({range.end, now, record.end_of_pieces()})};
    if (const auto from = kept_from(record, range))
      pareto.kept_from = std::max(pareto.kept_from.value_or(*from), *from);
    if (part.end <= part.begin) continue;
    for (const CountedPieces& made : record.pieces().counted(part)) {
      if (made.scrap + made.rework != 0) by_defect[made.defect] += made.scrap + made.rework;
    }
    for (auto at = record.quality().begin(); at != record.quality().end() && at->at < part.end; ++at) {
      if (at->at >= part.begin && at->failed && !at->rank.withdrawn()) by_defect[at->defect] += at->quantity;
    }
  }
  const Plant& plant = view.master().latest().plant();
  for (const auto& [defect, quantity] : by_defect) {
    DefectPareto::Item item;
    item.quantity = quantity;
    if (defect != NameId::none) {
      item.key = std::string{view.names().text(defect)};
      const auto known = std::ranges::find(plant.defects, *item.key, &Defect::code);
      item.name = known == plant.defects.end() ? *item.key : known->name;
    }
    pareto.total += quantity;
    pareto.items.push_back(std::move(item));
  }
  std::ranges::sort(pareto.items, [](const auto& a, const auto& b) {
    return a.quantity != b.quantity ? a.quantity > b.quantity : a.key < b.key;
  });
  return pareto;
}

std::string render_defect_pareto(const DefectPareto& pareto) {
  JsonText out;
  std::int64_t so_far = 0;
  out.begin_object().key("items").begin_array();
  for (const DefectPareto::Item& item : pareto.items) {
    so_far += item.quantity;
    out.begin_object().member("key", item.key).member("name", item.name).member("quantity", item.quantity);
    out.member("share", ratio(item.quantity, pareto.total))
        .member("cumulative_share", ratio(so_far, pareto.total))
        .end_object();
  }
  out.end_array().member("total_quantity", pareto.total);
  if (pareto.kept_from) out.member("kept_from", *pareto.kept_from);
  return out.end_object().take();
}

}  // namespace takt
