// The export against its goals: how fast a target that is new gets everything, how fast rows are replaced, each
// beside the database's own fastest way with the same rows into the same tables; and what keeping a target up to
// date costs while events come in.
#include "bench/engine/parts.h"
#include "bench/engine/plant_events.h"
#include "bench/engine/store_under_test.h"
#include "bench/need.h"
#include "bench/postgres_server.h"
#include "export/export_target.h"
#include "export/exporter.h"
#include "export/flush.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <array>
#include <functional>
#include <thread>

namespace takt::bench {
namespace {

struct Options {
  std::string folder = "data", json;
  std::uint32_t machines = 200, live_machines = 1000;
  int days = 30, live_seconds = 40, repetitions = 3;
};

struct Bench {
  const Options& options;
  Report& report;
  const ScratchFolder& folder;
  PostgresServer& server;
  int databases = 0;
  /// A database, or a file, that nothing was written to.
  std::string new_database() { return server.url(fmt::format("bench_{}", ++databases)); }
  std::filesystem::path new_file() { return folder / fmt::format("warehouse_{}.sqlite", ++databases).c_str(); }
};

ExportTarget open_target(const std::string& url) {
  ExportTarget target = need(ExportTarget::open(need(parse_target_url(url)), ExportTarget::Mode::create));
  need(target.migrate_to(ExportTarget::newest_version()));
  return target;
}

const std::array<const Table*, 7>& facts_and_rollups() {
  static const std::array<const Table*, 7> list{
      &tables::oee_rollup_hourly, &tables::oee_rollup_shift, &tables::oee_rollup_daily, &tables::fact_production,
      &tables::fact_scrap,        &tables::fact_downtime,    &tables::fact_quality};
  return list;
}

using TableRows = std::vector<std::pair<const Table*, std::vector<SqlRow>>>;
TableRows rows_of(ExportTarget& target) {
  TableRows all;
  for (const Table* table : facts_and_rollups()) all.emplace_back(table, need(target.rows(*table, whole_table())));
  return all;
}
double count_of(const TableRows& all) {
  double sum = 0;
  for (const auto& [table, rows] : all) sum += static_cast<double>(rows.size());
  return sum;
}

// ---------------------------------------- the databases' own fastest ways

/// As COPY reads it. The workload has no character that is to be escaped.
std::string copy_text(const std::vector<SqlRow>& rows) {
  std::string text;
  for (const SqlRow& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += '\t';
      if (const auto* integer = std::get_if<std::int64_t>(&row[i]))
        fmt::format_to(std::back_inserter(text), "{}", *integer);
      else if (const auto* number = std::get_if<double>(&row[i]))
        fmt::format_to(std::back_inserter(text), "{}", *number);
      else if (const auto* words = std::get_if<std::string>(&row[i]))
        text += *words;
      else
        text += "\\N";
    }
    text += '\n';
  }
  return text;
}

/// Seconds of COPY of texts that are there already, in one transaction.
double raw_copy(const std::string& url, const TableRows& all) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& [table, rows] : all)
    texts.emplace_back(fmt::format("COPY {} FROM STDIN", table->name), copy_text(rows));
  PGconn* connection = PQconnectdb(url.c_str());
  const auto run = [&](const char* sql, ExecStatusType wanted) {
    PGresult* result = PQexec(connection, sql);
    need_that(PQresultStatus(result) == wanted, PQerrorMessage(connection));
    PQclear(result);
  };
  run("SET TIME ZONE 'UTC'", PGRES_COMMAND_OK);
  const auto begun = SteadyClock::now();
  run("BEGIN", PGRES_COMMAND_OK);
  for (const auto& [sql, text] : texts) {
    constexpr std::size_t kPiece = std::size_t{1} << 16U;
    run(sql.c_str(), PGRES_COPY_IN);
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
      const auto size = static_cast<int>(std::min(kPiece, text.size() - at));
      need_that(PQputCopyData(connection, text.data() + at, size) == 1, PQerrorMessage(connection));
    }
    need_that(PQputCopyEnd(connection, nullptr) == 1, PQerrorMessage(connection));
    PGresult* result = PQgetResult(connection);
    need_that(PQresultStatus(result) == PGRES_COMMAND_OK, PQerrorMessage(connection));
    PQclear(result);
    while ((result = PQgetResult(connection)) != nullptr) PQclear(result);
  }
  run("COMMIT", PGRES_COMMAND_OK);
  const double seconds = seconds_since(begun);
  PQfinish(connection);
  return seconds;
}

