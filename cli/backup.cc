#include "cli/backup.h"

#include "cli/progress_line.h"
#include "cli/server_access.h"
#include "engine/backup.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>

namespace takt {
namespace {

namespace json = boost::json;

constexpr std::chrono::hours kServerPatience{48};  // a backup takes as long as its disk needs

struct Arguments {
  std::string data, to;
  ServerAccess server;
  std::uint32_t keep = 0;
  std::optional<std::uint32_t> number;
};

int fail(const Error& error) {
  fmt::print(stderr, "takt backup: {}\n", error.context);
  return 1;
}

void print_made(std::uint64_t number, std::string_view time, std::uint64_t commit, std::uint64_t bytes,
                std::uint64_t written, std::uint64_t backups, const std::string& to) {
  fmt::print("backup {} of {} up to commit {}: {}, of which {} are new; {} now in {}\n", number, time, commit,
             readable_size(bytes), readable_size(written),
             backups == 1 ? "1 backup" : fmt::format("{} backups", backups), to);
}

Result<void> from_folder(const Arguments& arguments) {
  if (!std::filesystem::is_directory(arguments.data)) {
    return not_found(fmt::format("{}: no such data folder", arguments.data));
  }
  ProgressLine progress;
  BackupOptions options;
  options.keep = arguments.keep;
  options.given_up = [&] { return progress.show("copying", -1), false; };
  const auto report = back_up(arguments.data, arguments.to, options);
  if (!report) return report.error();
  progress.wipe();
  print_made(report->backup.number, format_time(report->backup.time), report->backup.commit, report->backup.bytes,
             report->bytes_written, report->backups, arguments.to);
  return {};
}

/// The sentence of a problem, or the whole answer if it is none.
std::string detail_of(const HttpReply& reply) {
  json::error_code error;
  const json::value value = json::parse(reply.body, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* detail = object == nullptr ? nullptr : object->if_contains("detail");
  return detail != nullptr && detail->is_string() ? std::string{detail->get_string()}
                                                  : fmt::format("it answered {}: {}", reply.status, reply.body);
}

Result<void> from_server(const Arguments& arguments) {
  HttpClientOptions options;
  options.request_timeout = kServerPatience;
  auto client = connect_to(arguments.server, std::move(options));
  if (!client) return client.error();
  // The server has another working folder.
  const std::string to = std::filesystem::absolute(arguments.to).lexically_normal().string();
  const std::string body = json::serialize(json::object{{"to", to}, {"keep", arguments.keep}});
  ProgressLine progress;
  progress.show("the server copies", -1);
  const auto reply = client->post("/v1/backup", {body, "application/json"});
  progress.wipe();
  if (!reply) return reply.error();
  if (!reply->ok()) return io_error(detail_of(*reply));
  json::error_code error;
  const json::value answer = json::parse(reply->body, error);
  const auto* made = error ? nullptr : answer.if_object();
  if (made == nullptr || !made->contains("backup")) return io_error("the server's answer is not understood");
  const auto number = [&](const char* name) {
    const auto* value = made->if_contains(name);
    return value != nullptr && value->is_int64() ? static_cast<std::uint64_t>(value->get_int64()) : 0;
  };
  const auto* time = made->if_contains("time");
  print_made(number("backup"), time != nullptr && time->is_string() ? std::string_view{time->get_string()} : "",
             number("commit"), number("bytes"), number("bytes_written"), number("backups"), to);
  return {};
}

int make(const Arguments& arguments) {
  const auto made = arguments.server.url.empty() ? from_folder(arguments) : from_server(arguments);
  return made ? 0 : fail(made.error());
}

int list(const Arguments& arguments) {
  const auto backups = list_backups(arguments.to);
  if (!backups) return fail(backups.error());
  print_backups(*backups);
  return 0;
}

int verify(const Arguments& arguments) {
  const auto checked = verify_backups(arguments.to, arguments.number);
  if (!checked) return fail(checked.error());
  for (const Backup& backup : *checked)
    fmt::print("backup {} of {}: {}, every checksum holds\n", backup.number, format_time(backup.time),
               readable_size(backup.bytes));
  if (checked->empty()) return fail(not_found("there is no backup in " + arguments.to));
  return 0;
}

}  // namespace

void print_backups(const std::vector<Backup>& backups) {
  for (const Backup& backup : backups) {
    if (backup.damaged) {
      fmt::print("{:>4}  damaged: files are missing or of another size\n", backup.number);
    } else {
      fmt::print("{:>4}  {}  up to commit {:<10} {:>10}  store {}\n", backup.number, format_time(backup.time),
                 backup.commit, readable_size(backup.bytes), backup.store);
    }
  }
  if (backups.empty()) fmt::print("no backups yet\n");
}

void add_backup_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("backup", "Back a data folder up, whether the server runs or not");
  const auto arguments = std::make_shared<Arguments>();
  auto* data =
      command->add_option("--data", arguments->data, "Data folder of a stopped server")->envname("TAKT_DATA");
  auto* server = command
                     ->add_option("--server", arguments->server.url,
                                  "Running server on this machine, such as http://127.0.0.1:8080, which makes it")
                     ->envname("TAKT_SERVER")
                     ->excludes(data);
  add_access_options(*command, arguments->server);
  command->add_option("--to", arguments->to, "Backup folder; made if it does not exist")->envname("TAKT_TO");
  command->add_option("--keep", arguments->keep, "How many backups to keep in it, the newest (default: all)")
      ->envname("TAKT_KEEP")
      ->check(CLI::PositiveNumber);
  const auto add_part = [&](const char* name, const char* what, int (*run)(const Arguments&)) {
    CLI::App* part = command->add_subcommand(name, what);
    part->add_option("--to", arguments->to, "Backup folder")->envname("TAKT_TO")->required();
    part->callback([arguments, run, &exit_status] { exit_status = run(*arguments); });
    return part;
  };
  add_part("list", "Show the backups of a folder", list);
  add_part("verify", "Read all files of the backups and compare their checksums", verify)
      ->add_option("--backup", arguments->number, "One of them, by its number")
      ->envname("TAKT_BACKUP");
  command->footer(
      "Backups of one folder share the files that they have in common: all but the first are small and quick.\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage.");
  command->callback([command, data, server, arguments, &exit_status] {
    if (!command->get_subcommands().empty()) return;
    if (data->empty() && server->empty()) throw CLI::RequiredError("--data DIR or --server URL");
    if (arguments->to.empty()) throw CLI::RequiredError("--to FOLDER");
    exit_status = make(*arguments);
  });
}

}  // namespace takt
