// takt query: the calls of the API that ask something, as tables, CSV or JSON.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed).
void add_query_command(CLI::App& app, int& exit_status);

}  // namespace takt
