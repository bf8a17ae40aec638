// Who sends: one entry for every connector, producer and HTTP client, with what came of it (GET /v1/sources).
#pragma once

#include "schema/event.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// How a source stands. `passive`: it calls when it likes (HTTP, files); the others are connections.
enum class SourceState : std::uint8_t { passive, connecting, connected, disconnected, failed, stopped };
std::string_view name_of(SourceState state);

/// One source at a moment. Times are of the store's clock; counts since the process started.
struct SourceReport {
  std::string name, kind;
  SourceState state = SourceState::passive;
  std::string detail;                                  ///< why it is not connected, or what it talks to
  std::optional<Timestamp> last_event, last_received;  ///< newest event time; when something came last
  std::optional<Duration> lag;                         ///< of the last events: receipt less event time
  double rate = 0;                                     ///< events a second, over the last minute or so
  std::uint64_t accepted = 0, duplicate = 0, rejected = 0, repaired = 0, replayed = 0, gaps = 0;
  std::array<std::uint64_t, kRejections> rejected_by_code{};
  std::optional<Duration> clock_offset;  ///< median of receipt less event time
  bool clock_drifts = false;             ///< the offset has moved by more than kClockAlarm, or is that large
};

/// A source's clock that is so far off, or moved so far, is an alarm.
inline constexpr Duration kClockAlarm{60'000'000};

/// What one source did. Any thread.
class Source {
 public:
  Source(std::string name, std::string kind) : name_(std::move(name)), kind_(std::move(kind)) {}

  const std::string& name() const { return name_; }
  void set_state(SourceState state, std::string detail = {});
  /// Messages of the source that never came, as its sequence numbers tell.
  void add_gaps(std::uint64_t count);
  /// Values that were mended on the way in, such as a time without its zone.
  void add_repaired(std::uint64_t count);
  /// Refused events that were taken in, or known, when they were tried again.
  void add_replayed(std::uint64_t count);

  /// What a request held, before it is answered, and the newest time in it; kBeginOfTime: no event has one.
  void received(Timestamp now, std::size_t events, Timestamp newest);
  void answered(std::size_t accepted, std::size_t duplicate);
  void rejected(const std::vector<RejectedEvent>& rejected);

  SourceReport report(Timestamp now) const;

 private:
  static constexpr std::size_t kOffsets = 61;  // of the last requests
  static constexpr std::size_t kRateSeconds = 60;

  void empty_seconds(std::int64_t now);

  const std::string name_, kind_;
  mutable std::mutex mutex_;
  SourceReport sums_;
  std::vector<Duration> offsets_;  // a ring
  std::size_t next_offset_ = 0;
  std::optional<Duration> first_offset_;
  std::array<std::uint32_t, kRateSeconds> by_second_{};
  std::int64_t last_second_ = 0, first_second_ = 0;
};

/// All of them. Any thread. Memory is bounded: above kMostSources, passive ones that were silent for longest go.
class Sources {
 public:
  static constexpr std::size_t kMostSources = 2000;

  /// The source of that name; made if there is none.
  std::shared_ptr<Source> get(std::string_view name, std::string_view kind);
  /// Connectors that are gone leave the list.
  void remove(std::string_view name);
  /// By name.
  std::vector<SourceReport> report(Timestamp now) const;

 private:
  void forget_the_most_silent();

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Source>, std::less<>> sources_;
};

}  // namespace takt
