// One machine: what it reported, the timeline that follows from it, and the rollups kept of both.
//
// The rule of the whole engine stands here. Every figure is a sum of contributions of stretches of the timeline
// and of pieces. An event that arrives, whenever and in whatever order, takes the contributions of the stretch
// that it touches out of the sums, is put in its place, and the stretch's new contributions are added. So the sums
// depend on the set of events alone. What still lasts is not in the sums: it is added when they are read, so
// nothing stored depends on the clock.
#pragma once

#include "engine/events/checkpoint.h"
#include "engine/pieces.h"
#include "engine/rollups.h"
#include "engine/timeline.h"
#include "engine/touched_time.h"

#include <optional>
#include <string>
#include <vector>

namespace takt {

/// The engine's writer changes it, any reader reads it, under the engine's lock.
class MachineRecord {
 public:
  /// `arena`: where old events lie; it goes after this.
  MachineRecord(MachineId id, Names& names, const MasterData& master, ColdArena* arena = nullptr);

  MachineId id() const { return id_; }
  const MasterData& master() const { return *master_; }

  // ---------------------------------------- judging, applying

  /// The rank of the event of this identity that is known, or none. Readings are judged by the reading store.
  std::optional<Rank> known(const Event& event, Names& names) const;
  /// Whether the event is a cycle whose identity is known: what it replaces may have ended at another time.
  bool corrects_cycle(const Event& event, Names& names) const {
    return event.type == EventType::cycle && known(event, names).has_value();
  }
  /// Takes an event in that outranks what is known of its identity. `commit` is at least that of every earlier
  /// call.
  void apply(const Event& event, const Rank& rank, Names& names, Sequence commit);
  /// What gives this record back, with the events up to `commit`, the newest. How many are in chunks is not known
  /// here.
  /// Of the frozen cells those of buckets that end after `frozen_after` come with it.
  MachineCheckpoint checkpoint(Sequence commit, Timestamp frozen_after) const;
  /// From here on to restore() events are only put in their places, by load(): no figure may be asked for.
  void begin_loading() { loading_ = true; }
  bool is_loading() const { return loading_; }
  /// Takes an event in, unless it is outranked by what was loaded.
  void load(const Event& event, Names& names);
  /// All events up to the checkpoint's commit were loaded: the record is what it was then.
  void restore(const MachineCheckpoint& checkpoint);
  /// A part of its history cannot be read: nothing of it may be served.
  void set_damage(std::string why) { damage_ = std::move(why); }
  /// Empty: it is whole.
  const std::string& damage() const { return damage_; }
  /// A reading was taken in: the machine was heard at `t`.
  void heard_reading(Timestamp t, Sequence commit);
  /// A reading was withdrawn or the silence time-out has changed: all times that the machine was heard, by
  /// their beginning.
  void set_heard(const std::vector<HeardRun>& runs, Sequence commit);
  /// The description has changed: computes all sums anew, unless it is loading. Buckets that changed get the
  /// revision `commit`.
  void use(const MasterData& master, Sequence commit);
  /// The same where it is known by how much each cell differs (engine/rehearsal.h).
  void use(const MasterData& master, const std::vector<const CellChanges*>& changes, Sequence commit);
  /// Stretches of time in which sums may change are added to `touched` from now on; null: no more.
  void watch(TouchedTime* touched) { touched_ = touched; }
  /// Times of all live events but readings and classifications, also of those that are gone.
  void collect_heard(std::vector<HeardRun>& runs) const;

  // ---------------------------------------- retention (machine_expiry.cc)

  /// Lets events of before `from` go, which no later event may be of, but what later figures need. No figure
  /// changes. Returns what stays.
  KeptEvents expire(Timestamp from);
  const Horizon& horizon() const { return horizon_; }
  /// Begins where `kept`, the same machine with all its history, begins: before the first event is applied to what
  /// is made anew.
  void begin_after(const MachineRecord& kept);

  // ---------------------------------------- reading

