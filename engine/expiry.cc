// How data goes that the plant retains no more: whole days at once, beside ingest and queries. Readings first; of
// machines' events engine/machine_expiry.cc and engine/events/event_expiry.cc tell the rest.
//
// What is in memory of them goes between two commits. On disk the same moment is one batch: it takes their entries
// out of the index of chunks, and keeps what must outlive them. The bytes of the chunks follow when nobody reads
// them any more: a day's files and a range of keys, whatever the number of chunks.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine/committer.h"
#include "engine/events/event_log.h"
#include "schema/retention.h"

namespace takt {

Timestamp Store::readings_kept_from() const {
  const auto described = plant();
  const Timestamp from = retained_from(clock().now(), described ? described->retention_readings_days : 0);
  return from == kBeginOfTime ? kBeginOfTime : chunk_day_start(chunk_day(from));
}

void Store::hear(const Expiry& expiry, HeardReadings& heard) const {
  for (const Expiry::Part& part : expiry.parts) {
    auto& [gap, runs] = heard.at(part.machine);
    if (runs) continue;
    runs = expiry.heard(part.machine, gap, *disk_, closing_);
  }
}

Result<std::uint64_t> Store::expire_readings() {
  // A disk that is nearly full is no reason not to: this is what gives room.
  if (const std::string failure = committer_->failure(); !failure.empty()) return unavailable(failure);
  Expiry expiry;
  HeardReadings heard;
  Result<void> outcome;
  committer_->run_task([&] {
    outcome = committer_->sweep();
    if (outcome) expiry = committer_->next_expiry(heard);
  });
  if (!outcome) return outcome.error();
  if (expiry.parts.empty()) return std::uint64_t{0};
  expiry.prepare();
  hear(expiry, heard);
  if (closing_) return std::uint64_t{0};
  committer_->run_task([&] { outcome = committer_->put_expiry(expiry, heard); });
  if (!outcome) return outcome.error();
  const std::uint64_t rows = expiry.rows();
  if (rows > 0) {
    statistics_.readings_dropped += rows;
    spdlog::info("retention: {} readings of before {} are gone", rows,
                 format_time(chunk_day_start(expiry.first_kept)));
  }
  expiry = {};  // what it held last can be taken off the disk
  committer_->run_task([&] { outcome = committer_->sweep(); });
  if (!outcome) return outcome.error();
  disk_->reclaim(closing_);
  return rows;
}

// ---------------------------------------- events

Timestamp Store::events_kept_from() const {
  const auto described = plant();
  const Timestamp from = retained_from(clock().now(), described ? described->retention_events_days : 0);
  if (from == kBeginOfTime) return kBeginOfTime;
  // What is on its way is judged by the clock of its arrival.
  const StoreView view = read();
  return view.master().wall().bucket_at(Grain::day, from - std::chrono::hours{1}).range.begin;
}

Result<std::uint64_t> Store::expire_events() {
  if (const std::string failure = committer_->failure(); !failure.empty()) return unavailable(failure);
  const Timestamp from = events_kept_from();
  if (from == kBeginOfTime) return std::uint64_t{0};
  if (const auto moved = move_horizon(from); !moved) return moved.error();
  const auto due = [&](MachineId machine) {
    if (events_->is_expiry_due(machine)) return true;
    const StoreView view = read();
    const MachineRecord& record = view.machine(machine);
    return record.damage().empty() && record.first_event() && record.horizon().pieces < horizon();
  };
  std::uint64_t gone = 0;
  bool sealed = false;
  std::optional<Error> failure;  // of a machine; the others go on
  for (std::uint32_t i = 0; i < read().machine_count() && !closing_; ++i) {
    if (!due(MachineId{i})) continue;
    // From here on commits have none of them.
    if (const auto done = sealed ? Result<void>{} : seal_all_events(); !done) return done.error();
    sealed = true;
    const auto expired = events_->expire(MachineId{i}, horizon());
    if (expired)
      gone += *expired;
    else
      failure = expired.error();
  }
  statistics_.events_dropped += gone;
  if (gone > 0) spdlog::info("retention: {} events of before {} are gone", gone, format_time(horizon()));
  if (failure) return *failure;
  return gone;
}

/// Durable first: what is refused stays refused.
Result<void> Store::move_horizon(Timestamp to) {
  Result<void> outcome;
  committer_->run_task([&] {
    if (to <= horizon()) return;
    rocksdb::WriteBatch batch;
    batch.Put((*disk_)[Disk::meta], kHorizonKey, sequence_key(static_cast<std::uint64_t>(micros(to))));
    outcome = committer_->write(batch);
    if (outcome) horizon_.store(to, std::memory_order_release);
  });
  return outcome;
}

// ---------------------------------------- by the committer

Expiry Store::Committer::next_expiry(HeardReadings& heard) const {
  const Timestamp from = store_.readings_kept_from();
  if (from == kBeginOfTime) return {};
  Expiry expiry = store_.readings_->expiry(chunk_day(from));
  for (const Expiry::Part& part : expiry.parts)
    heard.try_emplace(part.machine, gap_of(part.machine), std::nullopt);
  return expiry;
}

/// How close it must be known when a machine's readings were taken; 0: nothing depends on it.
Duration Store::Committer::gap_of(MachineId machine) const {
  return std::max(Duration{0}, store_.master_->latest().settings(machine).silence_timeout);
}

/// Brings up to date what was made ready beside commits.
void Store::Committer::refresh(Expiry& expiry, HeardReadings& heard) const {
  Expiry current = store_.readings_->expiry(expiry.first_kept);
  for (const Expiry::Part& part : current.parts) {
    auto& [gap, runs] = heard[part.machine];
    if (gap != gap_of(part.machine) || !expiry.has_same(part)) runs.reset();
    gap = gap_of(part.machine);
  }
  current.take_prepared(expiry);
  current.prepare();
  expiry = std::move(current);
  store_.hear(expiry, heard);
}

Result<void> Store::Committer::put_expiry(Expiry& expiry, HeardReadings& heard) {
  Disk& disk = *store_.disk_;
  // The plant may retain more than it did a moment ago.
  if (store_.readings_kept_from() < chunk_day_start(expiry.first_kept)) return expiry = {}, Result<void>{};
  refresh(expiry, heard);
  if (expiry.parts.empty()) return {};
  const std::set<std::uint32_t> days = expiry.days();
  const auto chunks = expiry.chunks();
  rocksdb::WriteBatch batch = take_names();
  if (!days.empty()) {
    batch.DeleteRange(disk[Disk::chunk_index], chunk_day_key(*days.begin()), chunk_day_key(expiry.first_kept));
  }
  for (const std::uint32_t day : days) batch.Put(disk[Disk::meta], dropped_day_key(day), "");
  for (const auto& [machine, heard_of] : heard) {
    if (!heard_of.second || heard_of.second->empty()) continue;
    batch.Put(disk[Disk::meta], heard_key(machine, store_.next_heard_++), encode_heard(*heard_of.second));
  }
  // Drops are forgotten with the frames that they are about.
  const Sequence needed = note_drop(expiry.first_kept);
  batch.DeleteRange(disk[Disk::journal], sequence_key(0), sequence_key(needed));
  batch.Put(disk[Disk::meta], kDropsKey, encode_drops(store_.drops_));
  if (const auto written = write(batch); !written) return written.error();
  for (auto& [machine, heard_of] : heard) {
    if (!heard_of.second) continue;
    std::vector<HeardRun>& known = store_.heard_before_[machine];
    known.insert(known.end(), heard_of.second->begin(), heard_of.second->end());
    known = joined_runs(std::move(known), Duration{0});
  }
  {
    const std::lock_guard turn{store_.turnstile_};
    const std::unique_lock lock{store_.gate_};
    store_.readings_->expire(expiry);
  }
  for (const auto& chunk : chunks) chunk->let_go();
  disk.note_dropped(days);
  store_.statistics_.chunks_dropped += chunks.size();
  store_.statistics_.journal_bytes = store_.readings_->journal_bytes();
  return {};
}

/// What is in the journal of before the day is gone, but not what comes after this, should more be retained again.
Sequence Store::Committer::note_drop(std::uint32_t first_kept) {
  const Sequence now = store_.sequence();
  const Sequence needed = store_.readings_->journal_needed_from(now + 1, {});
  std::erase_if(store_.drops_,
                [&](const Drop& drop) { return drop.sequence < needed || drop.first_kept <= first_kept; });
  store_.drops_.push_back({first_kept, now});
  return needed;
}

/// Chunks of dropped days that nobody reads any more: files first, then what is left of the range of keys, so that
/// no older value of a key is seen again.
void Store::Committer::take_out_dropped_days(rocksdb::WriteBatch& batch) {
  Disk& disk = *store_.disk_;
  for (const Disk::DroppedDay& dropped : disk.take_dropped_days()) {
    if (dropped.alone) disk.drop_day(dropped.day, batch);
    for (const ChunkKey& key : dropped.chunks) {
      if (dropped.alone) break;
      batch.Delete(disk[Disk::chunk], key.bytes());
      batch.Delete(disk[Disk::meta], garbage_key(key));
    }
    batch.Delete(disk[Disk::meta], dropped_day_key(dropped.day));
  }
}

// ---------------------------------------- at the start

/// Bytes of chunks that a stop left behind their entries in the index.
Result<void> Store::clear_dropped(const std::set<std::uint32_t>& days, const std::set<std::uint32_t>& in_use) {
  if (days.empty() || disk_->only_reads()) return {};
  rocksdb::WriteBatch batch;
  for (const std::uint32_t day : days) {
    if (!in_use.contains(day)) disk_->drop_day(day, batch);
    batch.Delete((*disk_)[Disk::meta], dropped_day_key(day));
    if (!in_use.contains(day)) continue;
    const std::string prefix = chunk_day_key(day);
    rocksdb::Status asked;
    const auto scanned = disk_->scan(Disk::chunk, prefix, [&](std::string_view key, std::string_view) {
      if (!key.starts_with(prefix)) return false;
      const rocksdb::Slice there{key.data(), key.size()};
      rocksdb::PinnableSlice head;
      asked = disk_->database().Get({}, (*disk_)[Disk::chunk_index], there, &head);
      if (asked.IsNotFound()) batch.Delete((*disk_)[Disk::chunk], there);
      return asked.ok() || asked.IsNotFound();
    });
    if (!scanned) return scanned.error();
    if (!asked.ok() && !asked.IsNotFound()) return Disk::error_of(asked, "cannot read the index of chunks");
  }
  return disk_->write(batch);
}

}  // namespace takt
