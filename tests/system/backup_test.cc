// Backup, restore, verify, doctor and compact as an operator meets them: by the program, on real folders.
#include "tests/system/running_server.h"

#include "schema/time.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const Timestamp kStart = parse_time("2025-01-06T00:00:00Z").value();

std::string at(int second) { return format_time(kStart + std::chrono::seconds{second}); }

/// A span of an hour: a state, some counts and many readings.
std::vector<Json> hour_of_events(int hour) {
  std::vector<Json> events;
  const int begin = hour * 3600;
  events.push_back({{"type", "state"}, {"machine", "M1"}, {"ts", at(begin)}, {"state", "running"}});
  events.push_back(
      {{"type", "state"}, {"machine", "M1"}, {"ts", at(begin + 3000)}, {"state", "down"}, {"reason", "JAM"}});
  for (int i = 0; i < 600; ++i) {
    events.push_back({{"type", "reading"},
                      {"machine", "M1"},
                      {"tag", "temp"},
                      {"ts", at(begin + i * 6)},
                      {"value", 20 + ((i * 7919 + hour) % 1000) / 100.0}});
    if (i % 10 == 0)
      events.push_back({{"type", "count"}, {"machine", "M1"}, {"ts", at(begin + i * 6)}, {"good", 1 + i % 3}});
  }
  return events;
}

/// Answers that between them depend on everything that is kept.
std::string answers_of(RunningServer& server, int hours) {
  Client client{server};
  const std::string span = "from=" + at(0) + "&to=" + at(hours * 3600);
  std::string all;
  for (const std::string& path :
       {"/v1/oee?scope=machine:M1&grain=hour&" + span, "/v1/timeline?machine=M1&" + span,
        "/v1/losses?scope=plant&" + span, "/v1/downtime/pareto?scope=plant&" + span,
        "/v1/series?machine=M1&tag=temp&" + span, std::string{"/v1/plant"}, std::string{"/v1/quarantine"}}) {
    const HttpReply reply = client.get(path);
    EXPECT_EQ(reply.status, 200) << path;
    all += reply.body + '\n';
  }
  return all;
}

class Backup : public testing::Test {
 protected:
  void send_hours(RunningServer& server, int from, int to) {
    Client client{server};
    for (int hour = from; hour < to; ++hour) client.send(hour_of_events(hour));
  }
  /// A stopped store of some hours.
  std::string make_store(int hours) {
    RunningServer server{folder_, simple_plant()};
    EXPECT_TRUE(server.wait_until_ready());
    send_hours(server, 0, hours);
    const std::string answers = answers_of(server, hours);
    EXPECT_EQ(server.stop(), 0);
    return answers;
  }
  Finished back_up_stopped() { return run_takt({"backup", "--data", data_, "--to", to_}); }
  Finished restore(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"restore", "--from", to_, "--data", restored_};
    words.insert(words.end(), more.begin(), more.end());
    return run_takt(words);
  }
  /// Its one line of complaint.
  static std::string complaint(const Finished& finished, int status = 1) {
    EXPECT_EQ(finished.status, status) << finished.output << finished.error;
    EXPECT_EQ(finished.complaints().size(), 1U) << finished.error;
    return finished.complaints().empty() ? "" : finished.complaints().front();
  }
  static fs::path largest_table(const fs::path& data) {
    fs::path largest;
    std::uintmax_t most = 0;
    for (const auto& entry : fs::directory_iterator{data / "db"}) {
      if (entry.path().extension() != ".sst" || entry.file_size() <= most) continue;
      most = entry.file_size();
      largest = entry.path();
    }
    return largest;
  }
  static void flip_byte(const fs::path& path, std::streamoff at_byte) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(at_byte);
    const int byte = file.get();
    file.seekp(at_byte);
    file.put(static_cast<char>(byte ^ 1));
  }

  TemporaryFolder folder_;
  TemporaryFolder other_;  // its data folder is where backups are restored to
  std::string data_ = folder_.data().string();
  std::string to_ = (folder_.path() / "backups").string();
  std::string restored_ = other_.data().string();
};

