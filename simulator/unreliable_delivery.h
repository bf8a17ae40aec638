// How events arrive in real life: late, twice and in any order. For tests and demonstrations of exactness.
#pragma once

#include "schema/time.h"
#include "simulator/random.h"

#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

struct DeliveryOptions {
  double late = 0;       ///< share of the events held back for up to an hour
  double duplicate = 0;  ///< share of the events sent again up to an hour later
  bool shuffle = false;  ///< what is due together comes in random order
  std::uint64_t seed = 1;

  bool in_order() const { return late <= 0 && duplicate <= 0 && !shuffle; }
};

/// Takes lines in the order of their sending and gives them back in the order of their arrival. Every line arrives
/// at least once. Deterministic by seed, given the same calls. Not thread-safe.
class UnreliableDelivery {
 public:
  explicit UnreliableDelivery(const DeliveryOptions& options)
      : options_(options), random_(mix(options.seed, 0x64656C69)) {}

  void add(Timestamp sent, std::string line);
  /// What has arrived before `now`.
  std::vector<std::string> arrived(Timestamp now);

 private:
  struct Item {
    Timestamp due;
    std::uint64_t number = 0;  ///< keeps the order of equal times
    std::string line;
  };
  struct Later {
    bool operator()(const Item& a, const Item& b) const {
      return a.due != b.due ? a.due > b.due : a.number > b.number;
    }
  };

  void push(Timestamp due, std::string line);
  Duration delay();

  DeliveryOptions options_;
  Random random_;
  std::uint64_t next_number_ = 0;
  std::priority_queue<Item, std::vector<Item>, Later> on_the_way_;
};

}  // namespace takt
