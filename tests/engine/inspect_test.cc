#include "engine/inspect.h"

#include "engine/checkup.h"
#include "engine/disk.h"
#include "engine/events/event_chunk.h"
#include "engine/folder_mark.h"
#include "tests/engine/engine_store.h"

#include <fstream>
#include <map>

#include <gmock/gmock.h>

namespace takt {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using Disk = Store::Disk;

const Timestamp kStart = parse_time("2025-01-06T06:00:00Z").value();

struct Found {
  Inspection inspection;
  std::vector<std::string> damages;
  std::string error;
};

/// A stopped store with two sealed chunks, some journal, events and a refused one.
class StoppedStore : public testing::Test {
 protected:
  StoppedStore() {
    for (int i = 0; i < 20; ++i) {
      std::vector<Event> events;
      for (int k = i * 1000; k < (i + 1) * 1000; ++k)
        events.push_back(reading("M1", "temp", kStart + std::chrono::seconds{k}, k / 10.0));
      events.push_back(state("M1", kStart + std::chrono::seconds{i * 1000}, i % 2 == 0 ? "running" : "down"));
      engine_.commit(events);
    }
    EventBatch refused;
    refused.rejected.push_back({0, Rejection::bad_json, "no JSON", "{"});
    EXPECT_TRUE(engine_.store->commit(std::move(refused), "test"));
    engine_.store.reset();
  }

  Found inspect() {
    Found found;
    InspectionOptions options;
    options.tell = [&](const Damage& damage) { found.damages.push_back(to_string(damage)); };
    const auto inspection = inspect_store(data_, options);
    if (inspection)
      found.inspection = *inspection;
    else
      found.error = inspection.error().context;
    EXPECT_EQ(found.inspection.damages, found.damages.size());
    return found;
  }
  /// Writes past all that looks after what is written, and into tables.
  void tamper(const std::function<void(Disk&, rocksdb::WriteBatch&)>& with) {
    const auto disk = Disk::open(data_);
    ASSERT_TRUE(disk) << disk.error().context;
    rocksdb::WriteBatch batch;
    with(**disk, batch);
    ASSERT_TRUE((*disk)->write(batch));
    for (std::size_t i = 0; i < Disk::families; ++i)
      ASSERT_TRUE((*disk)->database().Flush({}, (**disk)[static_cast<Disk::Family>(i)]).ok());
  }
  static std::pair<std::string, std::string> first_of(Disk& disk, Disk::Family family) {
    std::pair<std::string, std::string> first;
    EXPECT_TRUE(disk.scan(family, "", [&](std::string_view key, std::string_view value) {
      first = {std::string{key}, std::string{value}};
      return false;
    }));
    return first;
  }
  static void flip(std::string& bytes, std::size_t at) { bytes[at] = static_cast<char>(bytes[at] ^ 1); }
  /// The largest table of a family.
  fs::path table_of(const std::string& family) {
    tamper([](Disk&, rocksdb::WriteBatch&) {});
    const auto disk = Disk::open(data_);
    std::vector<rocksdb::LiveFileMetaData> files;
    (*disk)->database().GetLiveFilesMetaData(&files);
    std::uint64_t most = 0;
    fs::path largest;
    for (const auto& file : files) {
      if (file.column_family_name != family || file.size <= most) continue;
      most = file.size;
      largest = file.db_path + file.name;
    }
    return largest;
  }
  std::string refusal() {
    const auto store = Store::open(data_, engine_.options);
    return store ? "" : store.error().context;
  }
  std::vector<Finding> findings(Health health) {
    std::vector<Finding> list;
    for (Finding& finding : check_up(data_, engine_.clock).findings) {
      if (finding.health == health) list.push_back(std::move(finding));
    }
    return list;
  }

