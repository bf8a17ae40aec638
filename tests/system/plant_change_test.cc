// A change of the plant that reaches into the past while the process ends, politely or not, is backed up, or
// compacted: afterwards the plant is wholly the old one or wholly the new one, and a 200 was not a lie.
#include "tests/system/running_server.h"

#include "schema/time.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;

constexpr int kMachines = 6, kDays = 30, kDaysBefore = 10, kCycles = 60;
constexpr Duration kCycle = std::chrono::minutes{6};
const Timestamp kStart = parse_time("2000-01-03T00:00:00Z").value();
/// The machines are heard of once more: all days up to then have to be looked at, so that a change takes its time.
const Timestamp kEnd = parse_time("2025-01-06T00:00:00Z").value();

Timestamp day_start(int day) { return kStart + day * std::chrono::hours{24}; }
std::string range() { return "from=" + format_time(kStart) + "&to=" + format_time(day_start(kDays)); }

int good_of(int cycle) { return 1 + cycle % 3; }
std::chrono::minutes stop_of(int cycle) { return std::chrono::minutes{1 + cycle % 4}; }

/// Running with a count and a stop every six minutes, then off.
std::vector<Json> day_of_events(const std::string& machine, int day) {
  std::vector<Json> events;
  const auto state = [&](Timestamp t, const char* name) {
    events.push_back({{"type", "state"}, {"machine", machine}, {"ts", format_time(t)}, {"state", name}});
  };
  const Timestamp begin = day_start(day);
  state(begin, "running");
  for (int i = 0; i < kCycles; ++i) {
    const Timestamp t = begin + i * kCycle;
    events.push_back({{"type", "count"},
                      {"machine", machine},
                      {"ts", format_time(t + std::chrono::minutes{1})},
                      {"good", good_of(i)}});
    state(t + std::chrono::minutes{1}, "down");
    state(t + std::chrono::minutes{1} + stop_of(i), "running");
  }
  state(begin + kCycles * kCycle, "off");
  return events;
}

/// Description number `n`: pieces of n seconds, stops are minor up to 1 to 4 minutes.
int minor_minutes(int n) { return 1 + n % 4; }
std::string described(int n) {
  std::string toml = "[plant]\nid = \"P1\"\n";
  for (int i = 1; i <= kMachines; ++i) {
    toml += "[[machine]]\nid = \"M" + std::to_string(i) + "\"\nideal_cycle_s = " + std::to_string(n) +
            ".0\nminor_stop_s = " + std::to_string(60 * minor_minutes(n)) + "\n";
  }
  return toml;
}

/// Statuses of answers.
constexpr int kDone = 200, kRefused = 503, kUnanswered = 0;

/// What a day of the plant comes to under description `n`.
Json day_under(int n) {
  int good = 0, minor = 0;
  std::chrono::minutes minor_time{0}, stop_time{0};
  for (int i = 0; i < kCycles; ++i) {
    good += good_of(i), stop_time += stop_of(i);
    if (stop_of(i) > std::chrono::minutes{minor_minutes(n)}) continue;
    ++minor, minor_time += stop_of(i);
  }
  const auto seconds = [](std::chrono::minutes of_one) { return kMachines * of_one / std::chrono::seconds{1}; };
  return {{"good_quantity", kMachines * good},
          {"ideal_good_time_s", kMachines * good * n},
          {"stops", kMachines * kCycles},
          {"minor_stops", kMachines * minor},
          {"minor_stop_time_s", seconds(minor_time)},
          {"actual_unit_delay_time_s", seconds(stop_time)},
          {"actual_production_time_s",
           seconds(std::chrono::duration_cast<std::chrono::minutes>(kCycles * kCycle) - stop_time)}};
}

/// The last change of the plant that is known to hold, and one that may.
struct Known {
  int held = 1;
  int changes = 1;  ///< entries of the audit log
};

