// What stands in the way of a start, and of a commit: configuration, folders, ports, disks.
#include "tests/http/raw_client.h"
#include "tests/system/running_server.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string read_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

std::vector<std::string> serve_words(const TemporaryFolder& folder) {
  return {"serve",  "--data",     folder.data().string(), "--config", folder.config().string(),
          "--http", "127.0.0.1:0"};
}

/// Starts a server that cannot start; its one line of complaint.
std::string refusal(const std::vector<std::string>& words) {
  const Finished finished = run_takt(words);
  EXPECT_EQ(finished.status, 1) << finished.error;
  EXPECT_EQ(finished.complaints().size(), 1U) << finished.error;
  return finished.complaints().empty() ? "" : finished.complaints().front();
}

TEST(PlantFile, ThatIsWrongIsRefusedByFileLineAndKey) {
  struct Case {
    std::string toml;
    int line;
    std::string key;
  };
  const std::vector<Case> cases = {
      {"[plant]\nid = \"P1\"\nid = \"P2\"\n", 3, "id"},
      {"[plant\n", 1, ""},
      {"[plant]\nid = \"P1\"\ntimezone = \"Europe/Atlantis\"\n", 3, "timezone"},
      {"[plant]\nid = \"P1\"\n[[machine]]\nid = \"M1\"\nideal_cycle = 1.0\n", 5, "ideal_cycle"},
      {"[plant]\nid = \"P1\"\n[[machine]]\nid = \"M1\"\nideal_cycle_s = \"fast\"\n", 5, "ideal_cycle_s"},
      {"[plant]\nid = \"P1\"\n[[machine]]\nid = \"M1\"\nideal_cycle_s = -1.0\n", 5, "ideal_cycle_s"},
      {"[plant]\nid = \"P1\"\n[[machine]]\nid = \"M1\"\n[[machine]]\nid = \"M1\"\n", 6, "id"},
      {"[plant]\nid = \"P1\"\n[[machine]]\nid = \"M1\"\nline = \"L9\"\n", 5, "line"},
      {"[plant]\nid = \"P1\"\n[[shift]]\nid = \"s\"\nstart = \"25:00\"\nend = \"06:00\"\n", 5, "start"},
  };
  for (const auto& [toml, line, key] : cases) {
    SCOPED_TRACE(toml);
    TemporaryFolder folder;
    write_file(folder.config(), toml);
    const Finished finished = run_takt(serve_words(folder));
    EXPECT_EQ(finished.status, 1);
    ASSERT_FALSE(finished.complaints().empty()) << finished.error;
    const std::string said = finished.complaints().front();
    EXPECT_THAT(said, HasSubstr("plant.toml:" + std::to_string(line)));
    EXPECT_THAT(said, HasSubstr(key));
  }
}

TEST(PlantFile, ThatIsMissingIsRefused) {
  TemporaryFolder folder;
  EXPECT_THAT(refusal(serve_words(folder)), HasSubstr("plant.toml"));
}

TEST(PlantFile, ThatIsWrongNowLeavesAStoreAsItWas) {
  TemporaryFolder folder;
  {
    RunningServer server{folder, simple_plant()};
    ASSERT_TRUE(server.wait_until_ready());
    EXPECT_EQ(server.stop(), 0);
  }
  write_file(folder.config(), "[plant]\nid = 7\n");
  EXPECT_THAT(refusal(serve_words(folder)), HasSubstr("plant.toml:2"));
  RunningServer server{folder};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_EQ(Client{server}.json("/v1/plant")["machine"][0]["id"], "M1");
}

class DataFolder : public testing::Test {
 protected:
  DataFolder() { write_file(folder_.config(), simple_plant()); }
  /// Makes a store with one event in it.
  void make_store() {
    RunningServer server{folder_, simple_plant()};
    ASSERT_TRUE(server.wait_until_ready());
    add_event(server);
    EXPECT_EQ(server.stop(), 0);
  }
  void add_event(RunningServer& server) {
    Client{server}.send({{{"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T06:00:00Z"}, {"good", 3}}});
  }
  int good_quantity(RunningServer& server) {
    return Client{server}.total("from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z")["good_quantity"].get<int>();
  }
  TemporaryFolder folder_;
};

TEST_F(DataFolder, InUseIsRefusedAndItsOwnerGoesOn) {
  RunningServer server{folder_, simple_plant()};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_THAT(refusal(serve_words(folder_)),
              testing::AllOf(HasSubstr("in use"), HasSubstr(folder_.data().string())));
  add_event(server);
  EXPECT_EQ(good_quantity(server), 3);
}

