// The sums of one machine over ranges of time: whole buckets from its cells, edges from its events.
#pragma once

#include "engine/cells.h"
#include "engine/machine.h"

namespace takt {

/// Reads sums range by range, without searching anew for each where they rise. Lives no longer than what it reads
/// stays as it is. Not thread-safe.
class AccountReader {
 public:
  AccountReader(const MachineRecord& machine, Timestamp now);

  const MachineRecord& machine() const { return machine_; }
  /// MachineRecord::end_of_time().
  Timestamp end_of_time() const { return end_of_time_; }
  /// Adds the sums over `range`, up to now; to Sums with their parts.
  void add(TimeRange range, Account& sum) { add_range(range, sum); }
  void add(TimeRange range, Sums& sum) { add_range(range, sum); }
  /// The commit that last changed the figures of the bucket of hour, shift or day that begins at `range.begin`.
  Sequence revision(Grain grain, TimeRange range);
  /// The newest commit that changed a figure within the range.
  Sequence revision_within(TimeRange range) const;

 private:
  CellCursor& cursor(Grain grain) { return grain == Grain::hour ? hours_ : grain == Grain::day ? days_ : shifts_; }
  const Cell* filled(Grain grain, Timestamp t);
  bool is_empty(TimeRange range, Timestamp end);
  template <class Sum>
  void add_range(TimeRange range, Sum& sum);
  template <class Sum>
  bool add_bucket(TimeRange bucket, const Cell* cell, Timestamp end, Sum& sum) const;
  template <class Sum>
  void add_tail(TimeRange bucket, Timestamp end, Sum& sum) const;
  template <class Sum>
  void add_piecewise(TimeRange range, Timestamp end, Sum& sum);
  template <class Sum>
  void add_edge(TimeRange edge, Sum& sum) const;
  std::pair<TimeRange, const Cell*> bucket_at(Grain grain, Timestamp t);

  const MachineRecord& machine_;  // borrowed
  Timestamp now_, end_of_time_, end_of_pieces_, settled_;
  std::optional<Timestamp> first_event_, last_event_, last_state_;
  CellCursor hours_, shifts_, days_;
};

}  // namespace takt
