// When commits were made, by the server's clock: what a question "as it was answered then" begins with. Private to
// the engine.
//
// Only commits that a figure may depend on are told of: those that accepted an event other than a reading, and
// plant changes. A commit's time is an entry of its own in the batch that makes it durable; the pass that seals
// the journal of events packs entries into blocks, of about two bytes a commit. Times never fall: after the clock
// was set back commits have the time of the last one before, until it has come up with that.
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/disk.h"

namespace takt {

struct CommitTime {
  Timestamp at;
  Sequence commit = 0;
  friend bool operator==(const CommitTime&, const CommitTime&) = default;
};

/// Of one commit, with an empty value.
std::string commit_time_key(const CommitTime& time);
/// Of a block, by its first commit.
std::string commit_times_key(const CommitTime& first);
/// The commit of a key, or the first of a block; none if the key is neither.
std::optional<CommitTime> commit_time_of_key(std::string_view key);
/// Whether the key is a block's, whose value is not empty.
bool is_commit_times_key(std::string_view key);
/// 1 to 8192 commits, by rising time and commit. docs/format.md draws the bytes.
std::string encode_commit_times(std::span<const CommitTime> times);
/// corruption: damaged, of a newer version, or not rising.
Result<std::vector<CommitTime>> decode_commit_times(std::string_view bytes);

class Store::CommitTimes {
 public:
  explicit CommitTimes(Store& store) : store_(store) {}

  /// While opening, after recovery. A store of before that knows of no time yet notes that its newest
  /// commit is made by now.
  Result<void> open();

  /// On the committer's thread: puts the time of the commit that `batch` is about to make into it.
  CommitTime note(Sequence commit, rocksdb::WriteBatch& batch) const;
  /// The same, under the gate: readers see the commit.
  void made(const CommitTime& time);
  /// Whether all that has a time was made at `then` or before: of what a view sees, while it is held.
  bool is_newest_by(Timestamp then) const { return known_ && from_micros(newest_) <= then; }

  /// The last commit made at `then` or before. invalid_argument: times are not known from so early on; corruption,
  /// io: they cannot be read. Any thread.
  Result<Sequence> commit_at(Timestamp then) const;

  /// Entries of commits up to `through` as blocks, to be put in the place of those entries.
  struct Packed {
    std::vector<std::pair<std::string, std::string>> blocks;
    std::string first, last;  ///< keys of the entries
  };
  Result<Packed> pack(Sequence through) const;
  void put(const Packed& packed, rocksdb::WriteBatch& batch) const;

 private:
  std::optional<Timestamp> first() const;

  Store& store_;
  std::atomic<std::int64_t> newest_{micros(kBeginOfTime)};
  std::atomic<bool> known_{false};  // that this is the newest
};

}  // namespace takt
