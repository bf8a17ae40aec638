// What of the store lies on disk: RocksDB with a column family a kind. Private to the engine.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <set>

#include "engine/store.h"

namespace takt {

/// Big-endian, so that keys sort as numbers do.
std::string sequence_key(std::uint64_t number);
std::uint64_t sequence_of_key(std::string_view key);

/// Keys and values of meta that tell of tags and of chunks that have been folded.
struct SeriesName {
  MachineId machine{};
  GroupId group{};
  std::string tag;
};
std::string series_key(SeriesId id);
std::string encode_series_name(const SeriesName& name);
Result<SeriesName> decode_series_name(std::string_view value);
std::string garbage_key(const ChunkKey& key);

/// A day whose readings are retained no more: chunks of it that the index does not have are on their way out.
std::string dropped_day_key(std::uint32_t day);
/// When a machine's readings that have been dropped were taken.
std::string heard_key(MachineId machine, std::uint32_t number);
std::string encode_heard(const std::vector<HeardRun>& runs);
Result<void> decode_heard(std::string_view value, std::vector<HeardRun>& runs);
/// Of rollups that were frozen together: machine u32, then the end of the last, sign bit flipped.
std::string rollup_key(MachineId machine, Timestamp until);
/// From when on events are kept, of all machines.
inline constexpr const char* kHorizonKey = "horizon";
inline constexpr std::string_view kZonePrefix = "zone/";
inline std::string zone_key(const std::string& name) { return std::string{kZonePrefix} + name; }
/// What has been dropped of the journal's readings, too.
inline constexpr const char* kDropsKey = "dropped";
std::string encode_drops(const std::vector<Drop>& drops);
Result<std::vector<Drop>> decode_drops(std::string_view value);

class Store::Disk final : public ChunkSource {
 public:
  /// Names and order of the column families; part of the format.
  enum Family : std::size_t {
    meta,
    events,  ///< the journal of events: frames of commits that are in no chunk yet
    journal,
    chunk_index,
    chunk,
    quarantined,
    event_chunk,
    checkpoint,
    rollup,       ///< cells of before the horizon of a machine's events
    commit_time,  ///< engine/commit_times.h
    families
  };

  static const char* name_of(Family family);

  /// Creates the folder's contents if there are none. What a crash must not have done to the logs is looked for
  /// first.
  static Result<std::unique_ptr<Disk>> open(const std::filesystem::path& directory,
                                            const StoreMemory& memory = {});
  /// An existing folder whose writer is stopped; no file changes, and no writer can start meanwhile. A family that
  /// the folder does not have is empty. The logs are not looked at: see check_logs().
  static Result<std::unique_ptr<Disk>> open_to_read(const std::filesystem::path& directory,
                                                    const StoreMemory& memory = {});
  /// Whether every write that was answered can be replayed. corruption names the file.
  static Result<void> check_logs(const std::filesystem::path& directory);
  ~Disk() override;

  /// All of the batch becomes durable, or none.
  Result<void> write(rocksdb::WriteBatch& batch);
  rocksdb::ColumnFamilyHandle* operator[](Family family) const { return handles_[family]; }
  Result<void> scan(Family family, const std::string& from,
                    const std::function<bool(std::string_view key, std::string_view value)>& visit) const;
  std::optional<std::string> get(Family family, const std::string& key) const;
  Result<void> load(const ChunkKey& key, const std::function<Result<void>(std::string_view)>& read) const override;
  Result<std::shared_ptr<const ReadingColumns>> rows(const ChunkKey& key, GroupId group) const override;

  /// Rewrites every file, and lets go of logs that are in files by now.
  Result<void> compact();
  /// Told of by who reads it while it lasts.
  std::shared_ptr<const StoredChunk> stored(const ChunkKey& key);
  /// Chunks that nobody holds any more, after they were let go; but of dropped days.
  std::vector<ChunkKey> take_garbage();
  /// All that was let go of these days goes together, once nobody holds any of it.
  void note_dropped(const std::set<std::uint32_t>& days);
  struct DroppedDay {
    std::uint32_t day = 0;
    bool alone = true;             ///< there are no other chunks of the day
    std::vector<ChunkKey> chunks;  ///< that go
  };
  std::vector<DroppedDay> take_dropped_days();
  /// Takes out all chunks of the day: whole files at once, what is left of them with the batch.
  void drop_day(std::uint32_t day, rocksdb::WriteBatch& batch);
  /// Rewrites what files hold of days that were dropped since, beside others. Takes a moment, unless given up.
  void reclaim(std::atomic<bool>& given_up);

  rocksdb::DB& database() const { return *db_; }
  bool has(Family family) const { return handles_[family] != nullptr; }
  bool only_reads() const { return access_ == Access::read; }
  const std::filesystem::path& directory() const { return directory_; }
  const std::string& store_id() const { return store_id_; }
  std::uint64_t free_bytes() const;
  std::uint64_t total_bytes() const;
  std::uint64_t used_bytes() const;
  /// A status of RocksDB in one line: the file that it is about, what is wrong with it, and the remedy.
  static Error error_of(const rocksdb::Status& status, const std::string& what);

 private:
  enum class Access : std::uint8_t { write, create, read };
  static Result<std::unique_ptr<Disk>> open_database(std::unique_ptr<Disk> disk, Access access);

  std::filesystem::path directory_;
  StoreMemory memory_;
  std::string store_id_;
  std::unique_ptr<rocksdb::Env> env_;  // outlives the database
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  Access access_ = Access::read;
  bool claimed_ = false;             // this process knows that it has the folder open
  int read_lock_ = -1;               // keeps writers out while reading
  std::atomic<bool> failed_{false};  // a write did: what is synced is not known

  class Stored;
  struct DayOfChunks {
    std::size_t held = 0, let_go = 0;  ///< by anybody; of these, let go
    bool dropped = false;
    std::vector<ChunkKey> garbage;
  };
  std::mutex garbage_mutex_;
  std::map<std::uint32_t, DayOfChunks> days_;
  std::set<std::uint32_t> reclaimable_;   // days that are deleted, but for what files hold of them
  std::set<std::uint32_t> garbage_days_;  // that have garbage, or are dropped

  // The chunks read last: late rows of one time tend to come together.
  struct CachedRows {
    ChunkKey key;
    GroupId group;
    std::shared_ptr<const ReadingColumns> rows;
  };
  mutable std::mutex cache_mutex_;
  mutable std::list<CachedRows> cache_;
  mutable std::size_t cached_bytes_ = 0;
};

}  // namespace takt
