// A text that changes from time to time, such as the product that a machine makes.
#pragma once

#include "schema/time.h"

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace takt {

/// What a text is at a moment, whatever the order in which it was told. Memory: the newest kMost changes.
class Steps {
 public:
  static constexpr std::size_t kMost = 64;

  void set(Timestamp at, std::string_view text) {
    const auto place = std::lower_bound(steps_.begin(), steps_.end(), at,
                                        [](const auto& step, Timestamp t) { return step.first < t; });
    if (place != steps_.end() && place->first == at)
      place->second = text;
    else
      steps_.emplace(place, at, text);
    if (steps_.size() > kMost) steps_.pop_front();
  }
  /// Empty: nothing was told of that time.
  std::string_view at(Timestamp t) const {
    const auto after = std::upper_bound(steps_.begin(), steps_.end(), t,
                                        [](Timestamp at, const auto& step) { return at < step.first; });
    return after == steps_.begin() ? std::string_view{} : std::string_view{std::prev(after)->second};
  }

 private:
  std::deque<std::pair<Timestamp, std::string>> steps_;
};

}  // namespace takt
