// Readings: the newest in memory as columns-to-be, the rest in sealed chunks.
#pragma once

#include "engine/chunk.h"
#include "engine/machine.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// Where sealed chunks are. RocksDB behind it; errors are corruption or io and name the chunk.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  virtual Result<std::shared_ptr<const ReadingRows>> load(const ChunkInfo& info) const = 0;
};

/// One tag of one machine. The engine's writer changes it, readers read it under the engine's lock.
class ReadingGroup {
 public:
  ReadingGroup(MachineId machine, GroupId group, std::string tag)
      : machine_(machine), group_(group), tag_(std::move(tag)) {}

  const std::string& tag() const { return tag_; }
  MachineId machine() const { return machine_; }
  GroupId group() const { return group_; }

  /// The rank of the reading of this identity that is known. Reads a chunk only for times that lie within one.
  Result<std::optional<Rank>> known(Timestamp at, std::uint64_t id, const ChunkSource& chunks) const;
  /// Takes a reading in that outranks what is known of its identity.
  void put(const ReadingRow& row, ReadingRows::Texts texts, Sequence commit);
  /// A chunk found when the store was opened, or just sealed.
  void add_chunk(const ChunkInfo& info);

  /// Splits the rows in memory into encoded chunks, each of one UTC day.
  std::vector<std::pair<ChunkInfo, std::string>> encode_head(Sequence through) const;
  /// The rows in memory are in chunks now.
  void clear_head();

  /// The winning, not withdrawn rows of `range`, by time. Touches as many chunks as overlap it.
  Result<ReadingRows> scan(TimeRange range, const ChunkSource& chunks) const;
  /// The times of all rows that are not withdrawn.
  Result<void> collect_times(const ChunkSource& chunks, std::vector<Timestamp>& times) const;

  std::size_t head_rows() const { return head_.rows.size(); }
  Sequence oldest_unsealed() const { return oldest_unsealed_; }
  std::uint64_t sealed_through() const { return sealed_through_; }
  std::optional<Timestamp> last() const { return last_; }
  std::optional<Timestamp> first() const { return first_; }
  const std::vector<ChunkInfo>& chunks() const { return chunks_; }
  /// Spans of time whose readings were taken in after `since`.
  std::vector<TimeRange> changed_since(Sequence since) const;

 private:
  MachineId machine_;
  GroupId group_;
  std::string tag_;
  ReadingRows head_;                    // by (at, id)
  std::vector<Sequence> head_commits_;  // of head_.rows
  Sequence oldest_unsealed_ = 0;
  std::uint64_t sealed_through_ = 0;
  std::vector<ChunkInfo> chunks_;  // by first time, then sequence
  Duration longest_chunk_{0};
  std::uint32_t next_sequence_ = 0;
  std::optional<Timestamp> first_, last_;
};

}  // namespace takt
