#include "cli/audit.h"
#include "cli/backup.h"
#include "cli/compact.h"
#include "cli/doctor.h"
#include "cli/export.h"
#include "cli/import.h"
#include "cli/push.h"
#include "cli/query.h"
#include "cli/restore.h"
#include "cli/schema.h"
#include "cli/serve.h"
#include "cli/simulate.h"
#include "cli/token.h"
#include "cli/verify.h"
#include "server/version.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

namespace {

constexpr int kWrongUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Takt: the OEE engine for factories"};
  app.name("takt");
  app.set_version_flag("--version", fmt::format("takt {}", takt::kVersion));
  app.require_subcommand(1);
  int exit_status = 0;
  takt::add_serve_command(app, exit_status);
  takt::add_import_command(app, exit_status);
  takt::add_push_command(app, exit_status);
  takt::add_query_command(app, exit_status);
  takt::add_export_command(app, exit_status);
  takt::add_schema_command(app, exit_status);
  takt::add_simulate_command(app, exit_status);
  takt::add_token_command(app, exit_status);
  takt::add_backup_command(app, exit_status);
  takt::add_restore_command(app, exit_status);
  takt::add_verify_command(app, exit_status);
  takt::add_doctor_command(app, exit_status);
  takt::add_audit_command(app, exit_status);
  takt::add_compact_command(app, exit_status);
  takt::add_demo_command(app, exit_status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version end here too, with status 0; everything else is wrong usage, said in one line.
    if (error.get_exit_code() == 0) return app.exit(error);
    std::string what = error.what();
    const bool unknown_command = argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty();
    if (unknown_command) what = fmt::format("there is no command \"{}\"", argv[1]);
    std::replace(what.begin(), what.end(), '\n', ' ');
    fmt::print(stderr, "takt: {}; see takt --help\n", what);
    return kWrongUsage;
  }
  return exit_status;
}
