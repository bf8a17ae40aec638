// The one thread that takes things in: judge, write with fsync, apply, answer. Private to the engine.
#pragma once

#include <condition_variable>
#include <deque>
#include <thread>
#include <unordered_map>

#include "engine/disk.h"

namespace takt {

/// One thing to do: a batch of events, or a task that needs the writer's place.
struct Store::Work {
  EventBatch batch;
  std::string source;
  Done done;
  std::function<void()> task;
};

class Store::Committer {
 public:
  explicit Committer(Store& store);
  /// Does what is queued, then ends the thread.
  ~Committer();

  bool submit(Work work);
  /// Runs `task` on the committer's thread, between commits, and waits for it.
  void run_task(std::function<void()> task);
  std::string read_only_reason();
  /// Writes `batch` as commit `sequence`; on failure the store is read-only for good.
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
  struct Accepted {
    const Event* event;
    Rank rank;
    MachineId machine;
  };
  /// A group of submissions on its way to become one commit.
  struct Group {
    std::vector<Work> works;
    std::vector<Receipt> receipts;
    std::vector<Accepted> accepted;
    std::vector<Event> heard;  // times that readings make a machine heard of
    std::size_t rejected = 0;
  };

  void run();
  void commit(Group& group);
  Result<void> judge(Group& group);
  Result<bool> outranks(const Event& event, MachineId machine, const Rank& rank);
  Identity identity_of(const Event& event) const;
  void note_heard(Group& group);
  void encode(const Group& group, Sequence sequence, rocksdb::WriteBatch& batch);
  void quarantine(const Group& group, rocksdb::WriteBatch& batch);
  std::vector<ReadingGroup*> seal(Sequence through, rocksdb::WriteBatch& batch,
                                  std::vector<std::pair<ChunkInfo, std::string>>& chunks);
  void apply(const Group& group, Sequence sequence);
  void answer(Group& group, const Result<Sequence>& outcome);
  void note_space();

  Store& store_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  std::size_t queued_events_ = 0;
  bool stopping_ = false;
  std::string failure_;   // for good
  std::string shortage_;  // until space returns
  std::unordered_map<Identity, Rank, IdentityHash> pending_;
  std::size_t journal_bytes_ = 0;  // of readings not yet sealed
  std::thread thread_;
};

}  // namespace takt
