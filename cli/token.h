// takt token: makes, lists and revokes tokens, in the data folder of a stopped server or by a running one.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed).
void add_token_command(CLI::App& app, int& exit_status);

}  // namespace takt
