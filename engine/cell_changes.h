// By how much rollup cells differ under two descriptions of the plant.
#pragma once

#include "engine/rollups.h"

#include <cstdint>
#include <vector>

namespace takt {

/// What another description makes of one bucket.
struct CellChange {
  Grain grain = Grain::hour;
  TimeRange range;       ///< under the other description, if it has anything there
  Sums by;               ///< may be nothing if the bucket is another
  bool goes_on = false;  ///< the other description has something there
  bool shared = false;   ///< other changes may be of the same bucket
};

/// A list of them in little room: of most only a few sums differ.
class CellChanges {
 public:
  void add(const CellChange& change);
  template <class Visit>
  void visit(Visit visit) const {
    for (std::size_t at = 0; at < words_.size();) visit(next(at));
  }
  bool empty() const { return words_.empty(); }
  void shrink() { words_.shrink_to_fit(); }

 private:
  CellChange next(std::size_t& at) const;
  std::vector<std::int64_t> words_;  // begin, length, what follows, then the sums that differ
};

}  // namespace takt
