#include "engine/producer_table.h"

#include <fmt/format.h>

namespace takt {

std::string producer_key(const ProducerId& id) { return 'r' + sequence_key(id.high) + sequence_key(id.low); }

std::string encode_producer(const ProducerState& state) {
  return sequence_key(state.epoch) + sequence_key(state.sequence);
}

Result<ProducerState> decode_producer(std::string_view value) {
  if (value.size() != 16) return corruption("how far a producer is, is damaged");
  return ProducerState{sequence_of_key(value.substr(0, 8)), sequence_of_key(value.substr(8))};
}

std::optional<ProducerState> Store::Producers::find(const ProducerId& id) const {
  const std::lock_guard lock{mutex_};
  const auto known = known_.find(id);
  return known == known_.end() ? std::nullopt : std::optional{known->second};
}

Result<bool> Store::Producers::judge(const ProducerFrames& frames, ProducerStates& turn) const {
  ProducerState state;
  if (const auto staged = turn.find(frames.producer); staged != turn.end()) {
    state = staged->second;
  } else if (const auto known = find(frames.producer)) {
    state = *known;
  } else if (const std::lock_guard lock{mutex_}; known_.size() >= kMostProducers) {
    return unavailable(fmt::format("this store knows {} producers and takes no more", kMostProducers));
  }
  if (frames.epoch < state.epoch) return Error{ErrorCode::conflict, "another process continues this producer"};
  if (frames.last <= state.sequence) return false;
  if (frames.first > state.sequence + 1 && !frames.after_gap)
    return unavailable(fmt::format("frame {} comes before frame {}", frames.first, state.sequence + 1));
  turn[frames.producer] = {frames.epoch, frames.last};
  return true;
}

void Store::Producers::put(const ProducerStates& states, const Disk& disk, rocksdb::WriteBatch& batch) {
  for (const auto& [id, state] : states) batch.Put(disk[Disk::meta], producer_key(id), encode_producer(state));
}

void Store::Producers::advance(const ProducerStates& states) {
  const std::lock_guard lock{mutex_};
  for (const auto& [id, state] : states) known_[id] = state;
}

}  // namespace takt
