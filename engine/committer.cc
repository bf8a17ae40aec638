#include "engine/committer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <future>
#include <tuple>

#include "engine/chunk_parts.h"
#include "engine/event_codec.h"
#include "engine/events/event_log.h"
#include "engine/producer_table.h"
#include "engine/quarantine_codec.h"
#include "engine/replan.h"
#include "schema/event_json.h"

namespace takt {
namespace {

constexpr std::size_t kKeptBatch = std::size_t{4} << 20U;
constexpr std::size_t kGroupEvents = 8192;             // keeps the time that readers wait short
constexpr std::uint64_t kQuarantineEntries = 100'000;  // beyond it the oldest go

constexpr std::size_t kMostAuditedOneByOne = 100;  // classifications of a commit

/// Of a unit of work, as events: a reading of a block costs a sixteenth of one.
std::size_t weight(const EventBatch& batch, const ReadingBlock& readings) {
  return batch.events.size() + batch.rejected.size() + readings.size() / 16 + 1;
}

/// Of memory, about.
std::size_t bytes_of(const EventBatch& batch, const ReadingBlock& readings) {
  constexpr std::size_t kTexts = 64;  // of an event: kept beside it
  std::size_t bytes = batch.events.size() * (sizeof(Event) + kTexts) + readings.series.size() * sizeof(SeriesId) +
                      readings.at.size() * sizeof(std::int64_t) + readings.number.size() * sizeof(double) +
                      readings.quality.size() * sizeof(std::int32_t) + readings.kind.size();
  for (const RejectedEvent& rejected : batch.rejected)
    bytes += sizeof rejected + rejected.raw.size() + rejected.message.size();
  for (const auto& [row, extra] : readings.extras)
    bytes += sizeof extra + extra.value.size() + extra.id.size() + extra.attributes.size();
  return bytes;
}

}  // namespace

Store::Committer::Committer(Store& store) : store_(store), failure_(store.damage_), thread_([this] { run(); }) {}

Store::Committer::~Committer() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Store::Committer::has_room() const {
  const std::lock_guard lock{mutex_};
  return has_room_locked();
}

bool Store::Committer::has_room_locked() const {
  return queued_events_ < store_.options_.queue_events && queued_bytes_ < store_.options_.memory.queue &&
         !stopping_;
}

bool Store::Committer::submit(Work& work) {
  {
    const std::lock_guard lock{mutex_};
    if (!has_room_locked()) return false;
    queued_events_ += weight(work.batch, work.readings);
    queued_bytes_ += bytes_of(work.batch, work.readings);
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

void Store::Committer::stop_intake() {
  const std::lock_guard lock{mutex_};
  refusing_ = true;
}

std::string Store::Committer::read_only_reason() {
  {
    const std::lock_guard lock{mutex_};
    if (refusing_) return "the server is stopping; send it again once it is back";
    if (!failure_.empty()) return failure_;
    const Timestamp now = store_.clock().now();
    if (now < store_.options_.clock_not_before) {
      return "the server's clock says " + format_time(now) + ", which is before this version of Takt was made; " +
             "nothing is taken in until it is set";
    }
    if (shortage_.empty()) return {};
  }
  // Nobody sends to a server that is not ready, so that space has returned is found by asking, too.
  note_space();
  const std::lock_guard lock{mutex_};
  return failure_.empty() ? shortage_ : failure_;
}

std::string Store::Committer::failure() const {
  const std::lock_guard lock{mutex_};
  return failure_;
}

Result<void> Store::Committer::write(rocksdb::WriteBatch& batch) {
  {
    const std::lock_guard lock{mutex_};
    if (!failure_.empty()) return unavailable(failure_);
  }
  const auto began = std::chrono::steady_clock::now();
  if (store_.options_.before_write) store_.options_.before_write();
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
        events += weight(next.batch, next.readings);
        if (!group.works.empty() && events > kGroupEvents) break;
        queued_events_ -= weight(next.batch, next.readings);
        queued_bytes_ -= bytes_of(next.batch, next.readings);
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
  leave_out_known_frames(group);
  judge(group);
  note_producers(group);
  ReadingStore& readings = *store_.readings_;
  if (group.accepted.empty() && readings.accepted().empty() && group.rejected == 0) {
    answer(group, write_producers(group));
    return;
  }
  const Sequence sequence = store_.sequence() + 1;
  note_heard(group);
  rocksdb::WriteBatch batch = take_names();
  const std::size_t journal_bytes = encode(group, sequence, batch);
  quarantine(group, batch);
  const AuditHead audited = audit_classifications(group, batch);
  store_.producers_->put(group.producers, *store_.disk_, batch);
  const std::vector<EncodedChunk> chunks = readings.encode_due(sequence - 1);
  const auto stored = put(chunks, batch);
  trim_journal(chunks, sequence, batch);
  take_out_garbage(batch);
  if (const auto written = write(batch); !written) {
    answer(group, unavailable(written.error().context));
    return;
  }
  keep_memory(std::move(batch));
  store_.audit_head_ = audited;
  store_.producers_->advance(group.producers);
  const auto began = std::chrono::steady_clock::now();
  {
    const std::lock_guard turn{store_.turnstile_};
    const std::unique_lock lock{store_.gate_};
    readings.sealed(chunks, stored);
    apply(group, sequence, journal_bytes);
    if (group.time) store_.commit_times_->made(*group.time);
    store_.sequence_.store(sequence, std::memory_order_release);
  }
  auto& statistics = store_.statistics_;
  statistics.apply_micros += static_cast<std::uint64_t>(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began).count());
  ++statistics.commits;
  statistics.chunks_sealed += chunks.size();
  statistics.journal_bytes = readings.journal_bytes();
  if (store_.listener_) {
    std::vector<const Event*> events;
    for (const Accepted& accepted : group.accepted) events.push_back(accepted.event);
    store_.listener_({sequence, events, false});
  }
  answer(group, sequence);
}

/// What people say about stops changes figures after the fact: who said it stays. Returns the last of the audit
/// log once the batch is written.
AuditHead Store::Committer::audit_classifications(const Group& group, rocksdb::WriteBatch& batch) {
  std::vector<const Event*> said;
  for (const Accepted& accepted : group.accepted) {
    if (accepted.event->type == EventType::classify) said.push_back(accepted.event);
  }
  AuditHead head = store_.audit_head_;
  const bool too_many = said.size() > kMostAuditedOneByOne;
  if (too_many) said.resize(1);
  for (const Event* event : said) {
    const auto work = std::ranges::find_if(group.works, [&](const Work& each) {
      const std::vector<Event>& events = each.batch.events;
      return !events.empty() && event >= events.data() && event < events.data() + events.size();
    });
    AuditEntry entry;
    entry.author = {work == group.works.end() ? std::string{} : work->source, std::string{event->by}};
    if (too_many) {
      entry.action = "classify.many";
      entry.details["events"] = std::ranges::count_if(
          group.accepted, [](const Accepted& each) { return each.event->type == EventType::classify; });
    } else {
      std::string json;
      append_json(json, *event);
      entry.action = event->deleted ? "classify.withdraw" : "classify";
      entry.details["event"] = boost::json::parse(json);
    }
    head = store_.add_audit_entry(batch, std::move(entry), head);
  }
  return head;
}

/// Of commits in which nothing happened: how far their producers are is durable all the same.
Result<Sequence> Store::Committer::write_producers(const Group& group) {
  if (group.producers.empty()) return store_.sequence();
  rocksdb::WriteBatch batch = take_names();
  store_.producers_->put(group.producers, *store_.disk_, batch);
  if (const auto written = write(batch); !written) return unavailable(written.error().context);
  store_.producers_->advance(group.producers);
  return store_.sequence();
}

/// What was sent again changes nothing, and what is not in its turn waits for what comes before it.
void Store::Committer::leave_out_known_frames(Group& group) {
  ProducerStates turn;
  for (Work& work : group.works) {
    Receipt& receipt = group.receipts.emplace_back();
    std::optional<Error>& failure = group.failures.emplace_back();
    if (!work.frames) continue;
    const auto fresh = store_.producers_->judge(*work.frames, turn);
    if (fresh && *fresh) continue;
    if (fresh)
      receipt.duplicate = work.batch.events.size() + work.readings.size();
    else
      failure = fresh.error();
    work.batch = {}, work.readings.clear();
    work.frames.reset();
  }
}

/// A frame that could not be judged is not passed, and so are those behind it.
void Store::Committer::note_producers(Group& group) {
  for (std::size_t i = 0; i < group.works.size(); ++i) {
    const auto& frames = group.works[i].frames;
    if (!frames || group.failures[i]) continue;
    if (const auto passed = store_.producers_->judge(*frames, group.producers); !passed)
      group.failures[i] = passed.error();
  }
}

Store::Committer::Identity Store::Committer::identity_of(const Event& e) const {
  thread_local std::string key;
  key.clear();
  const auto number = [&](std::int64_t n) { key.append(reinterpret_cast<const char*>(&n), sizeof n); };
  const auto text = [&](std::string_view t) { number(static_cast<std::int64_t>(t.size())), key.append(t); };
  key.push_back(static_cast<char>(e.type));
  text(e.machine), number(micros(e.at)), text(e.id);
  switch (e.type) {
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
    case EventType::reading:  // the reading store judges them
      break;
  }
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return {hash.low64, hash.high64};
}

/// Whether the event beats what is known of its identity, before or earlier in the group.
bool Store::Committer::outranks(const Event& event, MachineId machine, const Rank& rank) {
  const auto [pending, fresh] = pending_.try_emplace(identity_of(event), rank);
  if (!fresh) {
    if (!(pending->second < rank)) return false;
    pending->second = rank;
    return true;
  }
  const std::optional<Rank> known = store_.machines_[index_of(machine)]->known(event, store_.names_);
  if (!known || *known < rank) return true;
  pending->second = *known;
  return false;
}

void Store::Committer::judge(Group& group) {
  pending_.clear();
  ReadingStore& readings = *store_.readings_;
  readings.begin(store_.readings_kept_from());
  auto& statistics = store_.statistics_;
  std::vector<std::size_t> begins;  // of each work's rows among the readings
  for (std::size_t i = 0; i < group.works.size(); ++i) {
    Work& work = group.works[i];
    Receipt& receipt = group.receipts[i];
    begins.push_back(readings.added());
    for (const Event& event : work.batch.events) {
      const auto machine = store_.numbers_.find(event.machine);
      TAKT_INVARIANT(machine.has_value());  // validate() has seen to it, and machines never go
      if (event.type == EventType::reading) {
        ReadingExtra extra;
        readings.add(series_of(*machine, event.tag), reading_of(event, extra));
        continue;
      }
      const Rank rank = rank_of(event);
      // Of before the horizon nobody knows any more whether it is known. It was validated when that was elsewhere.
      if (event.at >= store_.horizon() && outranks(event, *machine, rank)) {
        group.accepted.push_back({&event, rank, *machine});
        ++statistics.accepted_by_type[static_cast<std::size_t>(event.type)];
        ++receipt.accepted;
      } else {
        ++receipt.duplicate;
      }
    }
    if (!work.readings.empty()) readings.add(std::move(work.readings));
    for (const RejectedEvent& rejected : work.batch.rejected) {
      ++statistics.rejected_by_code[static_cast<std::size_t>(rejected.code)];
    }
    group.rejected += work.batch.rejected.size();
  }
  begins.push_back(readings.added());
  readings.judge();
  for (std::size_t i = 0; i < group.works.size(); ++i) {
    Receipt& receipt = group.receipts[i];
    const std::size_t accepted = readings.accepted_among(begins[i], begins[i + 1]);
    receipt.accepted += accepted;
    receipt.duplicate += begins[i + 1] - begins[i] - accepted;
    statistics.accepted_by_type[static_cast<std::size_t>(EventType::reading)] += accepted;
    statistics.accepted += receipt.accepted;
    statistics.duplicates += receipt.duplicate;
    statistics.rejected += group.works[i].batch.rejected.size();
    if (!group.failures[i]) group.failures[i] = readings.failure_among(begins[i], begins[i + 1]);
  }
  // Chunks keep a commit's events in this order. Which buckets get its revision depends on it, so whoever replays
  // the chunks gets the revisions of then.
  std::stable_sort(group.accepted.begin(), group.accepted.end(), [](const Accepted& a, const Accepted& b) {
    return std::tuple{a.machine, a.event->type, a.event->at} < std::tuple{b.machine, b.event->type, b.event->at};
  });
}

/// Where silence counts, the event log must tell when a machine was heard of by its readings: the fewest of their
/// times that leave the same gaps, and that some were withdrawn.
void Store::Committer::note_heard(Group& group) {
  const PlantVersion& plant = store_.master_->latest();
  if (!plant.any_silence_timeout()) return;
  const auto heard_at = [&](MachineId machine, Timestamp at, bool withdrawn) {
    Event heard;
    heard.type = EventType::reading;
    heard.machine = store_.numbers_.name(machine);
    heard.at = at;
    heard.deleted = withdrawn;
    group.heard.push_back(heard);
  };
  std::map<MachineId, std::vector<Timestamp>> times;
  const ReadingBlock& accepted = store_.readings_->accepted();
  for_each_row(accepted, [&](std::size_t i, const Reading& reading) {
    const MachineId machine = (*store_.readings_)[accepted.series[i]].machine();
    if (plant.settings(machine).silence_timeout <= Duration{0}) return;
    if (reading.withdrawn())
      heard_at(machine, reading.at, true);
    else
      times[machine].push_back(reading.at);
  });
  for (auto& [machine, list] : times) {
    const Duration timeout = plant.settings(machine).silence_timeout;
    std::sort(list.begin(), list.end());
    for (std::size_t i = 0; i < list.size();) {
      heard_at(machine, list[i], false);
      std::size_t next = i + 1;
      while (next + 1 < list.size() && list[next + 1] <= list[i] + timeout) ++next;
      i = next;
    }
  }
}

// ---------------------------------------- what is written

SeriesId Store::Committer::series_of(MachineId machine, std::string_view tag) {
  ReadingStore& readings = *store_.readings_;
  if (const auto known = readings.find(machine, tag)) return *known;
  const SeriesId id = readings.next_series();
  const GroupId group = readings.next_group(machine);
  names_.Put((*store_.disk_)[Disk::meta], series_key(id), encode_series_name({machine, group, std::string{tag}}));
  const std::lock_guard turn{store_.turnstile_};
  const std::unique_lock lock{store_.gate_};
  readings.add(id, machine, group, tag);
  return id;
}

rocksdb::WriteBatch Store::Committer::take_names() {
  rocksdb::WriteBatch taken = std::move(names_);
  names_.Clear();
  return taken;
}

/// The next commit begins with it: what a commit takes new from the system costs as much as writing it.
void Store::Committer::keep_memory(rocksdb::WriteBatch&& written) {
  if (written.GetDataSize() > kKeptBatch) return;
  names_ = std::move(written);
  names_.Clear();
}

Result<void> Store::Committer::write_names() {
  if (names_.Count() == 0) return {};
  rocksdb::WriteBatch batch = take_names();
  return write(batch);
}

/// Returns the size of the frame of readings.
std::size_t Store::Committer::encode(Group& group, Sequence sequence, rocksdb::WriteBatch& batch) {
  Disk& disk = *store_.disk_;
  const std::string key = sequence_key(sequence);
  std::vector<const Event*> events;
  for (const Accepted& accepted : group.accepted) events.push_back(accepted.event);
  for (const Event& heard : group.heard) events.push_back(&heard);
  if (!events.empty()) {
    const std::string frame = encode_frame(events);
    batch.Put(disk[Disk::events], key, frame);
    store_.events_->appended(frame.size());
  }
  if (!group.accepted.empty()) group.time = store_.commit_times_->note(sequence, batch);
  std::size_t journal_bytes = 0;
  if (const ReadingBlock& readings = store_.readings_->accepted(); !readings.empty()) {
    frame_.write(readings);
    journal_bytes = frame_.size();
    std::vector<rocksdb::Slice> pieces;
    for (const std::string_view piece : frame_.pieces()) pieces.emplace_back(piece.data(), piece.size());
    const rocksdb::Slice key_slice{key};
    batch.Put(disk[Disk::journal], {&key_slice, 1}, {pieces.data(), static_cast<int>(pieces.size())});
  }
  batch.Put(disk[Disk::meta], "sequence", key);
  return journal_bytes;
}

std::vector<std::shared_ptr<const StoredChunk>> Store::Committer::put(const std::vector<EncodedChunk>& chunks,
                                                                      rocksdb::WriteBatch& batch) {
  Disk& disk = *store_.disk_;
  std::vector<std::shared_ptr<const StoredChunk>> stored;
  for (const EncodedChunk& chunk : chunks) {
    const std::string key = chunk.head.key.bytes();
    const std::string_view head = chunk_head_bytes(chunk.bytes);
    batch.Put(disk[Disk::chunk], key, chunk.bytes);
    batch.Put(disk[Disk::chunk_index], key, rocksdb::Slice{head.data(), head.size()});
    stored.push_back(disk.stored(chunk.head.key));
  }
  return stored;
}

/// In the batch that seals rows goes the part of the journal that nobody needs any more.
void Store::Committer::trim_journal(const std::vector<EncodedChunk>& chunks, Sequence none,
                                    rocksdb::WriteBatch& batch) {
  if (chunks.empty()) return;
  const Sequence needed = store_.readings_->journal_needed_from(none, chunks);
  batch.DeleteRange((*store_.disk_)[Disk::journal], sequence_key(0), sequence_key(needed));
}

void Store::Committer::take_out_garbage(rocksdb::WriteBatch& batch) {
  Disk& disk = *store_.disk_;
  for (const ChunkKey& key : disk.take_garbage()) {
    batch.Delete(disk[Disk::chunk], key.bytes());
    batch.Delete(disk[Disk::meta], garbage_key(key));
  }
}

Result<void> Store::Committer::sweep() {
  rocksdb::WriteBatch batch = take_names();
  take_out_garbage(batch);
  take_out_dropped_days(batch);
  return batch.Count() == 0 ? Result<void>{} : write(batch);
}

Result<void> Store::Committer::seal_all() { return seal(store_.readings_->encode_all(store_.sequence())); }
Result<void> Store::Committer::seal_due() { return seal(store_.readings_->encode_due(store_.sequence())); }

Result<void> Store::Committer::seal(const std::vector<EncodedChunk>& chunks) {
  if (chunks.empty()) return {};
  rocksdb::WriteBatch batch = take_names();
  const auto stored = put(chunks, batch);
  trim_journal(chunks, store_.sequence() + 1, batch);
  take_out_garbage(batch);
  if (const auto written = write(batch); !written) return written.error();
  store_.statistics_.chunks_sealed += chunks.size();
  const std::lock_guard turn{store_.turnstile_};
  const std::unique_lock lock{store_.gate_};
  store_.readings_->sealed(chunks, stored);
  store_.statistics_.journal_bytes = store_.readings_->journal_bytes();
  return {};
}

Result<void> Store::Committer::put_fold(const ReadingStore::Fold& fold) {
  Disk& disk = *store_.disk_;
  if (!store_.readings_->is_current(fold)) return {};
  rocksdb::WriteBatch batch = take_names();
  const auto stored = put(fold.come, batch);
  for (const ChunkRef& chunk : fold.gone) {
    batch.Delete(disk[Disk::chunk_index], chunk->key.bytes());
    batch.Put(disk[Disk::meta], garbage_key(chunk->key), "");
  }
  take_out_garbage(batch);
  if (const auto written = write(batch); !written) return written.error();
  const std::lock_guard turn{store_.turnstile_};
  const std::unique_lock lock{store_.gate_};
  store_.readings_->folded(fold, stored);
  for (const ChunkRef& chunk : fold.gone) chunk->stored->let_go();
  return {};
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
  const std::uint64_t count = store_.quarantine_count_ + group.rejected;
  if (count > kQuarantineEntries) drop_oldest_refused(count - kQuarantineEntries, batch);
  store_.quarantine_count_ = std::min(count, kQuarantineEntries);
}

/// Those that left after a replay have left gaps between the numbers: the entries themselves are counted.
void Store::Committer::drop_oldest_refused(std::uint64_t entries, rocksdb::WriteBatch& batch) {
  Disk& disk = *store_.disk_;
  std::uint64_t last = 0;
  const auto found = disk.scan(Disk::quarantined, "", [&](std::string_view key, std::string_view) {
    last = sequence_of_key(key);
    return --entries > 0;
  });
  if (found && last > 0) batch.DeleteRange(disk[Disk::quarantined], sequence_key(0), sequence_key(last + 1));
}

void Store::Committer::count_by_machine(const Group& group) {
  std::vector<std::uint64_t>& counts = store_.accepted_by_machine_;
  counts.resize(store_.machines_.size());
  for (const Accepted& accepted : group.accepted) ++counts[index_of(accepted.machine)];
  for (const SeriesId series : store_.readings_->accepted().series)
    ++counts[index_of((*store_.readings_)[series].machine())];
}

void Store::Committer::apply(const Group& group, Sequence sequence, std::size_t journal_bytes) {
  count_by_machine(group);
  store_.readings_->apply(sequence, journal_bytes);
  std::vector<MachineRecord*> stale;
  const auto becomes_stale = [&](MachineRecord& machine) {
    if (std::find(stale.begin(), stale.end(), &machine) == stale.end()) stale.push_back(&machine);
  };
  for (const Accepted& accepted : group.accepted) {
    MachineRecord& machine = *store_.machines_[index_of(accepted.machine)];
    // A withdrawn event, or a cycle with another end, may have been all that was heard at its time.
    const bool silence_counts = store_.master_->latest().settings(accepted.machine).silence_timeout > Duration{0};
    if (silence_counts && (accepted.rank.withdrawn() || machine.corrects_cycle(*accepted.event, store_.names_))) {
      becomes_stale(machine);
    }
    if (accepted.event->type == EventType::state && !accepted.rank.withdrawn()) {
      const NameId state = folded_state(accepted.event->state, store_.names_);
      store_.master_->know_state(state, store_.names_);
      if (store_.replan_ != nullptr) store_.replan_->know_state(state);
    }
    machine.apply(*accepted.event, accepted.rank, store_.names_, sequence);
  }
  for (const Event& heard : group.heard) {
    if (heard.deleted) becomes_stale(*store_.machines_[index_of(*store_.numbers_.find(heard.machine))]);
  }
  for (const Event& heard : group.heard) {
    if (heard.deleted) continue;  // told to recovery only: here the machine is among the stale ones
    store_.machines_[index_of(*store_.numbers_.find(heard.machine))]->heard_reading(heard.at, sequence);
  }
  for (MachineRecord* machine : stale) store_.rebuild_heard(*machine, sequence, HeardFrom::readings_too);
}

void Store::Committer::answer(Group& group, const Result<Sequence>& outcome) {
  for (std::size_t i = 0; i < group.works.size(); ++i) {
    if (!group.works[i].done) continue;
    if (!outcome) {
      group.works[i].done(outcome.error());
      continue;
    }
    // What of it could be judged was taken in: sending all of it again does no harm.
    if (i < group.failures.size() && group.failures[i]) {
      group.works[i].done(*group.failures[i]);
      continue;
    }
    Receipt receipt = group.receipts[i];
    receipt.sequence = *outcome;
    group.works[i].done(receipt);
  }
}

}  // namespace takt
