// The durable history of every machine, and the rollups derived from it.
//
// One committer thread takes everything in: it judges each event against what is known of its identity, writes a
// group of submissions as one commit with fsync, applies it, and only then answers. Readers see the state after
// some commit, never a half-applied one. docs/architecture.md tells the story, docs/format.md the bytes.
#pragma once

#include "engine/audit.h"
#include "engine/kept_zones.h"
#include "engine/machine.h"
#include "engine/master_data.h"
#include "engine/memory.h"
#include "engine/producers.h"
#include "engine/readings/reading_store.h"
#include "schema/event.h"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace rocksdb {
class WriteBatch;
}

namespace takt {

struct StoreOptions {
  const Clock* clock = &Clock::system();
  ZoneSource zones;
  /// Events waiting for the committer beyond this are refused: memory stays bounded.
  std::size_t queue_events = 131'072;
  /// Free space below which the store takes nothing in until space returns. 0: a twentieth of the disk, 16 to 512
  /// MiB.
  std::uint64_t reserve_bytes = 0;
  SealingOptions sealing;
  /// Journal of events that are in no chunk; beyond it the oldest are sealed in the background.
  std::size_t event_journal_bytes = std::size_t{16} << 20U;
  StoreMemory memory;
  /// How often the background looks after what is old, late or in small pieces; 0: only fold() and its like do.
  std::chrono::milliseconds fold_every{2000};
  /// Called while opening, with a share from 0 to 1.
  std::function<void(double)> progress;
  /// How long a change of the plant holds commits off at a time while it works out new figures; a day of a machine
  /// at least.
  std::chrono::microseconds plant_change_look{1000};
  /// A clock that says less is wrong: nothing is taken in until it is set, so that nothing is judged by it.
  Timestamp clock_not_before = kBeginOfTime;
  /// Called between those looks by the thread that changes the plant, for tests.
  std::function<void()> between_looks;
  /// Called by the committer before each write to the disk, for tests: while it lasts the disk stands still.
  std::function<void()> before_write;
};

/// What became of a submission that is now durable and in every figure.
struct Receipt {
  std::size_t accepted = 0;   ///< new, corrections and withdrawals
  std::size_t duplicate = 0;  ///< known already, or superseded
  Sequence sequence = 0;      ///< the commit
};

/// What a commit changed, told to listeners on the committer's thread, after it is visible and before it is
/// answered.
struct CommitNotice {
  Sequence sequence = 0;
  std::span<const Event* const> events;  ///< accepted ones, valid during the call
  bool plant_changed = false;
};

/// What a new plant description would do, or did.
struct PlantChange {
  Sequence sequence = 0;  ///< 0: nothing was changed
  std::size_t machines_added = 0;
  std::vector<std::string> kept_inactive;  ///< left out, but events refer to them
  std::size_t machines_recomputed = 0;     ///< whose figures it may change
};

/// An entry of the quarantine.
struct QuarantineEntry {
  std::uint64_t number = 0;
  Timestamp received;
  std::string source;
  RejectedEvent event;
};

/// Counters since the process started, and gauges. Any thread.
struct StoreStatistics {
  std::atomic<std::uint64_t> commits{0}, accepted{0}, duplicates{0}, rejected{0}, journal_bytes{0};
  std::array<std::atomic<std::uint64_t>, kEventTypes> accepted_by_type{};
  std::array<std::atomic<std::uint64_t>, kRejections> rejected_by_code{};
  std::atomic<std::uint64_t> sync_micros{0}, sync_micros_last{0}, apply_micros{0}, queue_events{0},
      chunks_sealed{0};
  std::atomic<std::uint64_t> chunks_dropped{0}, readings_dropped{0}, events_dropped{0};  ///< by retention
};

/// Something that the store does by itself from time to time.
struct JobReport {
  std::string name;
  Timestamp last_run;
  std::optional<Timestamp> next_run;  ///< none: as needed
  std::string outcome;
  std::optional<double> done = std::nullopt;  ///< the share of it, while it is under way
};

/// Readings of commits up to `sequence` of days before `first_kept` were dropped.
struct Drop {
  std::uint32_t first_kept = 0;
  Sequence sequence = 0;
};

struct BackupOptions;  // engine/backup.h
struct BackupReport;
class Store;

/// A consistent look at everything, after one commit: the newest, or by Store::as_of() one of before. The former
/// holds off the writer while it lives: keep it short.
class StoreView {
 public:
  /// Of a view of the past the commit of then, or the last one before that a figure may depend on.
  Sequence sequence() const { return sequence_; }
  const MasterData& master() const { return *master_; }
  const Names& names() const { return *names_; }
  const MachineNumbers& numbers() const { return *numbers_; }
  bool is_past() const { return past_ != nullptr; }
  /// Null if no such machine has ever been described.
  const MachineRecord* machine(std::string_view id) const;
  const MachineRecord& machine(MachineId id) const { return *(*machines_)[index_of(id)]; }
  std::size_t machine_count() const { return machines_->size(); }
  /// Its events and readings that were new since the process started, corrections and withdrawals among them.
  std::uint64_t accepted_of(MachineId id) const;
  /// Null if the tag has never been heard of. Readings are of now in a view of the past, too: such a view has
  /// none.
  const ReadingSeries* series(MachineId machine, std::string_view tag) const;
  std::vector<const ReadingSeries*> series_of(MachineId machine) const;
  /// Outlives the view, with the store: snapshots are read with it.
  const ChunkSource& chunks() const;

