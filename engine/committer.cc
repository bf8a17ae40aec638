#include "engine/committer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <future>

#include "engine/event_codec.h"
#include "engine/quarantine_codec.h"

namespace takt {
namespace {

constexpr std::size_t kGroupEvents = 8192;                     // keeps the time that readers wait short
constexpr std::size_t kJournalBytes = std::size_t{64} << 20U;  // then every head is sealed and the journal trimmed
constexpr std::uint64_t kQuarantineEntries = 100'000;          // beyond it the oldest go

std::size_t weight(const EventBatch& batch) { return batch.events.size() + batch.rejected.size() + 1; }

}  // namespace

Store::Committer::Committer(Store& store) : store_(store), thread_([this] { run(); }) {}

Store::Committer::~Committer() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Store::Committer::submit(Work work) {
  {
    const std::lock_guard lock{mutex_};
    if (queued_events_ >= store_.options_.queue_events || stopping_) return false;
    queued_events_ += weight(work.batch);
    store_.statistics_.queue_events.store(queued_events_, std::memory_order_relaxed);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void Store::Committer::run_task(std::function<void()> task) {
  std::promise<void> ran;
  Work work;
  work.task = [&] {
    task();
    ran.set_value();
  };
  {
    const std::lock_guard lock{mutex_};
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  ran.get_future().wait();
}

std::string Store::Committer::read_only_reason() {
  {
    const std::lock_guard lock{mutex_};
    if (!failure_.empty() || shortage_.empty()) return failure_;
  }
  // Nobody sends to a server that is not ready, so that space has returned is found by asking, too.
  note_space();
  const std::lock_guard lock{mutex_};
  return failure_.empty() ? shortage_ : failure_;
}

Result<void> Store::Committer::write(rocksdb::WriteBatch& batch) {
  const auto began = std::chrono::steady_clock::now();
  auto written = store_.disk_->write(batch);
  const auto took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began).count();
  auto& statistics = store_.statistics_;
  statistics.sync_micros += static_cast<std::uint64_t>(took);
  statistics.sync_micros_last = static_cast<std::uint64_t>(took);
  if (!written) {
    // A failed fsync is never tried again: what the kernel dropped would seem to be safe the second time.
    const std::lock_guard lock{mutex_};
    failure_ = written.error().context + "; the store is read-only until it is started again";
  }
  return written;
}

void Store::Committer::run() {
  for (;;) {
    Group group;
    std::function<void()> task;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::size_t events = 0;
      while (!queue_.empty() && !task) {
        Work& next = queue_.front();
        if (next.task) {
          if (group.works.empty()) {
            task = std::move(next.task);
            queue_.pop_front();
          }
          break;
        }
        events += weight(next.batch);
        if (!group.works.empty() && events > kGroupEvents) break;
        queued_events_ -= weight(next.batch);
        group.works.push_back(std::move(next));
        queue_.pop_front();
      }
      store_.statistics_.queue_events.store(queued_events_, std::memory_order_relaxed);
    }
    if (task) {
      task();
    } else {
      commit(group);
    }
  }
}

/// Looks for room on the disk: before every commit, and when asked after there was none.
void Store::Committer::note_space() {
  std::uint64_t reserve = store_.options_.reserve_bytes;
  if (reserve == 0) {
    reserve = std::clamp<std::uint64_t>(store_.disk_->total_bytes() / 20, std::uint64_t{16} << 20U,
                                        std::uint64_t{512} << 20U);
  }
  const std::uint64_t free = store_.disk_->free_bytes();
  const std::lock_guard lock{mutex_};
  shortage_.clear();
  if (free < reserve) {
    shortage_ = "the disk is nearly full: " + std::to_string(free >> 20U) + " MiB are free and " +
                std::to_string(reserve >> 20U) +
                " MiB are kept in reserve; nothing is taken in until space returns";
  }
}

void Store::Committer::commit(Group& group) {
  note_space();
  if (const std::string reason = read_only_reason(); !reason.empty()) {
    answer(group, unavailable(reason));
    return;
  }
  if (const auto judged = judge(group); !judged) {
    answer(group, judged.error());
    return;
  }
  if (group.accepted.empty() && group.rejected == 0) {
    answer(group, store_.sequence());
    return;
  }
  const Sequence sequence = store_.sequence() + 1;
  note_heard(group);
  rocksdb::WriteBatch batch;
  encode(group, sequence, batch);
  quarantine(group, batch);
  std::vector<std::pair<ChunkInfo, std::string>> chunks;
  const std::vector<ReadingGroup*> sealed = seal(sequence - 1, batch, chunks);
  if (const auto written = write(batch); !written) {
    answer(group, unavailable(written.error().context));
    return;
  }
  const auto began = std::chrono::steady_clock::now();
  {
    const std::lock_guard turn{store_.turnstile_};
    const std::unique_lock lock{store_.gate_};
    for (ReadingGroup* readings : sealed) readings->clear_head();
    for (const auto& [info, bytes] : chunks) store_.group_of(info.machine, info.group, {}).add_chunk(info);
    apply(group, sequence);
    store_.sequence_.store(sequence, std::memory_order_release);
  }
  auto& statistics = store_.statistics_;
  statistics.apply_micros += static_cast<std::uint64_t>(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began).count());
  ++statistics.commits;
  statistics.chunks_sealed += chunks.size();
  if (store_.listener_) {
    std::vector<const Event*> events;
    for (const Accepted& accepted : group.accepted) events.push_back(accepted.event);
    store_.listener_({sequence, events, false});
  }
  answer(group, sequence);
}

Store::Committer::Identity Store::Committer::identity_of(const Event& e) const {
  thread_local std::string key;
  key.clear();
  const auto number = [&](std::int64_t n) { key.append(reinterpret_cast<const char*>(&n), sizeof n); };
  const auto text = [&](std::string_view t) { number(static_cast<std::int64_t>(t.size())), key.append(t); };
  key.push_back(static_cast<char>(e.type));
  text(e.machine), number(micros(e.at)), text(e.id);
  switch (e.type) {
    case EventType::reading:
      text(e.tag);
      break;
    case EventType::count:
    case EventType::cycle:
      text(e.product), text(e.order), text(e.defect);
      break;
    case EventType::quality:
      text(e.characteristic), text(e.serial);
      break;
    case EventType::order:
      text(e.order), key.push_back(static_cast<char>(e.action));
      break;
    case EventType::classify:
      number(micros(e.end)), number(micros(e.recorded_at));
      break;
    case EventType::state:
    case EventType::energy:
      break;
  }
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return {hash.low64, hash.high64};
}

/// Whether the event beats what is known of its identity, on disk or earlier in the group.
Result<bool> Store::Committer::outranks(const Event& event, MachineId machine, const Rank& rank) {
  const auto [pending, fresh] = pending_.try_emplace(identity_of(event), rank);
  if (!fresh) {
    if (!(pending->second < rank)) return false;
    pending->second = rank;
    return true;
  }
  std::optional<Rank> known;
  if (event.type == EventType::reading) {
    if (const ReadingGroup* readings = store_.find_group(machine, event.tag)) {
      auto found = readings->known(event.at, hash_of(event.id), *store_.disk_);
      if (!found) return found.error();
      known = *found;
    }
  } else {
    known = store_.machines_[index_of(machine)]->known(event, store_.names_);
  }
  if (!known || *known < rank) return true;
  pending->second = *known;
  return false;
}

Result<void> Store::Committer::judge(Group& group) {
  pending_.clear();
  auto& statistics = store_.statistics_;
  for (const Work& work : group.works) {
    Receipt& receipt = group.receipts.emplace_back();
    for (const Event& event : work.batch.events) {
      const auto machine = store_.numbers_.find(event.machine);
      TAKT_INVARIANT(machine.has_value());  // validate() has seen to it, and machines never go
      const Rank rank = rank_of(event);
      const auto accepted = outranks(event, *machine, rank);
      if (!accepted) return accepted.error();
      if (*accepted) {
        group.accepted.push_back({&event, rank, *machine});
        ++statistics.accepted_by_type[static_cast<std::size_t>(event.type)];
        ++receipt.accepted;
      } else {
        ++receipt.duplicate;
      }
    }
    for (const RejectedEvent& rejected : work.batch.rejected) {
      ++statistics.rejected_by_code[static_cast<std::size_t>(rejected.code)];
    }
    statistics.accepted += receipt.accepted;
    statistics.duplicates += receipt.duplicate;
    statistics.rejected += work.batch.rejected.size();
    group.rejected += work.batch.rejected.size();
  }
  return {};
}

/// Where silence counts, the event log must tell when a machine was heard of by its readings: the fewest of their
/// times that leave the same gaps, and that some were withdrawn.
void Store::Committer::note_heard(Group& group) {
  std::map<MachineId, std::vector<const Event*>> times;
  for (const Accepted& accepted : group.accepted) {
    if (accepted.event->type != EventType::reading) continue;
    if (store_.master_->latest().settings(accepted.machine).silence_timeout <= Duration{0}) continue;
    if (!accepted.rank.withdrawn()) {
      times[accepted.machine].push_back(accepted.event);
      continue;
    }
    Event gone;
    gone.type = EventType::reading;
    gone.machine = accepted.event->machine;
    gone.at = accepted.event->at;
    gone.deleted = true;
    group.heard.push_back(gone);
  }
  for (auto& [machine, list] : times) {
    const Duration timeout = store_.master_->latest().settings(machine).silence_timeout;
    std::sort(list.begin(), list.end(), [](auto* a, auto* b) { return a->at < b->at; });
    for (std::size_t i = 0; i < list.size();) {
      Event heard;
      heard.type = EventType::reading;
      heard.machine = list[i]->machine;
      heard.at = list[i]->at;
      group.heard.push_back(heard);
      std::size_t next = i + 1;
      while (next + 1 < list.size() && list[next + 1]->at <= list[i]->at + timeout) ++next;
      i = next;
    }
  }
}

void Store::Committer::encode(const Group& group, Sequence sequence, rocksdb::WriteBatch& batch) {
  Disk& disk = *store_.disk_;
  const std::string key = sequence_key(sequence);
  std::vector<const Event*> events, readings;
  for (const Accepted& accepted : group.accepted) {
    (accepted.event->type == EventType::reading ? readings : events).push_back(accepted.event);
    if (accepted.event->type != EventType::reading) continue;
    // A tag seen for the first time gets its number in the same write.
    if (store_.find_group(accepted.machine, accepted.event->tag) == nullptr) {
      const GroupId id{static_cast<std::uint32_t>(store_.groups_by_id_[index_of(accepted.machine)].size())};
      {
        const std::lock_guard turn{store_.turnstile_};
        const std::unique_lock lock{store_.gate_};
        store_.group_of(accepted.machine, id, accepted.event->tag);
      }
      std::string name{"t"};
      name += sequence_key(std::uint64_t{index_of(accepted.machine)} << 32U | static_cast<std::uint32_t>(id));
      batch.Put(disk[Disk::meta], name, rocksdb::Slice{accepted.event->tag.data(), accepted.event->tag.size()});
    }
  }
  for (const Event& heard : group.heard) events.push_back(&heard);
  if (!events.empty()) batch.Put(disk[Disk::events], key, encode_frame(events));
  if (!readings.empty()) {
    const std::string frame = encode_frame(readings);
    journal_bytes_ += frame.size();
    batch.Put(disk[Disk::journal], key, frame);
  }
  batch.Put(disk[Disk::meta], "sequence", key);
  store_.statistics_.journal_bytes.store(journal_bytes_, std::memory_order_relaxed);
}

void Store::Committer::quarantine(const Group& group, rocksdb::WriteBatch& batch) {
  if (group.rejected == 0) return;
  Disk& disk = *store_.disk_;
  const Timestamp now = store_.clock().now();
  for (const Work& work : group.works) {
    for (const RejectedEvent& rejected : work.batch.rejected) {
      const std::string value = encode_quarantine({0, now, work.source, rejected});
      batch.Put(disk[Disk::quarantined], sequence_key(store_.quarantine_next_++), value);
    }
  }
  std::uint64_t count = store_.quarantine_count_ + group.rejected;
  if (count > kQuarantineEntries) {
    batch.DeleteRange(disk[Disk::quarantined], sequence_key(0),
                      sequence_key(store_.quarantine_next_ - kQuarantineEntries));
    count = kQuarantineEntries;
  }
  store_.quarantine_count_ = count;
}

/// Puts full heads into chunks, or all of them when the journal has grown long, and trims the journal in the same
/// batch.
std::vector<ReadingGroup*> Store::Committer::seal(Sequence through, rocksdb::WriteBatch& batch,
                                                  std::vector<std::pair<ChunkInfo, std::string>>& chunks) {
  Disk& disk = *store_.disk_;
  std::vector<ReadingGroup*> sealed;
  const bool all = journal_bytes_ > kJournalBytes;
  Sequence oldest = through + 1;
  for (const auto& machine : store_.groups_by_id_) {
    for (ReadingGroup* readings : machine) {
      if (readings->head_rows() == 0) continue;
      if (!all && readings->head_rows() < kChunkRows) {
        oldest = std::min(oldest, readings->oldest_unsealed());
        continue;
      }
      auto encoded = readings->encode_head(through);
      for (auto& chunk : encoded) chunks.push_back(std::move(chunk));
      sealed.push_back(readings);
    }
  }
  for (const auto& [info, bytes] : chunks) {
    const std::string key = chunk_key(info);
    const std::string_view head = chunk_head(bytes);
    batch.Put(disk[Disk::chunk], key, bytes);
    batch.Put(disk[Disk::chunk_index], key, rocksdb::Slice{head.data(), head.size()});
  }
  if (!sealed.empty()) batch.DeleteRange(disk[Disk::journal], sequence_key(0), sequence_key(oldest));
  if (all) journal_bytes_ = 0;
  return sealed;
}

void Store::Committer::apply(const Group& group, Sequence sequence) {
  std::vector<MachineRecord*> stale;
  for (const Accepted& accepted : group.accepted) {
    MachineRecord& machine = *store_.machines_[index_of(accepted.machine)];
    // A withdrawn event, or a cycle with another end, may have been all that was heard at its time.
    const bool silence_counts = store_.master_->latest().settings(accepted.machine).silence_timeout > Duration{0};
    const bool unheard =
        silence_counts && (accepted.rank.withdrawn() || machine.corrects_cycle(*accepted.event, store_.names_));
    if (accepted.event->type == EventType::reading) {
      store_.apply_reading(*accepted.event, accepted.rank, sequence);
    } else {
      if (accepted.event->type == EventType::state && !accepted.rank.withdrawn()) {
        store_.master_->know_state(folded_state(accepted.event->state, store_.names_), store_.names_);
      }
      machine.apply(*accepted.event, accepted.rank, store_.names_, sequence);
    }
    if (unheard && std::find(stale.begin(), stale.end(), &machine) == stale.end()) stale.push_back(&machine);
  }
  for (const Event& heard : group.heard) {
    if (heard.deleted) continue;  // told to recovery only: here the machine is among the stale ones
    store_.machines_[index_of(*store_.numbers_.find(heard.machine))]->heard_reading(heard.at, sequence);
  }
  for (MachineRecord* machine : stale) {
    if (const auto rebuilt = store_.rebuild_heard(*machine, sequence, HeardFrom::readings_too); !rebuilt) {
      const std::lock_guard lock{mutex_};
      failure_ = rebuilt.error().context;
    }
  }
}

void Store::Committer::answer(Group& group, const Result<Sequence>& outcome) {
  for (std::size_t i = 0; i < group.works.size(); ++i) {
    if (!group.works[i].done) continue;
    if (!outcome) {
      group.works[i].done(outcome.error());
      continue;
    }
    Receipt receipt = group.receipts[i];
    receipt.sequence = *outcome;
    group.works[i].done(receipt);
  }
}

}  // namespace takt
