#include "engine/store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <future>
#include <set>
#include <thread>

#include "engine/commit_times.h"
#include "engine/committer.h"
#include "engine/disk.h"
#include "engine/event_codec.h"
#include "engine/events/event_log.h"
#include "engine/plant_codec.h"
#include "engine/producer_table.h"
#include "engine/quarantine_codec.h"
#include "engine/recovery.h"

namespace takt {
namespace {

template <class List, class Key>
bool lists(const List& list, Key key, const std::string& id) {
  return std::any_of(list.begin(), list.end(), [&](const auto& entry) { return entry.*key == id; });
}

}  // namespace

// ---------------------------------------- view

StoreView::StoreView(const Store& store) : store_(&store) {
  {
    // The turnstile lets a waiting writer go first: readers that keep coming cannot starve it.
    const std::lock_guard turn{store.turnstile_};
    lock_ = std::shared_lock{store.gate_};
  }
  names_ = &store.names_, numbers_ = &store.numbers_, master_ = store.master_.get();
  machines_ = &store.machines_;
  sequence_ = store.sequence();
}

const ChunkSource& StoreView::chunks() const { return *store_->disk_; }

const MachineRecord* StoreView::machine(std::string_view id) const {
  const auto number = numbers_->find(id);
  return number ? (*machines_)[index_of(*number)].get() : nullptr;
}

std::uint64_t StoreView::accepted_of(MachineId id) const {
  const auto& counts = store_->accepted_by_machine_;
  return !is_past() && index_of(id) < counts.size() ? counts[index_of(id)] : 0;
}

const ReadingSeries* StoreView::series(MachineId machine, std::string_view tag) const {
  if (is_past()) return nullptr;
  const ReadingStore& readings = *store_->readings_;
  const auto id = readings.find(machine, tag);
  return id ? &readings[*id] : nullptr;
}

std::vector<const ReadingSeries*> StoreView::series_of(MachineId machine) const {
  std::vector<const ReadingSeries*> list;
  if (is_past()) return list;
  const ReadingStore& readings = *store_->readings_;
  for (const SeriesId id : readings.of_machine(machine)) list.push_back(&readings[id]);
  return list;
}

// ---------------------------------------- opening, closing

Store::Store(StoreOptions options) : options_(std::move(options)), zones_(options_.zones) {}

Store::~Store() {
  closing_ = true;
  folder_.reset();
  committer_.reset();
}

/// The thread that seals events and folds chunks in the background.
class Store::Folder {
 public:
  Folder(Store& store, std::chrono::milliseconds pause) : thread_([this, &store, pause] { run(store, pause); }) {}
  ~Folder() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  void run(Store& store, std::chrono::milliseconds pause) {
    std::unique_lock lock{mutex_};
    while (!wake_.wait_for(lock, pause, [&] { return stopping_; })) {
      for (bool more = true; more && !stopping_;) {
        lock.unlock();
        look_after(store);
        const auto sealed = store.seal_events_if_due();
        if (!sealed) spdlog::error("events are not sealed: {}", sealed.error().context);
        const auto folded = store.fold();
        if (!folded) spdlog::error("chunks are not folded: {}", folded.error().context);
        note_folding(store, folded, pause);
        more = (sealed && *sealed) || (folded && *folded);
        lock.lock();
      }
    }
  }

  void note_folding(Store& store, const Result<bool>& folded, std::chrono::milliseconds pause) {
    if (folded && *folded) ++folds_;
    store.note_job("compaction", store.clock().now() + std::chrono::duration_cast<Duration>(pause),
                   !folded       ? "failed: " + folded.error().context
                   : folds_ == 0 ? std::string{"nothing to merge since the start"}
                                 : std::to_string(folds_) + " merges of chunks since the start");
  }

