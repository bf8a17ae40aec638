#include "engine/store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <condition_variable>
#include <future>
#include <set>
#include <thread>

#include "engine/committer.h"
#include "engine/disk.h"
#include "engine/event_codec.h"
#include "engine/quarantine_codec.h"

namespace takt {
namespace {

/// A plant description as one value of the meta family: what holds from which commit on, for which times.
std::string encode_plants(const std::vector<std::pair<Timestamp, Plant>>& versions) {
  boost::json::array list;
  for (const auto& [from, plant] : versions) {
    list.push_back(boost::json::object{{"valid_from", micros(from)}, {"plant", to_json(plant)}});
  }
  return boost::json::serialize(list);
}

Result<std::vector<std::pair<Timestamp, Plant>>> decode_plants(std::string_view text) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
  if (error || !value.is_array()) return corruption("a stored plant description is damaged");
  std::vector<std::pair<Timestamp, Plant>> versions;
  for (const boost::json::value& entry : value.get_array()) {
    auto plant = parse_plant_json(boost::json::serialize(entry.at("plant")));
    if (!plant) return corruption("a stored plant description is not understood: " + plant.error().context);
    versions.emplace_back(from_micros(entry.at("valid_from").as_int64()), std::move(*plant));
  }
  return versions;
}

template <class List, class Key>
bool lists(const List& list, Key key, const std::string& id) {
  return std::any_of(list.begin(), list.end(), [&](const auto& entry) { return entry.*key == id; });
}

}  // namespace

// ---------------------------------------- view

StoreView::StoreView(const Store& store) : store_(store) {
  // The turnstile lets a waiting writer go first: readers that keep coming cannot starve it.
  const std::lock_guard turn{store.turnstile_};
  lock_ = std::shared_lock{store.gate_};
}

Sequence StoreView::sequence() const { return store_.sequence(); }
const MasterData& StoreView::master() const { return *store_.master_; }
const Names& StoreView::names() const { return store_.names_; }
const MachineNumbers& StoreView::numbers() const { return store_.numbers_; }
const MachineRecord& StoreView::machine(MachineId id) const { return *store_.machines_[index_of(id)]; }
std::size_t StoreView::machine_count() const { return store_.machines_.size(); }
const ChunkSource& StoreView::chunks() const { return *store_.disk_; }

const MachineRecord* StoreView::machine(std::string_view id) const {
  const auto number = store_.numbers_.find(id);
  return number ? store_.machines_[index_of(*number)].get() : nullptr;
}

const ReadingSeries* StoreView::series(MachineId machine, std::string_view tag) const {
  const ReadingStore& readings = *store_.readings_;
  const auto id = readings.find(machine, tag);
  return id ? &readings[*id] : nullptr;
}

std::vector<const ReadingSeries*> StoreView::series_of(MachineId machine) const {
  const ReadingStore& readings = *store_.readings_;
  std::vector<const ReadingSeries*> list;
  for (const SeriesId id : readings.of_machine(machine)) list.push_back(&readings[id]);
  return list;
}

// ---------------------------------------- opening, closing

Store::Store(StoreOptions options) : options_(std::move(options)) {}

Store::~Store() {
  closing_ = true;
  folder_.reset();
  committer_.reset();
}

