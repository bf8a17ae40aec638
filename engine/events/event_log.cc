#include "engine/events/event_log.h"

#include <algorithm>

#include "engine/committer.h"
#include "engine/event_codec.h"

namespace takt {
namespace {

std::string checkpoint_key(MachineId machine) { return sequence_key(index_of(machine)); }

void sort_by_commit(std::vector<EventRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const EventRow& a, const EventRow& b) { return a.commit < b.commit; });
}

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
  for (auto& [machine, sealed] : pass.machines) {
    if (const auto encoded = encode(pass, machine, sealed); !encoded) return encoded.error();
  }
  Result<void> outcome;
  store_.committer_->run_task([&] { outcome = put(pass); });
  if (!outcome) return outcome.error();
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
  const auto scanned = store_.disk_->scan(Disk::events, "", [&](std::string_view key, std::string_view frame) {
    const Sequence commit = sequence_of_key(key);
    if (commit > newest || pass.bytes >= kPassBytes) return false;
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
    return true;
  });
  if (!scanned) return scanned.error();
  return failure ? Result<void>{*failure} : Result<void>{};
}

void Store::EventLog::add_all_machines(Pass& pass) const {
  const StoreView view = store_.read();
  for (std::uint32_t i = 0; i < view.machine_count(); ++i) pass.machines.try_emplace(MachineId{i});
}

Result<void> Store::EventLog::encode(Pass& pass, MachineId machine, Sealed& sealed) {
  {
    const StoreView view = store_.read();
    sealed.checkpoint = encode_checkpoint(view.machine(machine).checkpoint(view.sequence()));
  }
  if (sealed.rows.empty()) return {};
  if (const auto taken = take_small_chunks(pass, machine, sealed); !taken) return taken.error();
  const std::span<const EventRow> rows{sealed.rows};
  for (std::size_t begin = 0; begin < rows.size();) {
    const std::size_t end = piece_end(rows, begin);
    Chunk chunk;
    chunk.head.key.machine = machine;
    const std::string& bytes =
        sealed.encoded.emplace_back(encode_event_chunk(rows.subspan(begin, end - begin), chunk.head));
    chunk.bytes = bytes.size();
    if (!sealed.chunks.empty() && sealed.chunks.back().head.key.first_commit == chunk.head.key.first_commit)
      chunk.head.key.part = sealed.chunks.back().head.key.part + 1;
    sealed.chunks.push_back(chunk);
    begin = end;
  }
  sealed.rows = {};
  return {};
}

/// The machine's last chunks, as far as they are no more than twice what comes: so each event is written again
/// only a few times before its chunk is full.
Result<void> Store::EventLog::take_small_chunks(Pass& pass, MachineId machine, Sealed& sealed) {
  std::vector<EventChunkKey> taken;
  {
    const std::lock_guard lock{index_mutex_};
    const std::vector<Chunk>& chunks = chunks_[machine];
    std::size_t rows = sealed.rows.size();
    for (auto last = chunks.rbegin(); last != chunks.rend(); ++last) {
      if (last->head.rows >= kEventChunkRows || last->head.rows > 2 * rows) break;
      rows += last->head.rows;
      taken.insert(taken.begin(), last->head.key);
    }
  }
  sealed.replaced = taken.size();
  pass.old.rows.clear();
  for (const EventChunkKey& key : taken) {
    if (const auto decoded = decode(key, pass.old); !decoded) return decoded.error();
  }
  sealed.rows.insert(sealed.rows.begin(), pass.old.rows.begin(), pass.old.rows.end());
  sort_by_commit(sealed.rows);
  return {};
}

/// On the committer's thread.
Result<void> Store::EventLog::put(const Pass& pass) {
  Disk& disk = *store_.disk_;
  const std::lock_guard lock{index_mutex_};
  rocksdb::WriteBatch batch;
  for (const auto& [machine, sealed] : pass.machines) {
    batch.Put(disk[Disk::checkpoint], checkpoint_key(machine), sealed.checkpoint);
    const std::vector<Chunk>& there = chunks_[machine];
    for (std::size_t i = there.size() - sealed.replaced; i < there.size(); ++i)
      batch.Delete(disk[Disk::event_chunk], there[i].head.key.bytes());
    for (std::size_t i = 0; i < sealed.chunks.size(); ++i)
      batch.Put(disk[Disk::event_chunk], sealed.chunks[i].head.key.bytes(), sealed.encoded[i]);
  }
  batch.DeleteRange(disk[Disk::events], sequence_key(0), sequence_key(pass.through + 1));
  if (const auto written = store_.committer_->write(batch); !written) return written.error();
  for (const auto& [machine, sealed] : pass.machines) {
    std::vector<Chunk>& chunks = chunks_[machine];
    chunks.resize(chunks.size() - sealed.replaced);
    chunks.insert(chunks.end(), sealed.chunks.begin(), sealed.chunks.end());
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

}  // namespace

Result<void> Store::EventLog::decode(const EventChunkKey& key, EventRows& out) const {
  rocksdb::PinnableSlice bytes;
  const auto status = store_.disk_->database().Get({}, (*store_.disk_)[Disk::event_chunk], key.bytes(), &bytes);
  if (!status.ok()) return Disk::error_of(status, "cannot read the " + name_of(key));
  return decode_named(key, bytes.ToStringView(), out);
}

Store::EventLog::Reader Store::EventLog::reader(Sequence since) const {
  Reader reader;
  reader.since = since;
  reader.through = store_.sequence();
  rocksdb::ReadOptions how;
  how.readahead_size = std::size_t{1} << 20U;
  const Disk& disk = *store_.disk_;
  const std::lock_guard lock{index_mutex_};
  for (const auto& [machine, chunks] : chunks_) {
    for (const Chunk& chunk : chunks) {
      if (chunk.head.last_commit > since) reader.keys.push_back(chunk.head.key);
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
  sort_by_commit(rows.rows);
  const std::string machine = store_.read().numbers().name(key.machine);
  for (EventRow& row : rows.rows) {
    if (row.commit <= reader.since || row.commit > reader.through) continue;
    row.event.machine = machine;
    visit(row.commit, row.event);
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
      if (event.type != EventType::reading) visit(commit, event);
    }
  }
  return at.status().ok() ? Result<void>{} : Disk::error_of(at.status(), "cannot read the journal of events");
}

Result<Sequence> Store::EventLog::visit_since(Sequence since, const Visit& visit) const {
  Reader of = reader(since);
  for (const EventChunkKey& key : of.keys) {
    if (const auto done = visit_chunk(of, key, visit); !done) return done.error();
  }
  if (const auto done = visit_frames(of, visit); !done) return done.error();
  return of.through;
}

}  // namespace takt