  /// One machine after the other: is what is added up still what its events say?
  void check_figures(Store& store) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_check_) return;
    next_check_ = now + kCheckEvery;
    const auto checked = store.check_figures(next_checked_++);
    if (!checked) spdlog::error("figures are not what their events say: {}", checked.error().context);
    store.note_job("check of figures", store.clock().now() + kCheckEvery,
                   checked ? *checked : "DIFFERENT: " + checked.error().context);
  }

  void look_after(Store& store) {
    if (!store.committer_->failure().empty()) return;
    expire(store, readings_);
    expire(store, events_);
    store.disk_->reclaim(store.closing_);
    check_figures(store);
    if (!store.read_only_reason().empty()) return;
    if (const auto sealed = store.seal_due(); !sealed)
      spdlog::error("readings are not put into chunks: {}", sealed.error().context);
  }
  /// What is retained for so many days, and how it is let go.
  struct Retained {
    const char* what;
    const char* job;
    Timestamp (Store::*kept_from)() const;
    Result<std::uint64_t> (Store::*expire)();
    std::optional<Timestamp> expired_before;
  };
  /// Looks whenever the day that is kept from is another, and until it went well.
  static void expire(Store& store, Retained& retained) {
    const Timestamp kept_from = (store.*retained.kept_from)();
    if (kept_from == retained.expired_before) return;
    if (kept_from > kBeginOfTime && store.newest() < store.clock().now() - kQuiet) {
      // A clock that is wrong by years would have everything dropped, for good.
      store.note_job(retained.job, std::nullopt,
                     "waits for data of the last " + std::to_string(kQuiet / std::chrono::days{1}) +
                         " days: there is none, so that the server's clock may be wrong");
      return;
    }
    const auto gone = (store.*retained.expire)();
    if (gone) retained.expired_before = kept_from;
    if (!gone)
      spdlog::error("{} that are retained no more are not dropped: {}", retained.what, gone.error().context);
    const bool for_ever = kept_from == kBeginOfTime;
    const Timestamp tomorrow = std::chrono::floor<std::chrono::days>(store.clock().now()) + std::chrono::days{1};
    store.note_job(retained.job, for_ever ? std::nullopt : std::optional{tomorrow},
                   !gone      ? "failed: " + gone.error().context
                   : for_ever ? std::string{retained.what} + " are kept for ever"
                              : std::string{retained.what} + " are kept from " + format_time(kept_from) + " on; " +
                                    std::to_string(*gone) + " went");
  }

  static constexpr Duration kQuiet = std::chrono::days{2};
  static constexpr auto kCheckEvery = std::chrono::minutes{1};

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::uint64_t folds_ = 0;
  std::size_t next_checked_ = 0;
  std::chrono::steady_clock::time_point next_check_ = std::chrono::steady_clock::now() + kCheckEvery;
  Retained readings_{"readings", "retention", &Store::readings_kept_from, &Store::expire_readings, {}};
  Retained events_{"events", "retention of events", &Store::events_kept_from, &Store::expire_events, {}};
  std::thread thread_;
};

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory, StoreOptions options) {
  auto disk = Disk::open(directory, options.memory);
  return over(std::move(disk), std::move(options), std::make_unique<ColdArena>(directory));
}

Result<std::unique_ptr<Store>> Store::open_to_read(const std::filesystem::path& directory, StoreOptions options) {
  options.fold_every = std::chrono::milliseconds{0};
  auto disk = Disk::open_to_read(directory, options.memory);
  return over(std::move(disk), std::move(options), nullptr);
}

Result<std::unique_ptr<Store>> Store::over(Result<std::unique_ptr<Disk>> disk, StoreOptions options,
                                           std::unique_ptr<ColdArena> arena) {
  std::unique_ptr<Store> store{new Store{std::move(options)}};
  store->arena_ = std::move(arena);
  if (!disk) return disk.error();
  store->disk_ = std::move(*disk);
  store->id_ = store->disk_->store_id();
  store->readings_ = std::make_unique<ReadingStore>(*store->disk_, store->options_.sealing);
  store->events_ = std::make_unique<EventLog>(*store, store->options_.event_journal_bytes);
  store->commit_times_ = std::make_unique<CommitTimes>(*store);
  store->producers_ = std::make_unique<Producers>();
  if (const auto recovered = Recovery{*store}.run(); !recovered) return recovered.error();
  if (const auto opened = store->commit_times_->open(); !opened) return opened.error();
  store->committer_ = std::make_unique<Committer>(*store);
  if (store->options_.fold_every.count() > 0) {
    store->folder_ = std::make_unique<Folder>(*store, store->options_.fold_every);
  }
  return store;
}

