#include "engine/recovery.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine/event_codec.h"
#include "engine/producer_table.h"
#include "engine/readings/block_frame.h"

namespace takt {

Result<void> Store::Recovery::run() {
  if (const auto read = read_meta(); !read) return read;
  if (const auto numbered = number_tags(); !numbered) return numbered;
  if (const auto read = read_chunk_index(); !read) return read;
  if (const auto read = read_checkpoints(); !read) return read;
  if (const auto read = read_rollups(); !read) return read;
  load_machines();
  if (const auto replayed = replay(Disk::events); !replayed) return replayed;
  if (const auto advanced = advance_to(~Sequence{0}); !advanced) return advanced;
  if (const auto replayed = replay(Disk::journal); !replayed) return replayed;
  store_.readings_->recovered();
  rebuild_unheard();
  if (const auto adopted = store_.adopt_tzdata(); !adopted) return adopted;
  return count_quarantine();
}

// ---------------------------------------- what has names

Result<void> Store::Recovery::read_meta() {
  std::map<SeriesId, SeriesName> series;
  std::optional<Error> failure;
  const auto take = [&](auto decoded, auto keep) {
    if (decoded)
      keep(std::move(*decoded));
    else
      failure = decoded.error();
  };
  const auto read = disk_.scan(Disk::meta, "", [&](std::string_view key, std::string_view value) {
    const std::uint64_t number = sequence_of_key(key.substr(1));
    if (key == "sequence") {
      store_.sequence_ = sequence_of_key(value);
    } else if (key[0] == 'm' && key.size() == 9) {
      store_.numbers_.add(value, MachineId{static_cast<std::uint32_t>(number)});
    } else if (key[0] == 't' && key.size() == 9) {
      unnumbered_.push_back({MachineId{static_cast<std::uint32_t>(number >> 32U)},
                             GroupId{static_cast<std::uint32_t>(number)}, std::string{value}});
    } else if (key[0] == 's' && key.size() == 9) {
      take(decode_series_name(value), [&](SeriesName name) {
        series.emplace(SeriesId{static_cast<std::uint32_t>(number)}, std::move(name));
      });
    } else if (key[0] == 'g' && key.size() == 25) {
      if (const auto gone = ChunkKey::parse(key.substr(1))) garbage_.push_back(*gone);
    } else if (key[0] == 'd' && key.size() == 5) {
      dropped_days_.insert(static_cast<std::uint32_t>(sequence_of_key(key.substr(1))));
    } else if (key.starts_with(kZonePrefix)) {
      take(decode_zone(value), [&](KeptZone zone) {
        store_.zones_.keep(std::string{key.substr(kZonePrefix.size())}, std::move(zone));
      });
    } else if (key == kHorizonKey) {
      store_.horizon_ = from_micros(static_cast<std::int64_t>(sequence_of_key(value)));
    } else if (key == kAuditHeadKey) {
      take(decode_audit_head(value), [&](AuditHead head) { store_.audit_head_ = std::move(head); });
    } else if (key == kDropsKey) {
      take(decode_drops(value), [&](std::vector<Drop> drops) { store_.drops_ = std::move(drops); });
    } else if (key[0] == 'h' && key.size() == 9) {
      store_.next_heard_ = std::max(store_.next_heard_, static_cast<std::uint32_t>(number) + 1);
      auto& runs = store_.heard_before_[MachineId{static_cast<std::uint32_t>(number >> 32U)}];
      if (const auto decoded = decode_heard(value, runs); !decoded) failure = decoded.error();
    } else if (key[0] == 'r' && key.size() == 17) {
      const ProducerId id{number, sequence_of_key(key.substr(9))};
      take(decode_producer(value), [&](const ProducerState& state) { store_.producers_->add(id, state); });
    } else if (key[0] == 'p' && key.size() == 9) {
      take(decode_plants(value), [&](PlantVersions versions) { plants_.emplace(number, std::move(versions)); });
    }
    return !failure;
  });
  if (!read) return read;
  if (failure) return *failure;
  if (const auto used = store_.use_plant_versions({{kBeginOfTime, Plant{}}}, 0); !used) return used;
  for (std::size_t i = store_.machines_.size(); i < store_.numbers_.size(); ++i) {
    const MachineId id{static_cast<std::uint32_t>(i)};
    store_.add_machine(store_.numbers_.name(id), id);
  }
  for (const auto& [id, name] : series) store_.readings_->add(id, name.machine, name.group, name.tag);
  return {};
}

/// What version 1 of the format kept by machine and group alone gets its numbers; folded chunks that a stop left
/// over go.
Result<void> Store::Recovery::number_tags() {
  rocksdb::WriteBatch batch;
  for (const SeriesName& name : unnumbered_) {
    const SeriesId id = store_.readings_->next_series();
    store_.readings_->add(id, name.machine, name.group, name.tag);
    batch.Put(disk_[Disk::meta], series_key(id), encode_series_name(name));
    batch.Delete(disk_[Disk::meta],
                 "t" + sequence_key(std::uint64_t{index_of(name.machine)} << 32U | index_of(name.group)));
  }
  for (const ChunkKey& key : garbage_) {
    batch.Delete(disk_[Disk::chunk], key.bytes());
    batch.Delete(disk_[Disk::meta], garbage_key(key));
  }
  return batch.Count() == 0 || disk_.only_reads() ? Result<void>{} : disk_.write(batch);
}

Result<void> Store::Recovery::read_chunk_index() {
  std::optional<Error> failure;
  std::set<std::uint32_t> days_in_use;
  const auto indexed = disk_.scan(Disk::chunk_index, "", [&](std::string_view key, std::string_view value) {
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
    else if (const auto added = store_.readings_->add_chunk(*head, disk_.stored(*chunk)); !added)
      failure = added.error();
    return !failure;
  });
  if (!indexed) return indexed;
  if (failure) return *failure;
  store_.readings_->opened();
  if (const auto cleared = store_.clear_dropped(dropped_days_, days_in_use); !cleared) return cleared;
  for (auto& [machine, runs] : store_.heard_before_) runs = joined_runs(std::move(runs), Duration{0});
  return {};
}

// ---------------------------------------- machines

Result<void> Store::Recovery::read_checkpoints() {
  std::optional<Error> failure;
  const auto read = disk_.scan(Disk::checkpoint, "", [&](std::string_view key, std::string_view value) {
    const std::uint64_t number = sequence_of_key(key);
    if (key.size() != 8 || number >= store_.machines_.size()) {
      failure =
          corruption("there is a checkpoint of machine number " + std::to_string(number) + ", which has no name");
      return false;
    }
    MachineRecord& machine = *store_.machines_[number];
    auto checkpoint = decode_checkpoint(value, store_.names_);
    if (checkpoint && checkpoint->machine != machine.id()) checkpoint = corruption("its checkpoint is another's");
    if (!checkpoint) {
      machine.set_damage(checkpoint.error().context);
      return true;
    }
    machine.begin_loading();
    joins_.emplace(checkpoint->commit, std::pair{machine.id(), std::move(*checkpoint)});
    return true;
  });
  if (!read) return read;
  if (failure) return *failure;
  if (joins_.empty()) return {};
  // Every start uses them again until the machines have newer checkpoints.
  for (auto plant = plants_.upper_bound(joins_.begin()->first); plant != plants_.end(); ++plant)
    store_.events_->plant_changed();
  return {};
}

/// Those that no event makes any more.
Result<void> Store::Recovery::read_rollups() {
  std::map<MachineId, MachineCheckpoint*> checkpoints;
  for (auto& [commit, join] : joins_) checkpoints.emplace(join.first, &join.second);
  const auto read = disk_.scan(Disk::rollup, "", [&](std::string_view key, std::string_view value) {
    const auto found = checkpoints.find(MachineId{static_cast<std::uint32_t>(sequence_of_key(key.substr(0, 4)))});
    if (found == checkpoints.end()) return true;  // nobody's: takt verify tells of it
    const auto& [machine, checkpoint] = *found;
    if (const auto decoded = decode_frozen(value, machine, checkpoint->frozen, store_.names_); !decoded)
      damaged(machine, decoded.error().context);
    return true;
  });
  if (!read) return read;
  for (const auto& [machine, checkpoint] : checkpoints) {
    if (checkpoint->frozen.size() != checkpoint->frozen_cells) {
      damaged(machine, std::to_string(checkpoint->frozen_cells) +
                           " rollups of before its horizon were kept, and " +
                           std::to_string(checkpoint->frozen.size()) + " are there");
    }
    store_.events_->add_frozen(machine, checkpoint->horizon.timeline);
  }
  return {};
}

/// One machine after the other, so that damage stays where it is.
void Store::Recovery::load_machines() {
  loaded_.resize(store_.machines_.size());
  for (std::uint32_t next = 0; next < store_.machines_.size();) next = load_machines_from(MachineId{next});
  for (const auto& [commit, join] : joins_) {
    const auto& [machine, checkpoint] = join;
    if (loaded_[index_of(machine)] == checkpoint.events) continue;
    damaged(machine, std::to_string(checkpoint.events) + " of its events were in chunks, and " +
                         std::to_string(loaded_[index_of(machine)]) + " are there");
  }
  for (const auto& machine : store_.machines_) {
    if (machine->damage().empty()) continue;
    store_.damage_ = "the history of machine " + store_.numbers_.name(machine->id()) +
                     " is damaged: " + machine->damage() +
                     "; see all with takt verify, and get the data back from a backup with takt restore";
    spdlog::error("{}", store_.damage_);
  }
}

/// Up to the first that the database cannot read on from. Returns the one after it.
std::uint32_t Store::Recovery::load_machines_from(MachineId first) {
  const auto machines = static_cast<std::uint32_t>(store_.machines_.size());
  MachineId at = first;
  const std::string from = EventChunkKey{first, 0, 0}.bytes();
  const auto read = disk_.scan(Disk::event_chunk, from, [&](std::string_view key, std::string_view bytes) {
    const auto place = EventChunkKey::parse(key);
    if (!place || index_of(place->machine) >= machines) return true;  // nobody's: takt verify tells of it
    at = place->machine;
    if (store_.options_.progress && index_of(at) % 16 == 0)
      store_.options_.progress(0.5 * index_of(at) / machines);
    if (!store_.machines_[index_of(at)]->damage().empty()) return true;
    if (const auto loaded = load_event_chunk(*place, bytes); !loaded) damaged(at, loaded.error().context);
    return true;
  });
  if (read) return machines;
  damaged(at, read.error().context);
  return index_of(at) + 1;
}

void Store::Recovery::damaged(MachineId machine, const std::string& how) {
  MachineRecord& record = *store_.machines_[index_of(machine)];
  if (record.damage().empty()) record.set_damage(how);
}

Result<void> Store::Recovery::load_event_chunk(const EventChunkKey& key, std::string_view bytes) {
  const auto named = [&](const std::string& what) {
    return corruption("its events from commit " + std::to_string(key.first_commit) + ": " + what);
  };
  rows_ = {};
  if (const auto decoded = decode_event_chunk(bytes, rows_); !decoded) return named(decoded.error().context);
  auto head = read_event_chunk_head(bytes);
  head->key.part = key.part;
  if (head->key != key) return named("the chunk lies under another's key");
  MachineRecord& record = *store_.machines_[index_of(key.machine)];
  if (!record.is_loading()) return named("there is no checkpoint of them");
  store_.events_->add_chunk(*head, bytes.size());
  loaded_[index_of(key.machine)] += head->rows;
  for (EventRow& row : rows_.rows) {
    row.event.machine = store_.numbers_.name(key.machine);  // takes part in its rank
    know_state(row.event);
    record.load(row.event, store_.names_);
  }
  return {};
}

void Store::Recovery::know_state(const Event& event) {
  if (event.type != EventType::state || event.deleted) return;
  store_.master_->know_state(folded_state(event.state, store_.names_), store_.names_);
}

/// Plants up to `commit` are used, and machines whose checkpoints are before it join, all in their order.
Result<void> Store::Recovery::advance_to(Sequence commit) {
  for (;;) {
    const auto plant = plants_.begin();
    const auto join = joins_.begin();
    const bool plant_next = plant != plants_.end() && plant->first <= commit;
    const bool join_next = join != joins_.end() && join->first < commit;
    if (plant_next && (!join_next || plant->first <= join->first)) {
      if (auto used = store_.use_plant_versions(plant->second, plant->first); !used) return used;
      store_.has_plant_ = true;
      plants_.erase(plant);
    } else if (join_next) {
      const auto& [machine, checkpoint] = join->second;
      store_.machines_[index_of(machine)]->restore(checkpoint);
      joins_.erase(join);
    } else {
      return {};
    }
  }
}

// ---------------------------------------- the journals

Result<void> Store::Recovery::replay(Disk::Family family) {
  std::optional<Error> failure;
  const Sequence newest = std::max<Sequence>(store_.sequence_, 1);
  const auto replayed = disk_.scan(family, "", [&](std::string_view key, std::string_view frame) {
    const Sequence commit = sequence_of_key(key);
    const auto done = family == Disk::events ? replay_events(commit, frame) : replay_readings(commit, frame);
    if (!done)
      failure = Error{done.error().code, "commit " + std::to_string(commit) + ": " + done.error().context};
    if (store_.options_.progress && commit % 64 == 0)
      store_.options_.progress(static_cast<double>(commit) / static_cast<double>(newest));
    return !failure;
  });
  if (!replayed) return replayed;
  return failure ? Result<void>{*failure} : Result<void>{};
}

Result<void> Store::Recovery::replay_events(Sequence commit, std::string_view frame) {
  if (const auto advanced = advance_to(commit); !advanced) return advanced;
  store_.events_->appended(frame.size());
  events_.clear();
  if (const auto decoded = decode_frame(frame, events_); !decoded) return decoded;
  for (const Event& event : events_) {
    const auto machine = store_.numbers_.find(event.machine);
    if (!machine) return corruption("it names a machine without a number");
    know_state(event);
    replay_event(*machine, event, commit);
  }
  rebuild_unheard(commit);
  return {};
}

/// At the end of its commit, as when it was made, where that does not take readings: they come last.
void Store::Recovery::rebuild_unheard(Sequence commit) {
  std::erase_if(unheard_, [&](const auto& unheard) {
    const auto& [machine, since] = unheard;
    if (since != commit || !store_.readings_->of_machine(machine).empty()) return false;
    if (store_.master_->latest().settings(machine).silence_timeout > Duration{0})
      store_.rebuild_heard(*store_.machines_[index_of(machine)], commit, HeardFrom::events);
    return true;
  });
}

void Store::Recovery::replay_event(MachineId machine, const Event& event, Sequence commit) {
  MachineRecord& record = *store_.machines_[index_of(machine)];
  if (record.is_loading()) {
    // When readings made it heard of is in the checkpoint.
    if (event.type != EventType::reading) record.load(event, store_.names_);
    return;
  }
  // What silence depends on is asked anew at the end. Marks that say so for readings are in this log, too.
  if (event.deleted || record.corrects_cycle(event, store_.names_)) unheard_[machine] = commit;
  if (event.type != EventType::reading)
    record.apply(event, rank_of(event), store_.names_, commit);
  else if (!event.deleted)
    record.heard_reading(event.at, commit);
}

Result<void> Store::Recovery::replay_readings(Sequence commit, std::string_view frame) {
  ReadingStore& readings = *store_.readings_;
  ReadingBlock block;
  if (is_block(frame)) {
    if (const auto decoded = decode_block(frame, block); !decoded) return decoded;
    for (const SeriesId id : block.series) {
      if (!readings.has(id)) return corruption("it has a reading of a tag without a number");
    }
    drop_expired(block, commit);
    readings.recover(std::move(block), commit, frame.size());
    return {};
  }
  events_.clear();
  if (const auto decoded = decode_frame(frame, events_); !decoded) return decoded;
  for (const Event& event : events_) {
    const auto machine = store_.numbers_.find(event.machine);
    const auto id = machine ? readings.find(*machine, event.tag) : std::nullopt;
    if (!id) return corruption("it has a reading of a tag without a number");
    ReadingExtra extra;
    block.push_back(*id, reading_of(event, extra));
  }
  drop_expired(block, commit);
  readings.recover(std::move(block), commit, frame.size());
  return {};
}

/// What came with a commit before its day was dropped is gone.
void Store::Recovery::drop_expired(ReadingBlock& block, Sequence commit) const {
  for (const Drop& drop : store_.drops_) {
    if (commit <= drop.sequence) drop_before(block, chunk_day_start(drop.first_kept));
  }
}

void Store::Recovery::rebuild_unheard() {
  for (const auto& [machine, commit] : unheard_) {
    if (store_.master_->latest().settings(machine).silence_timeout <= Duration{0}) continue;
    MachineRecord& record = *store_.machines_[index_of(machine)];
    store_.rebuild_heard(record, commit, HeardFrom::readings_too);
  }
}

Result<void> Store::Recovery::count_quarantine() {
  std::uint64_t count = 0;
  const auto counted = disk_.scan(Disk::quarantined, "", [&](std::string_view key, std::string_view) {
    store_.quarantine_next_ = sequence_of_key(key) + 1;
    ++count;
    return true;
  });
  store_.quarantine_count_ = count;
  return counted;
}

}  // namespace takt