 private:
  friend class Store;
  struct Past;  // what a view of the past looks at: its own
  explicit StoreView(const Store& store);
  StoreView(const Store& store, std::shared_ptr<const Past> past);

  const Store* store_;
  std::shared_lock<std::shared_mutex> lock_;
  std::shared_ptr<const Past> past_;
  const Names* names_ = nullptr;
  const MachineNumbers* numbers_ = nullptr;
  const MasterData* master_ = nullptr;
  const std::vector<std::unique_ptr<MachineRecord>>* machines_ = nullptr;
  Sequence sequence_ = 0;
};

/// Events and readings that belong together.
struct Delivery {
  EventBatch batch;
  ReadingBlock readings;  ///< of numbered series, as Store::submit() takes them
  std::string source;
  std::optional<ProducerFrames> frames;  ///< of a producer that numbers what it sends
};

class Store {
 public:
  using Done = std::function<void(Result<Receipt>)>;
  using Listener = std::function<void(const CommitNotice&)>;

  /// Opens or creates the store in `directory` and recovers everything. conflict: another process has it open;
  /// corruption: not a store, a damaged one, or one of a newer format; io: not readable or writable.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& directory, StoreOptions options);
  /// The same without changing a file, for looking into a stopped store: submissions fail.
  static Result<std::unique_ptr<Store>> open_to_read(const std::filesystem::path& directory, StoreOptions options);
  /// Commits what was submitted, then closes.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Queues validated events (machines described, states and reasons known) and what was refused of their request.
  /// `done` is called on the committer's thread. False: the queue is full; try again later.
  bool submit(EventBatch batch, std::string source, Done done);
  /// The same, waiting for the answer.
  Result<Receipt> commit(EventBatch batch, std::string source);
  /// Queues readings whose series are numbered. A reading of the block weighs as a small part of an event.
  bool submit(ReadingBlock readings, Done done);
  Result<Receipt> commit(ReadingBlock readings);
  /// The same of both; of a producer that numbers what it sends they become durable together with how far it is.
  /// Frames that are known change nothing, and what was refused of them is not kept once more. conflict:
  /// another process continues the producer; unavailable: frames before these are not durable; both leave all as
  /// it was.
  /// False leaves the delivery as it was.
  bool submit(Delivery& delivery, const Done& done);
  /// Whether submit() would take anything at the moment: to be asked before work is done for it.
  bool has_room() const;
  /// How far a producer is; nothing: it has never sent. Any thread.
  std::optional<ProducerState> producer(const ProducerId& id) const;
  /// The number of a tag, given and made durable if it is new. not_found: the machine is not described.
  Result<SeriesId> series(std::string_view machine, std::string_view tag);
  /// Those of many at once, (machine, tag): nothing where the machine is not described. Waits for one commit at
  /// most.
  Result<std::vector<std::optional<SeriesId>>> series(
      const std::vector<std::pair<std::string_view, std::string_view>>& tags);

  /// Puts all readings and events that are in the journal alone into chunks. Under steady ingest it ends when it
  /// has caught up.
  Result<void> seal();
  /// Puts those into chunks that have waited for long, or that there are too many of: with or without commits.
  Result<void> seal_due();
  /// Rewrites the files so that nothing is in them that is not needed any more. Takes its time; others go on.
  Result<void> compact();
  /// Merges late chunks and joins small ones, once; false if there was nothing to do. Ingest and queries go on.
  Result<bool> fold();

  /// The first moment of the first day whose readings the plant retains; the beginning of time if it is for ever.
  Timestamp readings_kept_from() const;
  /// Drops readings of whole days before that; figures do not change, and snapshots go on reading what they hold.
  /// Returns how many. Done in the background, too, where folding is.
  Result<std::uint64_t> expire_readings();
  /// The first moment of the first local day whose other events the plant retains, an hour after it is retained no
  /// more; the beginning of time if it is for ever.
  Timestamp events_kept_from() const;
  /// Events of before were dropped, or are about to be: none are taken in any more, whatever the plant retains
  /// now.
  Timestamp horizon() const { return horizon_.load(std::memory_order_acquire); }
  /// Drops events but readings of before events_kept_from(), save what later figures need. Figures stay. Returns
  /// how many. Done in the background, too, where folding is.
  Result<std::uint64_t> expire_events();
  /// What was done in the background, and when. Any thread.
  std::vector<JobReport> jobs() const;
  /// Whether the sums of a machine's last day are those of its events: what was looked at. `turn`: one machine
  /// after the other. corruption: they are not.
  Result<std::string> check_figures(std::size_t turn) const;

