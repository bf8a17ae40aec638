// The evidence for a figure: what it was made of, piece by piece, adding up to it exactly (contract 4).
#pragma once

#include "engine/store.h"
#include "query/json_text.h"
#include "query/oee.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace takt {

/// The element of section 5 that a stretch of time counts to; each moment counts to one.
enum class TimeElement : std::uint8_t {
  none,
  actual_production_time,
  actual_unit_setup_time,
  actual_unit_delay_time,
  planned_down_time,
  unknown_time,
  unplanned_production_time
};
std::string_view name_of(TimeElement element);
/// Under the policies, of planned operation time or not.
TimeElement element_of(TimeCategory category, bool minor_stop, bool planned, const Policies& policies);

/// A stretch of one machine's time that is alike throughout, cut to the range and to now.
struct ExplainedInterval {
  MachineId machine{};
  TimeRange range;
  std::string state;
  TimeCategory category = TimeCategory::unknown;
  std::optional<std::string> reason;
  bool minor_stop = false, planned = false;
  std::optional<Unplanned> unplanned;  ///< why it is not planned
  std::optional<std::string> shift;
  Timestamp shift_start = kBeginOfTime;  ///< of the instance
  TimeElement element = TimeElement::none;
  std::size_t version = 0;  ///< into Explanation::versions
};

/// Why a stop is minor, or not.
enum class MinorVerdict : std::uint8_t { within_limit, over_limit, no_limit, reason, open };

/// A stop or a failure that touches the range, whole.
struct ExplainedStop {
  MachineId machine{};
  StopStretch stretch;
  std::optional<std::string> reason;
  ReasonCategory category = ReasonCategory::other;  ///< of the reason
  Duration minor_limit{0};                          ///< minor_stop_s at its beginning
  MinorVerdict verdict = MinorVerdict::open;
  std::optional<Timestamp> first_planned;
  bool counts = false;       ///< its first planned moment is in the range
  Duration planned_time{0};  ///< of it, in the range
};

/// Pieces of one machine and product that were counted alike.
struct ExplainedCounts {
  MachineId machine{};
  std::optional<std::string> product;
  bool planned = false;
  UsedCycle cycle;
  std::size_t version = 0;  ///< that gives the cycle; into Explanation::versions
  std::int64_t good = 0, scrap = 0, rework = 0, startup_rejects = 0;
  std::int64_t produced() const { return good + scrap + rework; }
  /// Pieces times the cycle, in microseconds; absent of unplanned ones and without a cycle.
  std::optional<WideInt> ideal(std::int64_t pieces) const {
    return planned && cycle.cycle ? std::optional{WideInt{cycle.cycle->count()} * pieces} : std::nullopt;
  }
};

/// A ratio with its numbers put in.
struct Formula {
  struct Input {
    std::string_view symbol;
    std::optional<WideInt> value;  ///< microseconds, or pieces
    bool is_time = true;
  };
  std::string_view id, formula;
  std::vector<Input> inputs;
  std::optional<double> value;
  std::string_view reason;  ///< why there is no value
};
std::vector<Formula> formulas_of(const Figures& figures);

struct Explanation {
  Scope scope;
  Timestamp now;
  Sequence sequence = 0;
  OeeBucket figure;
  Policies policies;
  Losses losses;
  std::vector<std::string> machines;  ///< names by number
  std::vector<std::shared_ptr<const PlantVersion>> versions;
  std::shared_ptr<const PlantVersion>
      newest;  ///< whose policies, time zone and silence time-outs hold for all time
  std::vector<ExplainedInterval> intervals;
  std::vector<ExplainedStop> stops, failures;
  std::vector<ExplainedCounts> counts;
  std::vector<Formula> formulas;
};

/// What an answer may hold.
struct ExplainLimits {
  std::size_t intervals = 50'000, rows = 50'000;
  std::size_t counts = 2'000'000;  ///< events and increases looked at
};

/// The figure is the `total` of oee(). not_found, corruption: as there; invalid_argument: too much to show, or
/// events of the range are retained no more; cancelled: soon after stop was requested, between two machines.
Result<Explanation> explain(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                            const ExplainLimits& limits = {}, const std::stop_token& stop = {});
/// Needs no view any more.
std::string render_explanation(const Explanation& explanation);

}  // namespace takt
