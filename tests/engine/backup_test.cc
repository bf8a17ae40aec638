#include "engine/backup.h"

#include "engine/disk.h"
#include "engine/folder_mark.h"
#include "engine/inspect.h"
#include "tests/engine/engine_store.h"

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>

namespace takt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const Timestamp kStart = parse_time("2025-01-06T06:00:00Z").value();
const TimeRange kDays{kStart, kStart + std::chrono::hours{72}};

std::string bytes_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return text.str();
}

Result<void> inspected(const fs::path& folder) {
  std::string all;
  InspectionOptions options;
  options.tell = [&](const Damage& damage) { all += to_string(damage) + '\n'; };
  const auto found = inspect_store(folder, options);
  if (!found) return found.error();
  if (found->damages > 0) return corruption(all);
  return {};
}

class Backups : public testing::Test {
 protected:
  void commit_readings(int from, int count) {
    std::vector<Event> events;
    for (int i = from; i < from + count; ++i) {
      events.push_back(reading("M1", "temp", kStart + std::chrono::seconds{i}, (i * 7919 % 1000) / 10.0));
      if (i % 10 == 0) events.push_back(count_at(i));
    }
    engine_.commit(events);
  }
  static Event count_at(int second) { return count("M1", kStart + std::chrono::seconds{second}, 1); }
  static std::int64_t pieces(const Store& store) {
    return store.read().machine("M1")->account(kDays, kDays.end).good;
  }
  static std::size_t readings(const Store& store) {
    const StoreView view = store.read();
    const auto rows = view.series(view.machine("M1")->id(), "temp")->snapshot(kDays).rows(view.chunks());
    return rows ? rows->size() : 0;
  }
  Result<Backup> restore(std::optional<std::uint32_t> number = {}) {
    return restore_backup(to_, number, restored_, inspected);
  }
  std::unique_ptr<Store> open(const fs::path& folder) {
    auto store = Store::open(folder, engine_.options);
    if (!store) {
      ADD_FAILURE() << store.error().context;
      return nullptr;
    }
    return std::move(*store);
  }

  EngineStore engine_{kDays.end};
  fs::path to_ = engine_.folder.path() / "backups";
  fs::path restored_ = engine_.folder.path() / "restored";
};

