// Promise 3 of the contract: the warehouse equals the engine.
#include "tests/system/running_server.h"

#include "schema/event_json.h"
#include "schema/time.h"
#include "simulator/plant_model.h"
#include "simulator/simulation.h"
#include "tests/support/postgres_cluster.h"

#include <sqlite3.h>

#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

constexpr std::size_t kMachines = 5;
constexpr std::uint64_t kSeed = 3;
const Timestamp kStart = parse_time("2025-01-06T04:00:00Z").value();
constexpr std::chrono::hours kLength{24};

std::string history(std::size_t machines = kMachines) {
  Simulation simulation{{machines, kSeed, kStart, std::chrono::minutes{5}}};
  EventBatch batch;
  simulation.run_until(kStart + kLength, batch);
  std::string lines;
  for (const Event& event : batch.events) append_json(lines, event), lines += '\n';
  return lines;
}

class WarehouseFile {
 public:
  explicit WarehouseFile(const std::filesystem::path& file) {
    EXPECT_EQ(sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK) << file;
  }
  ~WarehouseFile() { sqlite3_close(db_); }
  WarehouseFile(const WarehouseFile&) = delete;
  WarehouseFile& operator=(const WarehouseFile&) = delete;

  /// Rows of columns as text.
  std::vector<std::vector<std::string>> rows(const std::string& sql) {
    std::vector<std::vector<std::string>> rows;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(db_);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      std::vector<std::string>& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const auto* text = sqlite3_column_text(statement, i);
        row.emplace_back(text == nullptr ? "null" : reinterpret_cast<const char*>(text));
      }
    }
    sqlite3_finalize(statement);
    return rows;
  }

 private:
  sqlite3* db_ = nullptr;
};

constexpr std::array kElements = {"planned_operation_time_s",
                                  "planned_busy_time_s",
                                  "actual_production_time_s",
                                  "actual_unit_delay_time_s",
                                  "minor_stop_time_s",
                                  "unknown_time_s",
                                  "produced_quantity",
                                  "good_quantity",
                                  "scrap_quantity",
                                  "ideal_good_time_s",
                                  "stops",
                                  "failures"};

/// machine and start of an hour, to its figures
using Hours = std::map<std::pair<std::string, std::string>, std::vector<double>>;

Hours hours_of_the_server(RunningServer& server) {
  Hours hours;
  const Json oee = Client{server}.json("/v1/oee?grain=hour&whole=1&group=machine&from=" + format_time(kStart) +
                                       "&to=" + format_time(kStart + kLength));
  for (const Json& series : oee["series"]) {
    for (const Json& bucket : series["buckets"]) {
      const std::string machine = series["scope"].get<std::string>().substr(std::string_view{"machine:"}.size());
      std::vector<double>& figures = hours[{machine, bucket["start"].get<std::string>()}];
      for (const char* element : kElements) figures.push_back(bucket[element].get<double>());
    }
  }
  return hours;
}

Hours hours_of_the_warehouse(const std::filesystem::path& file) {
  std::string sql = "SELECT machine, start";
  for (const char* element : kElements) sql += std::string{", "} + element;
  sql += " FROM oee_rollup_hourly WHERE start >= '" + format_time(kStart) + "' AND start < '" +
         format_time(kStart + kLength) + "'";
  Hours hours;
  for (const auto& row : WarehouseFile{file}.rows(sql)) {
    std::vector<double>& figures = hours[{row.at(0), row.at(1)}];
    for (std::size_t i = 2; i < row.size(); ++i) figures.push_back(std::stod(row[i]));
  }
  return hours;
}

class Warehouse : public testing::Test {
 protected:
  void flush(RunningServer& server) {
    const HttpReply run = Client{server}.post("/v1/export/run", "", "application/json");
    EXPECT_EQ(run.status, 200) << run.body;
  }
  std::filesystem::path file() const { return folder_.data() / "warehouse.sqlite"; }
  Finished verify() {
    return run_takt({"schema", "verify", "--to", "sqlite:" + file().string(), "--data", folder_.data().string()});
  }
  TemporaryFolder folder_;
};

