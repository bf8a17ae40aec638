// What answering reads, for the log of slow questions.
#pragma once

#include <cstdint>

namespace takt {

/// Of the thread that answers: set to nothing when it begins, read when it is done.
struct ReadTally {
  std::uint64_t chunks = 0;   ///< looked into, on this thread
  std::uint64_t buckets = 0;  ///< about so many sums of a machine and bucket added up

  static ReadTally& of_this_thread() {
    thread_local ReadTally tally;
    return tally;
  }
};

}  // namespace takt
