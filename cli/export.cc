#include "cli/export.h"

#include "cli/progress_line.h"
#include "engine/store.h"
#include "export/csv_export.h"
#include "export/flush.h"
#include "export/target_url.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

namespace takt {
namespace {

struct Arguments {
  std::string data, to, from, to_time;
};

/// The span of --from and --to-time; none if neither is given.
Result<std::optional<TimeRange>> span_of(const Arguments& arguments, Timestamp now) {
  if (arguments.from.empty() && arguments.to_time.empty()) return std::optional<TimeRange>{};
  TimeRange span{kBeginOfTime, now};
  if (!arguments.from.empty()) {
    const auto from = parse_time(arguments.from);
    if (!from) return Error{from.error().code, "--from: " + from.error().context};
    span.begin = *from;
  }
  if (!arguments.to_time.empty()) {
    const auto to = parse_time(arguments.to_time);
    if (!to) return Error{to.error().code, "--to-time: " + to.error().context};
    span.end = *to;
  }
  if (span.empty()) return invalid("--to-time must lie after --from");
  return std::optional{span};
}

constexpr std::string_view kCsv = "csv:";

Result<std::string> into_files(const Store& store, const std::string& folder, std::optional<TimeRange> span) {
  if (folder.empty()) return invalid("--to names no folder; write csv:DIR");
  ProgressLine line;
  const auto report =
      export_csv(store, folder, span, [&](std::string_view table, double share) { line.show(table, share); });
  if (!report) return report.error();
  return fmt::format("{} rows written to {} files in {}", report->rows, report->files, folder);
}

/// What was done, in a sentence.
Result<std::string> export_all(const Arguments& arguments) {
  const auto span = span_of(arguments, Clock::system().now());
  if (!span) return span.error();
  if (!std::filesystem::is_directory(arguments.data)) {
    return not_found(fmt::format("{}: no such data folder", arguments.data));
  }
  const auto store = Store::open(arguments.data, {});
  if (!store) return store.error();
  if (arguments.to.starts_with(kCsv)) return into_files(**store, arguments.to.substr(kCsv.size()), *span);
  const auto url = parse_target_url(arguments.to);
  if (!url) return url.error();
  auto target = ExportTarget::open(*url, ExportTarget::Mode::create);
  if (!target) return target.error();
  if (const auto migrated = target->migrate_to(ExportTarget::newest_version()); !migrated) return migrated.error();
  const auto report = flush(**store, *target, *span);
  if (!report) return report.error();
  if (const auto tended = target->tend(); !tended) return tended.error();
  return fmt::format("{} rows written to {}, up to commit {}", report->rows_written, shown(*url),
                     report->watermark);
}

int run(const Arguments& arguments) {
  const auto report = export_all(arguments);
  if (!report) {
    fmt::print(stderr, "takt export: {}\n", report.error().context);
    return 1;
  }
  fmt::print("{}\n", *report);
  return 0;
}

}  // namespace

void add_export_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("export", "Bring a warehouse up to date with the data of a stopped server");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--data", arguments->data, "Data folder")->envname("TAKT_DATA")->required();
  command->add_option("--to", arguments->to, "Target: sqlite:FILE, postgresql://USER@HOST/DATABASE or csv:DIR")
      ->envname("TAKT_TO")
      ->required();
  command
      ->add_option("--from", arguments->from, "Write only what lies in a span, changed or not: from this time on")
      ->envname("TAKT_FROM");
  command->add_option("--to-time", arguments->to_time, "End of that span (default: now)")->envname("TAKT_TO_TIME");
  command->add_flag_callback(
      "--once", [] {}, "Leave after one flush, as a stopped server's data needs no other");
  command->footer(
      "A running server exports by itself (serve --export). Exit status: 0 done, 1 failed, 2 wrong usage.");
  command->callback([arguments, &exit_status] { exit_status = run(*arguments); });
}

}  // namespace takt
