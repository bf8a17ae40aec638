// The readings of one tag of one machine: the newest in memory, the rest in sealed chunks, some of them late.
#pragma once

#include "engine/heard.h"
#include "engine/readings/block.h"
#include "engine/readings/chunk.h"
#include "engine/rollups.h"

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// The bytes of a chunk on disk. They stay while anybody holds this, and go after let_go() with the last holder.
class StoredChunk {
 public:
  virtual ~StoredChunk() = default;
  virtual void let_go() const = 0;
};

/// A sealed chunk as far as one tag has part in it. Immutable; its bytes stay readable while anybody holds it.
struct SealedChunk {
  ChunkKey key;
  std::uint32_t rows = 0;
  Timestamp first, last;
  Sequence sealed_through = 0;  ///< every reading of the tag up to this commit is in some chunk
  Sequence changed = 0;         ///< none of its rows came with a later commit
  std::size_t bytes = 0;        ///< of all its columns
  bool plain = false;           ///< every row is a number that is not withdrawn
  ReadingStatistics statistics;
  std::shared_ptr<const StoredChunk> stored;

  TimeRange span() const { return {first, last + Duration{1}}; }
};
using ChunkRef = std::shared_ptr<const SealedChunk>;
/// By first time, then sequence.
using ChunkList = std::vector<ChunkRef>;

/// Where the bytes of sealed chunks are. Errors are corruption or io and name the chunk. Any thread.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  /// Calls `read` with the bytes.
  virtual Result<void> load(const ChunkKey& key,
                            const std::function<Result<void>(std::string_view)>& read) const = 0;
  /// All rows of a tag, kept in a cache for who comes next.
  virtual Result<std::shared_ptr<const ReadingColumns>> rows(const ChunkKey& key, GroupId group) const = 0;

 protected:
  /// The same, decoded anew.
  Result<std::shared_ptr<const ReadingColumns>> decode_rows(const ChunkKey& key, GroupId group) const;
};

/// The multiple of `step` since the epoch at or before `t`.
Timestamp step_start(Timestamp t, Duration step);

/// Some commits, of which it need not be known which row came with which.
struct CommitSpan {
  Sequence first, last;
};

/// An immutable look at one tag after one commit. Holds nothing off, however long it lives.
class SeriesSnapshot {
 public:
  SeriesSnapshot() = default;
  SeriesSnapshot(GroupId group, TimeRange range, std::shared_ptr<const ChunkList> chunks, ReadingColumns head);

  /// Hands out the winning, not withdrawn rows of the range in order of time, a block at a time: rows `first` to
  /// `last` of the columns. Stops when told false.
  using Visit = std::function<bool(const ReadingColumns& rows, std::size_t first, std::size_t last)>;
  Result<void> scan(const ChunkSource& source, const Visit& visit) const;
  /// The same as one block.
  Result<ReadingColumns> rows(const ChunkSource& source) const;

  /// Whether a reading of the range may have been withdrawn. No: each that ever was is still there.
  bool may_hold_withdrawn() const;

  struct Step {
    Timestamp start;
    std::uint64_t rows = 0;     ///< of every kind
    ReadingStatistics numbers;  ///< but `good`, which is not kept
  };
  /// Figures of each multiple of `step` since the epoch that has rows. With `good_only` of readings of good
  /// quality alone. Chunks that lie in one step are not decoded, where their header tells enough.
  /// Stops once there are more than `limit`.
  Result<std::vector<Step>> steps(const ChunkSource& source, Duration step, bool good_only,
                                  std::size_t limit = std::numeric_limits<std::size_t>::max()) const;
  /// Of the whole range as one step.
  Result<Step> total(const ChunkSource& source, bool good_only) const;

 private:
  /// Neighbouring chunks, and maybe the head, whose times overlap: they have to be merged.
  struct Cluster {
    ChunkList chunks;
    bool with_head = false;
    TimeRange span;
  };
  std::vector<Cluster> clusters() const;
  Result<ReadingColumns> merged(const Cluster& cluster, const ChunkSource& source) const;
  class Steps;
  Result<void> add_steps(const ChunkSource& source, bool good_only, std::size_t limit, Steps& steps) const;

  GroupId group_{};
  TimeRange range_;
  std::shared_ptr<const ChunkList> chunks_;  // all of the tag
  ReadingColumns head_;                      // rows of the range
};

