// takt doctor: a quick look at a data folder, in plain words.
#pragma once

namespace CLI {
class App;
}

namespace takt {

/// Adds the sub-command; running it sets `exit_status` (0 done, 1 failed, also if anything is bad).
void add_doctor_command(CLI::App& app, int& exit_status);

}  // namespace takt
