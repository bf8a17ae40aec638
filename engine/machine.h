// One machine: what it reported, the timeline that follows from it, and the rollups kept of both.
//
// The rule of the whole engine stands here. Every figure is a sum of contributions of stretches of the timeline
// and of pieces. An event that arrives, whenever and in whatever order, takes the contributions of the stretch
// that it touches out of the sums, is put in its place, and the stretch's new contributions are added. So the sums
// depend on the set of events alone. What still lasts is not in the sums: it is added when they are read, so
// nothing stored depends on the clock.
#pragma once

#include "engine/account.h"
#include "engine/master_data.h"
#include "engine/records.h"
#include "engine/sorted_runs.h"

#include <map>
#include <optional>
#include <vector>

namespace takt {

/// The commit that changed something.
using Sequence = std::uint64_t;

/// State names compare without regard to case: the lower-case spelling, as records keep it.
NameId folded_state(std::string_view state, Names& names);

/// A stretch of the timeline that is alike throughout.
struct Segment {
  TimeRange range;
  NameId state = NameId::none;  ///< lower-case spelling; none: no state known
  NameId reason = NameId::none;
  TimeCategory category = TimeCategory::unknown;
  bool minor_stop = false;
  bool open = false;  ///< still lasts at the moment asked for
};

/// An unbroken stretch of stop time with one reason or none, or of failures; judged whole, before any cut.
struct StopStretch {
  TimeRange range;
  NameId reason = NameId::none;
  bool minor = false;
  bool open = false;
};

/// What a rollup keeps of one bucket.
struct Cell {
  TimeRange range;
  Account account;
  Sequence revision = 0;
};

/// The running order and its product.
struct RunningOrder {
  Timestamp from;
  NameId order = NameId::none, product = NameId::none;
};

/// One piece event or counter increase as it is counted.
struct CountedPieces {
  Timestamp at;
  NameId product = NameId::none, order = NameId::none, defect = NameId::none;
  std::int64_t good = 0, scrap = 0, rework = 0;
  bool startup = false;
};

/// The engine's writer changes it, any reader reads it, under the engine's lock.

class MachineRecord {
 public:
  MachineRecord(MachineId id, Names& names, const MasterData& master);

  MachineId id() const { return id_; }

  // ------------------------------------------------------------------------------------------------ judging,
  // applying

  /// The rank of the event of this identity that is known, or none. Readings are judged by the reading store.
  std::optional<Rank> known(const Event& event, Names& names) const;
  /// Whether the event is a cycle whose identity is known: what it replaces may have ended at another time.
  bool corrects_cycle(const Event& event, Names& names) const {
    return event.type == EventType::cycle && known(event, names).has_value();
  }
  /// Takes an event in that outranks what is known of its identity. `commit` is at least that of every earlier
  /// call.
  void apply(const Event& event, const Rank& rank, Names& names, Sequence commit);
  /// A reading was taken in: the machine was heard at `t`.
  void heard_reading(Timestamp t, Sequence commit);
  /// A reading was withdrawn or the silence time-out has changed: all times that the machine was heard, sorted.
  void set_heard(const std::vector<Timestamp>& times, Sequence commit);
  /// The description has changed: computes all sums anew. Buckets that changed get the revision `commit`.
  void use(const MasterData& master, Sequence commit);
  /// Times of all live events but readings and classifications.
  void collect_heard(std::vector<Timestamp>& times) const;

  // ------------------------------------------------------------------------------------------------ reading

  /// Sums over `range`, up to `now`. Whole buckets come from the rollups, edges from the events.
  Account account(TimeRange range, Timestamp now) const;
  /// The same from the events alone; for tests and verification.
  Account account_from_events(TimeRange range, Timestamp now) const;
  /// Computes all sums anew from the events and compares them with those kept: what differs, or nothing.
  std::optional<std::string> check() const;
  /// The commit that last changed the figures of the bucket that begins at `range.begin`.
  Sequence revision(Grain grain, TimeRange range) const;
  /// The newest commit that changed a figure within the range.
  Sequence revision_within(TimeRange range) const;
  /// Gapless segments that cover `range` up to `now`, whole at the edges: not cut to `range`.
  std::vector<Segment> segments(TimeRange range, Timestamp now) const;
  /// Stops that touch `range`, whole.
  std::vector<StopStretch> stops(TimeRange range, Timestamp now) const;
  /// Pieces counted in `range`, by time.
  std::vector<CountedPieces> pieces(TimeRange range) const;
  RunningOrder running_order(Timestamp t) const;
  /// Product of the running order, or else of the last piece counted by `t`.
  NameId product_at(Timestamp t) const;
  /// The first and last moment that the machine was heard of; empty if never.
  std::optional<Timestamp> first_event() const { return first_event_; }
  std::optional<Timestamp> last_event() const { return last_event_; }
  const std::map<Timestamp, Cell>& cells(Grain grain) const {
    return grain == Grain::hour ? hours_ : grain == Grain::day ? days_ : shifts_;
  }
  Sequence tail_revision() const { return tail_revision_; }
  /// From here on figures are not in the cells but follow from the last state.
  Timestamp settled_until() const { return settled_; }

