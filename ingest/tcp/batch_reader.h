// Batches of the binary protocol (schema/wire.fbs) as readings and events that the store takes in.
#pragma once

#include "engine/readings/block.h"
#include "schema/event.h"
#include "schema/permit.h"
#include "schema/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt::wire {
struct Batch;
struct Readings;
struct Event;
struct Series;
}  // namespace takt::wire

namespace takt {

/// A tag of a machine that a connection or a batch has numbered, and what the store calls it.
struct WireTag {
  std::string machine, tag;
  std::optional<SeriesId>
      series;  ///< none: the machine is not described, or not the sender's, or a name is impossible
};

class Ingestor;
WireTag tag_of(const wire::Series& series);
/// Asks the store for the numbers of those that have none, from `first` on.
Result<void> name_tags(std::vector<WireTag>& tags, std::size_t first, Ingestor& ingestor, const Permit* permit);

/// What the times of readings are checked against.
struct ReadingLimits {
  Timestamp oldest, latest;  ///< [oldest, latest] is taken in
};

/// Reads batches, one after the other, into one delivery. One thread at a time. Every row of readings, event and
/// refused line has an index, counted over all batches.
class BatchReader {
 public:
  /// Of a buffer that flatbuffers has verified. invalid_argument: its columns are of different lengths, not
  /// aligned, or speak of tags that are not there; nothing of it is taken then. `tags`: those that the rows'
  /// numbers are of. Readings with a text, an id or attributes, and what is refused of rows, are among the events.
  Result<void> add(const wire::Batch& batch, const std::vector<WireTag>& tags, const ReadingLimits& limits);

  std::size_t size() const { return next_index_; }

  ReadingBlock readings;
  EventBatch events;  ///< still to be validated

 private:
  void add_rows(const wire::Readings& rows, const std::vector<WireTag>& tags, const ReadingLimits& limits);
  void add_good_rows(const wire::Readings& rows, const std::vector<WireTag>& tags);
  void add_event(const wire::Event& event);

  std::size_t next_index_ = 0;
};

}  // namespace takt
