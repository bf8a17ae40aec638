// Instants, durations and half-open ranges, and the one spelling of them on the wire (contract 1).
#pragma once

#include "schema/result.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace takt {

using Duration = std::chrono::microseconds;
using Timestamp = std::chrono::sys_time<Duration>;  ///< UTC; zones live in the calendar.

template <class T>
concept Addable = requires(T a, T b) {
  a + b;
};
static_assert(!Addable<Timestamp> && Addable<Duration>);

/// Before every event, and "not given" in optional fields.
inline constexpr Timestamp kBeginOfTime{Duration{INT64_MIN / 4}};
/// The first moment that anybody can send.
inline constexpr Timestamp kEarliestTime = std::chrono::sys_days{std::chrono::year{1900} / 1 / 1};
/// After every event: the end of what still lasts.
inline constexpr Timestamp kEndOfTime{Duration{INT64_MAX / 4}};

/// Half open: [begin, end).
struct TimeRange {
  Timestamp begin = kBeginOfTime;
  Timestamp end = kEndOfTime;

  bool empty() const { return end <= begin; }
  bool contains(Timestamp t) const { return begin <= t && t < end; }
  bool overlaps(const TimeRange& other) const { return begin < other.end && other.begin < end; }
  Duration length() const { return empty() ? Duration{0} : end - begin; }
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

inline TimeRange intersect(const TimeRange& a, const TimeRange& b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

inline constexpr std::int64_t micros(Timestamp t) { return t.time_since_epoch().count(); }
inline constexpr Timestamp from_micros(std::int64_t us) { return Timestamp{Duration{us}}; }

/// RFC 3339 with an offset ("2026-01-05T06:00:00.5+01:00"; digits beyond microseconds are cut), or an integer of
/// microseconds since the Unix epoch. Years 1900 to 9999.
Result<Timestamp> parse_time(std::string_view text);
/// RFC 3339 in UTC, ending in Z, with as many of six fractional digits as are needed.
std::string format_time(Timestamp t);
void append_time(std::string& out, Timestamp t);
/// "90", "90s", "5m", "1h", "7d": a positive length of time.
Result<Duration> parse_duration(std::string_view text);

/// The only way to ask for now. Used for open intervals, for time_in_future and for schedules; nothing stored
/// depends on it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  static const Clock& system();
};

}  // namespace takt
