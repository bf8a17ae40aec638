// Promise 1 of the contract: what was answered with 200 survives `kill -9`, and is never counted twice.
#include "tests/system/running_server.h"

#include "schema/time.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

constexpr int kWriters = 4;
constexpr int kKills = 10;
constexpr int kBatchCounts = 40, kBatchReadings = 400;
constexpr Duration kBatchTime = std::chrono::minutes{1};  // of events that a batch covers

const Timestamp kStart = parse_time("2025-01-06T00:00:00Z").value();

Timestamp batch_start(int batch) { return kStart + batch * kBatchTime; }

std::string machine_name(int writer) { return "M" + std::to_string(writer + 1); }

/// The batch of that number: the same events each time it is asked for.
std::string batch_text(int writer, int batch) {
  std::vector<Json> events;
  const std::string machine = machine_name(writer);
  const Timestamp begin = batch_start(batch);
  events.push_back({{"type", "state"}, {"machine", machine}, {"ts", format_time(begin)}, {"state", "running"}});
  events.push_back(
      {{"type", "state"}, {"machine", machine}, {"ts", format_time(begin + kBatchTime / 2)}, {"state", "down"}});
  for (int i = 0; i < kBatchCounts; ++i) {
    const std::string id = std::to_string(batch) + "-" + std::to_string(i);
    events.push_back(
        {{"type", "count"}, {"machine", machine}, {"ts", format_time(begin)}, {"good", 1 + i % 7}, {"id", id}});
  }
  for (int i = 0; i < kBatchReadings; ++i) {
    const Timestamp at = begin + i * kBatchTime / kBatchReadings;
    events.push_back(
        {{"type", "reading"}, {"machine", machine}, {"tag", "load"}, {"ts", format_time(at)}, {"value", batch}});
  }
  return ndjson(events);
}

int good_of_a_batch() {
  int sum = 0;
  for (int i = 0; i < kBatchCounts; ++i) sum += 1 + i % 7;
  return sum;
}

/// Where the server is at the moment, and how much it has answered.
class Scene {
 public:
  void server_at(std::uint16_t port) {
    const std::lock_guard lock{mutex_};
    port_ = port;
    ++life_;
    waiting_ = 0;
    changed_.notify_all();
  }
  /// The port of a life later than `life`, which is set to it. 0: all is over.
  std::uint16_t next_server(int& life) {
    std::unique_lock lock{mutex_};
    if (life == life_) {
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return life_ > life || over_; });
    }
    life = life_;
    return over_ ? std::uint16_t{0} : port_;
  }
  /// True while there is more to send.
  bool answered() {
    const std::lock_guard lock{mutex_};
    ++answers_;
    changed_.notify_all();
    return !over_;
  }
  void wait_for_answers(int more) {
    std::unique_lock lock{mutex_};
    const int enough = answers_ + more;
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return answers_ >= enough; }));
  }
  /// Until so many are done with the server of this life.
  void wait_until_all_wait(int writers) {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return waiting_ == writers; }));
  }
  void end() {
    const std::lock_guard lock{mutex_};
    over_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint16_t port_ = 0;
  int life_ = 0, answers_ = 0, waiting_ = 0;
  bool over_ = false;
};

/// Sends batch after batch. What gets no answer is sent again to the next server until it has one.
struct Writer {
  int number = 0;
  std::atomic<int> answered{0};  ///< batches 0 to answered - 1 are; the next may be under way

  void run(Scene& scene) {
    int life = 0;
    for (std::uint16_t port = 0; (port = scene.next_server(life)) != 0;) {
      auto client = HttpClient::open("http://127.0.0.1:" + std::to_string(port));
      while (send_next(*client)) {
        if (!scene.answered()) return;
      }
    }
  }

 private:
  bool send_next(HttpClient& client) {
    const auto reply = client.post("/v1/events", {batch_text(number, answered), "application/x-ndjson"});
    if (!reply || reply->status != 200) return false;
    const Json answer = json_of(*reply);
    EXPECT_EQ(answer["rejected"], 0) << reply->body;
    EXPECT_EQ(answer["accepted"].get<int>() + answer["duplicate"].get<int>(), 2 + kBatchCounts + kBatchReadings)
        << reply->body;
    ++answered;
    return true;
  }
};

std::string range_to(int batches) {
  return "from=" + format_time(kStart) + "&to=" + format_time(batch_start(batches));
}