TEST_F(Backup, OfARunningServerGivesTheSameAnswersByteForByte) {
  std::string answers;
  {
    RunningServer server{folder_, simple_plant()};
    ASSERT_TRUE(server.wait_until_ready());
    send_hours(server, 0, 24);
    Client{server}.post("/v1/events", "{\"type\":\"count\"}", "application/json");  // into the quarantine
    answers = answers_of(server, 24);
    const Finished made = run_takt({"backup", "--server", server.url(), "--to", to_});
    EXPECT_EQ(made.status, 0) << made.error;
    EXPECT_THAT(made.output, HasSubstr("backup 1 of "));
    send_hours(server, 24, 26);  // not in it
    server.kill();
  }
  const Finished restored = restore();
  ASSERT_EQ(restored.status, 0) << restored.error;
  EXPECT_THAT(restored.output, HasSubstr("restored to " + restored_ + " and verified"));
  EXPECT_FALSE(fs::exists(restored_ + ".partial"));
  RunningServer server{other_};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_EQ(answers_of(server, 24), answers);
}

TEST_F(Backup, UnderLoadIsThePastUpToSomeAnswer) {
  std::atomic<int> answered{0};
  int before = 0;
  {
    RunningServer server{folder_, simple_plant()};
    ASSERT_TRUE(server.wait_until_ready());
    std::atomic<bool> stop{false};
    std::thread load{[&] {
      Client client{server};
      for (int hour = 0; hour < 200 && !stop; ++hour) {
        client.send(hour_of_events(hour));
        ++answered;
      }
    }};
    while (answered < 3) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) {
      before = answered;
      const Finished made = run_takt({"backup", "--server", server.url(), "--to", to_});
      EXPECT_EQ(made.status, 0) << made.error;
    }
    stop = true;
    load.join();
    EXPECT_EQ(server.stop(), 0);
  }
  const Finished restored = restore();
  ASSERT_EQ(restored.status, 0) << restored.error;
  RunningServer server{other_};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  // Whole hours were sent, so whole hours are there: all that was answered before the backup began, and no half
  // one.
  int hour_pieces = 0;
  for (const Json& event : hour_of_events(0)) hour_pieces += event.value("good", 0);
  const int pieces = client.total("from=" + at(0) + "&to=" + at(200 * 3600))["good_quantity"].get<int>();
  EXPECT_EQ(pieces % hour_pieces, 0);
  EXPECT_GE(pieces / hour_pieces, before);
  const Json series = client.json("/v1/series?machine=M1&tag=temp&from=" + at(0) + "&to=" + at(200 * 3600));
  EXPECT_EQ(static_cast<int>(series["points"].size()), pieces / hour_pieces * 600);
}

TEST_F(Backup, ThatIsTheSecondIsSmallAndBothAreListed) {
  make_store(96);
  ASSERT_EQ(back_up_stopped().status, 0);
  const auto size = [&] {
    std::uintmax_t sum = 0;
    for (const auto& entry : fs::recursive_directory_iterator{to_})
      sum += entry.is_regular_file() ? entry.file_size() : 0;
    return sum;
  };
  const std::uintmax_t first = size();
  {
    RunningServer server{folder_};
    ASSERT_TRUE(server.wait_until_ready());
    send_hours(server, 96, 97);
    EXPECT_EQ(server.stop(), 0);
  }
  ASSERT_EQ(back_up_stopped().status, 0);
  EXPECT_LT(size() - first, first / 2);
  const Finished list = run_takt({"backup", "list", "--to", to_});
  EXPECT_EQ(list.status, 0);
  EXPECT_EQ(list.output, run_takt({"restore", "--from", to_, "--list"}).output);
  EXPECT_EQ(std::count(list.output.begin(), list.output.end(), '\n'), 2);
  EXPECT_EQ(run_takt({"backup", "verify", "--to", to_}).status, 0);
  // The first one can still be had.
  ASSERT_EQ(restore({"--backup", "1"}).status, 0);
  RunningServer server{other_};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_EQ(Client{server}
                .json("/v1/timeline?machine=M1&from=" + at(95 * 3600) + "&to=" + at(97 * 3600))["intervals"]
                .size(),
            2U);
}

