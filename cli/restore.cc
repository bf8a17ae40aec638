#include "cli/restore.h"

#include "cli/backup.h"
#include "cli/progress_line.h"
#include "engine/inspect.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

namespace takt {
namespace {

struct Arguments {
  std::string from, data;
  std::optional<std::uint32_t> number;
  bool list = false;
};

/// What was restored, looked through like any store; the first damage stands for all.
Result<void> check(const std::filesystem::path& folder, ProgressLine& progress, Inspection& found) {
  std::string first;
  InspectionOptions options;
  options.tell = [&](const Damage& damage) {
    if (first.empty()) first = damage.where + ": " + damage.what;
  };
  options.progress = [&](std::string_view step, double share) {
    progress.show(fmt::format("verifying {}", step), share);
  };
  const auto inspected = inspect_store(folder, options);
  if (!inspected) return inspected.error();
  found = *inspected;
  if (found.damages == 0) return {};
  return corruption(fmt::format("{}{}; choose another with --backup", first,
                                found.damages == 1 ? "" : fmt::format(" (and {} more)", found.damages - 1)));
}

Result<void> restore(const Arguments& arguments) {
  if (arguments.list) {
    const auto backups = list_backups(arguments.from);
    if (!backups) return backups.error();
    print_backups(*backups);
    return {};
  }
  ProgressLine progress;
  progress.show("copying", -1);
  Inspection found;
  const auto restored = restore_backup(arguments.from, arguments.number, arguments.data,
                                       [&](const auto& folder) { return check(folder, progress, found); });
  if (!restored) return restored.error();
  progress.wipe();
  fmt::print("backup {} of {} restored to {} and verified: {} machines, {} events, {} readings in {} chunks\n",
             restored->number, format_time(restored->time), arguments.data, found.machines, found.events,
             found.readings, found.chunks);
  return {};
}

int run(const Arguments& arguments) {
  const auto done = restore(arguments);
  if (done) return 0;
  fmt::print(stderr, "takt restore: {}\n", done.error().context);
  return 1;
}

}  // namespace

void add_restore_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("restore", "Make a data folder from a backup, and verify it");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--from", arguments->from, "Backup folder")->envname("TAKT_FROM")->required();
  command->add_option("--backup", arguments->number, "Number of the backup (default: the newest)")
      ->envname("TAKT_BACKUP");
  auto* data = command->add_option("--data", arguments->data, "Data folder to make; must be empty or not exist")
                   ->envname("TAKT_DATA");
  command->add_flag("--list", arguments->list, "Show the backups instead");
  command->footer(
      "Nothing is overwritten, and nothing half-made is left behind. Exit status: 0 done, 1 failed, 2 wrong "
      "usage.");
  command->callback([data, arguments, &exit_status] {
    if (data->empty() && !arguments->list) throw CLI::RequiredError("--data DIR or --list");
    exit_status = run(*arguments);
  });
}

}  // namespace takt
