#include "cli/doctor.h"

#include "engine/checkup.h"
#include "export/export_target.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>

namespace takt {
namespace {

/// The default warehouse, if there is one: whether it can be read, and how far it lags.
Finding look_at_warehouse(const std::filesystem::path& file, const CheckUp& check_up) {
  const auto unusable = [](const std::string& why) {
    return Finding{Health::warn, "warehouse", why,
                   "it can be deleted while the server is stopped: the next start makes it anew"};
  };
  auto target = ExportTarget::open(SqliteUrl{file}, ExportTarget::Mode::existing);
  if (!target) return unusable(target.error().context);
  const auto watermark = target->watermark();
  if (!watermark) return unusable(watermark.error().context);
  if (!*watermark) return {Health::ok, "warehouse", "nothing was exported to it yet", ""};
  const Watermark& mark = **watermark;
  if (mark.store_id.substr(0, 32) != check_up.store_id.substr(0, 32))
    return unusable("its rows come from another store, " + mark.store_id);
  std::string text = fmt::format("holds commit {}, flushed {}", mark.commit, format_time(mark.flushed));
  if (!check_up.looked_inside) return {Health::ok, "warehouse", text, ""};
  if (mark.store_id != check_up.store_id || mark.commit > check_up.commit)
    return {Health::ok, "warehouse", text + ", from before the data was restored: the next flush writes it anew",
            ""};
  text += mark.commit == check_up.commit ? ": up to date"
                                         : fmt::format(": {} commits behind", check_up.commit - mark.commit);
  return {Health::ok, "warehouse", text, ""};
}

void print(const Finding& finding) {
  constexpr const char* kWords[] = {"ok", "warn", "bad"};
  fmt::print("{:<5} {}: {}{}\n", kWords[static_cast<std::size_t>(finding.health)], finding.topic, finding.text,
             finding.remedy.empty() ? "" : "; " + finding.remedy);
}

int run(const std::filesystem::path& data) {
  CheckUp check_up = takt::check_up(data, Clock::system());
  if (!check_up.store_id.empty() && std::filesystem::exists(data / "warehouse.sqlite"))
    check_up.findings.push_back(look_at_warehouse(data / "warehouse.sqlite", check_up));
  for (const Finding& finding : check_up.findings) print(finding);
  const auto count = [&](Health health) {
    return std::count_if(check_up.findings.begin(), check_up.findings.end(),
                         [&](const Finding& finding) { return finding.health == health; });
  };
  const auto bad = count(Health::bad), warnings = count(Health::warn);
  fmt::print("{}\n", bad + warnings == 0 ? "all is well" : fmt::format("{} bad, {} to be watched", bad, warnings));
  return bad == 0 ? 0 : 1;
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("doctor", "Look a data folder over: what it holds, and what it lacks");
  const auto data = std::make_shared<std::string>();
  command->add_option("--data", *data, "Data folder")->envname("TAKT_DATA")->required();
  command->footer(
      "Takes seconds and changes nothing; takt verify looks at every checksum.\n"
      "Exit status: 0 nothing is bad, 1 something is, 2 wrong usage.");
  command->callback([data, &exit_status] { exit_status = run(*data); });
}

}  // namespace takt
