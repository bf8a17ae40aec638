// The producers that a store knows. Private to the engine.
#pragma once

#include "engine/disk.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// Key and value of meta: `r` and the id; epoch and sequence.
std::string producer_key(const ProducerId& id);
std::string encode_producer(const ProducerState& state);
Result<ProducerState> decode_producer(std::string_view value);

/// Read by any thread, changed by the committer's.
class Store::Producers {
 public:
  /// One that the folder knows, while it is opened.
  void add(const ProducerId& id, const ProducerState& state) { known_.emplace(id, state); }

  std::optional<ProducerState> find(const ProducerId& id) const;
  /// Whether the frames are the next of their producer, after those in `turn`, where it is noted then. False:
  /// known already. conflict: of an epoch that is over; unavailable: some before are missing, or there are too
  /// many producers.
  Result<bool> judge(const ProducerFrames& frames, ProducerStates& turn) const;
  static void put(const ProducerStates& states, const Disk& disk, rocksdb::WriteBatch& batch);
  /// What is durable now.
  void advance(const ProducerStates& states);

 private:
  mutable std::mutex mutex_;
  std::map<ProducerId, ProducerState> known_;
};

}  // namespace takt