/// Seconds of a prepared INSERT for each row, in one transaction, as durable as the export's own.
double bulk_insert(const std::filesystem::path& file, const TableRows& all) {
  sqlite3* database = nullptr;
  need_that(sqlite3_open(file.c_str(), &database) == SQLITE_OK, "cannot open a file");
  const auto run = [&](const char* sql) {
    need_that(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(database));
  };
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  const auto begun = SteadyClock::now();
  run("BEGIN");
  for (const auto& [table, rows] : all) {
    std::string marks = "?";
    for (std::size_t i = 1; i < table->columns.size(); ++i) marks += ", ?";
    const std::string sql = fmt::format("INSERT INTO {} VALUES ({})", table->name, marks);
    sqlite3_stmt* statement = nullptr;
    need_that(sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK,
              sqlite3_errmsg(database));
    for (const SqlRow& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const int at = static_cast<int>(i) + 1;
        if (const auto* integer = std::get_if<std::int64_t>(&row[i]))
          sqlite3_bind_int64(statement, at, *integer);
        else if (const auto* number = std::get_if<double>(&row[i]))
          sqlite3_bind_double(statement, at, *number);
        else if (const auto* text = std::get_if<std::string>(&row[i]))
          sqlite3_bind_text(statement, at, text->data(), static_cast<int>(text->size()), SQLITE_STATIC);
        else
          sqlite3_bind_null(statement, at);
      }
      need_that(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(database));
      sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
  }
  run("COMMIT");
  const double seconds = seconds_since(begun);
  sqlite3_close(database);
  return seconds;
}

// ---------------------------------------- measured

/// The best of a few: each into a database of its own.
double best_of(int repetitions, const std::function<double()>& seconds) {
  double best = seconds();
  for (int i = 1; i < repetitions; ++i) best = std::min(best, seconds());
  return best;
}

double seconds_of_flush(const Store& store, const std::string& url) {
  ExportTarget target = open_target(url);
  const auto begun = SteadyClock::now();
  need(flush(store, target));
  return seconds_since(begun);
}

/// Everything to targets that are new. Returns the rows for what follows.
TableRows measure_back_fill(Bench& bench) {
  const Options& o = bench.options;
  StoreUnderTest store{bench.folder / "history", o.machines};
  {
    const WorkloadEvents e = make_events(o.machines, o.days);
    send_events(*store, e.events, Vocabulary{o.machines});
    store.settle();
  }
  std::string last;
  const double postgres =
      best_of(o.repetitions, [&] { return seconds_of_flush(*store, last = bench.new_database()); });
  ExportTarget filled = open_target(last);
  const TableRows all = rows_of(filled);
  const double copied = best_of(o.repetitions, [&] {
    const std::string url = bench.new_database();
    open_target(url);
    return raw_copy(url, all);
  });
  const double sqlite =
      best_of(o.repetitions, [&] { return seconds_of_flush(*store, "sqlite:" + bench.new_file().string()); });
  const double inserted = best_of(o.repetitions, [&] {
    const auto file = bench.new_file();
    open_target("sqlite:" + file.string());
    return bulk_insert(file, all);
  });
  const double thousands = count_of(all) / 1e3;
  Report& report = bench.report;
  report.heading(fmt::format("Back-fill: {} machines, {} days, {:.0f} rows of facts and rollups", o.machines,
                             o.days, thousands * 1e3));
  report.add({"PostgreSQL", postgres, "s", at_most(postgres, 120)});
  report.add({"PostgreSQL", thousands / postgres, "k rows/s", {}});
  report.add({"raw COPY of the same rows", thousands / copied, "k rows/s", {}});
  report.add({"PostgreSQL to raw COPY", copied / postgres, "x", at_least(copied / postgres, 0.7)});
  report.add({"SQLite", sqlite, "s", at_most(sqlite, 120)});
  report.add({"SQLite", thousands / sqlite, "k rows/s", {}});
  report.add({"prepared INSERT of the same rows", thousands / inserted, "k rows/s", {}});
  report.add({"SQLite to prepared INSERT", inserted / sqlite, "x", at_least(inserted / sqlite, 0.7)});
  return all;
}

/// Rows that stand are replaced by others of their keys.
void measure_upserts(Bench& bench, const TableRows& all) {
  const Table& table = tables::oee_rollup_hourly;
  TableRows hours{all.front()};
  need_that(hours.front().first == &table, "the hours come first");
  const double thousands = count_of(hours) / 1e3;
  const double copied = best_of(bench.options.repetitions, [&] {
    const std::string url = bench.new_database();
    open_target(url);
    return raw_copy(url, hours);
  });
  const double replaced = best_of(bench.options.repetitions, [&] {
    ExportTarget target = open_target(bench.new_database());
    need(target.begin());
    need(target.append(table, hours.front().second));
    need(target.commit());
    std::vector<SqlRow> others = hours.front().second;
    for (SqlRow& row : others) row[table.at("produced_quantity")] = std::int64_t{-1};
    const auto begun = SteadyClock::now();
    need(target.begin());
    need(target.upsert(table, std::move(others)));
    need(target.commit());
    return seconds_since(begun);
  });
  bench.report.heading(fmt::format("{:.0f} hours that stand in PostgreSQL, each replaced", thousands * 1e3));
  bench.report.add({"upserts through staging", thousands / replaced, "k rows/s", {}});
  bench.report.add({"raw COPY of the same rows", thousands / copied, "k rows/s", {}});
  bench.report.add({"upserts to raw COPY", copied / replaced, "x", at_least(copied / replaced, 0.4)});
}

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