TEST_F(Warehouse, HasTheHoursOfTheServerAndIsVerified) {
  RunningServer server{folder_, plant_toml(kMachines, kSeed)};
  ASSERT_TRUE(server.wait_until_ready());
  const HttpReply sent = Client{server}.post("/v1/events", history());
  ASSERT_EQ(sent.status, 200) << sent.body;
  flush(server);
  const Hours hours = hours_of_the_server(server);
  ASSERT_EQ(hours.size(), kMachines * 24);
  double good = 0;
  for (const auto& [hour, figures] : hours) good += figures[7];
  EXPECT_GT(good, 1000);
  EXPECT_EQ(hours_of_the_warehouse(file()), hours);

  // A late correction of the past reaches it, too.
  Client{server}.post("/v1/events",
                      R"({"type":"count","machine":")" + hours.begin()->first.first +
                          R"(","ts":"2025-01-06T09:30:00Z","good":12345,"product":"P1","id":"late"})",
                      "application/json");
  flush(server);
  const Hours corrected = hours_of_the_server(server);
  EXPECT_NE(corrected, hours);
  EXPECT_EQ(hours_of_the_warehouse(file()), corrected);

  const Finished while_running =
      run_takt({"schema", "verify", "--to", "sqlite:" + file().string(), "--server", server.url()});
  EXPECT_EQ(while_running.status, 0) << while_running.output << while_running.error;
  EXPECT_EQ(verify().status, 1);  // the folder is the server's as long as it runs
  EXPECT_EQ(server.stop(), 0);
  const Finished verified = verify();
  EXPECT_EQ(verified.status, 0) << verified.output << verified.error;
}

TEST_F(Warehouse, InPostgresIsFollowedThroughKillsOfEitherSideAndVerified) {
  PostgresCluster cluster;
  const std::string url = cluster.url("wh") + "?readings=raw";
  const auto start = [&] {
    auto server = std::make_unique<RunningServer>(folder_, plant_toml(kMachines, kSeed),
                                                  std::vector<std::string>{"--export", url});
    EXPECT_TRUE(server->wait_until_ready());
    return server;
  };
  auto server = start();
  const std::string lines = history();
  // A part at a time, and after each either side is killed while it flushes.
  std::size_t from = 0;
  constexpr int kParts = 6;
  for (int part = 1; part <= kParts; ++part) {
    const std::size_t end = part == kParts ? lines.size() : lines.find('\n', lines.size() * part / kParts) + 1;
    ASSERT_EQ(Client{*server}.post("/v1/events", lines.substr(from, end - from)).status, 200);
    from = end;
    std::thread flushing{[at = server->url()] {
      auto client = HttpClient::open(at);
      if (client) static_cast<void>(client->post("/v1/export/run", {"", "application/json"}));
    }};
    std::this_thread::sleep_for(std::chrono::milliseconds{20 * part});
    if (part % 2 == 0) {
      server->kill();
      flushing.join();
      server = start();
    } else {
      cluster.kill();
      flushing.join();
      cluster.start();
    }
  }
  const auto target = [&] { return Client{*server}.json("/v1/export").at("targets").at(0); };
  Json state;
  for (int i = 0; i < 100 && (state = target(), state["state"] != "ok" || state["watermark"] != state["sequence"]);
       ++i)
    flush(*server);
  EXPECT_EQ(state["state"], "ok") << state;
  EXPECT_EQ(state["readings"], "raw");
  const Finished running = run_takt({"schema", "verify", "--to", url, "--server", server->url()});
  EXPECT_EQ(running.status, 0) << running.output << running.error;
  EXPECT_EQ(server->stop(), 0);
  const auto verified = [&] {
    return run_takt({"schema", "verify", "--to", url, "--data", folder_.data().string()});
  };
  const Finished whole = verified();
  EXPECT_EQ(whole.status, 0) << whole.output << whole.error;
  EXPECT_EQ(
      run_program({"/usr/bin/psql", "-q", cluster.url("wh"), "-c", "UPDATE fact_production SET good_quantity = 0"})
          .status,
      0);
  EXPECT_EQ(verified().status, 1);
  EXPECT_EQ(run_takt({"schema", "down", "--to", url, "--version", "0"}).status, 0);
  EXPECT_EQ(run_takt({"export", "--data", folder_.data().string(), "--to", url}).status, 0);
  EXPECT_EQ(verified().status, 0);
}

TEST_F(Warehouse, AsFilesOfCsvHasTheRowsOfTheTables) {
  {
    RunningServer server{folder_, plant_toml(kMachines, kSeed)};
    ASSERT_TRUE(server.wait_until_ready());
    ASSERT_EQ(Client{server}.post("/v1/events", history()).status, 200);
    flush(server);
    EXPECT_EQ(server.stop(), 0);
  }
  const std::filesystem::path folder = folder_.path() / "files";
  const Finished done = run_takt({"export", "--data", folder_.data().string(), "--to", "csv:" + folder.string()});
  ASSERT_EQ(done.status, 0) << done.error;
  ASSERT_EQ(run_takt({"export", "--data", folder_.data().string(), "--to", "sqlite:" + file().string()}).status,
            0);
  // Read by another program, a file has the sums of its table.
  const std::pair<const char*, const char*> sums[] = {{"oee_rollup_shift", "produced_quantity"},
                                                      {"fact_production", "good_quantity"},
                                                      {"fact_downtime", "start_us"},
                                                      {"fact_scrap", "scrap_quantity"},
                                                      {"fact_sensor_event", "readings"},
                                                      {"dim_date", "date_key"}};
  for (const auto& [table, column] : sums) {
    const Finished read = run_program({"/usr/bin/python3", "-c",
                                       "import csv, sys\n"
                                       "rows = list(csv.DictReader(open(sys.argv[1], newline='')))\n"
                                       "print(len(rows), sum(int(row[sys.argv[2]]) for row in rows))\n",
                                       (folder / (std::string{table} + ".csv")).string(), column});
    const auto row =
        WarehouseFile{file()}.rows(std::string{"SELECT count(*), sum("} + column + ") FROM " + table).at(0);
    EXPECT_NE(row.at(0), "0") << table;
    EXPECT_EQ(read.output, row.at(0) + ' ' + row.at(1) + '\n') << table << read.error;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / ".takt-export.sqlite"));
}

