// takt simulate: a simulated plant, sent to a server or written to a file.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed).
void add_simulate_command(CLI::App& app, int& exit_status);

}  // namespace takt
