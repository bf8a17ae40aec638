// takt backup: makes, lists and verifies backups of a data folder.
#pragma once

#include "engine/backup.h"

#include <vector>

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed).
void add_backup_command(CLI::App& app, int& exit_status);

/// A line for each.
void print_backups(const std::vector<Backup>& backups);

}  // namespace takt