/// The engine's writer changes it; readers take snapshots under the engine's lock.
class ReadingSeries {
 public:
  ReadingSeries(MachineId machine, GroupId group, std::string tag)
      : machine_(machine), group_(group), tag_(std::move(tag)) {}

  MachineId machine() const { return machine_; }
  GroupId group() const { return group_; }
  const std::string& tag() const { return tag_; }

  // ---------------------------------------- judging

  /// A reading newer than this repeats nothing that was judged before.
  std::int64_t newest_judged() const { return newest_judged_; }
  void note_judged(std::int64_t us) { newest_judged_ = std::max(newest_judged_, us); }
  /// The rank of the reading of this identity that is known. Reads a chunk only for times that lie within one.
  Result<std::optional<Rank>> known(Timestamp at, std::string_view id, const ChunkSource& source) const;

  // ---------------------------------------- changing

  /// Takes a reading in that outranks what is known of its identity. Commits do not fall.
  void put(const Reading& row, Sequence commit);
  /// Whether an identity may have a row in memory already.
  enum class Identities : std::uint8_t { all_new, any };
  /// The same of rows [first, last) of a block, in this order.
  void put(const ReadingBlock& block, std::size_t first, std::size_t last, CommitSpan commits,
           Identities identities);
  /// Asks the processor for what put() is about to touch: the series itself, then the ends of its columns.
  void prefetch() const;
  void prefetch_ends() const;
  /// `gone` give way to `come`, which hold the same readings, or those of the head.
  void replace_chunks(const ChunkList& gone, ChunkList come);
  /// The rows in memory are in chunks now.
  void clear_head();
  /// Forgets rows in memory of before `us`, and has the chunks `kept` alone, whose readings are from `first` to
  /// `last`. Returns the rows in memory that went.
  std::size_t drop_before(std::int64_t us, std::shared_ptr<const ChunkList> kept, std::optional<Timestamp> first,
                          std::optional<Timestamp> last);

  // ---------------------------------------- reading

  SeriesSnapshot snapshot(TimeRange range) const;
  const ChunkList& chunks() const { return *chunks_; }
  const std::shared_ptr<const ChunkList>& chunk_list() const { return chunks_; }
  bool has_chunk(const SealedChunk& chunk) const;
  /// The rows in memory, in order; `merged` may hold them.
  const ReadingColumns& ordered_head(ReadingColumns& merged) const;
  std::size_t head_rows() const { return head_.size() + late_.size(); }
  /// From when to when rows in memory are that are from before `us`; none if there are none.
  std::optional<HeardRun> head_span_before(std::int64_t us) const;
  /// How many rows in memory are from before `us`.
  std::size_t head_rows_before(std::int64_t us) const { return head_.lower_bound(us) + late_.lower_bound(us); }
  /// The commit of the oldest row in memory; 0 if there is none.
  Sequence oldest_unsealed() const { return oldest_unsealed_; }
  Sequence sealed_through() const { return sealed_through_; }
  /// When the first and the newest reading are from, withdrawn ones too.
  std::optional<Timestamp> first() const;
  std::optional<Timestamp> last() const;
  /// Whether there are rows of the UTC day of `t`, withdrawn ones too. None: there never were, or
  /// retention has dropped them.
  bool has_rows_of_day(Timestamp t) const;
  /// Spans of time whose readings were taken in after `since`; some may be wider than need be.
  std::vector<TimeRange> changed_since(Sequence since) const;

 private:
  struct Mark {
    Sequence commit;
    std::int64_t first, last;
  };
  void mark(std::int64_t first, std::int64_t last, CommitSpan commits);
  void put(const Reading& row);
  bool replace(const Reading& row);
  void put_late(const ReadingBlock& block, std::vector<std::pair<std::int64_t, std::uint32_t>>& rows);
  void merge_late();

  MachineId machine_;
  GroupId group_;
  std::string tag_;
  ReadingColumns head_;  // ordered
  ReadingColumns late_;  // ordered, few: those that came after later ones
  std::vector<Mark> marks_;
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t last_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t newest_judged_ = std::numeric_limits<std::int64_t>::min();
  Sequence oldest_unsealed_ = 0, sealed_through_ = 0;
  std::shared_ptr<const ChunkList> chunks_ = std::make_shared<const ChunkList>();
  Duration longest_chunk_{0};
};

}  // namespace takt
