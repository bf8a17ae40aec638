#include "cli/audit.h"

#include "cli/progress_line.h"
#include "engine/inspect.h"
#include "export/iso_audit.h"
#include "export/scratch_warehouse.h"
#include "server/version.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <string>

namespace takt {
namespace {

constexpr const char* kPlainText = "table";
constexpr std::size_t kAuditPage = 1000;

struct Arguments {
  std::string data, to, into = ".", output = kPlainText;
};

/// Every checksum, every figure made anew from the events, the chain of the audit log: what `takt verify` does.
Result<void> look_inside(const std::string& data, ComplianceReport& report) {
  ProgressLine progress;
  std::string first;
  InspectionOptions options;
  options.progress = [&](std::string_view step, double share) { progress.show(step, share); };
  options.tell = [&](const Damage& damage) { first = first.empty() ? to_string(damage) : first; };
  const auto found = inspect_store(data, options);
  if (!found) return found.error();
  const bool whole = found->damages == 0;
  report.findings.push_back(
      {"ISO 22400-2",
       "figures follow from events",
       whole ? ComplianceVerdict::pass : ComplianceVerdict::fail,
       whole ? fmt::format("{} sums made anew from {} events are those that are kept", found->cells, found->events)
             : fmt::format("{} damages, the first: {}", found->damages, first),
       {{"sums", found->cells}, {"events", found->events}, {"damages", found->damages}}});
  return {};
}

Result<void> look_at_store(const Store& store, ComplianceReport& report) {
  const auto plant = store.plant();
  if (!plant) return not_found("there is no plant description yet");
  const auto kept = [](std::int64_t days) { return days == 0 ? "for ever" : fmt::format("{} days", days); };
  report.findings.push_back(
      {"Retention",
       "policy",
       ComplianceVerdict::pass,
       fmt::format("events are kept {}, readings {}, rollups and the audit log for ever",
                   kept(plant->retention_events_days), kept(plant->retention_readings_days)),
       {{"events_days", plant->retention_events_days}, {"readings_days", plant->retention_readings_days}}});
  std::uint64_t number = 0, gaps = 0, damaged = 0;
  std::string previous(64, '0');
  for (bool more = true; more;) {
    const auto page = store.audit(number, kAuditPage);
    if (!page) return page.error();
    for (const AuditEntry& entry : *page) {
      if (entry.action == "damaged") ++damaged;
      if (entry.number != number + 1 || (entry.action != "damaged" && entry.previous != previous)) ++gaps;
      number = entry.number;
      previous = entry.hash;
    }
    more = page->size() == kAuditPage;
  }
  const bool whole = gaps == 0 && damaged == 0;
  report.findings.push_back({"Audit trail",
                             "hash chain",
                             whole ? ComplianceVerdict::pass : ComplianceVerdict::fail,
                             fmt::format("{} entries, {} damaged, {} out of the chain", number, damaged, gaps),
                             {{"entries", number}, {"damaged", damaged}, {"gaps", gaps}}});
  return {};
}

Result<ComplianceReport> of_data(const Arguments& arguments) {
  if (!std::filesystem::is_directory(arguments.data)) return not_found(arguments.data + ": no such data folder");
  ComplianceReport inside;
  if (const auto looked = look_inside(arguments.data, inside); !looked) return looked.error();
  const auto store = Store::open(arguments.data, {});
  if (!store) return store.error();
  if (const auto looked = look_at_store(**store, inside); !looked) return looked.error();
  auto tables = ScratchWarehouse::make(**store, arguments.into);
  if (!tables) return tables.error();
  auto report = audit_tables(tables->target());
  if (!report) return report;
  report->findings.insert(report->findings.begin(), inside.findings.begin(), inside.findings.end());
  report->source = arguments.data;
  return report;
}

Result<ComplianceReport> of_target(const Arguments& arguments) {
  const auto url = parse_target_url(arguments.to);
  if (!url) return url.error();
  auto target = ExportTarget::open(*url, ExportTarget::Mode::existing);
  if (!target) return target.error();
  const auto version = target->version();
  if (!version) return version.error();
  if (*version != ExportTarget::newest_version())
    return invalid(fmt::format("its schema has version {}, not {}; bring it up to date with takt schema up",
                               *version, ExportTarget::newest_version()));
  auto report = audit_tables(*target);
  if (!report) return report;
  report->source = shown(*url);
  for (const char* standard : {"Retention", "Audit trail"})
    report->findings.push_back(
        {standard, "", ComplianceVerdict::not_checked, "the data folder tells it: --data DIR", {}});
  return report;
}

Result<void> write_file(const std::filesystem::path& file, std::string_view text) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) return io_error(fmt::format("{}: cannot be written", file.string()));
  return {};
}

Result<int> run(const Arguments& arguments) {
  if (arguments.data.empty() == arguments.to.empty())
    return invalid("say what is to be looked at: --data DIR of a stopped server, or --to URL of a warehouse");
  std::error_code error;
  std::filesystem::create_directories(arguments.into, error);
  if (error) return io_error(fmt::format("{}: cannot be made: {}", arguments.into, error.message()));
  auto report = arguments.to.empty() ? of_data(arguments) : of_target(arguments);
  if (!report) return report.error();
  report->made = Clock::system().now();
  report->version = kVersion;
  const std::filesystem::path folder = arguments.into;
  const std::string page = to_html(*report), json = to_json_text(*report);
  if (const auto written = write_file(folder / "iso_audit.html", page); !written) return written.error();
  if (const auto written = write_file(folder / "iso_audit.json", json); !written) return written.error();
  fmt::print("{}", arguments.output == "json" ? json : arguments.output == "html" ? page : to_lines(*report));
  return report->verdict() == ComplianceVerdict::fail ? 1 : 0;
}

}  // namespace

void add_audit_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("audit", "Compliance reports");
  command->require_subcommand(1);
  CLI::App* iso = command->add_subcommand("iso", "ISO 22400-2, ISO 9001, ISO 14224, retention and audit trail");
  const auto arguments = std::make_shared<Arguments>();
  auto* data = iso->add_option("--data", arguments->data, "Data folder of a stopped server")->envname("TAKT_DATA");
  iso->add_option("--to", arguments->to, "Warehouse: sqlite:FILE or postgresql://USER@HOST/DATABASE")
      ->envname("TAKT_TO")
      ->excludes(data);
  iso->add_option("--into", arguments->into, "Folder for iso_audit.html and iso_audit.json")
      ->capture_default_str();
  iso->add_option("--output", arguments->output, "What is printed: table, json or html")
      ->check(CLI::IsMember({kPlainText, "json", "html"}))
      ->capture_default_str();
  iso->footer("Exit status: 0 no check failed, 1 one failed or nothing could be looked at, 2 wrong usage.");
  iso->callback([arguments, &exit_status] {
    const Result<int> status = run(*arguments);
    if (!status) fmt::print(stderr, "takt audit iso: {}\n", status.error().context);
    exit_status = status ? *status : 1;
  });
}

}  // namespace takt
