#include "cli/import.h"

#include "client/event_sender.h"
#include "ingest/import_source.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace takt {
namespace {

constexpr std::size_t kShownRejects = 10;

struct Arguments {
  std::vector<std::string> files;
  std::string server = "http://127.0.0.1:8080";
  std::string format, mapping;
};

struct Totals {
  std::uint64_t accepted = 0, duplicate = 0, rejected = 0;
  std::vector<std::string> first_rejects;

  std::uint64_t all() const { return accepted + duplicate + rejected; }
  void reject(const std::string& file, std::size_t line, const std::string& why) {
    if (first_rejects.size() < kShownRejects) first_rejects.push_back(fmt::format("{}:{}: {}", file, line, why));
  }
};

Result<ImportFormat> format_for(const Arguments& arguments, const std::string& file) {
  const std::map<std::string, ImportFormat> named = {{"ndjson", ImportFormat::ndjson},
                                                     {"csv", ImportFormat::csv},
                                                     {"lp", ImportFormat::lp},
                                                     {"mtconnect", ImportFormat::mtconnect}};
  return arguments.format.empty() ? format_of(file) : named.at(arguments.format);
}

void add_receipt(Totals& totals, const SendReceipt& receipt, const ImportBody& body, const std::string& file) {
  totals.accepted += receipt.accepted;
  totals.duplicate += receipt.duplicate;
  totals.rejected += receipt.rejected;
  for (const Refusal& refusal : receipt.refusals) {
    const std::size_t line = refusal.index < body.lines.size() ? body.lines[refusal.index] : 0;
    totals.reject(file, line, refusal.code + ": " + refusal.message);
  }
}

void show_progress(const std::string& file, const Totals& totals) {
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{}: {} events ", file, totals.all());
}

Result<bool> import_file(EventSender& sender, const Arguments& arguments, const std::string& file,
                         Totals& totals) {
  const Result<ImportFormat> format = format_for(arguments, file);
  if (!format) return format.error();
  const Result<std::unique_ptr<ImportSource>> source = open_import(file, *format, arguments.mapping);
  if (!source) return source.error();
  while (true) {
    const Result<ImportBody> body = (*source)->next();
    if (!body) return body.error();
    if (body->lines.empty()) break;
    const Result<SendReceipt> receipt = sender.send(body->text, (*source)->content_type());
    if (!receipt) return receipt.error();
    add_receipt(totals, *receipt, *body, file);
    show_progress(file, totals);
  }
  for (const UnreadableLine& unreadable : (*source)->unreadable()) {
    ++totals.rejected;
    totals.reject(file, unreadable.line, unreadable.message);
  }
  return true;
}

Result<Totals> import_files(const Arguments& arguments) {
  Result<HttpClient> client = HttpClient::open(arguments.server);
  if (!client) return client.error();
  EventSender sender{std::move(*client), {}};
  Totals totals;
  for (const std::string& file : arguments.files) {
    const Result<bool> imported = import_file(sender, arguments, file, totals);
    if (!imported)
      return Error{imported.error().code,
                   fmt::format("{} ({} events imported before)", imported.error().context, totals.all())};
  }
  return totals;
}

int run(const Arguments& arguments) {
  const Result<Totals> totals = import_files(arguments);
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\n");
  if (!totals) {
    fmt::print(stderr, "takt import: {}\n", totals.error().context);
    return 1;
  }
  fmt::print("{} accepted, {} duplicate, {} rejected\n", totals->accepted, totals->duplicate, totals->rejected);
  for (const std::string& reject : totals->first_rejects) fmt::print(stderr, "{}\n", reject);
  if (totals->rejected > totals->first_rejects.size()) {
    fmt::print(stderr, "... and {} more; see GET /v1/quarantine\n",
               totals->rejected - totals->first_rejects.size());
  }
  return totals->rejected == 0 ? 0 : 1;
}

}  // namespace

void add_import_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("import", "Send the events of files to a server; the same file again changes nothing");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->files, "Files to import, - for standard input")->required();
  command->add_option("--server", arguments->server, "Server to send to")
      ->envname("TAKT_SERVER")
      ->capture_default_str();
  command->add_option("--format", arguments->format, "Format of all files (default: by their extensions)")
      ->envname("TAKT_FORMAT")
      ->check(CLI::IsMember({"ndjson", "csv", "lp", "mtconnect"}));
  command
      ->add_option("--mapping", arguments->mapping,
                   "TOML file that says what the keys of an MTConnect adapter log mean")
      ->envname("TAKT_MAPPING");
  command->footer("Exit status: 0 all events are in, 1 something failed or was rejected, 2 wrong usage.");
  command->callback([arguments, &exit_status] { exit_status = run(*arguments); });
}

}  // namespace takt