/// The thread that folds chunks in the background.
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
      lock.unlock();
      look_after(store);
      lock.lock();
      for (bool more = true; more && !stopping_;) {
        lock.unlock();
        const auto folded = store.fold();
        if (!folded) spdlog::error("chunks are not folded: {}", folded.error().context);
        more = folded && *folded;
        lock.lock();
      }
    }
  }

  void look_after(Store& store) {
    if (!store.read_only_reason().empty()) return;
    if (const auto sealed = store.seal_due(); !sealed)
      spdlog::error("readings are not put into chunks: {}", sealed.error().context);
    expire(store);
  }
  /// Looks whenever the day that is kept from is another, and until it went well.
  void expire(Store& store) {
    const Timestamp kept_from = store.readings_kept_from();
    if (kept_from == expired_before_) return;
    const auto gone = store.expire_readings();
    if (gone) expired_before_ = kept_from;
    if (!gone) spdlog::error("readings that are retained no more are not dropped: {}", gone.error().context);
    const bool for_ever = kept_from == kBeginOfTime;
    const Timestamp tomorrow = std::chrono::floor<std::chrono::days>(store.clock().now()) + std::chrono::days{1};
    store.note_job("retention", for_ever ? std::nullopt : std::optional{tomorrow},
                   !gone      ? "failed: " + gone.error().context
                   : for_ever ? "readings are kept for ever"
                              : "readings are kept from " + format_time(kept_from) + " on; " +
                                    std::to_string(*gone) + " went");
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::optional<Timestamp> expired_before_;
  std::thread thread_;
};

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory, StoreOptions options) {
  auto disk = Disk::open(directory, options.memory);
  return over(std::move(disk), std::move(options));
}

Result<std::unique_ptr<Store>> Store::open_to_read(const std::filesystem::path& directory, StoreOptions options) {
  options.fold_every = std::chrono::milliseconds{0};
  auto disk = Disk::open_to_read(directory, options.memory);
  return over(std::move(disk), std::move(options));
}

Result<std::unique_ptr<Store>> Store::over(Result<std::unique_ptr<Disk>> disk, StoreOptions options) {
  std::unique_ptr<Store> store{new Store{std::move(options)}};
  if (!disk) return disk.error();
  store->disk_ = std::move(*disk);
  store->id_ = store->disk_->store_id();
  store->readings_ = std::make_unique<ReadingStore>(*store->disk_, store->options_.sealing);
  if (const auto recovered = store->recover(); !recovered) return recovered.error();
  store->committer_ = std::make_unique<Committer>(*store);
  if (store->options_.fold_every.count() > 0) {
    store->folder_ = std::make_unique<Folder>(*store, store->options_.fold_every);
  }
  return store;
}

