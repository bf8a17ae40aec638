#include "cli/import.h"

#include "cli/import_outlet.h"
#include "cli/import_state.h"
#include "cli/progress_line.h"
#include "ingest/decode.h"
#include "ingest/import_source.h"
#include "ingest/table/table_mapping.h"
#include "schema/event_json.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace takt {
namespace {

constexpr std::size_t kShownRejects = 10;
constexpr std::size_t kShownInDryRun = 100;
constexpr std::size_t kPreview = 5;

struct Arguments {
  std::vector<std::string> files;
  ServerAccess server{"http://127.0.0.1:8080", {}, {}, {}};
  std::string format, mapping, delimiter, decimal = ".";
  std::vector<std::string> map, set;
  TableOptions table;
  bool dry_run = false, from_start = false;
};

struct Totals {
  std::uint64_t accepted = 0, duplicate = 0, rejected = 0;
  std::uint64_t before = 0;      // acknowledged by an earlier start
  std::uint64_t sent = 0;        // since, and answered
  std::uint64_t unreadable = 0;  // of the rejected, those that were never sent
  std::size_t most_shown = kShownRejects;
  std::vector<std::string> first_rejects;

  std::uint64_t all() const { return accepted + duplicate + rejected; }
  void reject(const std::string& file, std::size_t line, const std::string& why) {
    if (first_rejects.size() < most_shown) first_rejects.push_back(fmt::format("{}:{}: {}", file, line, why));
  }
};

Result<ImportFormat> format_for(const Arguments& arguments, const std::string& file) {
  const std::map<std::string, ImportFormat> named = {{"ndjson", ImportFormat::ndjson},
                                                     {"csv", ImportFormat::csv},
                                                     {"lp", ImportFormat::lp},
                                                     {"xlsx", ImportFormat::xlsx},
                                                     {"mtconnect", ImportFormat::mtconnect}};
  return arguments.format.empty() ? format_of(file) : named.at(arguments.format);
}

void add_receipt(Totals& totals, const ImportReceipt& receipt, const std::string& file) {
  totals.accepted += receipt.accepted;
  totals.duplicate += receipt.duplicate;
  totals.rejected += receipt.rejected;
  totals.sent += receipt.events;
  for (const UnreadableLine& refusal : receipt.refusals) totals.reject(file, refusal.line, refusal.message);
}

/// "[######..............] 12345 events, 8200/s, 0:12 left"
class ImportProgress {
 public:
  explicit ImportProgress(std::string file) : file_(std::move(file)) {}

  /// `share` of the file was read, negative if that is not known, and `events` of it were sent.
  void show(std::uint64_t events, double share) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds{100};
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    std::string text = file_;
    if (share >= 0) {
      const auto filled = static_cast<std::size_t>(share * kWidth);
      text += " [" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "]";
    }
    text += fmt::format(" {} events, {:.0f}/s", events, static_cast<double>(events) / std::max(seconds, 0.001));
    if (share > 0.01) {
      const auto left = static_cast<std::int64_t>(seconds / share * (1 - share));
      text += fmt::format(", {}:{:02} left", left / 60, left % 60);
    }
    line_.show(text, share);
  }

 private:
  static constexpr std::size_t kWidth = 20;
  std::string file_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now(), next_{};
};

/// All that decides what is sent, and to whom.
std::string what_is_sent(const Arguments& arguments) {
  std::string what = arguments.server.url + "|" + arguments.format + "|" + arguments.mapping + "|" +
                     arguments.delimiter + "|" + arguments.decimal + "|" + arguments.table.timezone + "|" +
                     arguments.table.sheet + fmt::format("|{}", arguments.table.header_row);
  for (const auto* list : {&arguments.map, &arguments.set}) {
    for (const std::string& each : *list) what += "|" + each;
  }
  for (char& c : what) c = c == '\n' ? ' ' : c;
  return what;
}

Result<std::unique_ptr<ImportSource>> open_source(const Arguments& arguments, const std::string& file) {
  const Result<ImportFormat> format = format_for(arguments, file);
  if (!format) return format.error();
  return open_import(file, *format, arguments.mapping, &arguments.table);
}

