// InfluxDB's line protocol as events: `measurement,tag=value,... field=value,... timestamp`.
#pragma once

#include "schema/event.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

enum class LinePrecision : std::uint8_t { nanoseconds, microseconds, milliseconds, seconds, minutes, hours };
/// By `precision=` of either version of the API: ns n, us u µ, ms, s, m, h.
std::optional<LinePrecision> line_precision_named(std::string_view name);

struct PlainReadings;

struct LineOptions {
  LinePrecision precision = LinePrecision::nanoseconds;  ///< digits beyond microseconds are cut
  Timestamp received;                                    ///< the time of lines without one
  std::string machine;                                   ///< of lines without the tag `machine`; empty: refused
};

/// Reads one body, batch by batch. One thread at a time. The index of each event, accepted or rejected, is the
/// number of its line, from 1; a line may make several events.
///
/// - Measurement `reading`: each field is a reading whose tag is the field's name. A measurement named as another
/// type
///   of event is one of that type: tags and fields are its fields by name, the time its `ts` or `start`. Of any
///   other measurement m each field is a reading of the tag `m.field`.
/// - Tags that are no fields go into the attributes, but `host`, which agents add by themselves.
/// - Escapes: backslash before comma, equals sign and blank in names and tag values; before quote and backslash in
///   strings; elsewhere it is itself. A line ends with its line feed, even within quotes. Lines that are blank,
///   begin with # or are a CREATE statement of an export are none.
/// - A line that cannot be read is one bad_json with its text, one whose values cannot be a bad_value; neither
/// hurts
///   another line.
///
/// Source: docs.influxdata.com, "Line protocol" (InfluxDB 1.8 and 2).
class LineDecoder {
 public:
  /// `body` is borrowed, as by Decoder.
  LineDecoder(std::string_view body, LineOptions options);
  ~LineDecoder();
  LineDecoder(LineDecoder&&) noexcept;
  LineDecoder& operator=(LineDecoder&&) noexcept;

  /// Fills `batch`, which is empty, with the events of the next lines, kMaxBatchEvents or a few more; false: there
  /// were none. With `plain`, whose rows are empty and whose names stay from call to call, most readings go there
  /// instead, and none into `batch` where there are some.
  bool next(EventBatch& batch, PlainReadings* plain = nullptr);

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace takt