  /// Replaces the plant description, for all time or from `valid_from` on, and recomputes what it changes of the
  /// past. Figures are those of before until all of them go over at once; commits and queries go on meanwhile.
  /// What it leaves out though events refer to it stays, inactive. Before the horizon nothing can be recomputed:
  /// there the descriptions of before hold on, and conflict says so where the time zone is another. With `dry_run`
  /// nothing changes. Waits for the answer, but for `given_up`, which leaves all as it was (cancelled). conflict,
  /// too: one is on its way already.
  Result<PlantChange> set_plant(const Plant& plant, std::optional<Timestamp> valid_from, bool dry_run,
                                const Author& author = {}, const std::stop_token& given_up = {});
  /// Adds machines that are not described yet.
  Result<void> register_machines(const std::vector<std::string>& ids);
  /// Who changed what: entries with numbers above `after`, oldest first. Of one that is damaged only the number.
  Result<std::vector<AuditEntry>> audit(std::uint64_t after, std::size_t limit) const;
  /// The newest description. Any thread.
  std::shared_ptr<const Plant> plant() const;
  /// False until the first description was set.
  bool has_plant() const;
  /// The plant's zone as this store goes by it; none before the first description. Any thread.
  std::optional<KeptZone> timezone() const;

  StoreView read() const { return StoreView{*this}; }
  /// The machines that a question is about, in a view of the plant as it was described then.
  using ChooseMachines = std::function<Result<std::vector<MachineId>>(const StoreView&)>;
  /// What was committed by `then`: the plant, and the history of the machines chosen; of others nothing has
  /// happened in it. Where nothing was committed since that a figure may depend on, it is a view of now. Else the
  /// machines' events are read and replayed, holding nobody off; memory is that of the machines chosen, as of a
  /// store of them alone. Silence is judged by all readings that are known now. Where retention has dropped events
  /// the records begin at their horizon. invalid_argument: `then` is before the first moment whose commits are
  /// known; cancelled: soon after stop was requested; corruption, io: the history cannot be read. Any thread.
  Result<StoreView> as_of(Timestamp then, const ChooseMachines& choose, const std::stop_token& stop = {}) const;
  Sequence sequence() const { return sequence_.load(std::memory_order_acquire); }
  const Clock& clock() const { return *options_.clock; }
  /// Identifies this store, and how often it was restored from a backup, to export targets.
  const std::string& id() const { return id_; }

  /// Called for every commit. Set before the first submission.
  void set_listener(Listener listener) { listener_ = std::move(listener); }

  /// Why nothing is taken in at the moment; empty: all is well.
  std::string read_only_reason() const;
  /// Events that wait for their commit, and all that come from now on, are answered with `unavailable`; those
  /// whose commit has begun are committed. For the end of the process: closing does all that is queued, however
  /// long it takes. Any thread.
  void stop_intake();
  const StoreStatistics& statistics() const { return statistics_; }
  std::uint64_t disk_bytes() const;
  std::uint64_t free_bytes() const;
  /// Adds a backup of all that is committed to the folder `to`, while others commit and read (engine/backup.h).
  Result<BackupReport> back_up(const std::filesystem::path& to, const BackupOptions& options);

  /// Accepted events but readings, of commits after `since`: of one machine and kind in order of commit. Reads
  /// what is needed of the disk as it goes, holding nobody off; ends when told false. Returns the commit that they
  /// reach to.
  Result<Sequence> events_since(Sequence since, const std::function<bool(Sequence, const Event&)>& visit) const;
  /// Events in chunks, and their bytes.
  struct EventChunks {
    std::size_t chunks = 0, events = 0, bytes = 0;
  };
  EventChunks event_chunks() const;

  std::vector<QuarantineEntry> quarantine(std::uint64_t after, std::size_t limit) const;
  Result<void> discard_quarantine(const std::vector<std::uint64_t>& numbers);
  std::uint64_t quarantine_size() const { return quarantine_count_.load(); }

  /// A small value kept for somebody else (the configuration's hash, for one). Durable when it returns.
  std::optional<std::string> note(std::string_view key) const;
  Result<void> set_note(std::string_view key, std::string_view value);
  /// The same with an entry in the audit log: both or neither.
  Result<void> set_note(std::string_view key, std::string_view value, const Author& author, std::string action,
                        boost::json::object details);
  /// An entry in the audit log alone.
  Result<void> note_in_audit(const Author& author, std::string action, boost::json::object details);

