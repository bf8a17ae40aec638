#pragma once

namespace CLI {
class App;
}

namespace takt {

/// takt push: store and forward from standard input.
void add_push_command(CLI::App& app, int& exit_status);

}  // namespace takt
