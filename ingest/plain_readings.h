// Readings that are a number or a truth and nothing else, column by column, on their way into a block.
#pragma once

#include "schema/event.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace takt {

/// The tag of a machine; both can be ids (contract 1).
struct ReadingName {
  std::string machine, tag;
};

/// Rows without id, revision, text, quality and attributes. Plain data: keep the columns of one length.
struct PlainReadings {
  std::vector<ReadingName> names;   ///< grows over a body; rows name theirs by number
  std::vector<std::uint32_t> name;  ///< of each row
  std::vector<std::int64_t> at;     ///< microseconds since the epoch
  std::vector<double> number;       ///< finite; of truths 0 and 1
  std::vector<Value::Kind> kind;
  std::vector<std::size_t> index;  ///< where the row stood in its request

  std::size_t size() const { return at.size(); }
  bool empty() const { return at.empty(); }
  /// Row `i` as an event, whose strings are borrowed.
  Event event(std::size_t i) const {
    Event event;
    event.type = EventType::reading;
    event.machine = names[name[i]].machine;
    event.tag = names[name[i]].tag;
    event.at = from_micros(at[i]);
    event.value = {kind[i], number[i], {}};
    return event;
  }
  void resize(std::size_t rows) {
    name.resize(rows), at.resize(rows), number.resize(rows), kind.resize(rows), index.resize(rows);
  }
};

}  // namespace takt