 public:
  class Disk;  // engine/disk.h

 private:
  friend class StoreView;
  class Committer;
  class CommitTimes;
  class EventLog;
  class PlantTurn;
  class Producers;  // engine/producer_table.h
  class Replay;
  class Recovery;
  class Replan;  // engine/replan.h
  struct Work;

  Store(StoreOptions options);
  static Result<std::unique_ptr<Store>> over(Result<std::unique_ptr<Disk>> disk, StoreOptions options,
                                             std::unique_ptr<ColdArena> arena);
  Result<bool> seal_events_if_due();
  Result<void> seal_all_events();
  Result<void> move_horizon(Timestamp to);
  Result<void> adopt_tzdata();
  Result<void> use_plant_versions(std::vector<std::pair<Timestamp, Plant>> versions, Sequence commit);
  MachineRecord& add_machine(std::string_view name, MachineId id);
  Result<void> write_note(std::optional<std::pair<std::string_view, std::string_view>> note,
                          std::optional<AuditEntry> entry);
  AuditHead add_audit_entry(rocksdb::WriteBatch& batch, AuditEntry entry, const AuditHead& last) const;
  enum class HeardFrom : std::uint8_t { events, readings_too };
  void rebuild_heard(MachineRecord& machine, Sequence commit, HeardFrom from);
  std::vector<HeardRun> heard_of(const ReadingSeries& series, Duration gap) const;
  /// When readings that go were taken, and how close that must be known, by machine; none: not looked at yet.
  using HeardReadings = std::map<MachineId, std::pair<Duration, std::optional<std::vector<HeardRun>>>>;
  void hear(const Expiry& expiry, HeardReadings& heard) const;
  Result<void> clear_dropped(const std::set<std::uint32_t>& days, const std::set<std::uint32_t>& in_use);
  Timestamp newest() const;
  void note_job(std::string_view name, std::optional<Timestamp> next, std::string outcome,
                std::optional<double> done = std::nullopt);
  std::vector<Event> silence_marks(const Plant& next) const;
  std::set<NameId> reasons_left_out(const Plant& plant) const;
  PlantChange merge_left_out(Plant& plant) const;
  Result<PlantChange> change_plant(const Plant& plant, std::optional<Timestamp> valid_from, bool dry_run,
                                   const Author& author, const std::stop_token& given_up);

  StoreOptions options_;
  std::string id_;
  StoreStatistics statistics_;
  std::unique_ptr<Disk> disk_;
  std::unique_ptr<ColdArena> arena_;  // where machines keep old events; none of a store that only reads

  // Guarded by gate_: the committer writes, views read.
  mutable std::shared_mutex gate_;
  mutable std::mutex turnstile_;  // lets the committer in though readers keep coming
  Names names_;
  MachineNumbers numbers_;
  std::unique_ptr<MasterData> master_;
  std::vector<std::unique_ptr<MachineRecord>> machines_;
  std::vector<std::uint64_t> accepted_by_machine_;  // shorter than machines_ where the last have sent nothing
  std::unique_ptr<ReadingStore> readings_;
  std::unique_ptr<EventLog> events_;  // has locks of its own
  std::unique_ptr<CommitTimes> commit_times_;
  std::unique_ptr<Producers> producers_;  // has a lock of its own
  std::string damage_;                    // of a machine's history, found when opening
  std::atomic<Sequence> sequence_{0};
  std::atomic<Timestamp> horizon_{kBeginOfTime};

  // The committer's.
  Replan* replan_ = nullptr;  // the change of the plant that is under way
  AuditHead audit_head_;
  // What outlives dropped readings.
  std::map<MachineId, std::vector<HeardRun>> heard_before_;
  std::uint32_t next_heard_ = 0;
  std::vector<Drop> drops_;

  std::mutex turn_mutex_;
  std::condition_variable turn_free_;
  bool changing_ = false, describing_ = false;  // the plant; by a whole description

  mutable std::mutex jobs_mutex_;
  std::vector<JobReport> jobs_;

  mutable std::mutex plant_mutex_;
  std::shared_ptr<const Plant> plant_;
  std::atomic<bool> has_plant_{false};
  KeptZones zones_;

  std::atomic<std::uint64_t> quarantine_count_{0};
  std::uint64_t quarantine_next_ = 1;

  Listener listener_;
  std::mutex fold_mutex_;
  std::atomic<bool> closing_{false};  // what works in the background leaves
  class Folder;
  std::unique_ptr<Committer> committer_;  // stops before anything it uses goes
  std::unique_ptr<Folder> folder_;        // and this one before that
};

}  // namespace takt