/// Rebuilds everything in memory: the numbers, the chunks' heads, then every commit of the event log in order,
/// each plant description at its place between them, and last the readings that are in no chunk yet.
Result<void> Store::recover() {
  std::map<Sequence, std::vector<std::pair<Timestamp, Plant>>> plants;
  std::map<SeriesId, SeriesName> series;
  std::vector<SeriesName> unnumbered;  // tags as version 1 of the format kept them
  std::vector<ChunkKey> garbage;
  std::set<std::uint32_t> dropped_days, days_in_use;
  std::optional<Error> failure;
  const auto read = disk_->scan(Disk::meta, "", [&](std::string_view key, std::string_view value) {
    const std::uint64_t number = sequence_of_key(key.substr(1));
    if (key == "sequence") {
      sequence_ = sequence_of_key(value);
    } else if (key[0] == 'm' && key.size() == 9) {
      numbers_.add(value, MachineId{static_cast<std::uint32_t>(number)});
    } else if (key[0] == 't' && key.size() == 9) {
      unnumbered.push_back({MachineId{static_cast<std::uint32_t>(number >> 32U)},
                            GroupId{static_cast<std::uint32_t>(number)}, std::string{value}});
    } else if (key[0] == 's' && key.size() == 9) {
      auto name = decode_series_name(value);
      if (!name)
        failure = name.error();
      else
        series.emplace(SeriesId{static_cast<std::uint32_t>(number)}, std::move(*name));
    } else if (key[0] == 'g' && key.size() == 25) {
      if (const auto gone = ChunkKey::parse(key.substr(1))) garbage.push_back(*gone);
    } else if (key[0] == 'd' && key.size() == 5) {
      dropped_days.insert(static_cast<std::uint32_t>(sequence_of_key(key.substr(1))));
    } else if (key == kDropsKey) {
      drops_ = decode_drops(value);
    } else if (key[0] == 'h' && key.size() == 9) {
      next_heard_ = std::max(next_heard_, static_cast<std::uint32_t>(number) + 1);
      if (const auto decoded =
              decode_heard(value, heard_before_[MachineId{static_cast<std::uint32_t>(number >> 32U)}]);
          !decoded)
        failure = decoded.error();
    } else if (key[0] == 'p' && key.size() == 9) {
      auto versions = decode_plants(value);
      if (!versions)
        failure = versions.error();
      else
        plants.emplace(number, std::move(*versions));
    }
    return !failure;
  });
  if (!read) return read.error();
  if (failure) return *failure;
  if (const auto used = use_plant_versions({{kBeginOfTime, Plant{}}}, 0); !used) return used.error();
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const MachineId id{static_cast<std::uint32_t>(i)};
    if (machines_.size() <= i) add_machine(numbers_.name(id), id);
  }
  for (const auto& [id, name] : series) readings_->add(id, name.machine, name.group, name.tag);
  if (const auto done = number_tags(unnumbered, garbage); !done) return done.error();

  const auto indexed = disk_->scan(Disk::chunk_index, "", [&](std::string_view key, std::string_view value) {
    const auto chunk = ChunkKey::parse(key);
    auto head = read_chunk_head(value);
    if (!chunk || !head) {
      failure = head ? corruption("a chunk is kept under a key that is none") : head.error();
      return false;
    }
    head->key.sequence = chunk->sequence;
    days_in_use.insert(chunk_day(head->first));
    if (head->key != *chunk)
      failure = corruption("a chunk of " + format_time(head->first) + " is kept under another's key");
    else if (const auto added = readings_->add_chunk(*head, disk_->stored(*chunk)); !added)
      failure = added.error();
    return !failure;
  });
  if (!indexed) return indexed.error();
  if (failure) return *failure;
  readings_->opened();
  if (const auto cleared = clear_dropped(dropped_days, days_in_use); !cleared) return cleared.error();
  for (auto& [machine, runs] : heard_before_) runs = joined_runs(std::move(runs), Duration{0});

  auto plant = plants.begin();
  const auto use_plants_through = [&](Sequence sequence) -> Result<void> {
    for (; plant != plants.end() && plant->first <= sequence; ++plant) {
      if (auto used = use_plant_versions(plant->second, plant->first); !used) return used.error();
      has_plant_ = true;
    }
    return {};
  };
  std::vector<Event> events;
  std::map<MachineId, Sequence> unheard;  // what was withdrawn may have been all that was heard at its time
  const auto replay_events = [&](Sequence sequence, std::string_view frame) -> Result<void> {
    if (const auto used = use_plants_through(sequence); !used) return used.error();
    events.clear();
    if (const auto decoded = decode_frame(frame, events); !decoded) return decoded.error();
    for (const Event& event : events) {
      const auto machine = numbers_.find(event.machine);
      if (!machine) return corruption("it names a machine without a number");
      MachineRecord& record = *machines_[index_of(*machine)];
      // What silence depends on is asked anew at the end. Marks that say so for readings are in this log, too.
      if (event.deleted || record.corrects_cycle(event, names_)) unheard[*machine] = sequence;
      if (event.type == EventType::reading) {
        if (!event.deleted) record.heard_reading(event.at, sequence);
      } else {
        if (event.type == EventType::state && !event.deleted)
          master_->know_state(folded_state(event.state, names_), names_);
        record.apply(event, rank_of(event), names_, sequence);
      }
    }
    return {};
  };
  const auto replay_readings = [&](Sequence sequence, std::string_view frame) -> Result<void> {
    readings_->recovered(frame.size());
    Timestamp kept_from = kBeginOfTime;  // what came with this commit
    for (const Drop& drop : drops_) {
      if (sequence <= drop.sequence) kept_from = std::max(kept_from, chunk_day_start(drop.first_kept));
    }
    if (is_block(frame)) {
      ReadingBlock block;
      if (const auto decoded = decode_block(frame, block); !decoded) return decoded.error();
      for (const SeriesId id : block.series) {
        if (!readings_->has(id)) return corruption("it has a reading of a tag without a number");
      }
      for_each_row(block, [&](std::size_t i, const Reading& reading) {
        if (reading.at >= kept_from) readings_->recover(block.series[i], reading, sequence);
      });
      return {};
    }
    events.clear();
    if (const auto decoded = decode_frame(frame, events); !decoded) return decoded.error();
    for (const Event& event : events) {
      const auto machine = numbers_.find(event.machine);
      const auto id = machine ? readings_->find(*machine, event.tag) : std::nullopt;
      if (!id) return corruption("it has a reading of a tag without a number");
      ReadingExtra extra;
      if (event.at >= kept_from) readings_->recover(*id, reading_of(event, extra), sequence);
    }
    return {};
  };
  for (const bool readings : {false, true}) {
    const auto replayed = disk_->scan(
        readings ? Disk::journal : Disk::events, "", [&](std::string_view key, std::string_view value) {
          const Sequence sequence = sequence_of_key(key);
          const auto done = readings ? replay_readings(sequence, value) : replay_events(sequence, value);
          if (!done) {
            failure = Error{done.error().code, "commit " + std::to_string(sequence) + ": " + done.error().context};
          }
          if (options_.progress && sequence % 64 == 0) {
            options_.progress(static_cast<double>(sequence) /
                              static_cast<double>(std::max<Sequence>(sequence_, 1)));
          }
          return !failure;
        });
    if (!replayed) return replayed.error();
    if (failure) return *failure;
  }
  if (const auto used = use_plants_through(~Sequence{0}); !used) return used.error();
  for (const auto& [machine, sequence] : unheard) {
    if (master_->latest().settings(machine).silence_timeout <= Duration{0}) continue;
    if (const auto rebuilt = rebuild_heard(*machines_[index_of(machine)], sequence, HeardFrom::readings_too);
        !rebuilt)
      return rebuilt.error();
  }

  std::uint64_t count = 0;
  const auto counted = disk_->scan(Disk::quarantined, "", [&](std::string_view key, std::string_view) {
    quarantine_next_ = sequence_of_key(key) + 1;
    ++count;
    return true;
  });
  if (!counted) return counted.error();
  quarantine_count_ = count;
  return {};
}