  EngineStore engine_{Clock::system().now()};
  fs::path data_ = engine_.data();
};

TEST_F(StoppedStore, ThatIsWholePasses) {
  const Found found = inspect();
  EXPECT_THAT(found.damages, IsEmpty());
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.inspection.machines, 2U);
  EXPECT_EQ(found.inspection.tags, 1U);
  EXPECT_EQ(found.inspection.events, 20U);
  EXPECT_EQ(found.inspection.chunks, 4U);
  EXPECT_GE(found.inspection.readings + found.inspection.waiting, 20'000U);
  EXPECT_EQ(found.inspection.quarantined, 1U);
  EXPECT_GT(found.inspection.cells, 0U);
}

TEST_F(StoppedStore, IsNotChangedByBeingInspected) {
  const auto listing = [&] {
    std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> files;
    for (const auto& entry : fs::recursive_directory_iterator{data_}) {
      if (entry.is_regular_file()) files[entry.path().string()] = {entry.file_size(), entry.last_write_time()};
    }
    return files;
  };
  const auto before = listing();
  inspect();
  findings(Health::bad);
  EXPECT_EQ(listing(), before);
}

TEST_F(StoppedStore, OpenToReadTakesNothingInAndKeepsWritersOut) {
  const auto store = Store::open_to_read(data_, engine_.options);
  ASSERT_TRUE(store) << store.error().context;
  EXPECT_EQ((*store)->read().machine("M1")->timeline().states().size(), 20U);
  EXPECT_THAT(refusal(), HasSubstr("in use"));
  EventBatch batch;
  batch.events = {count("M1", kStart, 1)};
  EXPECT_FALSE((*store)->commit(std::move(batch), "test"));
}

TEST_F(StoppedStore, WithAFlippedByteInAChunkNamesMachineTagAndTime) {
  tamper([](Disk& disk, rocksdb::WriteBatch& batch) {
    auto [key, value] = first_of(disk, Disk::chunk);
    flip(value, value.size() - 10);
    batch.Put(disk[Disk::chunk], key, value);
  });
  const Found found = inspect();
  ASSERT_EQ(found.damages.size(), 1U) << testing::PrintToString(found.damages);
  EXPECT_THAT(found.damages[0], AllOf(HasSubstr("machine M1, tag temp, from 2025-01-06T06:00:00Z to "),
                                      HasSubstr("checksum"), HasSubstr("takt restore")));
}

TEST_F(StoppedStore, WithAChunkUnderAnothersKeyNamesBoth) {
  tamper([](Disk& disk, rocksdb::WriteBatch& batch) {
    auto [key, value] = first_of(disk, Disk::chunk);
    const std::string index = *disk.get(Disk::chunk_index, key);
    batch.Delete(disk[Disk::chunk], key);
    batch.Delete(disk[Disk::chunk_index], key);
    key[7] = 1;  // of machine M2
    batch.Put(disk[Disk::chunk], key, value);
    batch.Put(disk[Disk::chunk_index], key, index);
  });
  const Found found = inspect();
  EXPECT_THAT(found.damages, testing::Contains(AllOf(HasSubstr("chunk of machine M2"), HasSubstr("not its own"),
                                                     HasSubstr("machine M1, tag temp"))));
}

TEST_F(StoppedStore, WithAChunkTakenAwayIsToldOf) {
  tamper([](Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Delete(disk[Disk::chunk], first_of(disk, Disk::chunk).first);
  });
  EXPECT_THAT(inspect().damages, testing::Contains(HasSubstr("4 chunks, of which 3 are there")));
}

TEST_F(StoppedStore, WithAFlippedByteInAFrameNamesTheCommit) {
  for (const Disk::Family family : {Disk::events, Disk::journal}) {
    SCOPED_TRACE(Disk::name_of(family));
    std::string key, whole;
    tamper([&](Disk& disk, rocksdb::WriteBatch& batch) {
      std::tie(key, whole) = first_of(disk, family);
      std::string value = whole;
      flip(value, value.size() / 2);
      batch.Put(disk[family], key, value);
    });
    const std::string commit =
        std::string{Disk::name_of(family)} + " of commit " + std::to_string(sequence_of_key(key)) + ":";
    EXPECT_THAT(inspect().damages, testing::Contains(HasSubstr(commit)));
    EXPECT_THAT(refusal(), HasSubstr("commit " + std::to_string(sequence_of_key(key))));
    tamper([&](Disk& disk, rocksdb::WriteBatch& batch) { batch.Put(disk[family], key, whole); });
    EXPECT_THAT(inspect().damages, IsEmpty());
  }
}

TEST_F(StoppedStore, WithADamagedChunkOfEventsNamesMachineAndTimes) {
  engine_.open();
  ASSERT_TRUE(engine_.store->seal());
  engine_.store.reset();
  EXPECT_THAT(inspect().damages, IsEmpty());
  EXPECT_EQ(inspect().inspection.events, 20U);
  for (const Disk::Family family : {Disk::event_chunk, Disk::checkpoint}) {
    SCOPED_TRACE(Disk::name_of(family));
    std::string key, whole;
    tamper([&](Disk& disk, rocksdb::WriteBatch& batch) {
      std::tie(key, whole) = first_of(disk, family);
      std::string value = whole;
      flip(value, value.size() - 1);
      batch.Put(disk[family], key, value);
    });
    const char* name =
        family == Disk::checkpoint ? "checkpoint of machine M1" : "events of machine M1 from commit 2";
    EXPECT_THAT(inspect().damages, testing::Contains(HasSubstr(name)));
    engine_.open();  // the others are served, and nothing is taken in
    EXPECT_THAT(engine_.store->read().machine("M1")->damage(), HasSubstr("checksum"));
    EXPECT_EQ(engine_.store->read().machine("M2")->damage(), "");
    EXPECT_THAT(engine_.store->read_only_reason(), HasSubstr("the history of machine M1 is damaged"));
    EXPECT_FALSE(engine_.try_commit({count("M2", kStart, 1)}));
    engine_.store.reset();
    tamper([&](Disk& disk, rocksdb::WriteBatch& batch) { batch.Put(disk[family], key, whole); });
    EXPECT_THAT(inspect().damages, IsEmpty());
  }
}

TEST_F(StoppedStore, WithEventsUnderAnothersKeyIsToldOf) {
  engine_.open();
  ASSERT_TRUE(engine_.store->seal());
  engine_.store.reset();
  tamper([&](Disk& disk, rocksdb::WriteBatch& batch) {
    const auto [key, value] = first_of(disk, Disk::event_chunk);
    EventChunkKey other = *EventChunkKey::parse(key);
    other.machine = MachineId{1};
    batch.Delete(disk[Disk::event_chunk], key);
    batch.Put(disk[Disk::event_chunk], other.bytes(), value);
  });
  EXPECT_THAT(inspect().damages, testing::Contains(HasSubstr("not its own")));
  engine_.open();
  EXPECT_THAT(engine_.store->read().machine("M2")->damage(), HasSubstr("another's key"));
}

TEST_F(StoppedStore, WithoutANameForAMachineOrTagIsToldOf) {
  tamper([](Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Delete(disk[Disk::meta], "m" + sequence_key(0));
    batch.Delete(disk[Disk::meta], "t" + sequence_key(0));
  });
  const Found found = inspect();
  EXPECT_THAT(found.damages, testing::Contains(HasSubstr("machine number 0: has no name")));
  EXPECT_THAT(found.damages, testing::Contains(HasSubstr("names the machine M1, which has no number")));
}

TEST_F(StoppedStore, WithADamagedQuarantineEntryIsToldOf) {
  tamper([](Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Put(disk[Disk::quarantined], sequence_key(1), "nonsense");
  });
  const Found found = inspect();
  ASSERT_EQ(found.damages.size(), 1U);
  EXPECT_THAT(found.damages[0], HasSubstr("quarantine entry 1"));
}

TEST_F(StoppedStore, WithAFlippedByteInATableNamesTheFileAndItsDays) {
  const fs::path table = table_of("chunk");
  std::fstream file{table, std::ios::in | std::ios::out | std::ios::binary};
  file.seekg(1000);
  const int byte = file.get();
  file.seekp(1000);
  file.put(static_cast<char>(byte ^ 1));
  file.close();
  const Found found = inspect();
  ASSERT_EQ(found.damages.size(), 1U) << testing::PrintToString(found.damages);
  EXPECT_THAT(found.damages[0], AllOf(HasSubstr("db/" + table.filename().string()), HasSubstr("2025-01-06"),
                                      HasSubstr("takt restore")));
}

TEST_F(StoppedStore, WithATableCutOffOrMissingIsRefusedByItsName) {
  const fs::path table = table_of("chunk");
  const std::string name = "db/" + table.filename().string();
  fs::rename(table, table.string() + ".away");
  for (const bool cut_off : {false, true}) {
    SCOPED_TRACE(cut_off);
    if (cut_off) {
      fs::copy(table.string() + ".away", table);
      fs::resize_file(table, 1000);
    }
    const auto told =
        AllOf(HasSubstr(name), HasSubstr(cut_off ? "cut off" : "missing"), HasSubstr("takt restore"));
    EXPECT_THAT(refusal(), told);
    EXPECT_THAT(inspect().damages, testing::ElementsAre(told));
    const auto bad = findings(Health::bad);
    ASSERT_EQ(bad.size(), 1U);
    EXPECT_THAT(bad[0].text, told);
  }
}

TEST_F(StoppedStore, WithoutItsDatabaseIsNotBegunAnew) {
  fs::remove_all(data_ / "db");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("db/CURRENT is missing"), HasSubstr("takt restore")));
  EXPECT_FALSE(fs::exists(data_ / "db"));
}