TEST_F(Warehouse, IsAuditedAgainstTheStandards) {
  {
    RunningServer server{folder_, plant_toml(kMachines, kSeed)};
    ASSERT_TRUE(server.wait_until_ready());
    ASSERT_EQ(Client{server}.post("/v1/events", history()).status, 200);
    flush(server);
    EXPECT_EQ(server.stop(), 0);
  }
  const std::string into = (folder_.path() / "audit").string(), to = "sqlite:" + file().string();
  const auto read = [&](const char* name) {
    std::ifstream in{into + '/' + name};
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  };
  const auto verdicts = [](const Json& report) {
    std::map<std::string, std::string> all;
    for (const Json& section : report["sections"]) {
      for (const Json& finding : section["findings"])
        all[section["standard"].get<std::string>() + ": " + finding["check"].get<std::string>()] =
            finding["verdict"].get<std::string>();
    }
    return all;
  };
  const Finished good =
      run_takt({"audit", "iso", "--data", folder_.data().string(), "--into", into, "--output", "json"});
  ASSERT_EQ(good.status, 0) << good.output << good.error;
  const Json report = Json::parse(good.output);
  EXPECT_EQ(report, Json::parse(read("iso_audit.json")));
  EXPECT_NE(report["verdict"], "fail");
  auto found = verdicts(report);
  for (const char* check : {"ISO 22400-2: figures follow from events", "ISO 22400-2: hours make days",
                            "ISO 22400-2: OEE", "Retention: policy", "Audit trail: hash chain"}) {
    EXPECT_EQ(found[check], "pass") << check;
  }
  EXPECT_EQ(found["ISO 14224: failure records"], "warn");  // the simulator's reasons name no failure modes
  EXPECT_NE(read("iso_audit.html").find("<h2>ISO 14224</h2>"), std::string::npos);

  EXPECT_EQ(run_takt({"audit", "iso", "--to", to, "--into", into}).status, 0);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  const char* lie = "UPDATE oee_rollup_hourly SET good_quantity = good_quantity + 1 WHERE good_quantity > 0";
  EXPECT_EQ(sqlite3_exec(db, lie, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
  const Finished lying = run_takt({"audit", "iso", "--to", to, "--into", into, "--output", "json"});
  EXPECT_EQ(lying.status, 1) << lying.output;
  found = verdicts(Json::parse(lying.output));
  EXPECT_EQ(found["ISO 22400-2: pieces add up"], "fail");
  EXPECT_EQ(found["ISO 22400-2: hours make days"], "fail");
  EXPECT_EQ(run_takt({"audit", "iso"}).status, 1);
}

TEST_F(Warehouse, IsVerifiedAfterAStopWithoutAFlushAndFoundOutWhenItLies) {
  {
    RunningServer server{folder_, plant_toml(1, kSeed)};
    ASSERT_TRUE(server.wait_until_ready());
    ASSERT_EQ(Client{server}.post("/v1/events", history(1)).status, 200);
    EXPECT_EQ(server.stop(), 0);
  }
  // A stop waits for its flush no longer than stopping may take. On a busy machine a later one does it.
  const auto is_behind = [&] {
    return run_takt({"doctor", "--data", folder_.data().string()}).output.find("up to date") == std::string::npos;
  };
  for (int stops = 0; stops < 10 && is_behind(); ++stops) {
    RunningServer server{folder_};
    ASSERT_TRUE(server.wait_until_ready());
    EXPECT_EQ(server.stop(), 0);
  }
  const Finished verified = verify();
  EXPECT_EQ(verified.status, 0) << verified.output << verified.error;
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  const char* lie = "UPDATE oee_rollup_hourly SET good_quantity = good_quantity + 1 WHERE good_quantity > 0";
  EXPECT_EQ(sqlite3_exec(db, lie, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
  const Finished lying = verify();
  EXPECT_EQ(lying.status, 1) << lying.output << lying.error;
}

}  // namespace
}  // namespace takt::test
