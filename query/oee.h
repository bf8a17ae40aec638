// OEE by bucket, for a machine or a group (contract 4 and 5).
#pragma once

#include "engine/store.h"
#include "query/figures.h"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace takt {

/// Everything of a bucket that an answer shows.
struct OeeBucket {
  TimeRange range;
  std::optional<std::string> shift;
  std::optional<std::int32_t> business_day;
  Sequence revision = 0;
  bool open = false, partial = false;
  Figures figures;
};

enum class GroupBy : std::uint8_t { none, machine, line, area };
std::optional<GroupBy> group_by_named(std::string_view name);

struct OeeRequest {
  Scope scope;
  TimeRange range;
  Grain grain = Grain::total;
  GroupBy group = GroupBy::none;
  bool whole = false;  ///< uncut buckets, those that begin in the range
};

struct OeeSeries {
  Scope scope;
  std::vector<OeeBucket> buckets;
};

/// The machines of a scope, in order of the description.
/// not_found: there is no such scope; corruption: the history of one of its machines is damaged, so nothing of the
/// scope can be told.
Result<std::vector<MachineId>> machines_of(const StoreView& view, const Scope& scope);
/// Whether a machine's history is whole: corruption if not.
Result<void> check_whole(const StoreView& view, MachineId machine);
/// The same of all machines.
Result<void> check_whole(const StoreView& view);
/// Whether a machine takes part in lists: described, and not switched off.
bool is_active(const StoreView& view, MachineId machine);

/// From when on the states of all of them are known, if retention has taken away some of those within `range`.
std::optional<Timestamp> timeline_kept_from(const StoreView& view, const std::vector<MachineId>& machines,
                                            TimeRange range);

/// Before the horizon of a machine's events figures are kept of whole hours and shifts: invalid_argument where
/// they do not say what was in `range`, which is a part of one of those or of a day.
Result<void> check_cut(const StoreView& view, MachineId machine, TimeRange range);

/// One series, or one per member of the group. invalid_argument: more buckets than an answer may have, in one
/// series or in all, or one that is no whole hour and begins before the horizon of events. cancelled: soon after
/// stop was requested.
Result<std::vector<OeeSeries>> oee(const StoreView& view, const OeeRequest& request, Timestamp now,
                                   const std::stop_token& stop = {});
/// About how many buckets of machines oee() has to add up: a measure of the time it takes.
std::size_t work_of(const StoreView& view, const OeeRequest& request, Timestamp now);

/// The sums of a scope over a range, cut to now. invalid_argument: as for oee().
Result<Elements> elements(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now);
/// Of one machine.
Elements elements_of(const StoreView& view, MachineId machine, TimeRange range, Timestamp now);

/// A machine now: its state, and its running shift, or the last one.
struct CurrentMachine {
  std::string machine;
  std::string state;
  TimeCategory category = TimeCategory::unknown;
  std::optional<std::string> reason;
  std::optional<Timestamp> since;  ///< absent if nothing was ever heard
  std::optional<std::string> product;
  OeeBucket bucket;
};
CurrentMachine current(const StoreView& view, MachineId machine, Timestamp now);
Result<std::vector<CurrentMachine>> current(const StoreView& view, const Scope& scope, Timestamp now);

/// The shift bucket that holds `t`, or the last one that began before it; a local day where there are no shifts.
Bucket shift_or_day(const StoreView& view, MachineId machine, Timestamp t);
/// A machine's bucket, whole, as rollups and exports show it.
OeeBucket machine_bucket(const StoreView& view, MachineId machine, Grain grain, const Bucket& bucket,
                         Timestamp now);
/// Shift instances of a machine that begin in `range`.
std::vector<Bucket> shifts_of(const StoreView& view, MachineId machine, TimeRange range);

}  // namespace takt
