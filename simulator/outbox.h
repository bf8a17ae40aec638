// What the machines say within one second, before it is put in order of time.
#pragma once

#include "schema/event.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

namespace takt {

class Outbox {
 public:
  explicit Outbox(EventBatch& batch) : batch_(batch) {}

  /// `event` leaves its machine at `sent`: its own time, but for a classification, which comes afterwards.
  void add(Timestamp sent, const Event& event) {
    sent_.push_back(sent);
    events_.push_back(event);
  }
  /// Text that must outlive the machine's own strings.
  std::string_view keep(std::string_view text) { return batch_.keep(text); }

  /// Moves everything to the batch, in order of time; the batch then owns all strings.
  void flush() {
    order_.resize(events_.size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::stable_sort(order_.begin(), order_.end(), [this](auto a, auto b) { return sent_[a] < sent_[b]; });
    for (const std::uint32_t i : order_) append(events_[i]);
    sent_.clear();
    events_.clear();
  }

 private:
  void append(Event& event) {
    for (std::string_view Event::*text :
         {&Event::machine, &Event::state, &Event::reason, &Event::product, &Event::order, &Event::defect,
          &Event::tag, &Event::characteristic, &Event::result, &Event::by}) {
      event.*text = batch_.keep(event.*text);
    }
    batch_.indexes.push_back(batch_.events.size());
    batch_.events.push_back(event);
  }

  EventBatch& batch_;  // borrowed: the caller of run_until() owns it
  std::vector<Timestamp> sent_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> order_;
};

}  // namespace takt