void add_unreadable(Totals& totals, const ImportSource& source, const std::string& file) {
  totals.rejected += source.unreadable_count();
  totals.unreadable += source.unreadable_count();
  for (const UnreadableLine& unreadable : source.unreadable())
    totals.reject(file, unreadable.line, unreadable.message);
}

Result<void> send_all(ImportOutlet& outlet, ImportSource& source, ImportState& state, const std::string& file,
                      Totals& totals) {
  ImportProgress progress{file};
  std::uint64_t read = 0, done = 0;
  const auto note = [&](const ImportReceipt& receipt) {
    add_receipt(totals, receipt, file);
    done += receipt.events;
    if (receipt.events > 0) state.acknowledged(done);
    progress.show(totals.all(), source.share());
  };
  while (true) {
    const Result<ImportBody> body = source.next();
    if (!body) return body.error();
    if (body->lines.empty()) break;
    read += body->lines.size();
    if (read <= state.before()) {
      totals.before += body->lines.size();
      done = read;
      continue;
    }
    const Result<ImportReceipt> receipt = outlet.send(*body, source.content_type());
    if (!receipt) return receipt.error();
    note(*receipt);
  }
  const Result<ImportReceipt> rest = outlet.finish();
  if (!rest) return rest.error();
  note(*rest);
  return {};
}

Result<void> import_file(ImportOutlet& outlet, const Arguments& arguments, const std::string& file,
                         Totals& totals) {
  const auto source = open_source(arguments, file);
  if (!source) return source.error();
  ImportState state{file, what_is_sent(arguments)};
  if (arguments.from_start) state.forget();
  if (state.before() > 0)
    fmt::print(stderr, "{}: goes on after {} events that are in already; --from-start sends all of it\n", file,
               state.before());
  const auto sent = send_all(outlet, **source, state, file, totals);
  if (sent)
    state.finish();
  else
    state.keep();
  add_unreadable(totals, **source, file);
  return sent;
}

/// Reads a file as the server would, without asking it.
Result<void> try_file(const Arguments& arguments, const std::string& file, Totals& totals) {
  const auto source = open_source(arguments, file);
  if (!source) return source.error();
  std::size_t shown = 0;
  while (true) {
    const Result<ImportBody> body = (*source)->next();
    if (!body) return body.error();
    if (body->lines.empty()) break;
    const bool is_csv = (*source)->content_type() == "text/csv";
    Decoder decoder{is_csv ? BodyFormat::csv : BodyFormat::ndjson, body->text};
    for (EventBatch batch;;) {
      const auto more = decoder.next(batch);
      if (!more) return more.error();
      if (!*more) break;
      totals.accepted += batch.events.size(), totals.rejected += batch.rejected.size();
      for (const RejectedEvent& rejected : batch.rejected) {
        const std::size_t line = rejected.index < body->lines.size() ? body->lines[rejected.index] : 0;
        totals.reject(file, line, std::string{name_of(rejected.code)} + ": " + rejected.message);
      }
      for (std::size_t i = 0; i < batch.events.size() && shown < kPreview; ++i, ++shown) {
        std::string json;
        append_json(json, batch.events[i]);
        fmt::print("{}:{}: {}\n", file, body->lines[std::min(batch.indexes[i], body->lines.size() - 1)], json);
      }
    }
  }
  add_unreadable(totals, **source, file);
  return {};
}

Result<Totals> import_files(const Arguments& arguments) {
  const auto outlet = open_outlet(arguments.server);
  if (!outlet) return outlet.error();
  Totals totals;
  if (arguments.dry_run) totals.most_shown = kShownInDryRun;
  for (const std::string& file : arguments.files) {
    const auto done =
        arguments.dry_run ? try_file(arguments, file, totals) : import_file(**outlet, arguments, file, totals);
    if (!done)
      return Error{done.error().code,
                   fmt::format("{} ({} events imported before)", done.error().context, totals.all())};
  }
  return totals;
}

