// Events and readings as frames of the binary protocol (schema/wire.fbs).
#pragma once

#include "schema/event.h"
#include "schema/wire_message.h"

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace takt::client {

/// Readings as columns of one length. `quality` and `boolean` may be empty: none was measured, none is one.
struct ReadingColumns {
  std::span<const std::uint32_t> of;      ///< tags as numbered by TagNumbers
  std::span<const std::int64_t> at;       ///< microseconds since the epoch
  std::span<const double> number;         ///< finite
  std::span<const std::int32_t> quality;  ///< OPC quality, -1: not given
};

/// Tags by number, in the order in which they were first heard of.
class TagNumbers {
 public:
  std::uint32_t number(std::string_view machine, std::string_view tag);
  std::size_t size() const { return tags_.size(); }
  void clear() { tags_.clear(), numbers_.clear(); }
  /// Messages that define the tags from `first` on; no frame may speak of one before.
  std::string definitions(std::size_t first) const;
  /// Those of [first, last) as they stand in a message.
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<wire::Series>>> series(
      flatbuffers::FlatBufferBuilder& builder, std::size_t first = 0,
      std::size_t last = std::numeric_limits<std::size_t>::max()) const;
  /// Takes over what a message defined, as it is read back from a spool.
  void learn(const wire::Define& define);

 private:
  struct ByName {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return std::pair<std::string_view, std::string_view>{a.first, a.second} <
             std::pair<std::string_view, std::string_view>{b.first, b.second};
    }
  };
  std::vector<std::pair<std::string, std::string>> tags_;
  std::map<std::pair<std::string, std::string>, std::uint32_t, ByName> numbers_;
};

/// What of a batch a frame takes: events [first, last), and of the refused [first_refused, last_refused). In the
/// frame readings come first, then other events, then the refused.
struct FrameRows {
  std::size_t first = 0, last = 0, first_refused = 0, last_refused = 0;
};

/// A batch cut into frames of at most `most` events each, and of no more bytes than a message may have.
std::vector<FrameRows> frames_of(const EventBatch& batch, std::size_t most);
/// Rows of columns that a message has room for.
inline constexpr std::size_t kMostColumnRows = 100'000;

/// Makes messages, one at a time, into memory that it keeps.
class FrameWriter {
 public:
  /// A frame of the readings.
  std::string_view frame(std::uint64_t sequence, const ReadingColumns& readings);
  /// A frame of these rows of the batch.
  std::string_view frame(std::uint64_t sequence, const EventBatch& batch, const FrameRows& rows, TagNumbers& tags);

 private:
  std::string_view finish(std::uint64_t sequence, flatbuffers::Offset<wire::Batch> batch);

  flatbuffers::FlatBufferBuilder builder_;
  std::string bytes_;
};

/// A Batch alone: a body of POST /v1/events of type application/x-flatbuffers.
std::string encode_batch(const EventBatch& batch);

}  // namespace takt::client
