// The history of all machines but their readings: journal frames of the newest commits, and before them sealed
// chunks by machine, with a checkpoint of each machine. Private to the engine.
//
// Sealing is a pass in the background: it takes the oldest frames, adds each machine's events to its last chunks,
// and puts chunks and checkpoints in the place of the frames in one atomic write. Commits and reads go on.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/commit_times.h"
#include "engine/events/event_chunk.h"

namespace takt {

class Store::EventLog {
 public:
  EventLog(Store& store, std::size_t journal_bytes) : store_(store), limit_(journal_bytes) {}

  // ---------------------------------------- while recovering, by one thread

  /// In order of key.
  void add_chunk(const EventChunkHead& head, std::size_t bytes);
  /// The machine's frozen rollups of up to `until` are on disk.
  void add_frozen(MachineId machine, Timestamp until) { frozen_on_disk_[machine] = until; }

  // ---------------------------------------- any thread

  /// A frame of so many bytes is about to be in the journal.
  void appended(std::size_t bytes) { journal_bytes_ += bytes; }
  /// Checkpoints are of before this change of the plant, and every start makes it again: a few of them are due a
  /// pass.
  void plant_changed() { ++plant_changes_; }
  bool is_due() const { return journal_bytes_ >= limit_ || plant_changes_ >= kPlantChanges; }

  /// One pass over at most kPassBytes of frames; false if there was nothing to seal. Not on the committer's
  /// thread.
  Result<bool> seal();
  /// Lets the machine's events of before `horizon` go, in memory and on disk, with what no figure needs of them.
  /// The journal has none of them. Returns how many. Not on the committer's thread.
  Result<std::size_t> expire(MachineId machine, Timestamp horizon);
  /// They have gone from memory, but could not be taken off the disk.
  bool is_expiry_due(MachineId machine) const;
  /// Store::events_since().
  using Visit = std::function<bool(Sequence, const Event&)>;
  Result<Sequence> visit_since(Sequence since, const Visit& visit) const;
  /// The same of some machines alone, by rising number, and of commits up to `through`. Reads no chunk of another.
  Result<void> visit_machines(const std::set<MachineId>& machines, Sequence through, const Visit& visit) const;

  struct Totals {
    std::size_t chunks = 0, rows = 0, bytes = 0;
  };
  Totals totals() const;

 private:
  // What a pass has in memory: decoded, a small event takes twenty times its frame's bytes.
  static constexpr std::size_t kPassBytes = std::size_t{8} << 20U, kPassRows = std::size_t{64} << 10U;
  static constexpr std::size_t kPlantChanges = 8;  // a start makes fewer again in little time

  struct Chunk {
    EventChunkHead head;
    std::size_t bytes = 0;
  };
  /// What a pass makes of one machine.
  struct Sealed {
    std::vector<EventRow> rows;
    std::size_t replaced = 0;  ///< of the machine's last chunks; when expiring, of its first
    bool first_replaced = false;
    std::optional<EventChunkKey> previous;  ///< the last one that stays before those that come
    std::size_t events = 0;                 ///< in all chunks that stay, then in all
    std::vector<Chunk> chunks;
    std::vector<std::string> encoded;
    std::string checkpoint, frozen;
    Timestamp frozen_until;
  };
  struct Pass {
    std::deque<std::string> frames;  ///< the rows borrow from them
    Sequence through = 0;
    std::size_t bytes = 0, rows = 0, plant_changes = 0;
    std::map<MachineId, Sealed> machines;
    CommitTimes::Packed times;  ///< of the frames' commits
  };

  Result<void> read_journal(Pass& pass) const;
  void add_all_machines(Pass& pass) const;
  void encode(MachineId machine, Sealed& sealed);
  std::vector<EventChunkKey> choose_small_chunks(MachineId machine, Sealed& sealed) const;
  void take_small_chunks(MachineId machine, Sealed& sealed, EventRows& old) const;
  void encode_checkpoint_of(MachineId machine, Sealed& sealed) const;
  void encode_chunks(MachineId machine, Sealed& sealed) const;
  Result<void> take_kept_rows(MachineId machine, const KeptEvents& kept, Sealed& sealed,
                              std::vector<EventRows>& from) const;
  std::size_t chunks_from_before(MachineId machine, Timestamp horizon) const;
  Result<void> put(const Pass& pass);
  /// What a reader of the history goes through: both families as they were at one moment. Iterators and no
  /// snapshot, whose release would make RocksDB rewrite its oldest tables.
  struct Reader {
    Sequence since = 0, through = 0;
    std::vector<EventChunkKey> keys;
    std::unique_ptr<rocksdb::Iterator> chunks, frames;
    bool told_enough = false;
  };
  Reader reader(Sequence since, Sequence through, const std::set<MachineId>* machines) const;
  Result<void> visit_all(Reader& reader, const Visit& visit) const;
  Result<void> visit_chunk(Reader& reader, const EventChunkKey& key, const Visit& visit) const;
  static Result<void> visit_frames(Reader& reader, const Visit& visit);
  Result<void> decode(const EventChunkKey& key, EventRows& out) const;

  Store& store_;
  std::size_t limit_;
  std::atomic<std::size_t> journal_bytes_{0}, plant_changes_{0};
  mutable std::mutex pass_mutex_;  // one pass at a time
  Sequence sealed_through_ = 0;    // frames up to here are gone, as far as this process knows
  std::map<MachineId, Timestamp> frozen_on_disk_;
  std::set<MachineId> expiry_due_;
  mutable std::mutex index_mutex_;  // the list, and that it is what the disk has
  std::map<MachineId, std::vector<Chunk>> chunks_;
};

}  // namespace takt
