// All tags of all machines: which there are, what is accepted of what comes in, and what is sealed when.
//
// The committer's thread alone changes it. Readers look up series and take snapshots under the engine's lock;
// functions marked (apply) are called with that lock held exclusively, the others leave alone what readers see.
#pragma once

#include "engine/readings/block.h"
#include "engine/readings/expiry.h"
#include "engine/readings/series.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// When rows in memory become chunks, beside when a tag has kChunkRows of them.
struct SealingOptions {
  /// Journal of readings that are in no chunk; beyond it the oldest are sealed.
  std::size_t journal_bytes = std::size_t{144} << 20U;
  /// How long a reading may stay in memory alone.
  std::chrono::steady_clock::duration age = std::chrono::hours{6};
};

/// A chunk on its way to the disk, and the tags whose rows are in it.
struct EncodedChunk {
  ChunkHead head;
  std::string bytes;
  std::vector<SeriesId> series;
};

class ReadingStore {
 public:
  ReadingStore(const ChunkSource& source, SealingOptions options) : source_(source), options_(options) {}

  // ---------------------------------------- naming

  std::optional<SeriesId> find(MachineId machine, std::string_view tag) const;
  std::optional<SeriesId> find(MachineId machine, GroupId group) const;
  /// The number that the next tag of a machine gets.
  GroupId next_group(MachineId machine) const;
  SeriesId next_series() const { return SeriesId{static_cast<std::uint32_t>(series_.size())}; }
  /// (apply) `id` is the next, but when a store is opened: then they come in any order.
  ReadingSeries& add(SeriesId id, MachineId machine, GroupId group, std::string_view tag);
  /// Any thread.
  std::size_t size() const { return count_.load(std::memory_order_acquire); }
  bool has(SeriesId id) const { return index_of(id) < series_.size() && series_[index_of(id)] != nullptr; }
  const ReadingSeries& operator[](SeriesId id) const { return *series_[index_of(id)]; }
  ReadingSeries& operator[](SeriesId id) { return *series_[index_of(id)]; }
  /// Those of one machine, by group.
  std::vector<SeriesId> of_machine(MachineId machine) const;

  // ---------------------------------------- taking in

  /// Begins the next commit; forgets what was added and not applied. What is added from before `kept_from` is
  /// accepted, and gone at once.
  void begin(Timestamp kept_from = kBeginOfTime);
  /// What is to be judged next. Rows are counted from 0 over all calls.
  void add(SeriesId series, const Reading& reading) { added_.push_back(series, reading); }
  void add(ReadingBlock&& block);
  std::size_t added() const { return added_.size(); }
  /// Accepts each added reading that outranks what is known of its identity, on disk, in memory or added before.
  void judge();
  /// How many of the added rows [first, last) were accepted.
  std::size_t accepted_among(std::size_t first, std::size_t last) const;
  /// Why some of them could not be judged, and were not accepted: a chunk that they may repeat cannot be read.
  std::optional<Error> failure_among(std::size_t first, std::size_t last) const;
  /// Series by series, each in order of arrival.
  const ReadingBlock& accepted() const { return rows_; }
  /// (apply) Takes the accepted in as commit `commit`; `journal_bytes` is the size of their frame.
  void apply(Sequence commit, std::size_t journal_bytes);
  /// (apply) What the journal has of one commit, when a store is opened: all are of series that there are. Commits
  /// come in order, and some may wait to go in together: until recovered().
  void recover(ReadingBlock&& block, Sequence commit, std::size_t journal_bytes);
  void recovered();

  // ---------------------------------------- sealing

  /// Encodes what is to be sealed with the next commit: full tags, and the oldest rows when the journal is long or
  /// old. Chunks are encoded without a lock, as only this thread changes rows.
  std::vector<EncodedChunk> encode_due(Sequence through);
  /// The same of all that is in memory.
  std::vector<EncodedChunk> encode_all(Sequence through);
  /// (apply) They are on disk.
  void sealed(const std::vector<EncodedChunk>& chunks,
              const std::vector<std::shared_ptr<const StoredChunk>>& stored);
  /// (apply) A chunk found when a store is opened. They count from opened() on.
  Result<void> add_chunk(const ChunkHead& head, const std::shared_ptr<const StoredChunk>& stored);
  void opened();
  /// Once `chunks` are on disk, commits before this one have no reading left that is in no chunk. `none`: where
  /// there is none at all.
  Sequence journal_needed_from(Sequence none, const std::vector<EncodedChunk>& chunks) const;
  std::size_t journal_bytes() const { return journal_bytes_; }
  std::size_t unsealed_rows() const { return unsealed_rows_; }