MachineRecord& Store::add_machine(std::string_view name, MachineId id) {
  numbers_.add(name, id);
  machines_.resize(numbers_.size());
  machines_[index_of(id)] = std::make_unique<MachineRecord>(id, names_, *master_, arena_.get());
  return *machines_[index_of(id)];
}

/// When the readings of a tag were taken. If they cannot be read, all time that their chunks span counts: figures
/// are as if there had been no silence in it, and whoever asks for the readings is told of the damage.
std::vector<HeardRun> Store::heard_of(const ReadingSeries& series, Duration gap) const {
  std::vector<HeardRun> runs;
  const auto scanned = series.snapshot({kBeginOfTime, kEndOfTime})
                           .scan(*disk_, [&](const ReadingColumns& rows, std::size_t first, std::size_t last) {
                             for (std::size_t i = first; i < last; ++i)
                               append_run(runs, {from_micros(rows.at[i]), from_micros(rows.at[i])}, gap);
                             return true;
                           });
  if (scanned) return runs;
  spdlog::error("silence of machine {} is judged without the readings of tag {}, which cannot be read: {}",
                numbers_.name(series.machine()), series.tag(), scanned.error().context);
  runs.clear();
  for (const ChunkRef& chunk : series.chunks()) runs.push_back({chunk->first, chunk->last});
  ReadingColumns merged;
  for (const std::int64_t us : series.ordered_head(merged).at) runs.push_back({from_micros(us), from_micros(us)});
  return runs;
}

void Store::rebuild_heard(MachineRecord& machine, Sequence commit, HeardFrom from) {
  const Duration gap = master_->latest().settings(machine.id()).silence_timeout;
  std::vector<HeardRun> runs;
  machine.collect_heard(runs);
  if (from == HeardFrom::readings_too) {
    for (const SeriesId id : readings_->of_machine(machine.id())) {
      const std::vector<HeardRun> of_tag = heard_of((*readings_)[id], gap);
      runs.insert(runs.end(), of_tag.begin(), of_tag.end());
    }
    // Readings that were dropped stay heard.
    if (const auto before = heard_before_.find(machine.id()); before != heard_before_.end())
      runs.insert(runs.end(), before->second.begin(), before->second.end());
  }
  machine.set_heard(joined_runs(std::move(runs), gap), commit);
}

// ---------------------------------------- submissions

bool Store::submit(EventBatch batch, std::string source, Done done) {
  Work work{std::move(batch), {}, std::move(source), std::move(done), {}, {}};
  return committer_->submit(work);
}

namespace {

/// What decoders have seen to for events.
bool is_sound(const ReadingBlock& block, std::size_t series) {
  const std::size_t rows = block.size();
  if (block.at.size() != rows || block.number.size() != rows) return false;
  if (!block.quality.empty() && block.quality.size() != rows) return false;
  if (!block.kind.empty() && block.kind.size() != rows) return false;
  const auto known = [&](SeriesId id) { return index_of(id) < series; };
  return std::all_of(block.series.begin(), block.series.end(), known) &&
         std::all_of(block.number.begin(), block.number.end(), [](double v) { return std::isfinite(v); });
}

Error unsound() {
  return invalid("a block of readings has columns of different lengths, an unknown tag or a number that is none");
}

}  // namespace

bool Store::submit(ReadingBlock readings, Done done) {
  if (!is_sound(readings, readings_->size())) {
    done(unsound());
    return true;
  }
  Work work{{}, std::move(readings), {}, std::move(done), {}, {}};
  return committer_->submit(work);
}

