#include "cli/verify.h"

#include "cli/progress_line.h"
#include "engine/inspect.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace takt {
namespace {

int run(const std::string& data) {
  ProgressLine progress;
  InspectionOptions options;
  options.progress = [&](std::string_view step, double share) { progress.show(step, share); };
  options.tell = [&](const Damage& damage) {
    progress.wipe();
    fmt::print("{}\n", to_string(damage));
  };
  const auto found = inspect_store(data, options);
  progress.wipe();
  if (!found) {
    fmt::print(stderr, "takt verify: {}\n", found.error().context);
    return 1;
  }
  fmt::print(
      "{} of tables, {} commits, {} events, {} readings in {} chunks and {} in the journal, {} machines, {} tags, "
      "{} refused events, "
      "{} rollup cells made anew: ",
      readable_size(found->bytes), found->commits, found->events, found->readings, found->chunks, found->waiting,
      found->machines, found->tags, found->quarantined, found->cells);
  fmt::print("{}\n", found->damages == 0 ? "all is well" : fmt::format("{} damaged", found->damages));
  return found->damages == 0 ? 0 : 1;
}

}  // namespace

void add_verify_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("verify", "Check everything that a data folder holds, down to each checksum");
  const auto data = std::make_shared<std::string>();
  command->add_option("--data", *data, "Data folder of a stopped server")->envname("TAKT_DATA")->required();
  command->footer(
      "Changes nothing. A line for each damage: where, what, and what to do.\n"
      "Exit status: 0 all is well, 1 something is damaged or could not be read, 2 wrong usage.");
  command->callback([data, &exit_status] { exit_status = run(*data); });
}

}  // namespace takt
