// Promise 2 of the contract: figures depend on the set of events, never on their order, batching or repetition.
#include "tests/system/running_server.h"

#include "schema/event_json.h"
#include "schema/time.h"
#include "simulator/plant_model.h"
#include "simulator/simulation.h"

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

constexpr std::size_t kMachines = 5;
constexpr std::uint64_t kSeed = 7;
constexpr std::chrono::hours kLength{46};

// Saturday morning: a night without a shift, a change to summer time and the end of a week lie within.
const Timestamp kStart = parse_time("2025-03-29T04:00:00Z").value();

std::vector<std::string> simulated_history() {
  Simulation simulation{{kMachines, kSeed, kStart, std::chrono::minutes{5}}};
  EventBatch batch;
  simulation.run_until(kStart + kLength, batch);
  std::vector<std::string> lines;
  for (const Event& event : batch.events) append_json(lines.emplace_back(), event);
  return lines;
}

std::vector<std::string> shuffled_and_doubled(std::vector<std::string> lines, std::mt19937& random) {
  const std::vector<std::string> again = lines;
  lines.insert(lines.end(), again.begin(), again.end());
  std::shuffle(lines.begin(), lines.end(), random);
  return lines;
}

/// Sends all lines, so many a request; how many were accepted.
std::size_t deliver(Client& client, const std::vector<std::string>& lines,
                    const std::function<std::size_t()>& batch_size) {
  std::size_t accepted = 0;
  for (std::size_t next = 0; next < lines.size();) {
    std::string body;
    for (std::size_t left = batch_size(); left > 0 && next < lines.size(); --left) body += lines[next++] + '\n';
    const HttpReply reply = client.post("/v1/events", body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    const Json answer = json_of(reply);
    EXPECT_EQ(answer["rejected"], 0) << reply.body.substr(0, 1000);
    accepted += answer["accepted"].get<std::size_t>();
  }
  return accepted;
}

std::vector<std::string> questions() {
  const std::string range =
      "from=" + format_time(kStart - std::chrono::hours{1}) + "&to=" + format_time(kStart + kLength);
  std::vector<std::string> all;
  for (const char* grain : {"hour", "shift", "day", "week", "month", "year", "total"}) {
    for (const char* more : {"", "&group=machine", "&group=line", "&group=machine&whole=1"}) {
      all.push_back("/v1/oee?grain=" + std::string{grain} + more + "&" + range);
    }
  }
  all.push_back("/v1/losses?" + range);
  for (const char* by : {"reason", "category", "machine"})
    all.push_back("/v1/downtime/pareto?by=" + std::string{by} + "&" + range);
  for (const LineModel& line : plant_model(kMachines, kSeed).lines) {
    for (const MachineModel& machine : line.machines) {
      all.push_back("/v1/oee?grain=hour&scope=machine:" + machine.id + "&" + range);
      all.push_back("/v1/losses?scope=machine:" + machine.id + "&" + range);
      all.push_back("/v1/timeline?machine=" + machine.id + "&" + range);
      all.push_back("/v1/series?tag=vibration&machine=" + machine.id + "&" + range);
      all.push_back("/v1/series?tag=spindle.temp&step=1h&agg=avg&machine=" + machine.id + "&" + range);
    }
  }
  return all;
}

using Answers = std::map<std::string, std::string>;

Answers answers_of(RunningServer& server) {
  Client client{server};
  Answers answers;
  for (const std::string& question : questions()) {
    const HttpReply reply = client.get(question);
    EXPECT_EQ(reply.status, 200) << question << ": " << reply.body;
    answers[question] = reply.body;
  }
  return answers;
}

/// The commit that last changed a bucket is the one thing that may depend on the delivery.
Answers without_revisions(Answers answers) {
  constexpr std::string_view kField = "\"revision\":";
  for (auto& [question, body] : answers) {
    for (std::size_t at = 0; (at = body.find(kField, at)) != std::string::npos;) {
      at += kField.size();
      body.erase(at, body.find_first_not_of("0123456789", at) - at);
    }
  }
  return answers;
}

void expect_equal(const Answers& a, const Answers& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [question, body] : a) {
    const std::string& other = b.at(question);
    const auto [here, there] = std::mismatch(body.begin(), body.end(), other.begin(), other.end());
    const std::ptrdiff_t at = std::max<std::ptrdiff_t>(0, here - body.begin() - 200);
    EXPECT_TRUE(body == other) << question << "\n  " << body.substr(static_cast<std::size_t>(at), 400) << "\n  "
                               << other.substr(static_cast<std::size_t>(std::min<std::ptrdiff_t>(
                                                   at, static_cast<std::ptrdiff_t>(other.size()))),
                                               400);
  }
}

TEST(Delivery, ShuffledAndDoubledGivesTheSameAnswersByteForByteAndSoDoesARestart) {
  const std::vector<std::string> lines = simulated_history();
  ASSERT_GT(lines.size(), 5000U);
  std::mt19937 random{42};
  TemporaryFolder folder, other_folder;
  std::optional<RunningServer> server{std::in_place, folder, plant_toml(kMachines, kSeed)};
  std::optional<RunningServer> other{std::in_place, other_folder, plant_toml(kMachines, kSeed)};
  ASSERT_TRUE(server->wait_until_ready() && other->wait_until_ready());
  {
    Client client{*server}, other_client{*other};
    EXPECT_EQ(deliver(client, lines, [] { return 5000; }), lines.size());
    const auto any_size = [&] { return std::uniform_int_distribution<std::size_t>{1, 3000}(random); };
    deliver(other_client, shuffled_and_doubled(lines, random), any_size);
    const std::string range = "from=" + format_time(kStart) + "&to=" + format_time(kStart + kLength);
    EXPECT_GT(client.total(range)["good_quantity"], 1000);  // equal answers say little if nothing was made
  }
  const Answers answers = answers_of(*server), other_answers = answers_of(*other);
  expect_equal(without_revisions(answers), without_revisions(other_answers));

  EXPECT_EQ(server->stop(), 0);
  other->kill();
  server.emplace(folder);
  other.emplace(other_folder);
  ASSERT_TRUE(server->wait_until_ready() && other->wait_until_ready());
  expect_equal(answers_of(*server), answers);
  expect_equal(answers_of(*other), other_answers);
}

}  // namespace
}  // namespace takt::test