bool Store::submit(Delivery& delivery, const Done& done) {
  if (!is_sound(delivery.readings, readings_->size())) {
    done(unsound());
    return true;
  }
  Work work{std::move(delivery.batch), std::move(delivery.readings), delivery.source, done, {}, delivery.frames};
  if (committer_->submit(work)) return true;
  delivery.batch = std::move(work.batch);
  delivery.readings = std::move(work.readings);
  return false;
}

bool Store::has_room() const { return committer_->has_room(); }

std::optional<ProducerState> Store::producer(const ProducerId& id) const { return producers_->find(id); }

Result<Receipt> Store::commit(ReadingBlock readings) {
  std::promise<Result<Receipt>> promise;
  const bool queued = submit(std::move(readings), [&](Result<Receipt> r) { promise.set_value(std::move(r)); });
  if (!queued) return unavailable("more readings are waiting than the server can take in; try again in a second");
  return promise.get_future().get();
}

Result<SeriesId> Store::series(std::string_view machine, std::string_view tag) {
  Result<SeriesId> outcome = SeriesId{};
  committer_->run_task([&] {
    const auto number = numbers_.find(machine);
    if (!number) {
      outcome = not_found("there is no machine \"" + std::string{machine} + "\" in this plant");
      return;
    }
    outcome = committer_->series_of(*number, tag);
    if (const auto written = committer_->write_names(); !written) outcome = written.error();
  });
  return outcome;
}

Result<std::vector<std::optional<SeriesId>>> Store::series(
    const std::vector<std::pair<std::string_view, std::string_view>>& tags) {
  Result<std::vector<std::optional<SeriesId>>> outcome = std::vector<std::optional<SeriesId>>(tags.size());
  committer_->run_task([&] {
    for (std::size_t i = 0; i < tags.size(); ++i) {
      const auto number = numbers_.find(tags[i].first);
      if (number) (*outcome)[i] = committer_->series_of(*number, tags[i].second);
    }
    if (const auto written = committer_->write_names(); !written) outcome = written.error();
  });
  return outcome;
}

Result<void> Store::seal() {
  Result<void> outcome;
  committer_->run_task([&] { outcome = committer_->seal_all(); });
  return outcome ? seal_all_events() : outcome;
}

Result<void> Store::seal_all_events() {
  for (;;) {
    const auto sealed = events_->seal();
    if (!sealed) return sealed.error();
    if (!*sealed) return {};
  }
}

Result<bool> Store::seal_events_if_due() {
  if (!events_->is_due() || !read_only_reason().empty()) return false;
  return events_->seal();
}

Result<void> Store::seal_due() {
  Result<void> outcome;
  committer_->run_task([&] { outcome = committer_->seal_due(); });
  return outcome;
}

Result<void> Store::compact() {
  Result<void> outcome;
  committer_->run_task([&] { outcome = committer_->sweep(); });
  return outcome ? disk_->compact() : outcome;
}

Result<bool> Store::fold() {
  // One at a time: what one has taken up is not seen by another, and may lead to more.
  const std::lock_guard one{fold_mutex_};
  // Folding needs room before it gives any.
  if (!read_only_reason().empty()) return false;
  std::optional<ReadingStore::Fold> fold;
  Result<void> swept;
  committer_->run_task([&] {
    swept = committer_->sweep();
    fold = readings_->next_fold();
  });
  if (!swept) return swept.error();
  if (!fold) return false;
  if (const auto encoded = readings_->encode(*fold, closing_); !encoded) {
    if (closing_) return false;  // what is to be folded is found again
    return encoded.error();
  }
  Result<void> outcome;
  committer_->run_task([&] { outcome = committer_->put_fold(*fold); });
  if (!outcome) return outcome.error();
  return true;
}