TEST_F(DataFolder, OfALaterVersionIsRefusedUntouched) {
  make_store();
  const std::filesystem::path mark = folder_.data() / "TAKT";
  const std::string before = read_text(mark);
  ASSERT_THAT(before, testing::StartsWith("takt-store 6 "));
  std::string later = before;
  later.replace(0, 12, "takt-store 9");
  write_file(mark, later);
  EXPECT_THAT(refusal(serve_words(folder_)), HasSubstr("format 9"));
  EXPECT_EQ(read_text(mark), later);
  write_file(mark, "something else\n");
  EXPECT_THAT(refusal(serve_words(folder_)), HasSubstr("TAKT"));
  write_file(mark, before);
  RunningServer server{folder_};
  ASSERT_TRUE(server.wait_until_ready());
  EXPECT_EQ(good_quantity(server), 3);
}

TEST_F(DataFolder, WithOtherFilesIsRefusedUntouched) {
  std::filesystem::create_directory(folder_.data());
  write_file(folder_.data() / "thesis.txt", "three years of work");
  EXPECT_THAT(refusal(serve_words(folder_)), HasSubstr("thesis.txt"));
  EXPECT_EQ(read_text(folder_.data() / "thesis.txt"), "three years of work");
  EXPECT_FALSE(std::filesystem::exists(folder_.data() / "TAKT"));
}

TEST_F(DataFolder, ThatIsAFileIsRefused) {
  write_file(folder_.data(), "a file");
  EXPECT_THAT(refusal(serve_words(folder_)), HasSubstr(folder_.data().string()));
}

TEST_F(DataFolder, ThatCannotBeWrittenIsRefused) {
  std::filesystem::create_directory(folder_.data());
  std::vector<std::string> words{takt_binary()};
  if (::geteuid() == 0) {
    ::chmod(folder_.path().c_str(), 0755);
    words.insert(words.begin(),
                 {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"});
    std::vector<std::string> version = words;
    version.emplace_back("--version");
    if (run_program(version).status != 0) GTEST_SKIP() << "setpriv cannot run the program as another user here";
  } else {
    ::chmod(folder_.data().c_str(), 0555);
  }
  const std::vector<std::string> serve = serve_words(folder_);
  words.insert(words.end(), serve.begin(), serve.end());
  const Finished finished = run_program(words);
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.complaints(), ElementsAre(HasSubstr("not writable"))) << finished.error;
}

TEST_F(DataFolder, ThatIsDamagedIsRefusedWithARemedy) {
  make_store();
  for (const auto& entry : std::filesystem::directory_iterator{folder_.data() / "db"}) {
    if (entry.path().filename().string().starts_with("MANIFEST"))
      write_file(entry.path(), "no manifest at all, but words");
  }
  EXPECT_THAT(refusal(serve_words(folder_)), HasSubstr("backup"));
}

TEST(Port, InUseIsRefused) {
  TemporaryFolder folder, other;
  RunningServer server{folder, simple_plant()};
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  EXPECT_THAT(refusal({"serve", "--data", other.data().string(), "--http", address}), HasSubstr(address));
  EXPECT_FALSE(std::filesystem::exists(other.data() / "TAKT"));
}

TEST(Port, OpenToOthersIsRefusedWithoutConsent) {
  TemporaryFolder folder;
  EXPECT_THAT(refusal({"serve", "--data", folder.data().string(), "--http", "0.0.0.0:0"}),
              HasSubstr("--insecure"));
}

/// A small disk that only this thread and its children see, and that goes with the process at the latest.
class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    mounted_ = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=160m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  std::filesystem::path path_;
  bool mounted_ = false;
};

/// Takes all the space that is left.
void fill_disk(const std::filesystem::path& folder) {
  const int file = ::open((folder / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  const std::string block(std::size_t{1} << 20U, 'x');
  while (::write(file, block.data(), block.size()) > 0) {
  }
  ::close(file);
}

TEST_F(DataFolder, OnAFullDiskTakesNothingInAnswersOnAndReturnsWhenSpaceDoes) {
  const SmallDisk disk{folder_.data()};
  if (!disk.mounted()) GTEST_SKIP() << "a small disk cannot be mounted here (needs root)";
  RunningServer server{folder_, simple_plant()};
  ASSERT_TRUE(server.wait_until_ready());
  add_event(server);
  fill_disk(folder_.data());
  Client client{server};
  const Json late = {{"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T07:00:00Z"}, {"good", 4}};
  const HttpReply refused = client.post("/v1/events", late.dump(), "application/json");
  EXPECT_THAT(expect_problem(refused, 503), HasSubstr("disk"));
  EXPECT_TRUE(refused.header("Retry-After"));
  EXPECT_THAT(expect_problem(client.get("/readyz"), 503), HasSubstr("disk"));
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(good_quantity(server), 3);

  std::filesystem::remove(folder_.data() / "filler");
  EXPECT_TRUE(server.wait_until_ready());
  EXPECT_EQ(client.send({late})["accepted"], 1);
  EXPECT_EQ(good_quantity(server), 7);
  server.kill();
  RunningServer again{folder_};
  ASSERT_TRUE(again.wait_until_ready());
  EXPECT_EQ(good_quantity(again), 7);
}

}  // namespace
}  // namespace takt::test
