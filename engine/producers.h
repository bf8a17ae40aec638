// Who numbers what it sends, so that it learns after any interruption how far it got.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>

namespace takt {

/// Stays for the life of a producer's spool.
struct ProducerId {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const ProducerId&, const ProducerId&) = default;
};

/// How far a producer is: durable with what it sent.
struct ProducerState {
  std::uint64_t epoch = 0;     ///< the greatest that was heard of
  std::uint64_t sequence = 0;  ///< of the last frame; 0: none yet
  friend bool operator==(const ProducerState&, const ProducerState&) = default;
};

/// Frames that are taken in together. Sequences rise by one from frame to frame, from 1 on.
struct ProducerFrames {
  ProducerId producer;
  std::uint64_t epoch = 0;
  std::uint64_t first = 1, last = 1;
  bool after_gap = false;  ///< the producer has lost what was between the last durable one and `first`
};

using ProducerStates = std::map<ProducerId, ProducerState>;

/// Producers that a store remembers at most. Each takes about 100 bytes of memory and of disk, for ever.
inline constexpr std::size_t kMostProducers = 100'000;

}  // namespace takt
