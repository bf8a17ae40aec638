// takt verify: a stopped data folder looked through from end to end.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed, also if anything is damaged).
void add_verify_command(CLI::App& app, int& exit_status);

}  // namespace takt
