#include "engine/events/event_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine/committer.h"
#include "engine/event_codec.h"

namespace takt {
namespace {

constexpr std::ptrdiff_t kShortRun = 1000;  // shorter ones, and there may be many: sorting is faster

std::string checkpoint_key(MachineId machine) { return sequence_key(index_of(machine)); }

/// The end of the longest piece of `rows` that is a chunk.
std::size_t piece_end(std::span<const EventRow> rows, std::size_t begin) {
  std::size_t end = begin, texts = 0;
  for (; end < rows.size() && end - begin < kEventChunkRows; ++end) {
    texts += text_bytes(rows[end].event);
    if (texts > kEventChunkTextBytes && end > begin) break;
  }
  return end;
}

}  // namespace

void Store::EventLog::add_chunk(const EventChunkHead& head, std::size_t bytes) {
  chunks_[head.key.machine].push_back({head, bytes});
}

Store::EventLog::Totals Store::EventLog::totals() const {
  const std::lock_guard lock{index_mutex_};
  Totals totals;
  for (const auto& [machine, chunks] : chunks_) {
    totals.chunks += chunks.size();
    for (const Chunk& chunk : chunks) totals.rows += chunk.head.rows, totals.bytes += chunk.bytes;
  }
  return totals;
}

// ---------------------------------------- sealing

Result<bool> Store::EventLog::seal() {
  const std::lock_guard one_pass{pass_mutex_};
  Pass pass;
  pass.plant_changes = plant_changes_;
  if (const auto read = read_journal(pass); !read) return read.error();
  if (pass.through == 0 && pass.plant_changes < kPlantChanges) return false;
  if (pass.plant_changes > 0) add_all_machines(pass);
  for (auto& [machine, sealed] : pass.machines) encode(machine, sealed);
  auto times = store_.commit_times_->pack(pass.through);
  if (!times) return times.error();
  pass.times = std::move(*times);
  Result<void> outcome;
  store_.committer_->run_task([&] { outcome = put(pass); });
  if (!outcome) return outcome.error();
  sealed_through_ = std::max(sealed_through_, pass.through);
  return true;
}

/// Frames of commits that readers see by now.
Result<void> Store::EventLog::read_journal(Pass& pass) const {
  const Sequence newest = store_.sequence();
  std::map<std::string, MachineId, std::less<>> numbers;
  const auto number_of = [&](std::string_view machine) {
    if (const auto known = numbers.find(machine); known != numbers.end()) return known->second;
    return numbers.emplace(machine, *store_.read().numbers().find(machine)).first->second;
  };
  std::vector<Event> events;
  std::optional<Error> failure;
  const auto read = [&](std::string_view key, std::string_view frame) {
    const Sequence commit = sequence_of_key(key);
    if (commit > newest || pass.bytes >= kPassBytes || pass.rows >= kPassRows) return false;
    pass.frames.emplace_back(frame);
    pass.bytes += frame.size();
    pass.through = commit;
    events.clear();
    if (const auto decoded = decode_frame(pass.frames.back(), events); !decoded) {
      failure = Error{decoded.error().code, "commit " + std::to_string(commit) + ": " + decoded.error().context};
      return false;
    }
    for (const Event& event : events) {
      Sealed& sealed = pass.machines[number_of(event.machine)];
      // When readings made a machine heard of is in its checkpoint.
      if (event.type != EventType::reading) sealed.rows.push_back({event, commit});
    }
    pass.rows += events.size();
    return true;
  };
  const auto scanned = store_.disk_->scan(Disk::events, sequence_key(sealed_through_ + 1), read);
  if (!scanned) return scanned.error();
  return failure ? Result<void>{*failure} : Result<void>{};
}

void Store::EventLog::add_all_machines(Pass& pass) const {
  const StoreView view = store_.read();
  for (std::uint32_t i = 0; i < view.machine_count(); ++i) pass.machines.try_emplace(MachineId{i});
}

void Store::EventLog::encode(MachineId machine, Sealed& sealed) {
  EventRows old;  // what rows of chunks that are replaced borrow from
  take_small_chunks(machine, sealed, old);
  encode_chunks(machine, sealed);
  sealed.rows = {};
  encode_checkpoint_of(machine, sealed);
}

void Store::EventLog::encode_checkpoint_of(MachineId machine, Sealed& sealed) const {
  const auto on_disk = frozen_on_disk_.find(machine);
  const Timestamp frozen_after = on_disk == frozen_on_disk_.end() ? kBeginOfTime : on_disk->second;
  const auto take = [&] {
    const StoreView view = store_.read();
    return view.machine(machine).checkpoint(view.sequence(), frozen_after);
  };
  MachineCheckpoint checkpoint = take();
  checkpoint.events = sealed.events;
  sealed.checkpoint = encode_checkpoint(checkpoint, store_.names_);
  sealed.frozen_until = checkpoint.horizon.timeline;
  if (!checkpoint.frozen.empty()) sealed.frozen = encode_frozen(machine, checkpoint.frozen, store_.names_);
}

/// The machine's last chunks, as far as they are no more than twice what comes: so each event is written again
/// only a few times before its chunk is full.
std::vector<EventChunkKey> Store::EventLog::choose_small_chunks(MachineId machine, Sealed& sealed) const {
  std::size_t rows = sealed.rows.size(), texts = 0;
  for (const EventRow& row : sealed.rows) texts += text_bytes(row.event);
  std::vector<EventChunkKey> chosen;
  const std::lock_guard lock{index_mutex_};
  const auto known = chunks_.find(machine);
  if (known == chunks_.end()) return chosen;
  for (auto last = known->second.rbegin(); last != known->second.rend(); ++last) {
    const EventChunkHead& head = last->head;
    const bool small = head.rows < kEventChunkRows && head.rows <= 2 * rows;
    if (sealed.previous || !small || texts + head.texts > kEventChunkTextBytes) {
      if (!sealed.previous) sealed.previous = head.key;
      sealed.events += head.rows;
      continue;
    }
    rows += head.rows, texts += head.texts;
    chosen.insert(chosen.begin(), head.key);
  }
  return chosen;
}

/// A chunk that cannot be read stays where it is, and is told of by whoever needs it.
void Store::EventLog::take_small_chunks(MachineId machine, Sealed& sealed, EventRows& old) const {
  const std::vector<EventChunkKey> chosen = choose_small_chunks(machine, sealed);
  Result<void> decoded;
  for (auto key = chosen.begin(); key != chosen.end() && decoded; ++key) decoded = decode(*key, old);
  if (!decoded) {
    spdlog::error("{}", decoded.error().context);
    sealed.previous = chosen.back();
    const std::lock_guard lock{index_mutex_};
    sealed.events = 0;
    for (const Chunk& chunk : chunks_.at(machine)) sealed.events += chunk.head.rows;
    return;
  }
  sealed.replaced = chosen.size();
  if (chosen.empty()) return;
  sealed.rows.insert(sealed.rows.begin(), old.rows.begin(), old.rows.end());
  old.rows = {};
  sort_by_commit(sealed.rows);
}

void Store::EventLog::encode_chunks(MachineId machine, Sealed& sealed) const {
  const std::span<const EventRow> rows{sealed.rows};
  sealed.events += rows.size();
  for (std::size_t begin = 0; begin < rows.size();) {
    const std::size_t end = piece_end(rows, begin);
    Chunk chunk;
    EventChunkKey& key = chunk.head.key;
    key.machine = machine;
    const std::string& bytes =
        sealed.encoded.emplace_back(encode_event_chunk(rows.subspan(begin, end - begin), chunk.head));
    chunk.bytes = bytes.size();
    const bool same_commit = sealed.previous && sealed.previous->first_commit == key.first_commit;
    key.part = same_commit ? sealed.previous->part + 1 : 0;
    TAKT_INVARIANT(!sealed.previous || *sealed.previous < key);  // else one would take the other's place
    sealed.previous = key;
    sealed.chunks.push_back(chunk);
    begin = end;
  }
}

/// On the committer's thread.
Result<void> Store::EventLog::put(const Pass& pass) {
  Disk& disk = *store_.disk_;
  const std::lock_guard lock{index_mutex_};
  rocksdb::WriteBatch batch;
  for (const auto& [machine, sealed] : pass.machines) {
    batch.Put(disk[Disk::checkpoint], checkpoint_key(machine), sealed.checkpoint);
    if (!sealed.frozen.empty())
      batch.Put(disk[Disk::rollup], rollup_key(machine, sealed.frozen_until), sealed.frozen);
    const std::vector<Chunk>& there = chunks_[machine];
    const std::size_t first = sealed.first_replaced ? 0 : there.size() - sealed.replaced;
    for (std::size_t i = first; i < first + sealed.replaced; ++i)
      batch.Delete(disk[Disk::event_chunk], there[i].head.key.bytes());
    for (std::size_t i = 0; i < sealed.chunks.size(); ++i)
      batch.Put(disk[Disk::event_chunk], sealed.chunks[i].head.key.bytes(), sealed.encoded[i]);
  }
  store_.commit_times_->put(pass.times, batch);
  if (pass.through > 0) batch.DeleteRange(disk[Disk::events], sequence_key(0), sequence_key(pass.through + 1));
  if (const auto written = store_.committer_->write(batch); !written) return written.error();
  for (const auto& [machine, sealed] : pass.machines) {
    if (!sealed.frozen.empty()) frozen_on_disk_[machine] = sealed.frozen_until;
    std::vector<Chunk>& chunks = chunks_[machine];
    auto place =
        sealed.first_replaced ? chunks.begin() : chunks.end() - static_cast<std::ptrdiff_t>(sealed.replaced);
    place = chunks.erase(place, place + static_cast<std::ptrdiff_t>(sealed.replaced));
    chunks.insert(place, sealed.chunks.begin(), sealed.chunks.end());
    store_.statistics_.chunks_sealed += sealed.chunks.size();
  }
  journal_bytes_ -= pass.bytes;
  plant_changes_ -= pass.plant_changes;
  return {};
}

// ---------------------------------------- reading

namespace {

std::string name_of(const EventChunkKey& key) {
  return "chunk of events of machine number " + std::to_string(index_of(key.machine)) + " from commit " +
         std::to_string(key.first_commit);
}

Result<void> decode_named(const EventChunkKey& key, std::string_view bytes, EventRows& out) {
  if (const auto done = decode_event_chunk(bytes, out); !done)
    return Error{done.error().code, name_of(key) + ": " + done.error().context};
  return {};
}

/// Sorts what mostly is some rising runs behind each other, as a chunk's types are, with a merge for each.
template <class T>
void merge_runs(std::vector<T>& values) {
  auto sorted = values.begin();
  while (sorted != values.end()) {
    const auto end = std::is_sorted_until(sorted, values.end());
    if (end - sorted < kShortRun) return std::stable_sort(values.begin(), values.end());
    std::inplace_merge(values.begin(), sorted, end);
    sorted = end;
  }
}

}  // namespace

Result<void> Store::EventLog::decode(const EventChunkKey& key, EventRows& out) const {
  rocksdb::PinnableSlice bytes;
  const auto status = store_.disk_->database().Get({}, (*store_.disk_)[Disk::event_chunk], key.bytes(), &bytes);
  if (!status.ok()) return Disk::error_of(status, "cannot read the " + name_of(key));
  return decode_named(key, bytes.ToStringView(), out);
}

Store::EventLog::Reader Store::EventLog::reader(Sequence since, Sequence through,
                                                const std::set<MachineId>* machines) const {
  Reader reader;
  reader.since = since;
  reader.through = through;
  rocksdb::ReadOptions how;
  how.readahead_size = std::size_t{1} << 20U;
  const Disk& disk = *store_.disk_;
  const std::lock_guard lock{index_mutex_};
  for (const auto& [machine, chunks] : chunks_) {
    if (machines != nullptr && !machines->contains(machine)) continue;
    for (const Chunk& chunk : chunks) {
      if (chunk.head.last_commit > since && chunk.head.key.first_commit <= through)
        reader.keys.push_back(chunk.head.key);
    }
  }
  if (disk.has(Disk::event_chunk)) reader.chunks.reset(disk.database().NewIterator(how, disk[Disk::event_chunk]));
  reader.frames.reset(disk.database().NewIterator(how, disk[Disk::events]));
  return reader;
}

Result<void> Store::EventLog::visit_chunk(Reader& reader, const EventChunkKey& key, const Visit& visit) const {
  rocksdb::Iterator& at = *reader.chunks;
  at.Seek(key.bytes());
  if (!at.status().ok()) return Disk::error_of(at.status(), "cannot read the " + name_of(key));
  if (!at.Valid() || at.key() != key.bytes()) return corruption("the " + name_of(key) + " is missing");
  EventRows rows;
  if (const auto decoded = decode_named(key, at.value().ToStringView(), rows); !decoded) return decoded;
  // Events are large: their places are put in order.
  std::vector<std::pair<Sequence, std::size_t>> order;
  order.reserve(rows.rows.size());
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const Sequence commit = rows.rows[i].commit;
    if (commit > reader.since && commit <= reader.through) order.emplace_back(commit, i);
  }
  merge_runs(order);
  const std::string machine = store_.read().numbers().name(key.machine);
  for (const auto& [commit, i] : order) {
    Event& event = rows.rows[i].event;
    event.machine = machine;
    reader.told_enough = !visit(commit, event);
    if (reader.told_enough) break;
  }
  return {};
}

