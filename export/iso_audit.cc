#include "export/iso_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace takt {
namespace {

namespace json = boost::json;

constexpr const char* kOee = "ISO 22400-2";
constexpr const char* kQuality = "ISO 9001";
constexpr const char* kReliability = "ISO 14224";

/// A question whose answer is how many rows are not as they should be.
struct SqlCheck {
  const char* standard;
  const char* check;
  ComplianceVerdict if_any;
  const char* rule;  ///< what holds of every row
  const char* rows;  ///< what is counted
  const char* sql;
};

// Sums of times are exact to the microsecond, and told in seconds: half of one is allowed for the digits of a
// double.
constexpr SqlCheck kChecks[] = {
    {kOee, "time adds up", ComplianceVerdict::fail, "planned busy time = production + setup + delay", "hours",
     "SELECT count(*) FROM oee_rollup_hourly WHERE abs(planned_busy_time_s - actual_production_time_s - "
     "actual_unit_setup_time_s - actual_unit_delay_time_s) > 0.0000005"},
    {kOee, "pieces add up", ComplianceVerdict::fail, "produced = good + scrap + rework", "hours",
     "SELECT count(*) FROM oee_rollup_hourly WHERE produced_quantity <> good_quantity + scrap_quantity + "
     "rework_quantity"},
    {kOee, "availability", ComplianceVerdict::fail,
     "availability = production / planned busy time, none where that is zero", "hours",
     "SELECT count(*) FROM oee_rollup_hourly WHERE (availability IS NULL) <> (planned_busy_time_s = 0) OR "
     "abs(availability - actual_production_time_s / nullif(planned_busy_time_s, 0)) > 0.000000000001"},
    {kOee, "OEE", ComplianceVerdict::fail, "OEE = ideal good time / planned busy time", "hours",
     "SELECT count(*) FROM oee_rollup_hourly WHERE ideal_good_time_s IS NOT NULL AND planned_busy_time_s > 0 AND "
     "(oee IS NULL OR abs(oee - ideal_good_time_s / planned_busy_time_s) > 0.000000001)"},
    {kOee, "hours make days", ComplianceVerdict::fail, "the hours of a machine's day add up to it", "days",
     "SELECT count(*) FROM oee_rollup_daily d LEFT JOIN (SELECT machine, business_date, sum(planned_busy_time_s) "
     "AS busy, "
     "sum(good_quantity) AS good, sum(stops) AS stops FROM oee_rollup_hourly GROUP BY machine, business_date) h "
     "ON h.machine = d.machine AND h.business_date = d.business_date WHERE h.machine IS NULL OR "
     "abs(h.busy - d.planned_busy_time_s) > 0.0000005 OR h.good <> d.good_quantity OR h.stops <> d.stops"},
    {kOee, "every machine is described", ComplianceVerdict::fail, "rollups name machines of dim_equipment",
     "machines",
     "SELECT count(DISTINCT machine) FROM oee_rollup_daily r WHERE NOT EXISTS (SELECT 1 FROM dim_equipment e "
     "WHERE "
     "e.level = 'machine' AND e.id = r.machine)"},
    {kOee, "ideal cycles", ComplianceVerdict::warn,
     "every piece has an ideal cycle, or effectiveness and OEE are unknown", "days of machines",
     "SELECT count(*) FROM oee_rollup_daily WHERE produced_quantity > 0 AND ideal_production_time_s IS NULL"},
    {kQuality, "nonconformities are named", ComplianceVerdict::warn, "a failed inspection names its defect",
     "inspections", "SELECT count(*) FROM fact_quality WHERE result = 'fail' AND defect IS NULL"},
    {kQuality, "dispositions", ComplianceVerdict::warn, "an inspection has a result", "inspections",
     "SELECT count(*) FROM fact_quality WHERE result IS NULL"},
    {kQuality, "scrap is explained", ComplianceVerdict::warn, "scrap and rework name a defect", "hours",
     "SELECT count(*) FROM fact_scrap WHERE defect = ''"},
    {kReliability, "failure records", ComplianceVerdict::warn,
     "a reason of category failure tells mode, mechanism, cause and detection", "reasons",
     "SELECT count(*) FROM dim_downtime_reason WHERE category = 'failure' AND (iso14224_mode IS NULL OR "
     "iso14224_mechanism IS NULL OR iso14224_cause IS NULL OR iso14224_detection IS NULL)"},
    {kReliability, "stops are explained", ComplianceVerdict::warn, "a stop that is not minor has a reason",
     "stops", "SELECT count(*) FROM fact_downtime WHERE reason IS NULL AND NOT minor_stop AND NOT open"},
    {kReliability, "reasons are described", ComplianceVerdict::warn, "stops name reasons of dim_downtime_reason",
     "reasons",
     "SELECT count(DISTINCT reason) FROM fact_downtime f WHERE reason IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
     "dim_downtime_reason r WHERE r.reason = f.reason)"},
};

/// What a report tells beside its verdicts: a row of numbers, each under a name.
struct SqlFigures {
  const char* standard;
  const char* check;
  const char* sql;
  std::vector<const char*> names;
};
const std::vector<SqlFigures>& figures_told() {
  static const std::vector<SqlFigures> kFigures = {
      {kOee,
       "figures",
       "SELECT count(DISTINCT machine), sum(planned_busy_time_s), sum(actual_production_time_s) / "
       "nullif(sum(planned_busy_time_s), 0), sum(unknown_time_s), sum(produced_quantity), sum(good_quantity) FROM "
       "oee_rollup_daily",
       {"machines", "planned_busy_time_s", "availability", "unknown_time_s", "produced_quantity",
        "good_quantity"}},
      {kQuality,
       "figures",
       "SELECT count(*), sum(CASE WHEN result = 'fail' THEN 1 ELSE 0 END), CAST(sum(CASE WHEN result = 'fail' "
       "THEN 1 ELSE "
       "0 END) AS double precision) * 1000000 / nullif(count(*), 0) FROM fact_quality",
       {"inspections", "failed", "failed_ppm"}},
      // ISO 14224: MTBF = operating time / failures, MTTR = failure time / failures.
      {kReliability,
       "figures",
       "SELECT f.failures, o.operating, o.operating / nullif(f.failures, 0), f.down / nullif(f.failures, 0) FROM "
       "(SELECT sum(actual_production_time_s + actual_unit_setup_time_s + unplanned_production_time_s) AS "
       "operating FROM "
       "oee_rollup_daily) o CROSS JOIN (SELECT count(*) AS failures, sum(duration_s) AS down FROM fact_downtime "
       "WHERE "
       "reason_category = 'failure') f",
       {"failures", "operating_time_s", "mtbf_s", "mttr_s"}}};
  return kFigures;
}

json::value json_of(const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) return json::string(*text);
  return nullptr;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// name 12.5, name 3
std::string readable(const json::object& figures) {
  std::string text;
  for (const auto& [name, value] : figures) {
    const std::string number =
        value.is_double() ? fmt::format("{:.6g}", value.get_double()) : json::serialize(value);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", std::string_view{name},
                        value.is_null() ? "none" : number);
  }
  return text;
}

