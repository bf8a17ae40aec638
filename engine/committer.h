// The one thread that takes things in: judge, write with fsync, apply, answer. Private to the engine.
#pragma once

#include <condition_variable>
#include <deque>
#include <thread>
#include <unordered_map>

#include "engine/commit_times.h"
#include "engine/disk.h"
#include "engine/readings/block_frame.h"

namespace takt {

/// One thing to do: a batch of events, or a task that needs the writer's place.
struct Store::Work {
  EventBatch batch;
  ReadingBlock readings;
  std::string source;
  Done done;
  std::function<void()> task;
  std::optional<ProducerFrames> frames;
};

class Store::Committer {
 public:
  explicit Committer(Store& store);
  /// Does what is queued, then ends the thread.
  ~Committer();

  /// False leaves the work as it was.
  bool submit(Work& work);
  bool has_room() const;
  /// Runs `task` on the committer's thread, between commits, and waits for it.
  void run_task(std::function<void()> task);
  void stop_intake();
  std::string read_only_reason();
  /// Why nothing can be written until the store is opened again; empty: it can.
  std::string failure() const;
  // Of the committer's thread, for tasks:

  /// The number of a tag. A new one becomes durable with the next commit, or by write_names().
  SeriesId series_of(MachineId machine, std::string_view tag);
  Result<void> write_names();
  /// Takes chunks that nobody reads any more off the disk, and days of them.
  Result<void> sweep();
  /// Puts all rows in memory into chunks, or those whose time has come.
  Result<void> seal_all();
  Result<void> seal_due();
  /// Does nothing if the chunks have changed meanwhile.
  Result<void> put_fold(const ReadingStore::Fold& fold);
  /// What the plant retains no more. `heard` gets its machines, and how close it must be known when they were
  /// heard.
  Expiry next_expiry(HeardReadings& heard) const;
  /// Lets it go. `expiry` becomes what went.
  Result<void> put_expiry(Expiry& expiry, HeardReadings& heard);
  /// Makes `batch` durable; on failure the store is read-only for good.
  Result<void> write(rocksdb::WriteBatch& batch);

 private:
  /// What an event is the same as, and the best rank of it within the group being committed.
  struct Identity {
    std::uint64_t low, high;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct IdentityHash {
    std::size_t operator()(const Identity& i) const { return i.low; }
  };
  struct Accepted {  // but readings
    const Event* event;
    Rank rank;
    MachineId machine;
  };
  /// A group of submissions on its way to become one commit.
  struct Group {
    std::vector<Work> works;
    std::vector<Receipt> receipts;
    std::vector<std::optional<Error>> failures;  ///< of works that could not be judged; or none
    std::vector<Accepted> accepted;
    std::vector<Event> heard;  // times that readings make a machine heard of
    std::size_t rejected = 0;
    ProducerStates producers;        // how far they are with it
    std::optional<CommitTime> time;  // of one that a figure may depend on
  };

  bool has_room_locked() const;
  void run();
  void commit(Group& group);
  void leave_out_known_frames(Group& group);
  void judge(Group& group);
  void note_producers(Group& group);
  Result<Sequence> write_producers(const Group& group);
  rocksdb::WriteBatch take_names();
  void keep_memory(rocksdb::WriteBatch&& written);
  bool outranks(const Event& event, MachineId machine, const Rank& rank);
  Identity identity_of(const Event& event) const;
  void note_heard(Group& group);
  std::size_t encode(Group& group, Sequence sequence, rocksdb::WriteBatch& batch);
  void quarantine(const Group& group, rocksdb::WriteBatch& batch);
  AuditHead audit_classifications(const Group& group, rocksdb::WriteBatch& batch);
  void drop_oldest_refused(std::uint64_t entries, rocksdb::WriteBatch& batch);
  std::vector<std::shared_ptr<const StoredChunk>> put(const std::vector<EncodedChunk>& chunks,
                                                      rocksdb::WriteBatch& batch);
  Result<void> seal(const std::vector<EncodedChunk>& chunks);
  void trim_journal(const std::vector<EncodedChunk>& chunks, Sequence none, rocksdb::WriteBatch& batch);
  void take_out_garbage(rocksdb::WriteBatch& batch);
  void take_out_dropped_days(rocksdb::WriteBatch& batch);
  Duration gap_of(MachineId machine) const;
  void refresh(Expiry& expiry, HeardReadings& heard) const;
  Sequence note_drop(std::uint32_t first_kept);
  void count_by_machine(const Group& group);
  void apply(const Group& group, Sequence sequence, std::size_t journal_bytes);
  void answer(Group& group, const Result<Sequence>& outcome);
  void note_space();

  Store& store_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  std::size_t queued_events_ = 0, queued_bytes_ = 0;
  bool stopping_ = false;
  bool refusing_ = false;
  std::string failure_;   // for good
  std::string shortage_;  // until space returns
  std::unordered_map<Identity, Rank, IdentityHash> pending_;
  rocksdb::WriteBatch names_;  // tags that were numbered since the last commit
  BlockFrame frame_;
  std::thread thread_;
};

}  // namespace takt