TEST_F(StoppedStore, WithoutItsMarkIsNotTakenForAnothersFolder) {
  fs::remove(data_ / "TAKT");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("TAKT is missing"), HasSubstr("takt restore")));
}

TEST_F(StoppedStore, BegunButNeverFinishedIsBegunAgain) {
  // What a first start leaves that was cut short before the mark got its name.
  const fs::path begun = engine_.folder.path() / "begun";
  fs::create_directory(begun);
  std::ofstream{begun / "TAKT.new"} << "takt-store 1 0123";
  fs::create_directory(begun / "db");
  EXPECT_TRUE(Store::open(begun, engine_.options));
  EXPECT_TRUE(fs::exists(begun / "TAKT"));
}

TEST_F(StoppedStore, IsHealthyToTheDoctor) {
  EXPECT_THAT(findings(Health::bad), IsEmpty());
  const CheckUp result = check_up(data_, engine_.clock);
  EXPECT_TRUE(result.looked_inside);
  EXPECT_EQ(result.commit, 22U);
  std::string all;
  for (const Finding& finding : result.findings) all += finding.topic + ": " + finding.text + '\n';
  EXPECT_THAT(all, HasSubstr("contents: 2 machines, 1 tags, newest commit 22"));
  EXPECT_THAT(all, HasSubstr("events: 20 besides readings, from 2025-01-06T06:00:00Z to 2025-01-06T11:16:40Z"));
  EXPECT_THAT(all, HasSubstr("quarantine: 1 refused events"));
}

