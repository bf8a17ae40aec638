// Inspections of a characteristic: yields, capability, control charts; and what defects cost the most pieces
// (contract 4).
#pragma once

#include "engine/store.h"
#include "query/spc.h"

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Charts of failed inspections rather than of values: the share or number of failed units, of defects, of defects
/// a unit.
enum class AttributeChart : std::uint8_t { none, p, np, c, u };
std::optional<AttributeChart> attribute_chart_named(std::string_view name);

struct QualityRequest {
  std::string machine, characteristic;
  std::optional<std::string> product;  ///< inspections of other products are left out
  TimeRange range;
  std::optional<double> lsl, usl, target;  ///< else those that the plant describes for the product
  std::optional<std::int64_t> subgroup_size;
  RuleSet rules = RuleSet::nelson;
  AttributeChart chart = AttributeChart::none;
};

/// A point for each subgroup, at the time of its first inspection.
struct ControlChart {
  std::string_view kind;
  double center = 0, ucl = 0, lcl = 0;
  std::vector<std::pair<Timestamp, double>> points;
  std::vector<Violation> violations;
};

/// Capability by ISO 22514 / SAS: with sigma within subgroups (cp, cpk, cpm) and over all (pp, ppk). Absent where
/// a limit is missing or nothing spreads; of one limit cpk and ppk are one-sided.
struct Capability {
  std::optional<double> cp, cpl, cpu, cpk, pp, ppk, cpm;
};
Capability capability(double mean, std::optional<double> sigma_within, std::optional<double> sigma_overall,
                      const std::optional<double>& lsl, const std::optional<double>& usl,
                      const std::optional<double>& target);

/// Defects a million opportunities, and how many sigmas that leaves with the usual shift of 1.5; absent of none
/// and of all.
std::optional<double> sigma_level(double dpmo);

struct QualityFigures {
  std::int64_t values = 0, subgroup_size = 1;
  std::int64_t inspected = 0,
               first_pass = 0;  ///< serials; passed at their first inspection, be it before the range
  std::int64_t defective = 0;   ///< serials with a failed inspection in the range
  std::int64_t failed_quantity = 0;
  std::optional<double> mean, sigma_within, sigma_overall;
  std::optional<double> lsl, usl, target;
  Capability capability;
  std::vector<ControlChart> charts;
  std::optional<Timestamp> kept_from;  ///< inspections of before are retained no more, and not in it
};

/// not_found: no such machine; corruption: its history is damaged; cancelled: soon after stop was requested;
/// invalid_argument: a limit or size makes no sense.
Result<QualityFigures> quality(const StoreView& view, const QualityRequest& request, Timestamp now,
                               const std::stop_token& stop = {});
std::string render_quality(const QualityFigures& figures);

/// Pieces by their defect: scrap and rework of counts, and the quantity of failed inspections, planned or not.
struct DefectPareto {
  struct Item {
    std::optional<std::string> key, name;  ///< no key: no defect was named
    std::int64_t quantity = 0;
  };
  std::vector<Item> items;  ///< most first
  std::int64_t total = 0;
  std::optional<Timestamp> kept_from;
};
Result<DefectPareto> defect_pareto(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                                   const std::stop_token& stop = {});
std::string render_defect_pareto(const DefectPareto& pareto);

}  // namespace takt