std::vector<std::string> standards_of(const ComplianceReport& report) {
  std::vector<std::string> names;
  for (const ComplianceFinding& finding : report.findings) {
    if (std::find(names.begin(), names.end(), finding.standard) == names.end()) names.push_back(finding.standard);
  }
  return names;
}

}  // namespace

std::string_view name_of(ComplianceVerdict verdict) {
  switch (verdict) {
    case ComplianceVerdict::pass:
      return "pass";
    case ComplianceVerdict::warn:
      return "warn";
    case ComplianceVerdict::fail:
      return "fail";
    case ComplianceVerdict::not_checked:
      break;
  }
  return "not checked";
}

ComplianceVerdict ComplianceReport::verdict() const {
  ComplianceVerdict worst = ComplianceVerdict::pass;
  for (const ComplianceFinding& finding : findings) {
    if (finding.verdict != ComplianceVerdict::not_checked) worst = std::max(worst, finding.verdict);
  }
  return worst;
}

Result<ComplianceReport> audit_tables(ExportTarget& target) {
  ComplianceReport report;
  const auto watermark = target.watermark();
  if (!watermark) return watermark.error();
  if (!*watermark) return not_found("nothing was exported to this target yet");
  report.watermark = **watermark;
  const auto plant = target.query("SELECT id, name FROM dim_equipment WHERE level = 'plant'");
  if (!plant) return plant.error();
  if (!plant->empty()) {
    report.plant = std::get<std::string>(plant->front()[0]);
    report.plant_name = std::get<std::string>(plant->front()[1]);
  }
  for (const char* standard : {kOee, kQuality, kReliability}) {
    for (const SqlFigures& told : figures_told()) {
      if (std::string_view{told.standard} != standard) continue;
      const auto row = target.query(told.sql);
      if (!row) return row.error();
      ComplianceFinding finding{told.standard, told.check, ComplianceVerdict::pass, "", {}};
      for (std::size_t i = 0; i < told.names.size(); ++i)
        finding.figures[told.names[i]] = json_of(row->front()[i]);
      finding.text = readable(finding.figures);
      report.findings.push_back(std::move(finding));
    }
    for (const SqlCheck& check : kChecks) {
      if (std::string_view{check.standard} != standard) continue;
      const auto found = target.query(check.sql);
      if (!found) return found.error();
      const auto count = std::get<std::int64_t>(found->front()[0]);
      report.findings.push_back(
          {check.standard,
           check.check,
           count == 0 ? ComplianceVerdict::pass : check.if_any,
           count == 0 ? check.rule : fmt::format("{}: not so in {} {}", check.rule, count, check.rows),
           {{"violations", count}}});
    }
  }
  return report;
}