  // ---------------------------------------- folding

  /// Neighbouring chunks of one machine and UTC day, the tags that have part in them, and what is to take their
  /// place.
  struct Fold {
    MachineId machine{};
    std::uint32_t day = 0;
    std::vector<SeriesId> series;
    std::vector<GroupId> groups;  ///< theirs
    Sequence sealed_through = 0;  ///< of all of them
    ChunkList gone;               ///< each key once
    std::vector<EncodedChunk> come;
  };
  /// Something to fold: late chunks to be merged, small neighbours to be joined. Only the list of chunks.
  std::optional<Fold> next_fold();
  /// Reads and encodes, without any lock: may be called from another thread. unavailable: given up.
  Result<void> encode(Fold& fold, const std::atomic<bool>& given_up = kNever) const;
  /// (apply) Puts the fold's chunks in place. False if something has changed since next_fold(): nothing is done.
  bool is_current(const Fold& fold) const;
  void folded(const Fold& fold, const std::vector<std::shared_ptr<const StoredChunk>>& stored);

  // ---------------------------------------- retention

  /// All that is from before the day; not prepared yet.
  Expiry expiry(std::uint32_t first_kept) const;
  /// (apply) What is in the prepared expiry goes; nothing has changed since it was made. The chunks' bytes are let
  /// go by the caller, and what the lists held last goes with `expiry`.
  void expire(const Expiry& expiry);

 private:
  struct Waiting {
    SeriesId series;
    Sequence oldest;
    std::chrono::steady_clock::time_point since;
  };
  /// The rows of one series: [first, last) of rows_.
  struct Run {
    SeriesId series;
    std::uint32_t first, last;
  };
  /// Added rows up to `end`, less those before, are of this commit.
  struct Recovered {
    Sequence commit;
    std::uint32_t end;
  };
  void begin_with_unsealed(Run& run) const;
  void sort_by_series();
  void move_extras();
  void put_runs(CommitSpan commits, ReadingSeries::Identities identities);
  void put(const Run& run, CommitSpan commits, ReadingSeries::Identities identities);
  enum class Verdict : std::uint8_t { accepted, duplicate, failed, expired };
  std::int64_t judge_disordered(const Run& run);
  void judge_instant(SeriesId id, std::span<const std::pair<std::int64_t, std::uint32_t>> rows);
  void decide(std::uint32_t row, Verdict verdict);
  std::size_t count_of(Verdict verdict, std::size_t first, std::size_t last) const;
  void take_out_rejected();
  bool is_waiting(const Waiting& waiting) const;
  void forget_past_waiting();
  std::vector<EncodedChunk> encode_heads(const std::vector<SeriesId>& due, Sequence through);

  static inline const std::atomic<bool> kNever{false};
  const ChunkSource& source_;
  SealingOptions options_;
  std::vector<std::unique_ptr<ReadingSeries>> series_;
  std::atomic<std::size_t> count_{0};
  std::vector<std::map<std::string, SeriesId, std::less<>>> tags_;  // by machine
  std::vector<std::vector<SeriesId>> groups_;                       // by machine and group

  ReadingBlock added_;                // in order of arrival; once judged, of no use any more
  ReadingBlock rows_;                 // series by series; once judged, the accepted ones
  std::vector<std::uint32_t> order_;  // where among the added each of rows_ was
  std::vector<Run> runs_;
  std::vector<std::uint32_t> counts_;  // by series, all 0 between calls
  std::vector<Verdict> verdicts_;      // of the added rows; empty: all are accepted
  std::vector<Recovered> recovered_;   // commits of the added rows that wait for recovered()
  std::optional<Error> failure_;
  std::int64_t kept_from_ = std::numeric_limits<std::int64_t>::min();
  bool any_replaced_ = false;  // an accepted row is of an identity that was known
  std::vector<std::pair<std::int64_t, std::uint32_t>> by_time_;  // of a run: times and rows

  std::deque<Waiting> waiting_;  // series with rows in memory, by their oldest commit; some entries are past
  std::vector<SeriesId> full_;
  std::set<std::pair<SeriesId, std::uint32_t>>
      to_fold_;                            // tags and days that have got chunks since they were looked at
  std::map<SeriesId, ChunkList> opening_;  // found when the store is opened
  std::size_t journal_bytes_ = 0, unsealed_rows_ = 0, sealing_debt_ = 0;
  mutable std::atomic<std::uint32_t> next_sequence_{0};  // of chunk keys: never one that is on disk
};

}  // namespace takt