  const SortedRuns<OrderRecord, ByIdentity>& orders() const { return orders_; }
  const SortedRuns<QualityRecord, ByIdentity>& quality() const { return quality_; }
  const SortedRuns<EnergyRecord, ByIdentity>& energy() const { return energy_; }
  const SortedRuns<ClassifyRecord, ByIdentity>& classifications() const { return classifies_; }
  /// Every reason that a state or classification names.
  template <class Visit>
  void visit_reasons(Visit visit) const {
    for (const StateRecord& state : states_) visit(state.reason);
    for (const ClassifyRecord& classify : classifies_) visit(classify.reason);
  }
  std::size_t state_records() const { return states_.size(); }
  std::size_t piece_records() const { return pieces_.size() + counters_.size(); }

 private:
  struct HeardRun {
    Timestamp first, last;
  };
  struct RawSegment {
    TimeRange range;
    NameId state = NameId::none;
    NameId reason = NameId::none;
    TimeCategory category = TimeCategory::unknown;
    bool restable() const { return category != TimeCategory::production && category != TimeCategory::unknown; }
  };
  class RollupSink;
  using Deltas = std::map<std::pair<Grain, Timestamp>, Cell>;

  // Timeline.
  RawSegment raw_segment_at(Timestamp t) const;
  Timestamp stretch_begin(Timestamp t) const;
  Timestamp stretch_end(Timestamp t) const;
  std::optional<StateRecord> state_before(Timestamp t) const;
  std::optional<Timestamp> last_state() const;
  Timestamp settled_end() const;
  void append_stretch(TimeRange stretch, Timestamp now, std::vector<Segment>& out) const;
  NameId reason_at(Timestamp t, const std::vector<ClassifyRecord>& candidates, const TimeRange& stretch,
                   NameId own) const;
  template <class Sink>
  void accumulate_time(TimeRange clip, Timestamp now, Sink& sink) const;
  template <class Change>
  void change_timeline(TimeRange touched, Sequence commit, Change change);

  // Pieces.
  template <class Sink>
  void count(const CountedPieces& pieces, int sign, Sink& sink) const;
  CountedPieces resolved(CountedPieces pieces) const;
  std::optional<CountedPieces> increase_of(SortedRuns<CounterRecord, ByIdentity>::Iterator at) const;
  template <class Visit>
  void visit_pieces(TimeRange range, Visit visit) const;
  template <class Change>
  void change_pieces(TimeRange touched, Sequence commit, Change change);
  std::vector<RunningOrder> order_steps() const;
  TimeRange counter_reach(Timestamp t) const;

  void apply_state(const Event&, const Rank&, Names&, Sequence);
  void apply_classify(const Event&, const Rank&, Names&, Sequence);
  void apply_count(const Event&, const Rank&, Names&, Sequence);
  void apply_cycle(const Event&, const Rank&, Names&, Sequence);
  void apply_order(const Event&, const Rank&, Names&, Sequence);
  void heard(Timestamp t, Sequence commit);
  void withdraw_heard(Sequence commit);

  Deltas sums_from_events(Timestamp settled) const;
  void merge(const Deltas& deltas, Sequence commit);
  Cell& cell(Grain grain, Timestamp t);
  std::map<Timestamp, Cell>& table(Grain grain) {
    return grain == Grain::hour ? hours_ : grain == Grain::day ? days_ : shifts_;
  }

  MachineId id_;
  const MasterData* master_;  // borrowed: the engine replaces it by use() before it goes
  ByIdentity by_identity_;
  SortedRuns<StateRecord, ByIdentity> states_;
  SortedRuns<ClassifyRecord, ByIdentity> classifies_;
  SortedRuns<PieceRecord, ByIdentity> pieces_;
  SortedRuns<CycleRecord, ByIdentity> cycles_;
  SortedRuns<CounterRecord, ByIdentity> counters_;
  SortedRuns<OrderRecord, ByIdentity> orders_;
  SortedRuns<QualityRecord, ByIdentity> quality_;
  SortedRuns<EnergyRecord, ByIdentity> energy_;
  Duration longest_classify_{0};
  std::vector<RunningOrder> running_;  // steps, by time
  std::vector<HeardRun> heard_;        // kept only with a silence time-out
  std::optional<Timestamp> first_event_, last_event_;

  std::map<Timestamp, Cell> hours_, shifts_, days_;
  Timestamp settled_ = kBeginOfTime;  // the cells hold the timeline up to here
  Sequence tail_revision_ = 0;
};

}  // namespace takt