std::string to_json_text(const ComplianceReport& report) {
  json::array sections;
  for (const std::string& standard : standards_of(report)) {
    json::array findings;
    for (const ComplianceFinding& finding : report.findings) {
      if (finding.standard != standard) continue;
      findings.push_back({{"check", finding.check},
                          {"verdict", name_of(finding.verdict)},
                          {"text", finding.text},
                          {"figures", finding.figures}});
    }
    sections.push_back({{"standard", standard}, {"findings", std::move(findings)}});
  }
  const json::object all{{"report", "iso"},
                         {"made", format_time(report.made)},
                         {"takt", report.version},
                         {"source", report.source},
                         {"plant", {{"id", report.plant}, {"name", report.plant_name}}},
                         {"commit", report.watermark.commit},
                         {"data_as_of", format_time(report.watermark.flushed)},
                         {"verdict", name_of(report.verdict())},
                         {"sections", std::move(sections)}};
  return json::serialize(all) + '\n';
}

std::string to_html(const ComplianceReport& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>ISO compliance report: "
      "{0}</title>\n"
      "<style>body{{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
      "1rem;color:#1b1f24}}"
      "table{{border-collapse:collapse;width:100%}}td,th{{border-bottom:1px solid #d0d7de;padding:.4rem .6rem;"
      "text-align:left;vertical-align:top}}.pass{{color:#116329}}.warn{{color:#7d4e00}}.fail{{color:#a40e26;font-"
      "weight:700}}"
      ".sign td{{height:2.2rem}}</style></head><body>\n<h1>ISO compliance report</h1>\n"
      "<p>{0} ({1}), data as of {2}, commit {3}. Made {4} from {5} by Takt {6}.</p>\n"
      "<p>Verdict: <strong class=\"{7}\">{7}</strong></p>\n",
      escaped(report.plant_name.empty() ? report.plant : report.plant_name), escaped(report.plant),
      format_time(report.watermark.flushed), report.watermark.commit, format_time(report.made),
      escaped(report.source), escaped(report.version), name_of(report.verdict()));
  for (const std::string& standard : standards_of(report)) {
    out += fmt::format("<h2>{}</h2>\n<table><tr><th>Check</th><th>Verdict</th><th>Finding</th></tr>\n",
                       escaped(standard));
    for (const ComplianceFinding& finding : report.findings) {
      if (finding.standard != standard) continue;
      const std::string_view verdict = name_of(finding.verdict);
      out += fmt::format("<tr><td>{}</td><td class=\"{}\">{}</td><td>{}</td></tr>\n", escaped(finding.check),
                         verdict, verdict, escaped(finding.text));
    }
    out += "</table>\n";
  }
  out +=
      "<h2>Document control</h2>\n<table class=\"sign\"><tr><th>Owner</th><td></td><th>Next "
      "review</th><td></td></tr>"
      "<tr><th>Approved by</th><td></td><th>Date</th><td></td></tr></table>\n</body></html>\n";
  return out;
}

std::string to_lines(const ComplianceReport& report) {
  std::string out;
  for (const std::string& standard : standards_of(report)) {
    out += standard + '\n';
    for (const ComplianceFinding& finding : report.findings) {
      if (finding.standard == standard)
        out += fmt::format("  {:<11} {}: {}\n", name_of(finding.verdict), finding.check, finding.text);
    }
  }
  return out + fmt::format("verdict: {}\n", name_of(report.verdict()));
}

}  // namespace takt