Result<Receipt> Store::commit(EventBatch batch, std::string source) {
  std::promise<Result<Receipt>> promise;
  const bool queued =
      submit(std::move(batch), std::move(source), [&](Result<Receipt> r) { promise.set_value(std::move(r)); });
  if (!queued) return unavailable("more events are waiting than the server can take in; try again in a second");
  return promise.get_future().get();
}

std::string Store::read_only_reason() const { return committer_->read_only_reason(); }
void Store::stop_intake() { committer_->stop_intake(); }
std::uint64_t Store::disk_bytes() const { return disk_->used_bytes(); }
std::uint64_t Store::free_bytes() const { return disk_->free_bytes(); }

/// The newest moment that anything is known of.
Timestamp Store::newest() const {
  const StoreView view = read();
  Timestamp newest = kBeginOfTime;
  for (const auto& machine : machines_) {
    newest = std::max(newest, machine->last_event().value_or(kBeginOfTime));
    for (const ReadingSeries* series : view.series_of(machine->id()))
      newest = std::max(newest, series->last().value_or(kBeginOfTime));
  }
  return newest;
}

void Store::note_job(std::string_view name, std::optional<Timestamp> next, std::string outcome,
                     std::optional<double> done) {
  const std::lock_guard lock{jobs_mutex_};
  const auto at = std::find_if(jobs_.begin(), jobs_.end(), [&](const JobReport& job) { return job.name == name; });
  JobReport& job = at == jobs_.end() ? jobs_.emplace_back() : *at;
  job = {std::string{name}, clock().now(), next, std::move(outcome), done};
}

Result<std::string> Store::check_figures(std::size_t turn) const {
  const StoreView view = read();
  if (view.machine_count() == 0) return std::string{"there are no machines"};
  const MachineId id{static_cast<std::uint32_t>(turn % view.machine_count())};
  const MachineRecord& machine = view.machine(id);
  const std::string& name = view.numbers().name(id);
  const Timestamp now = clock().now();
  const Timestamp last = machine.last_event().value_or(now);
  const Timestamp day = std::chrono::floor<std::chrono::days>(std::min(last, now));
  const TimeRange range{std::max(day, events_kept_from()), day + std::chrono::days{1}};
  if (range.empty() || !machine.damage().empty()) return "the events of " + name + " are not all known";
  if (machine.account(range, now) != machine.account_from_events(range, now))
    return corruption("the sums of " + name + " from " + format_time(range.begin) +
                      " on are not those of its events");
  return name + " on " + format_time(range.begin) + ": as its events say";
}

std::vector<JobReport> Store::jobs() const {
  const std::lock_guard lock{jobs_mutex_};
  return jobs_;
}

// ---------------------------------------- the plant

std::shared_ptr<const Plant> Store::plant() const {
  const std::lock_guard lock{plant_mutex_};
  return plant_;
}

bool Store::has_plant() const { return has_plant_; }

/// Under the gate, or before there are readers.
Result<void> Store::use_plant_versions(std::vector<std::pair<Timestamp, Plant>> versions, Sequence commit) {
  for (const auto& [from, plant] : versions) {
    for (const Machine& machine : plant.machines) {
      if (!numbers_.find(machine.id))
        numbers_.add(machine.id, MachineId{static_cast<std::uint32_t>(numbers_.size())});
    }
  }
  const auto zone = zones_.named(versions.back().second.timezone);
  if (!zone) return zone.error();
  auto next = std::make_unique<MasterData>(MasterData::compile(std::move(versions), *zone, names_, numbers_));
  const auto before = std::move(master_);
  master_ = std::move(next);
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const MachineId id{static_cast<std::uint32_t>(i)};
    if (machines_.size() <= i || !machines_[i]) add_machine(numbers_.name(id), id);
  }
  // What events name must be known to every version before it is asked.
  for (const NameId state : before ? before->latest().states() : std::vector<NameId>{})
    master_->know_state(state, names_);
  for (const auto& machine : machines_) {
    const auto timeout = [&](const MasterData& data) {
      return data.latest().settings(machine->id()).silence_timeout;
    };
    const bool silence_changed = before && timeout(*before) != timeout(*master_);
    machine->use(*master_, commit);
    if (!silence_changed || machine->is_loading()) continue;
    // While recovering, a mark beside the description tells of readings that were there by then.
    const auto from = committer_ ? HeardFrom::readings_too : HeardFrom::events;
    rebuild_heard(*machine, commit, from);
  }
  const std::lock_guard lock{plant_mutex_};
  plant_ = std::make_shared<const Plant>(master_->latest().plant());
  return {};
}