TEST_F(Backups, OfAnOpenStoreComesBackWhole) {
  commit_readings(0, 20'000);
  const auto made = engine_.store->back_up(to_, {});
  ASSERT_TRUE(made) << made.error().context;
  EXPECT_EQ(made->backup.number, 1U);
  EXPECT_EQ(made->backup.commit, engine_.store->sequence());
  commit_readings(20'000, 100);  // not in it
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().context;
  EXPECT_FALSE(fs::exists(restored_.string() + ".partial"));
  const auto store = open(restored_);
  ASSERT_TRUE(store);
  EXPECT_EQ(pieces(*store), 2'000);
  EXPECT_EQ(readings(*store), 20'000U);
  EXPECT_EQ(store->sequence(), made->backup.commit);
  EXPECT_EQ(pieces(*engine_.store), 2'010);
}

TEST_F(Backups, AfterTheFirstHoldWhatIsNewAlone) {
  for (int i = 0; i < 10; ++i) commit_readings(i * 20'000, 20'000);
  const auto first = engine_.store->back_up(to_, {});
  ASSERT_TRUE(first) << first.error().context;
  commit_readings(200'000, 100);
  const auto second = engine_.store->back_up(to_, {});
  ASSERT_TRUE(second) << second.error().context;
  EXPECT_EQ(second->backup.number, 2U);
  EXPECT_EQ(second->backups, 2U);
  EXPECT_GT(second->backup.bytes, first->backup.bytes / 2);
  EXPECT_LT(second->bytes_written, first->bytes_written / 5);
  ASSERT_TRUE(restore(1));
  EXPECT_EQ(pieces(*open(restored_)), 20'000);
}

TEST_F(Backups, OfAStoppedStoreNeedNoServer) {
  commit_readings(0, 100);
  const auto refused = back_up(engine_.data(), to_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().context, HasSubstr("--server"));
  engine_.store.reset();
  ASSERT_TRUE(back_up(engine_.data(), to_, {}));
  ASSERT_TRUE(restore());
  EXPECT_EQ(pieces(*open(restored_)), 10);
}

TEST_F(Backups, KeepTheNewestOnly) {
  for (int i = 0; i < 4; ++i) {
    commit_readings(i * 100, 100);
    ASSERT_TRUE(engine_.store->back_up(to_, {.keep = 2, .given_up = {}}));
  }
  const auto list = list_backups(to_);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0].number, 3U);
  EXPECT_EQ((*list)[1].number, 4U);
  EXPECT_TRUE(verify_backups(to_, std::nullopt));
}

TEST_F(Backups, GivenUpLeaveNothing) {
  commit_readings(0, 20'000);
  ASSERT_TRUE(engine_.store->back_up(to_, {}));
  commit_readings(20'000, 20'000);
  const auto given_up = engine_.store->back_up(to_, {.keep = 0, .given_up = [] { return true; }});
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, ErrorCode::unavailable);
  const auto list = list_backups(to_);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 1U);
}

TEST_F(Backups, RefuseFoldersOfOthers) {
  commit_readings(0, 10);
  fs::create_directory(to_);
  std::ofstream{to_ / "thesis.txt"} << "three years of work";
  EXPECT_THAT(engine_.store->back_up(to_, {}).error().context, HasSubstr("thesis.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator{to_}, {}), 1);
  EXPECT_THAT(engine_.store->back_up(engine_.data() / "backups", {}).error().context, HasSubstr("within"));
  EXPECT_THAT(list_backups(to_).error().context, HasSubstr("no folder of backups"));

  const fs::path shared = engine_.folder.path() / "shared";
  EngineStore other{kDays.end};
  other.commit({count("M1", kStart, 1)});
  ASSERT_TRUE(other.store->back_up(shared, {}));
  EXPECT_THAT(engine_.store->back_up(shared, {}).error().context, HasSubstr("another store"));
}

TEST_F(Backups, OfADamagedTableAreRefusedAndTheOldStay) {
  commit_readings(0, 20'000);
  ASSERT_TRUE(engine_.store->back_up(to_, {}));
  commit_readings(20'000, 20'000);
  engine_.store.reset();
  {
    const auto disk = Store::Disk::open(engine_.data());
    ASSERT_TRUE(disk);
    ASSERT_TRUE((*disk)->database().Flush({}, (**disk)[Store::Disk::chunk]).ok());
    std::vector<rocksdb::LiveFileMetaData> files;
    (*disk)->database().GetLiveFilesMetaData(&files);
    const auto newest = std::max_element(files.begin(), files.end(), [](auto& a, auto& b) {
      return std::pair{a.column_family_name == "chunk", a.file_number} <
             std::pair{b.column_family_name == "chunk", b.file_number};
    });
    std::fstream file{newest->db_path + newest->name, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(1000);
    file.put('!');
  }
  const auto refused = back_up(engine_.data(), to_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::corruption);
  EXPECT_THAT(refused.error().context, HasSubstr(".sst"));
  EXPECT_THAT(refused.error().context, HasSubstr("takt restore"));
  EXPECT_EQ(list_backups(to_)->size(), 1U);
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().context;
  EXPECT_EQ(pieces(*open(restored_)), 2'000);
}

TEST_F(Backups, ThatAreDamagedAreNamedAndNotRestored) {
  commit_readings(0, 20'000);
  ASSERT_TRUE(engine_.store->back_up(to_, {}));
  for (const auto& entry : fs::directory_iterator{to_ / "shared_checksum"}) {
    std::fstream file{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(100);
    const int byte = file.get();
    file.seekp(100);
    file.put(static_cast<char>(byte ^ 1));
  }
  const auto verified = verify_backups(to_, std::nullopt);
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().context, HasSubstr("backup 1 is damaged"));
  const auto restored = restore();
  ASSERT_FALSE(restored);
  EXPECT_FALSE(fs::exists(restored_));
  EXPECT_FALSE(fs::exists(restored_.string() + ".partial"));

  fs::remove(*fs::directory_iterator{to_ / "shared_checksum"});
  EXPECT_TRUE(list_backups(to_)->front().damaged);
  EXPECT_THAT(restore().error().context, HasSubstr("no whole backup"));
  EXPECT_THAT(restore(1).error().context, HasSubstr("damaged"));
  EXPECT_THAT(restore(7).error().context, HasSubstr("no backup 7"));
}

TEST_F(Backups, AreNeverRestoredOverSomething) {
  commit_readings(0, 100);
  ASSERT_TRUE(engine_.store->back_up(to_, {}));
  fs::create_directory(restored_);
  std::ofstream{restored_ / "thesis.txt"} << "three years of work";
  EXPECT_THAT(restore().error().context, HasSubstr("not empty"));
  EXPECT_EQ(bytes_of(restored_ / "thesis.txt"), "three years of work");
  fs::remove(restored_ / "thesis.txt");
  const fs::path partial = restored_.string() + ".partial";
  fs::create_directory(partial);
  std::ofstream{partial / "mine.txt"} << "mine";
  EXPECT_THAT(restore().error().context, HasSubstr("in the way"));
  fs::remove(partial / "mine.txt");
  ASSERT_TRUE(restore());
  EXPECT_EQ(pieces(*open(restored_)), 10);
}

TEST_F(Backups, FailingTheirCheckLeaveNothing) {
  commit_readings(0, 100);
  ASSERT_TRUE(engine_.store->back_up(to_, {}));
  const auto refused = restore_backup(
      to_, {}, restored_, [](const fs::path&) -> Result<void> { return corruption("not good enough"); });
  EXPECT_THAT(refused.error().context, HasSubstr("not good enough"));
  EXPECT_FALSE(fs::exists(restored_));
  EXPECT_FALSE(fs::exists(restored_.string() + ".partial"));
}

TEST_F(Backups, MakeAnotherIncarnationEachTimeTheyAreRestored) {
  commit_readings(0, 100);
  const std::string original = engine_.store->id();
  EXPECT_EQ(original.size(), 32U);
  ASSERT_TRUE(engine_.store->back_up(to_, {}));
  ASSERT_TRUE(restore());
  const std::string once = open(restored_)->id();
  EXPECT_TRUE(once.starts_with(original + ".1-")) << once;
  fs::remove_all(restored_);
  ASSERT_TRUE(restore());
  const std::string again = open(restored_)->id();
  EXPECT_TRUE(again.starts_with(original + ".1-")) << again;
  EXPECT_NE(again, once);
  // A restored store goes on in the same backup folder.
  ASSERT_TRUE(back_up(restored_, to_, {}));
  const fs::path third = engine_.folder.path() / "third";
  ASSERT_TRUE(restore_backup(to_, {}, third, inspected));
  EXPECT_TRUE(open(third)->id().starts_with(original + ".2-"));
}

TEST_F(Backups, MadeWhileOthersCommitConcurrentlyAreTheStateAfterSomeCommit) {
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::thread writer{[&] {
    for (int i = 0; !stop && i < 5'000; ++i) {
      // One count and one reading a commit: a backup that tears a commit apart has more of one than of the other.
      engine_.commit({reading("M1", "temp", kStart + std::chrono::seconds{i}, i), count_at(i)});
      done = i + 1;
    }
  }};
  std::vector<std::pair<std::uint32_t, int>> backups;
  for (int i = 0; i < 3; ++i) {
    const int before = done;
    const auto made = engine_.store->back_up(to_, {});
    EXPECT_TRUE(made) << made.error().context;
    if (made) backups.emplace_back(made->backup.number, before);
  }
  stop = true;
  writer.join();
  for (const auto& [number, at_least] : backups) {
    fs::remove_all(restored_);
    const auto restored = restore(number);
    ASSERT_TRUE(restored) << restored.error().context;
    const auto store = open(restored_);
    ASSERT_TRUE(store);
    EXPECT_GE(pieces(*store), at_least);
    EXPECT_EQ(static_cast<std::int64_t>(readings(*store)), pieces(*store));
    EXPECT_GE(store->sequence(), restored->commit);
  }
}

}  // namespace
}  // namespace takt
