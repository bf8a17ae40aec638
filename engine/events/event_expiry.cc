// How events that the plant retains no more leave a machine's chunks: those that hold some of them are written
// anew without them, with the checkpoint and the rollups that stay, in one atomic batch.
#include <algorithm>

#include "engine/committer.h"
#include "engine/events/event_log.h"

namespace takt {

Result<std::size_t> Store::EventLog::expire(MachineId machine, Timestamp horizon) {
  const std::lock_guard one_pass{pass_mutex_};
  std::optional<KeptEvents> kept;
  store_.committer_->run_task([&] {
    const std::lock_guard turn{store_.turnstile_};
    const std::unique_lock lock{store_.gate_};
    kept = store_.machines_[index_of(machine)]->expire(horizon);
  });
  expiry_due_.insert(machine);
  Pass pass;
  Sealed& sealed = pass.machines[machine];
  sealed.first_replaced = true;
  sealed.replaced = chunks_from_before(machine, horizon);
  std::vector<EventRows> from;  // what the rows borrow from
  std::size_t rows_before = 0;
  for (bool placed = false; !placed;) {
    from.clear();
    if (const auto taken = take_kept_rows(machine, *kept, sealed, from); !taken) return taken.error();
    sealed.events = 0, sealed.previous.reset();
    sealed.chunks.clear(), sealed.encoded.clear();
    encode_chunks(machine, sealed);
    const std::lock_guard lock{index_mutex_};
    const std::vector<Chunk>& there = chunks_[machine];
    // A commit that is in many chunks: these come before the next, or take it up.
    placed =
        sealed.replaced == there.size() || !sealed.previous || *sealed.previous < there[sealed.replaced].head.key;
    rows_before = 0;
    for (std::size_t i = 0; i < there.size(); ++i) {
      if (i < sealed.replaced)
        rows_before += there[i].head.rows;
      else
        sealed.events += there[i].head.rows;
    }
    if (!placed) ++sealed.replaced;
  }
  const std::size_t gone = rows_before - sealed.rows.size();
  sealed.rows = {};
  encode_checkpoint_of(machine, sealed);
  Result<void> outcome;
  store_.committer_->run_task([&] { outcome = put(pass); });
  if (!outcome) return outcome.error();
  expiry_due_.erase(machine);
  return gone;
}

bool Store::EventLog::is_expiry_due(MachineId machine) const {
  const std::lock_guard one_pass{pass_mutex_};
  return expiry_due_.contains(machine);
}

/// How many of the machine's chunks, from the first on, may hold events of before the horizon.
std::size_t Store::EventLog::chunks_from_before(MachineId machine, Timestamp horizon) const {
  const std::lock_guard lock{index_mutex_};
  const auto known = chunks_.find(machine);
  if (known == chunks_.end()) return 0;
  const std::vector<Chunk>& chunks = known->second;
  const auto last =
      std::find_if(chunks.rbegin(), chunks.rend(), [&](const Chunk& chunk) { return chunk.head.first < horizon; });
  return static_cast<std::size_t>(chunks.rend() - last);
}

/// The rows of the chunks that are replaced, in order of commit, but those that go.
Result<void> Store::EventLog::take_kept_rows(MachineId machine, const KeptEvents& kept, Sealed& sealed,
                                             std::vector<EventRows>& from) const {
  std::vector<EventChunkKey> keys;
  {
    const std::lock_guard lock{index_mutex_};
    const auto known = chunks_.find(machine);
    for (std::size_t i = 0; i < sealed.replaced; ++i) keys.push_back(known->second[i].head.key);
  }
  sealed.rows.clear();
  for (const EventChunkKey& key : keys) {
    EventRows rows;
    if (const auto decoded = decode(key, rows); !decoded) return decoded;
    std::erase_if(rows.rows, [&](const EventRow& row) { return !kept(row.event); });
    if (rows.rows.empty()) continue;
    sealed.rows.insert(sealed.rows.end(), rows.rows.begin(), rows.rows.end());
    rows.rows = {};
    from.push_back(std::move(rows));
  }
  sort_by_commit(sealed.rows);
  return {};
}

}  // namespace takt
