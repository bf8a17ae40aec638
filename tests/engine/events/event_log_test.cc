// Events from their journal into chunks: none is lost, doubled or written again and again.
#include "tests/engine/engine_store.h"

#include <gmock/gmock.h>

#include "engine/disk.h"
#include "engine/events/checkpoint.h"
#include "engine/events/event_chunk.h"

namespace takt {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using Disk = Store::Disk;

const Timestamp kStart = parse_time("2026-01-05T06:00:00Z").value();
const TimeRange kAll{kStart, kStart + hours{24 * 30}};

/// A store that seals when told to.
struct SealedByHand : EngineStore {
  SealedByHand() : EngineStore{kStart + hours{24 * 30}} {
    options.fold_every = std::chrono::milliseconds{0};
    reopen();
  }
  void seal() {
    const auto sealed = store->seal();
    ASSERT_TRUE(sealed) << sealed.error().context;
  }
  std::size_t told() const {
    std::size_t events = 0;
    EXPECT_TRUE(store->events_since(0, [&](Sequence, const Event&) { return ++events, true; }));
    return events;
  }
  void tamper(const std::function<void(Disk&, rocksdb::WriteBatch&)>& with) {
    store.reset();
    {
      const auto disk = Disk::open(data());
      ASSERT_TRUE(disk) << disk.error().context;
      rocksdb::WriteBatch batch;
      with(**disk, batch);
      ASSERT_TRUE((*disk)->write(batch));
    }
    open();
  }
};

std::vector<Event> counts(std::string_view machine, std::size_t first, std::size_t number,
                          std::string_view attributes = {}) {
  std::vector<Event> events;
  for (std::size_t i = first; i < first + number; ++i) {
    events.push_back(count(machine, kStart + seconds{i}, 1));
    events.back().attributes = attributes;
  }
  return events;
}

std::vector<std::string> keys_of(const Disk& disk, Disk::Family family) {
  std::vector<std::string> keys;
  EXPECT_TRUE(disk.scan(family, "", [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  }));
  return keys;
}

TEST(EventLog, KeepsACommitThatFillsSeveralChunks) {
  SealedByHand s;
  s.commit(counts("M1", 0, 20'000));
  s.seal();
  EXPECT_EQ(s.store->event_chunks().chunks, 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    s.commit(counts("M1", 20'000 + i * 2000, 2000));  // joins the last piece of that commit
    s.seal();
  }
  EXPECT_EQ(s.told(), 26'000U);
  s.reopen();
  EXPECT_EQ(s.told(), 26'000U);
  EXPECT_EQ(s.account("M1", kAll).good, 26'000);
}

TEST(EventLog, KeepsACommitCutForItsTexts) {
  SealedByHand s;
  const std::string attributes = "{\"a\":\"" + std::string(1'000'000, 'x') + "\"}";
  s.commit(counts("M1", 0, 20, attributes));
  s.seal();
  s.commit(counts("M1", 20, 2));
  s.seal();
  EXPECT_EQ(s.told(), 22U);
  s.reopen();
  EXPECT_EQ(s.account("M1", kAll).good, 22);
  EXPECT_EQ(s.store->read_only_reason(), "");
}

TEST(EventLog, WritesEachEventAFewTimesWhateverItsTexts) {
  SealedByHand s;
  const std::string attributes = "{\"a\":\"" + std::string(100'000, 'x') + "\"}";
  constexpr std::size_t kPasses = 16;
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    s.commit(counts("M1", pass * 100, 100, attributes));
    s.seal();
  }
  EXPECT_EQ(s.told(), kPasses * 100);
  EXPECT_LE(s.store->statistics().chunks_sealed, 2 * kPasses);
}

TEST(EventLog, WithAChunkMissingServesNothingOfItsMachine) {
  SealedByHand s;
  s.commit(counts("M1", 0, 5));
  s.commit(counts("M2", 0, 7));
  s.seal();
  s.tamper([&](Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Delete(disk[Disk::event_chunk], keys_of(disk, Disk::event_chunk).front());
  });
  EXPECT_THAT(s.store->read().machine("M1")->damage(),
              HasSubstr("5 of its events were in chunks, and 0 are there"));
  EXPECT_EQ(s.store->read().machine("M2")->damage(), "");
  EXPECT_EQ(s.account("M2", kAll).good, 7);
  EXPECT_THAT(s.store->read_only_reason(), HasSubstr("machine M1"));
}

TEST(EventLog, WithCheckpointsExchangedServesNeitherMachine) {
  SealedByHand s;
  s.commit(counts("M1", 0, 5));
  s.commit(counts("M2", 0, 5));
  s.seal();
  s.tamper([&](Disk& disk, rocksdb::WriteBatch& batch) {
    const std::vector<std::string> keys = keys_of(disk, Disk::checkpoint);
    ASSERT_EQ(keys.size(), 2U);
    batch.Put(disk[Disk::checkpoint], keys[0], *disk.get(Disk::checkpoint, keys[1]));
    batch.Put(disk[Disk::checkpoint], keys[1], *disk.get(Disk::checkpoint, keys[0]));
  });
  for (const char* machine : {"M1", "M2"})
    EXPECT_THAT(s.store->read().machine(machine)->damage(), HasSubstr("another's"));
}

TEST(EventLog, GivesFiguresOfTodaysCalendarThoughACheckpointIsOfAnother) {
  SealedByHand s;
  s.commit(counts("M1", 0, 7200));
  s.seal();
  const Account before = s.account("M1", {kStart, kStart + hours{2}});
  s.tamper([&](Disk& disk, rocksdb::WriteBatch& batch) {
    const std::string key = keys_of(disk, Disk::checkpoint).front();
    Names names;
    MachineCheckpoint checkpoint = decode_checkpoint(*disk.get(Disk::checkpoint, key), names).value();
    for (MachineCheckpoint::Bucket& bucket : checkpoint.buckets) bucket.range.end -= std::chrono::minutes{30};
    batch.Put(disk[Disk::checkpoint], key, encode_checkpoint(checkpoint, names));
  });
  EXPECT_TRUE(s.account("M1", {kStart, kStart + hours{2}}) == before);
  const auto wrong = s.store->read().machine("M1")->check();
  EXPECT_FALSE(wrong) << *wrong;
}

}  // namespace
}  // namespace takt
