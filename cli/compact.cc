#include "cli/compact.h"

#include "cli/progress_line.h"
#include "engine/compact.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace takt {
namespace {

int run(const std::string& data) {
  ProgressLine progress;
  const auto report = compact_store(data, [&](std::string_view step) { progress.show(std::string{step}, -1); });
  progress.wipe();
  if (!report) {
    fmt::print(stderr, "takt compact: {}\n", report.error().context);
    return 1;
  }
  for (const FamilySize& size : report->families)
    fmt::print("{:<12} {:>10} -> {:>10}\n", size.family, readable_size(size.before), readable_size(size.after));
  fmt::print("{:<12} {:>10} -> {:>10}\n", "all files", readable_size(report->before),
             readable_size(report->after));
  return 0;
}

}  // namespace

void add_compact_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("compact", "Make the data folder of a stopped server as small as it gets");
  const auto data = std::make_shared<std::string>();
  command->add_option("--data", *data, "Data folder of a stopped server")->envname("TAKT_DATA")->required();
  command->footer("A running server compacts by itself. Exit status: 0 done, 1 failed, 2 wrong usage.");
  command->callback([data, &exit_status] { exit_status = run(*data); });
}

}  // namespace takt