Result<void> Store::EventLog::visit_frames(Reader& reader, const Visit& visit) {
  std::vector<Event> events;
  rocksdb::Iterator& at = *reader.frames;
  for (at.Seek(sequence_key(reader.since + 1)); at.Valid(); at.Next()) {
    const Sequence commit = sequence_of_key(at.key().ToStringView());
    if (commit > reader.through) break;
    events.clear();
    if (const auto decoded = decode_frame(at.value().ToStringView(), events); !decoded) return decoded;
    for (const Event& event : events) {
      if (event.type != EventType::reading && !visit(commit, event)) return {};
    }
  }
  return at.status().ok() ? Result<void>{} : Disk::error_of(at.status(), "cannot read the journal of events");
}

Result<Sequence> Store::EventLog::visit_since(Sequence since, const Visit& visit) const {
  Reader of = reader(since, store_.sequence(), nullptr);
  if (const auto done = visit_all(of, visit); !done) return done.error();
  return of.through;
}

Result<void> Store::EventLog::visit_machines(const std::set<MachineId>& machines, Sequence through,
                                             const Visit& visit) const {
  std::set<std::string, std::less<>> names;
  {
    const StoreView view = store_.read();
    for (const MachineId machine : machines) names.insert(view.numbers().name(machine));
  }
  Reader of = reader(0, through, &machines);
  return visit_all(of, [&](Sequence commit, const Event& event) {
    return !names.contains(event.machine) || visit(commit, event);
  });
}

Result<void> Store::EventLog::visit_all(Reader& reader, const Visit& visit) const {
  for (const EventChunkKey& key : reader.keys) {
    if (const auto done = visit_chunk(reader, key, visit); !done) return done.error();
    if (reader.told_enough) return {};
  }
  return visit_frames(reader, visit);
}

}  // namespace takt