TEST_F(StoppedStore, OfALaterFormatIsRefusedByAll) {
  std::ofstream{data_ / "TAKT"} << "takt-store 5 0123456789abcdef0123456789abcdef\n";
  EXPECT_THAT(refusal(), HasSubstr("format 5"));
  EXPECT_THAT(inspect().error, HasSubstr("format 5"));
  const auto bad = findings(Health::bad);
  ASSERT_EQ(bad.size(), 1U);
  EXPECT_THAT(bad[0].text, HasSubstr("format 5"));
}

TEST_F(StoppedStore, WithAClockThatIsBehindIsToldOf) {
  engine_.clock.set(kStart - std::chrono::hours{1});
  const auto bad = findings(Health::bad), warnings = findings(Health::warn);
  ASSERT_EQ(bad.size(), 1U);
  EXPECT_EQ(bad[0].topic, "clock");
  ASSERT_FALSE(warnings.empty());
  EXPECT_EQ(warnings.back().topic, "clock");
}

TEST(FolderMark, ReadsWhatItWritesAndOlderOnes) {
  const FolderMark fresh = FolderMark::fresh();
  const FolderMark twice = fresh.restored().restored();
  for (const FolderMark& mark : {fresh, fresh.restored(), twice}) {
    const auto read = FolderMark::parse(mark.text(), "TAKT");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->identity(), mark.identity());
  }
  EXPECT_TRUE(twice.incarnation.starts_with("2-"));
  EXPECT_EQ(FolderMark::parse("takt-store 1 abc\n", "TAKT")->identity(), "abc");
  EXPECT_FALSE(FolderMark::parse("takt-store x abc\n", "TAKT"));
  EXPECT_FALSE(FolderMark::parse("", "TAKT"));
}

}  // namespace
}  // namespace takt