int good_of(Client& client, int writer) {
  return client.total("scope=machine:" + machine_name(writer) + "&" + range_to(100'000))["good_quantity"]
      .get<int>();
}

void expect_whole_timeline(Client& client, int writer, int batches) {
  const Json timeline = client.json("/v1/timeline?machine=" + machine_name(writer) + "&" + range_to(batches));
  const Json& intervals = timeline["intervals"];
  ASSERT_EQ(intervals.size(), static_cast<std::size_t>(2 * batches));
  for (int i = 0; i < 2 * batches; ++i) {
    const Json& interval = intervals[static_cast<std::size_t>(i)];
    EXPECT_EQ(interval["start"], format_time(kStart + i * kBatchTime / 2));
    EXPECT_EQ(interval["end"], format_time(kStart + (i + 1) * kBatchTime / 2));
    EXPECT_EQ(interval["state"], i % 2 == 0 ? "running" : "down");
  }
}

void expect_every_reading_once(Client& client, int writer, int batches) {
  const std::string question = "/v1/series?machine=" + machine_name(writer) + "&tag=load&" + range_to(batches);
  std::int64_t counted = 0;
  const Json per_minute = client.json(question + "&step=60s&agg=count");
  for (const Json& point : per_minute["points"]) counted += point[1].get<std::int64_t>();
  EXPECT_EQ(counted, std::int64_t{batches} * kBatchReadings);
  const Json raw = client.json(question);
  std::set<std::string> times;
  for (const Json& point : raw["points"]) times.insert(point[0].get<std::string>());
  EXPECT_EQ(times.size(), static_cast<std::size_t>(batches * kBatchReadings));
  EXPECT_EQ(raw["points"].size(), times.size());
}

/// What was answered is there; beyond it at most the one batch that was under way.
void expect_nothing_answered_is_lost(RunningServer& server, const std::vector<Writer>& writers,
                                     const std::vector<int>& answered) {
  Client client{server};
  for (const Writer& writer : writers) {
    const int good = good_of(client, writer.number);
    const int sure = answered[static_cast<std::size_t>(writer.number)] * good_of_a_batch();
    EXPECT_GE(good, sure) << machine_name(writer.number);
    EXPECT_LE(good, sure + good_of_a_batch()) << machine_name(writer.number);
  }
}

void expect_exactly_what_was_sent(RunningServer& server, const std::vector<Writer>& writers) {
  Client client{server};
  for (const Writer& writer : writers) {
    SCOPED_TRACE(machine_name(writer.number));
    EXPECT_GT(writer.answered, 0);
    EXPECT_EQ(good_of(client, writer.number), writer.answered * good_of_a_batch());
    expect_whole_timeline(client, writer.number, writer.answered);
    expect_every_reading_once(client, writer.number, writer.answered);
  }
}

TEST(Crash, LosesAndDoublesNothingThatWasAnsweredThoughKilledTenTimesInMidLoad) {
  TemporaryFolder folder;
  std::mt19937 random{20250106};
  Scene scene;
  std::vector<Writer> writers(kWriters);
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    writers[static_cast<std::size_t>(i)].number = i;
    threads.emplace_back([&, i] { writers[static_cast<std::size_t>(i)].run(scene); });
  }
  std::vector<int> answered(kWriters, 0);
  for (int life = 0; life <= kKills; ++life) {
    RunningServer server{folder, simple_plant(kWriters)};
    if (!server.wait_until_ready()) break;
    // Nobody sends at this moment: the writers wait to be told of this server.
    expect_nothing_answered_is_lost(server, writers, answered);
    scene.server_at(server.port());
    scene.wait_for_answers(std::uniform_int_distribution{1, 40}(random));
    if (life < kKills) {
      std::this_thread::sleep_for(
          std::chrono::microseconds{random() % 20'000});  // the moment, not an order of things
      server.kill();
      // Their connections are reset, so they come to wait for the next server; what they count until then was
      // answered.
      scene.wait_until_all_wait(kWriters);
      for (const Writer& writer : writers) answered[static_cast<std::size_t>(writer.number)] = writer.answered;
      continue;
    }
    scene.end();
    for (std::thread& thread : threads) thread.join();
    expect_exactly_what_was_sent(server, writers);
    server.kill();
  }
  RunningServer again{folder};
  ASSERT_TRUE(again.wait_until_ready());
  expect_exactly_what_was_sent(again, writers);
  EXPECT_EQ(again.stop(), 0);
}

}  // namespace
}  // namespace takt::test
