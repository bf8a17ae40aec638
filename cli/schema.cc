#include "cli/schema.h"

#include "cli/server_access.h"
#include "cli/verify_server.h"
#include "engine/store.h"
#include "export/export_target.h"
#include "export/migrations.h"
#include "export/schema_text.h"
#include "export/target_url.h"
#include "export/verify.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

namespace takt {
namespace {

struct Arguments {
  std::string to, data;
  ServerAccess server;
  std::optional<int> version;
  bool prisma = false, dictionary = false;
};

Result<ExportTarget> open_target(const Arguments& arguments, ExportTarget::Mode mode) {
  const auto url = parse_target_url(arguments.to);
  if (!url) return url.error();
  return ExportTarget::open(*url, mode);
}

Result<int> up(const Arguments& arguments) {
  auto target = open_target(arguments, ExportTarget::Mode::create);
  if (!target) return target.error();
  const auto version = target->version();
  if (!version) return version.error();
  const int wanted = arguments.version.value_or(ExportTarget::newest_version());
  if (wanted < *version) {
    return invalid(
        fmt::format("the schema has version {}; to go down to {} use: takt schema down", *version, wanted));
  }
  if (const auto done = target->migrate_to(wanted); !done) return done.error();
  fmt::print("schema version {}\n", wanted);
  return 0;
}

Result<int> down(const Arguments& arguments) {
  if (!arguments.version) return invalid("--version N says how far down; 0 removes every table");
  auto target = open_target(arguments, ExportTarget::Mode::existing);
  if (!target) return target.error();
  const auto version = target->version();
  if (!version) return version.error();
  if (*arguments.version > *version) {
    return invalid(fmt::format("the schema has version {}; to go up to {} use: takt schema up", *version,
                               *arguments.version));
  }
  if (const auto done = target->migrate_to(*arguments.version); !done) return done.error();
  fmt::print("schema version {}\n", *arguments.version);
  return 0;
}

Result<int> status(const Arguments& arguments) {
  auto target = open_target(arguments, ExportTarget::Mode::existing);
  if (!target) return target.error();
  const auto applied = target->applied();
  if (!applied) return applied.error();
  for (const Migration& migration : target->migrations()) {
    const auto at = static_cast<std::size_t>(migration.version) - 1;
    fmt::print("{:>3}  {:<12} {}\n", migration.version, migration.name,
               at < applied->size() ? "applied " + (*applied)[at].applied_at : "not applied");
  }
  if (applied->empty()) return 0;
  const auto watermark = target->watermark();
  if (!watermark) return watermark.error();
  if (*watermark) {
    fmt::print("store {}, up to commit {}, flushed {}\n", (*watermark)->store_id, (*watermark)->commit,
               format_time((*watermark)->flushed));
  } else {
    fmt::print("nothing exported yet\n");
  }
  return 0;
}

Result<int> print(const Arguments& arguments) {
  const bool sqlite = arguments.to.starts_with("sqlite:");
  if (!sqlite && !arguments.to.empty() && !arguments.to.starts_with("postgres"))
    return invalid(fmt::format("\"{}\" is no kind of target; write sqlite: or postgresql:", arguments.to));
  const auto migrations = sqlite ? sqlite_migrations() : postgres_migrations();
  if (arguments.prisma) {
    fmt::print("{}", prisma_schema(describe(migrations), sqlite ? "sqlite" : "postgresql"));
  } else if (arguments.dictionary) {
    fmt::print("{}", data_dictionary(describe(migrations)));
  } else {
    for (const Migration& migration : migrations) {
      if (migration.version <= arguments.version.value_or(migration.version)) fmt::print("{}\n", migration.up);
    }
  }
  return 0;
}

Result<int> roles(const Arguments&) {
  fmt::print("{}", postgres_roles());
  return 0;
}

Result<VerifyReport> verified(const Arguments& arguments, ExportTarget& target) {
  if (!arguments.server.url.empty()) {
    auto client = connect_to(arguments.server);
    if (!client) return client.error();
    return verify_server(*client, target);
  }
  if (!std::filesystem::is_directory(arguments.data)) return not_found(arguments.data + ": no such data folder");
  const auto store = Store::open(arguments.data, {});
  if (!store && store.error().code == ErrorCode::conflict) {
    return Error{ErrorCode::conflict, store.error().context + "; or verify against that one with --server URL"};
  }
  if (!store) return store.error();
  return verify(**store, target);
}

Result<int> verify_target(const Arguments& arguments) {
  if (arguments.data.empty() && arguments.server.url.empty()) {
    return invalid("verify needs --data DIR of a stopped server or --server URL of a running one");
  }
  auto target = open_target(arguments, ExportTarget::Mode::existing);
  if (!target) return target.error();
  const auto report = verified(arguments, *target);
  if (!report) return report.error();
  for (const Difference& difference : report->differences) fmt::print("{}\n", to_string(difference));
  if (report->differing > report->differences.size()) {
    fmt::print("... and {} more\n", report->differing - report->differences.size());
  }
  fmt::print("{} rows compared, {} values differ\n", report->rows, report->differing);
  if (report->made_anew > 0) fmt::print("{} of the hours were made anew from their events\n", report->made_anew);
  if (!report->equal() && report->watermark < report->sequence) {
    fmt::print("the target is at commit {}, the store at {}: bring it up to date with takt export\n",
               report->watermark, report->sequence);
  }
  return report->equal() ? 0 : 1;
}

using Step = Result<int> (*)(const Arguments&);

CLI::App* add_step(CLI::App& command, const char* name, const char* what, Step step, int& exit_status,
                   const std::shared_ptr<Arguments>& arguments) {
  CLI::App* sub = command.add_subcommand(name, what);
  sub->add_option("--to", arguments->to, "Target: sqlite:FILE or postgresql://USER@HOST/DATABASE")
      ->envname("TAKT_TO")
      ->required();
  sub->callback([step, name, arguments, &exit_status] {
    const Result<int> status = step(*arguments);
    if (!status) fmt::print(stderr, "takt schema {}: {}\n", name, status.error().context);
    exit_status = status ? *status : 1;
  });
  return sub;
}

void add_version(CLI::App* sub, Arguments& arguments, const char* what) {
  sub->add_option("--version", arguments.version, what)->envname("TAKT_VERSION");
}

}  // namespace

void add_schema_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("schema", "Make, take back, show or verify a warehouse's tables");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();
  add_version(add_step(*command, "up", "Create or upgrade the tables", up, exit_status, arguments), *arguments,
              "Up to this version (default: the newest)");
  add_version(add_step(*command, "down", "Take tables back, with what they hold", down, exit_status, arguments),
              *arguments, "Down to this version; 0: nothing of Takt is left");
  add_step(*command, "status", "What is applied, and how far exports have come", status, exit_status, arguments);
  CLI::App* print_command =
      add_step(*command, "print", "Print the SQL that makes the tables", print, exit_status, arguments);
  print_command->get_option("--to")->required(false)->description(
      "In the words of this kind of target: sqlite: or postgresql: (default: postgresql:)");
  add_version(print_command, *arguments, "Up to this version (default: the newest)");
  print_command->add_flag("--prisma", arguments->prisma, "Print Prisma's models of the tables instead");
  print_command->add_flag("--dictionary", arguments->dictionary, "Print the data dictionary as Markdown instead");
  add_step(*command, "roles", "Print the SQL that makes roles of least privilege in PostgreSQL", roles,
           exit_status, arguments)
      ->get_option("--to")
      ->required(false);
  CLI::App* verify_command =
      add_step(*command, "verify", "Compare every row with the engine; status 1 if any differs", verify_target,
               exit_status, arguments);
  auto* data = verify_command->add_option("--data", arguments->data, "Data folder of a stopped server")
                   ->envname("TAKT_DATA");
  verify_command
      ->add_option("--server", arguments->server.url,
                   "Running server, such as http://127.0.0.1:8080: compares rollups")
      ->envname("TAKT_SERVER")
      ->excludes(data);
  add_access_options(*verify_command, arguments->server);
  command->footer("Exit status: 0 done or equal, 1 failed or different, 2 wrong usage.");
}

}  // namespace takt