/// What version 1 of the format kept by machine and group alone gets its numbers; folded chunks that a stop left
/// over go.
Result<void> Store::number_tags(const std::vector<SeriesName>& unnumbered, const std::vector<ChunkKey>& garbage) {
  rocksdb::WriteBatch batch;
  for (const SeriesName& name : unnumbered) {
    const SeriesId id = readings_->next_series();
    readings_->add(id, name.machine, name.group, name.tag);
    batch.Put((*disk_)[Disk::meta], series_key(id), encode_series_name(name));
    batch.Delete((*disk_)[Disk::meta],
                 "t" + sequence_key(std::uint64_t{index_of(name.machine)} << 32U | index_of(name.group)));
  }
  for (const ChunkKey& key : garbage) {
    batch.Delete((*disk_)[Disk::chunk], key.bytes());
    batch.Delete((*disk_)[Disk::meta], garbage_key(key));
  }
  return batch.Count() == 0 || disk_->only_reads() ? Result<void>{} : disk_->write(batch);
}

MachineRecord& Store::add_machine(std::string_view name, MachineId id) {
  numbers_.add(name, id);
  machines_.resize(numbers_.size());
  machines_[index_of(id)] = std::make_unique<MachineRecord>(id, names_, *master_);
  return *machines_[index_of(id)];
}

Result<void> Store::rebuild_heard(MachineRecord& machine, Sequence commit, HeardFrom from) {
  const Duration gap = master_->latest().settings(machine.id()).silence_timeout;
  std::vector<HeardRun> runs;
  machine.collect_heard(runs);
  for (const SeriesId id : readings_->of_machine(machine.id())) {
    if (from == HeardFrom::events) break;
    std::vector<HeardRun> of_tag;
    const auto scanned = (*readings_)[id]
                             .snapshot({kBeginOfTime, kEndOfTime})
                             .scan(*disk_, [&](const ReadingColumns& rows, std::size_t first, std::size_t last) {
                               for (std::size_t i = first; i < last; ++i)
                                 append_run(of_tag, {from_micros(rows.at[i]), from_micros(rows.at[i])}, gap);
                               return true;
                             });
    if (!scanned) return scanned.error();
    runs.insert(runs.end(), of_tag.begin(), of_tag.end());
  }
  // Readings that were dropped stay heard.
  if (const auto before = heard_before_.find(machine.id());
      from != HeardFrom::events && before != heard_before_.end())
    runs.insert(runs.end(), before->second.begin(), before->second.end());
  machine.set_heard(joined_runs(std::move(runs), gap), commit);
  return {};
}

