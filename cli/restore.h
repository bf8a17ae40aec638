// takt restore: a data folder from a backup.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed).
void add_restore_command(CLI::App& app, int& exit_status);

}  // namespace takt