/// The description is one of the two, and every figure and the audit log are by it.
void expect_one_description(RunningServer& server, Known& known, int attempted) {
  Client client{server};
  const Json plant = client.json("/v1/plant");
  const int n = plant["machine"][0]["ideal_cycle_s"].get<int>();
  EXPECT_TRUE(n == known.held || n == attempted) << n;
  if (n != known.held) known = {n, known.changes + 1};
  for (const Json& machine : plant["machine"]) EXPECT_EQ(machine["ideal_cycle_s"], n);
  const Json days = client.json("/v1/oee?grain=day&" + range())["buckets"];
  ASSERT_EQ(days.size(), static_cast<std::size_t>(kDays));
  const Json before = day_under(1), after = day_under(n);
  for (int day = 0; day < kDays; ++day) {
    for (const auto& [name, value] : (day < kDaysBefore ? before : after).items())
      ASSERT_EQ(days[static_cast<std::size_t>(day)][name], value) << name << " of day " << day << " under " << n;
  }
  const Json audit = client.json("/v1/audit?limit=1000")["items"];
  ASSERT_EQ(audit.size(), static_cast<std::size_t>(known.changes));
  std::string last(64, '0');
  for (const Json& entry : audit) {
    EXPECT_EQ(entry["previous"], last);
    last = entry["hash"].get<std::string>();
  }
  EXPECT_EQ(audit.back()["by"], known.changes == 1 ? "" : "change " + std::to_string(n));
}

class PlantChange : public testing::Test {
 protected:
  void SetUp() override {
    auto server = serve(folder_, described(1));
    Client client{*server};
    for (int i = 1; i <= kMachines; ++i) {
      const std::string machine = "M" + std::to_string(i);
      std::vector<Json> events;
      for (int day = 0; day < kDays; ++day) {
        const std::vector<Json> more = day_of_events(machine, day);
        events.insert(events.end(), more.begin(), more.end());
      }
      events.push_back(
          {{"type", "state"}, {"machine", machine}, {"ts", format_time(kEnd)}, {"state", "unavailable"}});
      client.send(events);
    }
    server->kill();
  }

  static std::unique_ptr<RunningServer> serve(const TemporaryFolder& folder, const std::string& plant = {}) {
    auto server = std::make_unique<RunningServer>(folder, plant, std::vector<std::string>{"--export", "none"});
    EXPECT_TRUE(server->wait_until_ready());
    return server;
  }

  /// The status of the answer to description `n`. Returns while it is under way, or done.
  std::future<int> begin_change(RunningServer& server, int n) {
    auto answer = std::async(std::launch::async, [url = server.url(), n] {
      auto client = HttpClient::open(url);
      const std::string target =
          "/v1/plant?by=change%20" + std::to_string(n) + "&valid_from=" + format_time(day_start(kDaysBefore));
      const auto reply = client->put(target, {described(n), "application/toml"});
      return reply ? reply->status : kUnanswered;
    });
    Client client{server};
    while (answer.wait_for(std::chrono::milliseconds{1}) != std::future_status::ready && !is_changing(client)) {
    }
    return answer;
  }
  static bool is_changing(Client& client) {
    const Json jobs = client.json("/v1/status")["jobs"];
    return std::any_of(jobs.begin(), jobs.end(),
                       [](const Json& job) { return job["name"] == "plant change" && !job["done"].is_null(); });
  }
  /// How long a change takes that nobody disturbs.
  std::chrono::microseconds time_of_a_change(RunningServer& server) {
    const auto began = std::chrono::steady_clock::now();
    const int n = next_++;
    EXPECT_EQ(begin_change(server, n).get(), kDone);
    const auto took = std::chrono::steady_clock::now() - began;
    expect_one_description(server, known_, n);
    EXPECT_EQ(known_.held, n);
    return std::chrono::duration_cast<std::chrono::microseconds>(took);
  }
  void expect_verified(const std::string& data) {
    const Finished verified = run_takt({"verify", "--data", data});
    EXPECT_EQ(verified.status, 0) << verified.output << verified.error;
  }
  /// After the process has gone: what was answered is kept. The server that was asked is returned.
  std::unique_ptr<RunningServer> expect_honest(int status, int n) {
    expect_verified(data_);
    auto server = serve(folder_);
    expect_one_description(*server, known_, n);
    EXPECT_TRUE(status != kDone || known_.held == n) << "was answered with 200";
    EXPECT_TRUE(status != kRefused || known_.held != n) << "was refused";
    EXPECT_THAT(status, AnyOf(kDone, kRefused, kUnanswered));
    return server;
  }

  TemporaryFolder folder_, other_;
  std::string data_ = folder_.data().string();
  Known known_;
  int next_ = 2;
};

