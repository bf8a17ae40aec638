// takt compact: the database of a stopped server written anew, as small as it gets.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed).
void add_compact_command(CLI::App& app, int& exit_status);

}  // namespace takt