// ---------------------------------------- submissions

bool Store::submit(EventBatch batch, std::string source, Done done) {
  return committer_->submit({std::move(batch), {}, std::move(source), std::move(done), {}});
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

}  // namespace

bool Store::submit(ReadingBlock readings, Done done) {
  if (!is_sound(readings, readings_->size())) {
    done(invalid("a block of readings has columns of different lengths, an unknown tag or a number that is none"));
    return true;
  }
  return committer_->submit({{}, std::move(readings), {}, std::move(done), {}});
}

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

Result<void> Store::seal() {
  Result<void> outcome;
  committer_->run_task([&] { outcome = committer_->seal_all(); });
  return outcome;
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
std::uint64_t Store::disk_bytes() const { return disk_->used_bytes(); }
std::uint64_t Store::free_bytes() const { return disk_->free_bytes(); }

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
  auto compiled = MasterData::compile(std::move(versions), names_, numbers_);
  if (!compiled) return compiled.error();
  auto next = std::make_unique<MasterData>(std::move(*compiled));
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
    if (!silence_changed) continue;
    // While recovering, a mark beside the description tells of readings that were there by then.
    const auto from = committer_ ? HeardFrom::readings_too : HeardFrom::events;
    if (auto rebuilt = rebuild_heard(*machine, commit, from); !rebuilt) return rebuilt.error();
  }
  const std::lock_guard lock{plant_mutex_};
  plant_ = std::make_shared<const Plant>(master_->latest().plant());
  return {};
}