std::optional<KeptZone> Store::timezone() const { return zones_.kept(plant()->timezone); }

/// A newer tzdata of the system changes days to come.
Result<void> Store::adopt_tzdata() {
  const std::string& name = master_->latest().plant().timezone;
  const auto next = zones_.renewed(name, std::max(clock().now(), newest()));
  if (!next || disk_->only_reads()) return {};
  rocksdb::WriteBatch batch;
  batch.Put((*disk_)[Disk::meta], zone_key(name), encode_zone(*next));
  if (const auto written = disk_->write(batch); !written) return written;
  zones_.keep(name, *next);
  if (next->zone == master_->wall().zone()) return {};
  spdlog::info("tzdata {} has another {} for days to come", next->tzdata, name);
  return use_plant_versions(master_->descriptions(), sequence_);
}

/// Reasons that events name and that `plant` does not list though they are described.
std::set<NameId> Store::reasons_left_out(const Plant& plant) const {
  std::set<std::string_view> listed;
  for (const Reason& reason : plant.reasons) listed.insert(reason.code);
  std::set<NameId> left_out, named;
  for (const Reason& reason : master_->latest().plant().reasons) {
    if (!listed.contains(reason.code)) left_out.insert(names_.find(reason.code));
  }
  if (left_out.empty()) return named;
  for (const auto& machine : machines_) {
    machine->visit_reasons([&](NameId reason) {
      if (left_out.contains(reason)) named.insert(reason);
    });
  }
  return named;
}

/// Keeps what the description leaves out though events refer to it: machines inactive, reasons and states as they
/// were.
PlantChange Store::merge_left_out(Plant& plant) const {
  PlantChange change;
  const Plant& old = master_->latest().plant();
  for (const Machine& machine : plant.machines) {
    if (!numbers_.find(machine.id)) ++change.machines_added;
  }
  std::set<std::string_view> states;
  for (const NameId state : master_->latest().states()) {
    states.insert(names_.text(master_->latest().shown_state(state)));
  }
  for (const Machine& machine : old.machines) {
    const MachineRecord& record = *machines_[index_of(*numbers_.find(machine.id))];
    const bool referred = record.first_event() || !readings_->of_machine(record.id()).empty();
    if (!referred || lists(plant.machines, &Machine::id, machine.id)) continue;
    Machine kept = machine;
    kept.active = false;
    if (!lists(plant.lines, &Line::id, kept.line)) kept.line.clear();
    plant.machines.push_back(std::move(kept));
    change.kept_inactive.push_back(machine.id);
  }
  const std::set<NameId> reasons = reasons_left_out(plant);
  for (const Reason& reason : old.reasons) {
    if (!reasons.contains(names_.find(reason.code))) continue;
    Reason kept = reason;
    kept.category = effective_category(old, reason);
    if (!lists(plant.reasons, &Reason::code, kept.parent)) kept.parent.clear();
    plant.reasons.push_back(std::move(kept));
  }
  for (const StateName& state : old.states) {
    if (states.contains(state.name) && !lists(plant.states, &StateName::name, state.name))
      plant.states.push_back(state);
  }
  return change;
}

/// Machines whose silence is about to count otherwise though readings of them are known: recovery asks those
/// again.
std::vector<Event> Store::silence_marks(const Plant& next) const {
  std::vector<Event> marks;
  for (const Machine& machine : next.machines) {
    const auto id = numbers_.find(machine.id);
    if (!id || readings_->of_machine(*id).empty()) continue;
    if (machine.silence_timeout == master_->latest().settings(*id).silence_timeout) continue;
    Event mark;
    mark.type = EventType::reading;
    mark.machine = machine.id;
    mark.deleted = true;
    marks.push_back(mark);
  }
  return marks;
}