TEST_F(PlantChange, IsWhollyThereOrNotAtAllAfterAKill) {
  auto server = serve(folder_);
  const auto whole = time_of_a_change(*server);
  constexpr int kRounds = 6, kAtMost = 60;
  int unanswered = 0;
  for (int round = 0; round < kRounds || (unanswered == 0 && round < kAtMost); ++round) {
    const int n = next_++;
    auto answer = begin_change(*server, n);
    std::this_thread::sleep_for(whole * (round % kRounds) / (kRounds - 1));  // the moment, not an order of things
    server->kill();
    const int status = answer.get();
    if (status == kUnanswered) ++unanswered;
    server = expect_honest(status, n);
    ASSERT_FALSE(HasFailure()) << "in round " << round;
  }
  EXPECT_GT(unanswered, 0) << "no kill came in the midst of a change";
  time_of_a_change(*server);  // it can be had after all
}

TEST_F(PlantChange, IsAnsweredTrulyWhenTheServerStops) {
  auto server = serve(folder_);
  for (int round = 0; round < 2; ++round) {
    const int n = next_++;
    auto answer = begin_change(*server, n);
    EXPECT_EQ(server->stop(), 0);
    const int status = answer.get();
    EXPECT_NE(status, kUnanswered);
    server = expect_honest(status, n);
    ASSERT_FALSE(HasFailure()) << "in round " << round;
  }
}

/// The process stands still, as on a machine without time for it, until requests in flight are given up.
TEST_F(PlantChange, IsRefusedWhenTheServerCannotEndItBeforeItStops) {
  constexpr std::chrono::milliseconds kLongerThanRequestsGet{4300};
  auto server = serve(folder_);
  int refused = 0;
  for (int round = 0; round < 40 && refused == 0; ++round) {
    const int n = next_++;
    auto answer = begin_change(*server, n);
    server->process().signal(SIGTERM);
    ASSERT_TRUE(server->process().wait_for_error_text("stopping"));
    server->process().signal(SIGSTOP);
    const bool in_the_midst = answer.wait_for(std::chrono::milliseconds{20}) != std::future_status::ready;
    if (in_the_midst) std::this_thread::sleep_for(kLongerThanRequestsGet);
    server->process().signal(SIGCONT);
    EXPECT_EQ(server->process().wait(), 0);
    const int status = answer.get();
    if (status == kRefused) ++refused;
    server = expect_honest(status, n);
    ASSERT_FALSE(HasFailure()) << "in round " << round;
  }
  EXPECT_GT(refused, 0) << "no signal came in the midst of a change";
  time_of_a_change(*server);
}

TEST_F(PlantChange, IsWhollyInABackupOrNotAtAll) {
  const std::string to = (folder_.path() / "backups").string();
  auto server = serve(folder_);
  std::atomic<bool> enough{false};
  std::thread changes{[&] {
    while (!enough) EXPECT_EQ(begin_change(*server, next_++).get(), kDone);
  }};
  constexpr int kBackups = 3;
  for (int i = 0; i < kBackups; ++i)
    EXPECT_EQ(run_takt({"backup", "--server", server->url(), "--to", to}).status, 0);
  enough = true;
  changes.join();
  const int last = next_ - 1;
  for (int i = 1; i <= kBackups; ++i) {
    SCOPED_TRACE("backup " + std::to_string(i));
    fs::remove_all(other_.data());
    const Finished restored =
        run_takt({"restore", "--from", to, "--backup", std::to_string(i), "--data", other_.data().string()});
    ASSERT_EQ(restored.status, 0) << restored.error;
    expect_verified(other_.data().string());
    const auto again = serve(other_);
    const int held = Client{*again}.json("/v1/plant")["machine"][0]["ideal_cycle_s"].get<int>();
    EXPECT_GE(held, known_.held);  // of the backup before
    EXPECT_LE(held, last);
    known_ = {held, held};  // each number was one change
    expect_one_description(*again, known_, held);
    EXPECT_EQ(again->stop(), 0);
  }
  known_ = {last, last};
  expect_one_description(*server, known_, last);
}

TEST_F(PlantChange, OfAKilledServerIsWholeAfterCompactionAndABackup) {
  auto server = serve(folder_);
  const int n = next_++;
  auto answer = begin_change(*server, n);
  server->kill();
  const int status = answer.get();
  ASSERT_EQ(run_takt({"compact", "--data", data_}).status, 0);
  server = expect_honest(status, n);
  server->kill();
  const std::string to = (folder_.path() / "backups").string();
  ASSERT_EQ(run_takt({"backup", "--data", data_, "--to", to}).status, 0);
  ASSERT_EQ(run_takt({"restore", "--from", to, "--data", other_.data().string()}).status, 0);
  const auto again = serve(other_);
  expect_one_description(*again, known_, known_.held);
}

}  // namespace
}  // namespace takt::test
