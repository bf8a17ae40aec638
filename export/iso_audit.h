// The compliance report: whether a warehouse's figures are what ISO 22400-2 says, what of ISO 9001 and ISO 14224
// is not recorded, and what is kept.
#pragma once

#include "export/export_target.h"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// fail: figures do not add up, or something was altered. warn: something that the standard wants is not recorded.
enum class ComplianceVerdict { pass, warn, fail, not_checked };
std::string_view name_of(ComplianceVerdict verdict);

struct ComplianceFinding {
  std::string standard;  ///< ISO 22400-2, ISO 9001, ISO 14224, Retention, Audit trail
  std::string check;     ///< such as "time adds up"
  ComplianceVerdict verdict = ComplianceVerdict::pass;
  std::string text;
  boost::json::object figures;
};

struct ComplianceReport {
  Timestamp made;
  std::string version;  ///< of Takt
  std::string source;   ///< the data folder, or the target without its password
  std::string plant, plant_name;
  Watermark watermark;  ///< what the rows know
  std::vector<ComplianceFinding> findings;

  /// The worst of all; what was not checked does not count.
  ComplianceVerdict verdict() const;
};

/// What the tables tell. not_found: nothing was exported there yet.
Result<ComplianceReport> audit_tables(ExportTarget& target);

std::string to_json_text(const ComplianceReport& report);
/// One page without anything from elsewhere, to be printed and signed.
std::string to_html(const ComplianceReport& report);
/// Lines for a terminal.
std::string to_lines(const ComplianceReport& report);

}  // namespace takt
