// takt serve and takt demo: the server, alone or with a simulated plant beside it.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Add the sub-commands; running one sets `exit_status` (0 done, 1 failed).
void add_serve_command(CLI::App& app, int& exit_status);
void add_demo_command(CLI::App& app, int& exit_status);

}  // namespace takt