TEST_F(Backup, IsNotAskedForByPagesOrFromAfar) {
  RunningServer server{folder_, simple_plant()};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  const std::string body = Json{{"to", to_}}.dump();
  EXPECT_THAT(expect_problem(client.post("/v1/backup", body, "text/plain"), 400), HasSubstr("Content-Type"));
  EXPECT_THAT(expect_problem(client.post("/v1/backup", R"({"to":"backups"})", "application/json"), 400),
              HasSubstr("absolute"));
  EXPECT_THAT(expect_problem(client.post("/v1/backup", "[]", "application/json"), 400), HasSubstr("JSON"));
  EXPECT_THAT(expect_problem(client.post("/v1/backup", R"({"to":"/dev/null/x"})", "application/json"), 400),
              HasSubstr("cannot create"));
  for (const char* header : {"Origin", "X-Forwarded-For", "Forwarded"}) {
    const HttpReply reply = client.post("/v1/backup", body, "application/json", {{header, "http://example.com"}});
    EXPECT_THAT(expect_problem(reply, 403), HasSubstr("own machine"));
  }
  EXPECT_FALSE(fs::exists(to_));
  const Json made = json_of(client.post("/v1/backup", body, "application/json"));
  EXPECT_EQ(made["backup"], 1);
  EXPECT_EQ(made["to"], to_);
  EXPECT_GT(made["bytes_written"], 0);
}

TEST_F(Backup, IsRefusedWhereItCannotBe) {
  make_store(1);
  EXPECT_THAT(complaint(run_takt({"backup", "--data", data_, "--to", data_ + "/backups"})), HasSubstr("within"));
  EXPECT_THAT(complaint(run_takt({"backup", "--data", data_ + "x", "--to", to_})),
              HasSubstr("no such data folder"));
  EXPECT_THAT(complaint(run_takt({"backup", "--data", data_}), 2), HasSubstr("--to"));
  EXPECT_THAT(complaint(run_takt({"backup", "--to", to_}), 2), HasSubstr("--server"));
  EXPECT_THAT(complaint(run_takt({"backup", "list", "--to", data_})), HasSubstr("no folder of backups"));
  RunningServer server{folder_};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_THAT(complaint(back_up_stopped()), AllOf(HasSubstr("in use"), HasSubstr("--server")));
}

TEST_F(Backup, IsNotRestoredOverSomethingNorWhenDamaged) {
  make_store(24);
  ASSERT_EQ(back_up_stopped().status, 0);
  fs::create_directory(restored_);
  write_file(fs::path{restored_} / "thesis.txt", "three years of work");
  EXPECT_THAT(complaint(restore()), HasSubstr("not empty"));
  fs::remove(fs::path{restored_} / "thesis.txt");
  for (const auto& entry : fs::directory_iterator{fs::path{to_} / "shared_checksum"}) flip_byte(entry.path(), 50);
  EXPECT_THAT(complaint(restore()), HasSubstr("backup 1"));
  EXPECT_TRUE(fs::is_empty(restored_));
  EXPECT_FALSE(fs::exists(restored_ + ".partial"));
  EXPECT_THAT(complaint(run_takt({"backup", "verify", "--to", to_})), HasSubstr("damaged"));
}

TEST_F(Backup, ThatWasRestoredIsNoticedByTheWarehouse) {
  const std::string file = (folder_.path() / "w.sqlite").string();
  make_store(2);
  ASSERT_EQ(back_up_stopped().status, 0);
  {
    RunningServer server{folder_};
    ASSERT_TRUE(server.wait_until_ready());
    send_hours(server, 2, 4);
    EXPECT_EQ(server.stop(), 0);
  }
  ASSERT_EQ(run_takt({"export", "--data", data_, "--to", "sqlite:" + file}).status, 0);
  ASSERT_EQ(restore().status, 0);
  {
    // As many commits as the warehouse has seen, and more, but others.
    RunningServer server{other_, {}, {"--export", "none"}};
    ASSERT_TRUE(server.wait_until_ready());
    send_hours(server, 10, 16);
    EXPECT_EQ(server.stop(), 0);
  }
  const std::vector<std::string> verify{"schema", "verify", "--data", restored_, "--to", "sqlite:" + file};
  EXPECT_EQ(run_takt(verify).status, 1);
  const Finished exported = run_takt({"export", "--data", restored_, "--to", "sqlite:" + file});
  EXPECT_EQ(exported.status, 0) << exported.error;
  const Finished verified = run_takt(verify);
  EXPECT_EQ(verified.status, 0) << verified.output << verified.error;
}

