// takt audit iso: the compliance report.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed, also if a check of the report fails).
void add_audit_command(CLI::App& app, int& exit_status);

}  // namespace takt