int run(const Arguments& arguments) {
  const Result<Totals> totals = import_files(arguments);
  if (!totals) {
    fmt::print(stderr, "takt import: {}\n", totals.error().context);
    return 1;
  }
  if (arguments.dry_run)
    fmt::print("{} readable, {} rejected; nothing was sent\n", totals->accepted, totals->rejected);
  else
    fmt::print("{} accepted, {} duplicate, {} rejected\n", totals->accepted, totals->duplicate, totals->rejected);
  const std::uint64_t told = totals->all() - totals->unreadable;
  if (!arguments.dry_run && totals->sent > told)
    fmt::print("{} more are in; the connection was lost before it was told as what\n", totals->sent - told);
  for (const std::string& reject : totals->first_rejects) fmt::print(stderr, "{}\n", reject);
  if (totals->rejected > totals->first_rejects.size()) {
    fmt::print(stderr, "... and {} more{}\n", totals->rejected - totals->first_rejects.size(),
               arguments.dry_run ? "" : "; see GET /v1/quarantine");
  }
  return totals->rejected == 0 ? 0 : 1;
}

/// "machine=Maschine" as a field and what it is made of.
std::vector<std::pair<std::string, std::string>> pairs_of(const std::vector<std::string>& given,
                                                          const char* option) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& each : given) {
    const std::size_t equals = each.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw CLI::ValidationError(option,
                                 "'" + each + "' is no field=column; write " + option + " machine=Maschine");
    pairs.emplace_back(each.substr(0, equals), each.substr(equals + 1));
  }
  return pairs;
}

void complete(Arguments& arguments) {
  arguments.table.columns = pairs_of(arguments.map, "--map");
  arguments.table.constants = pairs_of(arguments.set, "--set");
  const std::string& delimiter = arguments.delimiter;
  if (delimiter.size() > 1 && delimiter != "tab")
    throw CLI::ValidationError("--delimiter", "is one character, or tab");
  arguments.table.delimiter = delimiter == "tab" ? '\t' : delimiter.empty() ? '\0' : delimiter.front();
  arguments.table.decimal = arguments.decimal.front();
}

void add_table_options(CLI::App& command, Arguments& arguments) {
  const auto add = [&](const char* name, auto& to, const char* help) {
    return command.add_option(name, to, help)->group("CSV and Excel");
  };
  add("--map", arguments.map, "What columns mean: machine=Maschine,ts=Zeit (default: what they are called)")
      ->delimiter(',')
      ->envname("TAKT_MAP");
  add("--set", arguments.set, "What holds in every row: type=count,machine=M1")
      ->delimiter(',')
      ->envname("TAKT_SET");
  add("--delimiter", arguments.delimiter, "Between cells: a character, or tab (default: found out)")
      ->envname("TAKT_DELIMITER");
  add("--decimal", arguments.decimal, "Decimal point or comma")
      ->check(CLI::IsMember({".", ","}))
      ->envname("TAKT_DECIMAL");
  add("--timezone", arguments.table.timezone, "Zone of times without one, such as Europe/Berlin")
      ->envname("TAKT_TIMEZONE");
  add("--sheet", arguments.table.sheet, "Sheet of a workbook (default: the first)")->envname("TAKT_SHEET");
  add("--header-row", arguments.table.header_row, "Row of the column names (default: found out)")
      ->envname("TAKT_HEADER_ROW");
}

}  // namespace

void add_import_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("import", "Send the events of files to a server; the same file again changes nothing");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->files, "Files to import, - for standard input")->required();
  command
      ->add_option("--server", arguments->server.url,
                   "Server to send to; tcp:// or tls://HOST:PORT of takt serve --tcp, too")
      ->envname("TAKT_SERVER")
      ->capture_default_str();
  add_access_options(*command, arguments->server);
  command->add_option("--format", arguments->format, "Format of all files (default: by their extensions)")
      ->envname("TAKT_FORMAT")
      ->check(CLI::IsMember({"ndjson", "csv", "xlsx", "lp", "mtconnect"}));
  command
      ->add_option("--mapping", arguments->mapping,
                   "TOML file that says what the keys of an MTConnect adapter log mean")
      ->envname("TAKT_MAPPING");
  add_table_options(*command, *arguments);
  command->add_flag("--dry-run", arguments->dry_run,
                    "Send nothing: show the first events and what is wrong with which line");
  command->add_flag("--from-start", arguments->from_start,
                    "Send all of a file though an interrupted import of it could go on");
  command->footer("Exit status: 0 all events are in, 1 something failed or was rejected, 2 wrong usage.");
  command->callback([arguments, &exit_status] {
    complete(*arguments);
    exit_status = run(*arguments);
  });
}

}  // namespace takt
