// Promise 3 of the contract: the warehouse equals the engine.
#include "tests/system/running_server.h"

#include "schema/event_json.h"
#include "schema/time.h"
#include "simulator/plant_model.h"
#include "simulator/simulation.h"

#include <sqlite3.h>

#include <map>

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
