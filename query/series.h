// Readings of one tag, raw or in steps (contract 4).
#pragma once

#include "engine/store.h"

#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

namespace takt {

enum class Aggregate : std::uint8_t { avg, min, max, sum, count, first, last, delta };
std::optional<Aggregate> aggregate_named(std::string_view name);

struct SeriesRequest {
  std::string machine, tag;
  TimeRange range;
  std::optional<Duration> step;  ///< none: raw
  Aggregate aggregate = Aggregate::avg;
  bool good_only = false;  ///< OPC quality 192 and above, or none sent
  /// Of more points than these the first are answered, and one more, whose time alone means something.
  std::optional<std::size_t> limit = std::nullopt;
};

struct SeriesPoint {
  Timestamp at;
  std::variant<double, bool, std::string> value;
};

inline constexpr std::size_t kMaxSeriesPoints = 1'000'000;

/// Steps are multiples of `step` since the epoch, named by their start, empty ones left out. Aggregates are of
/// numbers and booleans (0 and 1); `count`, `first` and `last` of every kind. A tag never heard of gives no
/// points. not_found: no such machine. invalid_argument: more than kMaxSeriesPoints points. cancelled: soon
/// after stop was requested.
Result<std::vector<SeriesPoint>> series(const Store& store, const SeriesRequest& request,
                                        const std::stop_token& stop = {});

}  // namespace takt