TEST_F(Backup, DrillOfADamagedFolder) {
  const std::string answers = make_store(48);
  ASSERT_EQ(back_up_stopped().status, 0);
  EXPECT_EQ(run_takt({"verify", "--data", data_}).status, 0);
  const fs::path table = largest_table(data_);
  flip_byte(table, 500);
  const Finished verified = run_takt({"verify", "--data", data_});
  EXPECT_EQ(verified.status, 1);
  EXPECT_THAT(verified.output, AllOf(HasSubstr("db/" + table.filename().string()), HasSubstr("takt restore")));
  // A damaged folder gives no backup that could take the place of a good one.
  EXPECT_EQ(run_takt({"backup", "--data", data_, "--to", to_ + "2"}).status, 1);
  fs::rename(data_, data_ + ".damaged");
  ASSERT_EQ(run_takt({"restore", "--from", to_, "--data", data_}).status, 0);
  RunningServer server{folder_};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_EQ(answers_of(server, 48), answers);
}

TEST_F(Backup, CompactionChangesNoAnswer) {
  const std::string answers = make_store(24);
  const Finished compacted = run_takt({"compact", "--data", data_});
  EXPECT_EQ(compacted.status, 0) << compacted.error;
  EXPECT_THAT(compacted.output, AllOf(HasSubstr("chunk"), HasSubstr("all files")));
  EXPECT_EQ(run_takt({"verify", "--data", data_}).status, 0);
  RunningServer server{folder_};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_EQ(answers_of(server, 24), answers);
  EXPECT_THAT(complaint(run_takt({"compact", "--data", data_})), HasSubstr("in use"));
}

TEST_F(Backup, DoctorSeesWhatStateAFolderIsIn) {
  make_store(2);
  {
    // On a busy machine the flush of a stop may have been given up.
    RunningServer server{folder_};
    ASSERT_TRUE(server.wait_until_ready());
    EXPECT_EQ(Client{server}.post("/v1/export/run", "", "application/json").status, 200);
    EXPECT_EQ(server.stop(), 0);
  }
  const auto doctor = [&] { return run_takt({"doctor", "--data", data_}); };
  const Finished good = doctor();
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_THAT(good.output, AllOf(HasSubstr("ok    contents: 1 machines, 1 tags"), HasSubstr("up to date")));
  {
    RunningServer server{folder_};
    ASSERT_TRUE(server.wait_until_ready());
    const Finished locked = doctor();
    EXPECT_EQ(locked.status, 0) << locked.output;
    EXPECT_THAT(locked.output, HasSubstr("in use: by process "));
    EXPECT_THAT(complaint(run_takt({"verify", "--data", data_})), HasSubstr("in use"));
    EXPECT_EQ(server.stop(), 0);
  }
  ASSERT_EQ(run_takt({"compact", "--data", data_}).status, 0);
  const fs::path table = largest_table(data_);
  fs::remove(table);
  const Finished damaged = doctor();
  EXPECT_EQ(damaged.status, 1);
  EXPECT_THAT(damaged.output, HasSubstr("bad   database: cannot open the data folder " + data_ + ": db/" +
                                        table.filename().string() + " is missing"));
  EXPECT_THAT(complaint(run_takt({"serve", "--data", data_, "--http", "127.0.0.1:0"})),
              AllOf(HasSubstr("db/" + table.filename().string() + " is missing"), HasSubstr("takt restore")));
  write_file(fs::path{data_} / "TAKT", "takt-store 9 0123456789abcdef0123456789abcdef\n");
  const Finished newer = doctor();
  EXPECT_EQ(newer.status, 1);
  EXPECT_THAT(newer.output, HasSubstr("format 9"));
  EXPECT_EQ(run_takt({"doctor", "--data", data_ + "x"}).status, 1);
}

}  // namespace
}  // namespace takt::test