  /// The last moment at which something that still counts was said of it, but readings and classifications.
  std::optional<Timestamp> last_live_event() const;
  /// Where the machine's time ends, and no figure has any more of it: one that is switched off ends with its last
  /// live event.
  Timestamp end_of_time() const;
  /// The same of pieces: those of that very instant count.
  Timestamp end_of_pieces() const;
  /// Sums over `range`, up to `now`. Whole buckets come from the rollups, edges from the events. Of several ranges
  /// see engine/account_reader.h.
  Account account(TimeRange range, Timestamp now) const;
  /// The same from the events alone; for tests and verification.
  Account account_from_events(TimeRange range, Timestamp now) const;
  /// Computes all sums anew from the events and compares them with those kept: what differs, or nothing.
  std::optional<std::string> check() const;
  /// The commit that last changed the figures of the bucket that begins at `range.begin`.
  Sequence revision(Grain grain, TimeRange range) const;
  /// The newest commit that changed a figure within the range.
  Sequence revision_within(TimeRange range) const;
  const Timeline& timeline() const { return timeline_; }
  const Pieces& pieces() const { return pieces_; }
  /// The first and last moment that the machine was ever heard of, also by what was withdrawn; empty if never.
  std::optional<Timestamp> first_event() const { return first_event_; }
  std::optional<Timestamp> last_event() const { return last_event_; }
  const CellTable& cells(Grain grain) const { return rollups_.cells(grain); }
  Sequence tail_revision() const { return tail_revision_; }
  /// From here on figures are not in the cells but follow from the last state.
  Timestamp settled_until() const { return settled_; }

  const SortedRuns<QualityRecord, ByIdentity>& quality() const { return quality_; }
  const SortedRuns<EnergyRecord, ByIdentity>& energy() const { return energy_; }
  /// Every reason that a state or classification names.
  template <class Visit>
  void visit_reasons(Visit visit) const {
    for (const StateRecord& state : timeline_.states()) visit(state.reason);
    for (const ClassifyRecord& classify : timeline_.classifications()) visit(classify.reason);
  }

 private:
  template <class Change>
  void change_timeline(TimeRange touched, Sequence commit, Change change);
  template <class Change>
  void change_pieces(TimeRange touched, Sequence commit, Change change);
  void put_piece(const PieceRecord& piece, Sequence commit);

  void apply_state(const Event&, const Rank&, Names&, Sequence);
  void apply_classify(const Event&, const Rank&, Names&, Sequence);
  void apply_count(const Event&, const Rank&, Names&, Sequence);
  void apply_cycle(const Event&, const Rank&, Names&, Sequence);
  void apply_order(const Event&, const Rank&, Names&, Sequence);
  void heard(Timestamp t, Sequence commit);

  DeltaSink timeline_sink(Deltas& deltas, int sign) { return {buckets_, deltas, sign, horizon_.timeline}; }
  DeltaSink pieces_sink(Deltas& deltas, int sign) { return {buckets_, deltas, sign, horizon_.pieces}; }
  void touch(TimeRange range) {
    if (touched_ != nullptr) touched_->add(range);
  }
  Deltas sums_from_events(Timestamp settled) const;
  Timestamp settled_end() const { return std::max(timeline_.settled_end(), horizon_.timeline); }
  Deltas sums_between(Horizon from, Horizon to) const;
  void settle_until(Timestamp t);
  void note_heard_before(Horizon next);
  KeptEvents events_to_keep() const;

  MachineId id_;
  const MasterData* master_;  // borrowed: the engine replaces it by use() before it goes
  Timeline timeline_;
  Pieces pieces_;
  SortedRuns<QualityRecord, ByIdentity> quality_;
  SortedRuns<EnergyRecord, ByIdentity> energy_;
  std::optional<Timestamp> first_event_, last_event_;
  std::string damage_;
  TouchedTime* touched_ = nullptr;              // borrowed: who watches
  bool loading_ = false;                        // events are put in their places, and nothing more
  std::optional<Sequence> restored_otherwise_;  // the commit of a checkpoint whose sums were others

  BucketFinder buckets_;  // the writer's
  Rollups rollups_;
  Timestamp settled_ = kBeginOfTime;  // the cells hold the timeline up to here
  Horizon horizon_;
  std::vector<HeardRun> heard_before_;  // by events before the horizon; none are after it
  Sequence tail_revision_ = 0;
};

}  // namespace takt
