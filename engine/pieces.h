// What one machine made: pieces by counts, counters and cycles, for the order that ran.
#pragma once

#include "engine/contribution.h"
#include "engine/events/kept_events.h"
#include "engine/master_data.h"
#include "engine/records.h"
#include "engine/sorted_runs.h"

#include <memory>
#include <optional>
#include <vector>

namespace takt {

/// The running order and its product.
struct RunningOrder {
  Timestamp from;
  NameId order = NameId::none, product = NameId::none;
  friend bool operator==(const RunningOrder&, const RunningOrder&) = default;
};

/// The engine's writer changes it, any reader reads it, under the engine's lock.
class Pieces {
 public:
  Pieces(MachineId machine, ByIdentity order, const MasterData& master, ColdArena* arena);
  ~Pieces();
  Pieces(Pieces&&) noexcept;
  /// What this would come to if another description held. Borrows all events of this one, until it changes.
  Pieces under(const MasterData& master) const { return {*this, master}; }

  // ---------------------------------------- what is counted

  /// `master` stays until the next call.
  void use(const MasterData& master) { master_ = &master; }
  void put(const PieceRecord& piece);
  void erase(const SortedRuns<PieceRecord, ByIdentity>::Iterator& piece);
  void put(const CycleRecord& cycle);
  void put(const CounterRecord& counter);
  void erase(const SortedRuns<CounterRecord, ByIdentity>::Iterator& counter);
  void put(const OrderRecord& order);
  const SortedRuns<PieceRecord, ByIdentity>& pieces() const { return pieces_; }
  const SortedRuns<CycleRecord, ByIdentity>& cycles() const { return cycles_; }
  const SortedRuns<CounterRecord, ByIdentity>& counters() const { return counters_; }
  const SortedRuns<OrderRecord, ByIdentity>& orders() const { return orders_; }
  /// Adds what of before the horizon later figures need.
  void note_kept(KeptEvents& kept) const;
  /// Lets go of all else of before the horizon.
  void drop(const KeptEvents& kept);

  /// Which order runs from when on, by the orders put: the last start without a later stop or completion of that
  /// order.
  std::vector<RunningOrder> order_steps() const;
  /// Until this is called, the pieces go by the steps of before.
  void set_running(std::vector<RunningOrder> steps) { running_ = std::move(steps); }
  const std::vector<RunningOrder>& running() const { return running_; }
  /// From a counter reading at `t` to past the next readings of each of its fields, whose increases depend on it.
  TimeRange counter_reach(Timestamp t) const;

  // ---------------------------------------- what it comes to

  /// Pieces counted in `range`, by time, with the order and product that ran unless they name their own.
  std::vector<CountedPieces> counted(TimeRange range) const;
  /// Adds what is counted in `range`.
  void contribute(TimeRange range, ContributionSink& sink) const;
  /// Adds what one piece event counts.
  void contribute_one(const PieceRecord& piece, ContributionSink& sink) const;
  RunningOrder running_order(Timestamp t) const;
  /// Product of the running order, or else of the last piece counted by `t`.
  NameId product_at(Timestamp t) const;

 private:
  struct Lists;
  Pieces(const Pieces& other, const MasterData& master);

  CountedPieces resolved(CountedPieces pieces) const;
  void contribute_counted(const CountedPieces& made, ContributionSink& sink) const;
  void keep_orders(KeptEvents& kept) const;
  std::optional<CountedPieces> increase_of(const SortedRuns<CounterRecord, ByIdentity>::Iterator& at) const;
  template <class Visit>
  void visit(TimeRange range, Visit visit) const;

  MachineId machine_;
  const MasterData* master_;  // borrowed
  ByIdentity order_;
  std::unique_ptr<Lists> own_;  // none of under(): then the lists are another's
  SortedRuns<PieceRecord, ByIdentity>& pieces_;
  SortedRuns<CycleRecord, ByIdentity>& cycles_;
  SortedRuns<CounterRecord, ByIdentity>& counters_;
  SortedRuns<OrderRecord, ByIdentity>& orders_;
  std::vector<RunningOrder>& running_;  // steps, by time
};

}  // namespace takt
