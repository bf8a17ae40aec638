// takt schema: a warehouse's tables, made, taken back, shown, and compared with the engine.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-commands; running one sets `exit_status` (0 done, 1 failed or not equal).
void add_schema_command(CLI::App& app, int& exit_status);

}  // namespace takt
