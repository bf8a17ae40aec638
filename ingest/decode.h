// Bytes to events: the bodies of POST /v1/events, of imports and of replays, as the contract's section 3 spells
// them.
#pragma once

#include "schema/event.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace takt {

enum class BodyFormat : std::uint8_t { json, ndjson, csv };

/// Events that one batch holds at most, so that a body of any length is decoded in bounded memory.
inline constexpr std::size_t kMaxBatchEvents = 8192;
/// A longer event is refused as too_large.
inline constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20U;

class BodyReader;

/// Reads one body, batch by batch. One thread at a time; distinct decoders are independent.
///
/// - json: one object, or an array of objects. In an array that breaks, the events before the break are kept and
/// the
///   rest is one bad_json; an element that is complete but wrong hurts only itself.
/// - ndjson: an object a line. A broken line hurts only itself; blank lines are no events and have no index.
/// - csv: RFC 4180 with commas. The first row names the fields, own ones as `attributes.x`; it has no index, and
///   neither have blank lines. An empty cell is not given. In `value` and attributes what reads as a JSON number,
///   `true` or `false` is one, quoted or not; everything else is text. Every row has as many cells as the header;
///   a row that has not, or whose quotes are wrong, is bad_json. After a wrong quote the next line is read as a
///   row again.
///
/// A leading byte order mark is skipped. Each event is either in `events` or in `rejected`, under its index in the
/// request, which rises from 0 over all batches. Whether machine, state and reason exist and the time is sensible
/// is for validate().
class Decoder {
 public:
  /// `body` is borrowed, by the decoder and by the strings of all its batches: it must outlive them.
  Decoder(BodyFormat format, std::string_view body);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Empties `batch` and fills it with the next events, up to kMaxBatchEvents; false: there were no more.
  /// invalid_argument, only from the first call, if nothing is readable: the body is blank; json whose top level
  /// is neither an object nor an array, is a broken object, or an array that breaks in its first element; csv
  /// whose header does not parse, names a column twice, or lacks `type` or `machine`.
  Result<bool> next(EventBatch& batch);

 private:
  std::unique_ptr<BodyReader> reader_;
};

}  // namespace takt