// ------------------------------------------------------------------------------------------------------------
// look-ups

Result<Sequence> Store::events_since(Sequence since,
                                     const std::function<bool(Sequence, const Event&)>& visit) const {
  return events_->visit_since(since, visit);
}

Store::EventChunks Store::event_chunks() const {
  const auto totals = events_->totals();
  return {totals.chunks, totals.rows, totals.bytes};
}

std::vector<QuarantineEntry> Store::quarantine(std::uint64_t after, std::size_t limit) const {
  std::vector<QuarantineEntry> entries;
  if (limit == 0) return entries;
  const auto scanned =
      disk_->scan(Disk::quarantined, sequence_key(after + 1), [&](std::string_view key, std::string_view value) {
        if (auto entry = decode_quarantine(sequence_of_key(key), value)) entries.push_back(std::move(*entry));
        return entries.size() < limit;
      });
  if (!scanned) entries.clear();
  return entries;
}

Result<void> Store::discard_quarantine(const std::vector<std::uint64_t>& numbers) {
  Result<void> outcome;
  committer_->run_task([&] {
    rocksdb::WriteBatch batch;
    std::uint64_t gone = 0;  // some may have left meanwhile
    for (const std::uint64_t number : numbers) {
      if (!disk_->get(Disk::quarantined, sequence_key(number))) continue;
      batch.Delete((*disk_)[Disk::quarantined], sequence_key(number));
      ++gone;
    }
    if (gone == 0) return;
    outcome = committer_->write(batch);
    if (outcome) quarantine_count_ -= gone;
  });
  return outcome;
}

std::optional<std::string> Store::note(std::string_view key) const {
  return disk_->get(Disk::meta, "note/" + std::string{key});
}

Result<void> Store::set_note(std::string_view key, std::string_view value) {
  return write_note(std::pair{key, value}, std::nullopt);
}

Result<void> Store::set_note(std::string_view key, std::string_view value, const Author& author,
                             std::string action, boost::json::object details) {
  AuditEntry entry;
  entry.author = author, entry.action = std::move(action), entry.details = std::move(details);
  return write_note(std::pair{key, value}, std::move(entry));
}

Result<void> Store::note_in_audit(const Author& author, std::string action, boost::json::object details) {
  AuditEntry entry;
  entry.author = author, entry.action = std::move(action), entry.details = std::move(details);
  return write_note(std::nullopt, std::move(entry));
}

Result<void> Store::write_note(std::optional<std::pair<std::string_view, std::string_view>> note,
                               std::optional<AuditEntry> entry) {
  Result<void> outcome;
  committer_->run_task([&] {
    rocksdb::WriteBatch batch;
    if (note) {
      const auto& [key, value] = *note;
      batch.Put((*disk_)[Disk::meta], "note/" + std::string{key}, rocksdb::Slice{value.data(), value.size()});
    }
    AuditHead head = audit_head_;
    if (entry) head = add_audit_entry(batch, std::move(*entry), audit_head_);
    outcome = committer_->write(batch);
    if (outcome) audit_head_ = head;
  });
  return outcome;
}

/// The last of the audit log, once the batch is written. On the committer's thread.
AuditHead Store::add_audit_entry(rocksdb::WriteBatch& batch, AuditEntry entry, const AuditHead& last) const {
  entry.number = last.number + 1;
  entry.previous = last.hash;
  entry.at = clock().now();
  batch.Put((*disk_)[Disk::meta], audit_key(entry.number), encode_audit(entry));
  const AuditHead head{entry.number, entry.hash};
  batch.Put((*disk_)[Disk::meta], kAuditHeadKey, encode_audit_head(head));
  return head;
}

}  // namespace takt