/// Keeps what the description leaves out though events refer to it: machines inactive, reasons and states as they
/// were.
PlantChange Store::merge_left_out(Plant& plant) const {
  PlantChange change;
  const Plant& old = master_->latest().plant();
  for (const Machine& machine : plant.machines) {
    if (!numbers_.find(machine.id)) ++change.machines_added;
  }
  std::set<std::string_view> reasons, states;
  for (const NameId state : master_->latest().states()) {
    states.insert(names_.text(master_->latest().shown_state(state)));
  }
  for (const auto& machine : machines_)
    machine->visit_reasons([&](NameId reason) { reasons.insert(names_.text(reason)); });
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
  for (const Reason& reason : old.reasons) {
    if (!reasons.contains(reason.code) || lists(plant.reasons, &Reason::code, reason.code)) continue;
    Reason kept = reason;
    kept.category = effective_category(old, reason);
    if (!lists(plant.reasons, &Reason::code, kept.parent)) kept.parent.clear();
    plant.reasons.push_back(std::move(kept));
  }
  for (const StateName& state : old.states) {
    if (states.contains(state.name) && !lists(plant.states, &StateName::name, state.name))
      plant.states.push_back(state);
  }
  change.machines_recomputed = machines_.size();
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

Result<PlantChange> Store::set_plant(Plant plant, std::optional<Timestamp> valid_from, bool dry_run) {
  Result<PlantChange> outcome = PlantChange{};
  committer_->run_task([&] {
    PlantChange change = merge_left_out(plant);
    std::vector<std::pair<Timestamp, Plant>> versions;
    if (valid_from) {
      versions = master_->descriptions();
      std::erase_if(versions, [&](const auto& version) { return version.first >= *valid_from; });
      if (!has_plant_) versions.clear();
    }
    versions.emplace_back(versions.empty() ? kBeginOfTime : *valid_from, plant);
    if (const auto zone = Zone::named(plant.timezone); !zone) {
      outcome = zone.error();
      return;
    }
    if (dry_run) {
      outcome = change;
      return;
    }
    if (const std::string reason = committer_->read_only_reason(); !reason.empty()) {
      outcome = unavailable(reason);
      return;
    }
    change.sequence = sequence_ + 1;
    rocksdb::WriteBatch batch;
    // Numbered in the order in which use_plant_versions() meets them.
    std::set<std::string_view> fresh;
    for (const auto& [from, description] : versions) {
      for (const Machine& machine : description.machines) {
        if (numbers_.find(machine.id) || !fresh.insert(machine.id).second) continue;
        batch.Put((*disk_)[Disk::meta], "m" + sequence_key(numbers_.size() + fresh.size() - 1), machine.id);
      }
    }
    batch.Put((*disk_)[Disk::meta], "p" + sequence_key(change.sequence), encode_plants(versions));
    batch.Put((*disk_)[Disk::meta], "sequence", sequence_key(change.sequence));
    const std::vector<Event> marks = silence_marks(versions.back().second);
    std::vector<const Event*> marked;
    for (const Event& mark : marks) marked.push_back(&mark);
    if (!marks.empty()) batch.Put((*disk_)[Disk::events], sequence_key(change.sequence), encode_frame(marked));
    if (const auto written = committer_->write(batch); !written) {
      outcome = written.error();
      return;
    }
    {
      const std::lock_guard turn{turnstile_};
      const std::unique_lock lock{gate_};
      if (const auto used = use_plant_versions(std::move(versions), change.sequence); !used) {
        outcome = used.error();
        return;
      }
      sequence_.store(change.sequence, std::memory_order_release);
    }
    has_plant_ = true;
    if (listener_) listener_({change.sequence, {}, true});
    outcome = change;
  });
  return outcome;
}

Result<void> Store::register_machines(const std::vector<std::string>& ids) {
  Plant plant = *this->plant();
  for (const std::string& id : ids) {
    if (plant.machine(id) != nullptr) continue;
    Machine machine;
    machine.id = machine.name = id;
    plant.machines.push_back(std::move(machine));
  }
  std::optional<Timestamp> newest_from;
  {
    const StoreView view = read();
    if (view.master().versions().size() > 1) newest_from = view.master().latest().valid().begin;
  }
  const auto changed = set_plant(std::move(plant), newest_from, false);
  if (!changed) return changed.error();
  return {};
}

// ------------------------------------------------------------------------------------------------------------
// look-ups

Result<Sequence> Store::events_since(Sequence since, std::size_t limit,
                                     const std::function<void(Sequence, const Event&)>& visit) const {
  const Sequence newest = sequence();
  Sequence through = since;
  std::size_t visited = 0;
  std::optional<Error> failure;
  std::vector<Event> events;
  const auto scanned =
      disk_->scan(Disk::events, sequence_key(since + 1), [&](std::string_view key, std::string_view value) {
        const Sequence sequence = sequence_of_key(key);
        if (sequence > newest) return false;
        events.clear();
        if (const auto decoded = decode_frame(value, events); !decoded) {
          failure = decoded.error();
          return false;
        }
        for (const Event& event : events) {
          if (event.type != EventType::reading) visit(sequence, event);
        }
        visited += events.size();
        through = sequence;
        return visited < limit;
      });
  if (!scanned) return scanned.error();
  if (failure) return *failure;
  return visited < limit ? newest : through;
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
    for (const std::uint64_t number : numbers) batch.Delete((*disk_)[Disk::quarantined], sequence_key(number));
    outcome = committer_->write(batch);
    if (outcome) quarantine_count_ -= std::min<std::uint64_t>(quarantine_count_, numbers.size());
  });
  return outcome;
}

std::optional<std::string> Store::note(std::string_view key) const {
  return disk_->get(Disk::meta, "note/" + std::string{key});
}

Result<void> Store::set_note(std::string_view key, std::string_view value) {
  Result<void> outcome;
  committer_->run_task([&] {
    rocksdb::WriteBatch batch;
    batch.Put((*disk_)[Disk::meta], "note/" + std::string{key}, rocksdb::Slice{value.data(), value.size()});
    outcome = committer_->write(batch);
  });
  return outcome;
}

}  // namespace takt
