// The sums kept of one machine by hour, shift and day, and what contributions are summed with.
#pragma once

#include "engine/cells.h"
#include "engine/contribution.h"
#include "engine/master_data.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace takt {

/// Sums to be added, by grain and beginning of the bucket.
using Deltas = std::map<std::pair<Grain, Timestamp>, Cell>;

/// A cell that stands by itself.
struct KeptCell {
  Grain grain = Grain::hour;
  Cell cell;
  friend bool operator==(const KeptCell&, const KeptCell&) = default;
};

class CellChanges;  // engine/cell_changes.h

/// Sums to one account, and its parts where they are wanted, whatever the bucket.
class AccountSink final : public ContributionSink {
 public:
  AccountSink(const MasterData& master, MachineId machine, Account& account)
      : master_(master), machine_(machine), account_(account) {}
  AccountSink(const MasterData& master, MachineId machine, Sums& sums)
      : master_(master), machine_(machine), account_(sums.account), sums_(&sums) {}

  void time(TimeRange range, TimeCategory category, NameId reason, bool minor) override;
  void stop(Timestamp, NameId reason, bool minor) override;
  void failure(Timestamp) override { ++account_.failures; }
  void pieces(const CountedPieces& pieces, std::optional<Duration> cycle) override;

 private:
  const MasterData& master_;
  MachineId machine_;
  Account& account_;
  Sums* sums_ = nullptr;  // of which account_ is
};

/// The buckets of a machine that hold a moment.
struct BucketPlace {
  TimeRange alike{kBeginOfTime, kBeginOfTime};  ///< all of this holds throughout
  TimeRange hour, day, shift;
  bool in_shift = false, planned = false;
};

/// Finds them; once for all moments that lie in the same. Not thread-safe.
class BucketFinder {
 public:
  BucketFinder(const MasterData& master, MachineId machine) : master_(&master), machine_(machine) {}

  const BucketPlace& at(Timestamp t) {
    if (!place_.alike.contains(t)) go_to(t);
    return place_;
  }

 private:
  void go_to(Timestamp t);

  const MasterData* master_;  // borrowed
  MachineId machine_;
  BucketPlace place_;
};

/// Sums by bucket of hour, shift and day. What lies before `from` is left out.
class BucketSink : public ContributionSink {
 public:
  BucketSink(BucketFinder& finder, int sign, Timestamp from) : finder_(finder), sign_(sign), from_(from) {}

  void time(TimeRange range, TimeCategory category, NameId reason, bool minor) final;
  void stop(Timestamp first_planned, NameId reason, bool minor) final;
  void failure(Timestamp first_planned) final;
  void pieces(const CountedPieces& pieces, std::optional<Duration> cycle) final;

 protected:
  /// The cell of a bucket; it stays where it is until another of the same grain is asked for.
  virtual Cell& slot(Grain grain, TimeRange bucket) = 0;
  bool is_in(Timestamp t) const { return t >= from_; }
  void go_to(Timestamp t);

 private:
  template <class Add>
  void each(Add add);

  BucketFinder& finder_;  // borrowed
  int sign_;
  Timestamp from_;
  TimeRange alike_{kBeginOfTime, kBeginOfTime};  // what follows is of
  bool planned_ = false;
  Cell *hour_ = nullptr, *day_ = nullptr, *shift_ = nullptr;
};

/// Sums beside the cells, with a sign: what is to come out of them, or to go in.
class DeltaSink final : public BucketSink {
 public:
  DeltaSink(BucketFinder& finder, Deltas& deltas, int sign, Timestamp from)
      : BucketSink(finder, sign, from), deltas_(deltas) {}
  /// Marks the buckets that hold `t` without changing them.
  void touch(Timestamp t) {
    if (is_in(t)) go_to(t);
  }

 private:
  Cell& slot(Grain grain, TimeRange bucket) override;

  Deltas& deltas_;  // whose nodes never move
};

/// The engine's writer changes it, any reader reads it, under the engine's lock.
class Rollups {
 public:
  const CellTable& cells(Grain grain) const {
    return grain == Grain::hour ? hours_ : grain == Grain::day ? days_ : shifts_;
  }
  /// The cell that begins at `t`, if it holds anything. Then it is a bucket of today's calendar, which an empty
  /// one need not be: it may be left from an earlier description.
  const Cell* filled(Grain grain, Timestamp t) const;
  /// The cell of the bucket, made if there is none.
  Cell& cell(Grain grain, TimeRange bucket);
  /// Adds what is not zero; cells whose account it changes get the revision `commit`.
  void add(const Deltas& deltas, Sequence commit);
  /// Where nothing is to come out of the cells: adds to them at once.
  class Adding;
  /// Takes these sums of all that events still tell instead of what there was. Cells of which nothing differs keep
  /// their revision; those that had something and have nothing any more stay, empty.
  void replace(const Deltas& sums, Sequence commit);
  /// Comes to the same as replace() with the sums of the new description, given all differences from those of the
  /// old one, in any order.
  void change(const std::vector<const CellChanges*>& changes, Sequence commit);
  /// These sums and no others but what was frozen; cells have the revision `otherwise` until revise().
  void restore(const Deltas& sums, Sequence otherwise);
  /// Events are about to go that have made `gone` of the sums, all of them that ended by `until`. Cells of buckets
  /// that end by then are frozen: no event changes them any more.
  void freeze(Timestamp until, const Deltas& gone);
  Timestamp frozen_until() const { return frozen_until_; }
  /// Frozen cells of buckets that end after `after`, with their revision.
  std::vector<KeptCell> frozen(Timestamp after) const;
  std::size_t frozen_count() const;
  /// What events that are gone have made of cells that are not frozen.
  const Deltas& base() const { return base_; }
  /// Before restore(): what another process froze.
  void set_frozen(Timestamp until, const std::vector<KeptCell>& cells, const std::vector<KeptCell>& base);
  /// Makes the cell if there is none. One that has sums and another range is of other rules of the calendar, and
  /// stays as it is.
  void revise(Grain grain, TimeRange bucket, Sequence revision);
  /// A hash of all accounts that are not zero. The same for the same sums in every process.
  std::uint64_t digest() const;
  /// The first bucket that is not frozen in which the sums kept are not these and the base, or nothing.
  std::optional<std::string> difference_to(Deltas right) const;

 private:
  bool is_frozen(const Cell& cell) const { return cell.range.end <= frozen_until_; }
  /// Takes out and returns what is not frozen.
  CellTable take_live(Grain grain);

  CellTable& table(Grain grain) { return grain == Grain::hour ? hours_ : grain == Grain::day ? days_ : shifts_; }
  CellTable hours_, shifts_, days_;
  Timestamp frozen_until_ = kBeginOfTime;
  Deltas base_;  // of cells that are not frozen, what no event tells any more
};

class Rollups::Adding final : public BucketSink {
 public:
  Adding(Rollups& rollups, BucketFinder& finder, Timestamp from, Sequence commit)
      : BucketSink(finder, +1, from), rollups_(rollups), commit_(commit) {}

 private:
  Cell& slot(Grain grain, TimeRange bucket) override;

  Rollups& rollups_;
  Sequence commit_;
};

}  // namespace takt