/// What of a core it takes to send a second's readings of all machines each second, and all that follows.
struct Live {
  double own = 0, server = 0;  ///< shares of a core
  std::vector<double> lags;
  double flush_seconds = 0;
};
Live send_live(Bench& bench, const char* name, const std::string& url) {
  const Options& o = bench.options;
  StoreOptions options;
  options.queue_events = 1'000'000;
  const std::unique_ptr<Store> store = need(Store::open(bench.folder / name, options));
  need(store->set_plant(workload_plant(o.live_machines), std::nullopt, false));
  std::vector<SeriesId> series;
  for (std::uint32_t m = 1; m <= o.live_machines; ++m) {
    for (std::uint16_t t = 1; t <= kWorkloadTags; ++t)
      series.push_back(need(store->series(machine_name(m), tag_name(t))));
  }
  const Vocabulary words{o.live_machines};
  std::unique_ptr<Exporter> exporter;
  if (!url.empty()) exporter = need(Exporter::open(*store, {url}));
  Live live;
  double own = 0, server = 0;
  auto next = SteadyClock::now();
  const int warm = 5;  // the first flush makes the schema
  Sender sender{*store, 64};
  for (int second = 0; second < warm + o.live_seconds; ++second) {
    if (second == warm) own = cpu_seconds(), server = bench.server.cpu_seconds();
    // In tenths, each of every tenth machine, which also counts a piece or changes its state once in a while.
    for (std::uint32_t tenth = 0; tenth < 10; ++tenth) {
      ReadingBlock block;
      EventBatch batch;
      const std::int64_t now = micros(Clock::system().now());
      for (std::uint32_t m = tenth; m < o.live_machines; m += 10) {
        for (std::uint16_t t = 0; t < kWorkloadTags; ++t) {
          block.series.push_back(series[m * kWorkloadTags + t]);
          block.at.push_back(now);
          block.number.push_back(static_cast<double>(second + t));
          block.quality.push_back(192);
        }
        const auto turn = (static_cast<std::uint32_t>(second) + m / 10) % 300;
        if (turn % 30 != 0) continue;
        const WorkloadEvent event{m + 1, now, turn != 0,
                                  static_cast<std::uint8_t>(turn == 0 && second % 2 == 0 ? 2 : 0), 0};
        batch.indexes.push_back(batch.events.size());
        batch.events.push_back(event_of(event, words));
      }
      sender.send(std::move(block));
      if (!batch.events.empty()) sender.send(std::move(batch));
      next += std::chrono::milliseconds{100};
      std::this_thread::sleep_until(next);
      if (exporter && second >= warm) live.lags.push_back(exporter->status().front().lag_s);
    }
  }
  sender.finish();
  live.own = (cpu_seconds() - own) / o.live_seconds;
  live.server = (bench.server.cpu_seconds() - server) / o.live_seconds;
  if (exporter) live.flush_seconds = exporter->status().front().last_flush_duration_s;
  if (exporter) need_that(exporter->status().front().state == "ok", exporter->status().front().last_error.c_str());
  return live;
}

void measure_live(Bench& bench) {
  const std::uint32_t rate = bench.options.live_machines * kWorkloadTags;
  const Live alone = send_live(bench, "alone", "");
  for (const bool postgres : {true, false}) {
    const std::string url = postgres ? bench.new_database() : "sqlite:" + bench.new_file().string();
    const Live live = send_live(bench, postgres ? "live_postgres" : "live_sqlite", url);
    bench.report.heading(fmt::format("{} readings a second of {} machines, {}", rate, bench.options.live_machines,
                                     postgres ? "PostgreSQL" : "SQLite"));
    const double share = (live.own - alone.own) * 100;
    const double lag = percentile(live.lags, 1);
    bench.report.add({"of a core, the export", share, "%", at_most(share, 20)});
    bench.report.add({"of a core, the database server", (live.server - alone.server) * 100, "%", {}});
    bench.report.add({"lag, median", median(live.lags), "s", {}});
    bench.report.add({"lag, most", lag, "s", at_most(lag, 5)});
    bench.report.add({"the last flush", live.flush_seconds, "s", {}});
  }
}

int run(const Options& options) {
  spdlog::set_level(spdlog::level::warn);
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  std::filesystem::permissions(folder.path(), std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
  PostgresServer server{folder / "postgres"};
  Bench bench{options, report, folder, server};
  measure_upserts(bench, measure_back_fill(bench));
  measure_live(bench);
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"The export to PostgreSQL and SQLite"};
  app.add_option("--data", options.folder, "Folder for the stores and the databases")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines of E")->capture_default_str();
  app.add_option("--days", options.days, "Days of E")->capture_default_str();
  app.add_option("--live-machines", options.live_machines, "Machines that send while the export runs")
      ->capture_default_str();
  app.add_option("--live-seconds", options.live_seconds, "How long they do")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "Back-fills of each kind; the fastest counts")
      ->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
