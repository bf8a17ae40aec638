// What of the store lies on disk: RocksDB with a column family a kind. Private to the engine.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <list>
#include <mutex>

#include "engine/store.h"

namespace takt {

/// Big-endian, so that keys sort as numbers do.
std::string sequence_key(std::uint64_t number);
std::uint64_t sequence_of_key(std::string_view key);

class Store::Disk final : public ChunkSource {
 public:
  /// Names and order of the column families; part of the format.
  enum Family : std::size_t { meta, events, journal, chunk_index, chunk, quarantined, families };

  static Result<std::unique_ptr<Disk>> open(const std::filesystem::path& directory);
  ~Disk() override;

  /// All of the batch becomes durable, or none.
  Result<void> write(rocksdb::WriteBatch& batch);
  rocksdb::ColumnFamilyHandle* operator[](Family family) const { return handles_[family]; }
  Result<void> scan(Family family, const std::string& from,
                    const std::function<bool(std::string_view key, std::string_view value)>& visit) const;
  std::optional<std::string> get(Family family, const std::string& key) const;
  Result<std::shared_ptr<const ReadingRows>> load(const ChunkInfo& info) const override;

  const std::string& store_id() const { return store_id_; }
  std::uint64_t free_bytes() const;
  std::uint64_t total_bytes() const;
  std::uint64_t used_bytes() const;

 private:
  std::filesystem::path directory_;
  std::string store_id_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;

  // The chunks read last: late rows of one time tend to come together.
  static constexpr std::size_t kCachedChunks = 16;
  mutable std::mutex cache_mutex_;
  mutable std::list<std::pair<std::string, std::shared_ptr<const ReadingRows>>> cache_;
};

}  // namespace takt
