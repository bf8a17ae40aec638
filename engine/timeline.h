// The timeline of one machine: what it did when, by its state events, classifications and silence.
#pragma once

#include "engine/contribution.h"
#include "engine/events/kept_events.h"
#include "engine/heard.h"
#include "engine/master_data.h"
#include "engine/records.h"
#include "engine/sorted_runs.h"

#include <memory>
#include <optional>
#include <vector>

namespace takt {

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

/// The engine's writer changes it, any reader reads it, under the engine's lock.
class Timeline {
 public:
  Timeline(MachineId machine, ByIdentity order, const MasterData& master, ColdArena* arena);
  ~Timeline();
  Timeline(Timeline&&) noexcept;
  /// What this would say if another description held. Borrows all events of this one, until it changes.
  Timeline under(const MasterData& master) const { return {*this, master}; }

  // ---------------------------------------- what it follows from

  /// `master` stays until the next call.
  void use(const MasterData& master) { master_ = &master; }
  void put(const StateRecord& state);
  void put(const ClassifyRecord& classify);
  const SortedRuns<StateRecord, ByIdentity>& states() const { return states_; }
  const SortedRuns<ClassifyRecord, ByIdentity>& classifications() const { return classifies_; }
  /// Adds what of before the horizon later figures need.
  void note_kept(KeptEvents& kept) const;
  /// Lets go of all else of before the horizon.
  void drop(const KeptEvents& kept);
  /// Of before nothing is said, whatever is still known of it: no stretch reaches over it.
  void begin_at(Timestamp horizon) { from_ = horizon; }

  /// What hearing the machine at a moment changes.
  struct Heard {
    TimeRange no_more_silent;  ///< may be empty
    bool goes_on = false;      ///< it was not silent just before
  };
  /// Nothing if nothing changes, as always without a silence time-out.
  std::optional<Heard> if_heard(Timestamp t) const;
  void hear(Timestamp t);
  /// All times that it was heard, by their beginning.
  void set_heard(const std::vector<HeardRun>& runs);
  /// None without a silence time-out.
  const std::vector<HeardRun>& heard_runs() const { return heard_; }
  void set_heard_runs(std::vector<HeardRun> runs) { heard_ = std::move(runs); }

  // ---------------------------------------- what it says

  /// Gapless segments that cover `range` up to `now`, whole at the edges: not cut to `range`.
  std::vector<Segment> segments(TimeRange range, Timestamp now) const;
  /// Stops that touch `range`, whole.
  std::vector<StopStretch> stops(TimeRange range, Timestamp now) const;
  /// Failures that touch `range`, whole; each with its first stop's reason.
  std::vector<StopStretch> failures(TimeRange range, Timestamp now) const;
  /// Adds the time and the stops of what lies in `clip`.
  void contribute(TimeRange clip, Timestamp now, ContributionSink& sink) const;

  std::optional<Timestamp> last_state() const;
  /// The latest state event before `t`.
  std::optional<StateRecord> state_before(Timestamp t) const;
  /// The beginning of the next state event after `t`, or the end of time.
  Timestamp next_state(Timestamp t) const;
  /// Everything before can change no more but by an event; from here on the last state's stretch lasts.
  Timestamp settled_end() const;
  /// The beginning of the unbroken stretch of time neither production nor unknown that ends at or holds `t`; else
  /// `t`.
  Timestamp stretch_begin(Timestamp t) const;
  /// The end of such a stretch that begins at or holds `t`; else `t`.
  Timestamp stretch_end(Timestamp t) const;

  /// What the state events alone say of a moment, classifications aside.
  struct RawSegment {
    TimeRange range;
    NameId state = NameId::none;
    NameId reason = NameId::none;
    TimeCategory category = TimeCategory::unknown;
    /// Of a stretch that classifications may explain, and that is judged whole.
    bool restable() const { return category != TimeCategory::production && category != TimeCategory::unknown; }
  };
  RawSegment raw_segment_at(Timestamp t) const;

 private:
  struct Lists;
  Timeline(const Timeline& other, const MasterData& master);

  class Walk;
  SortedRuns<StateRecord, ByIdentity>::Iterator first_after(Timestamp t) const;
  bool is_failure(const Segment& stop) const;
  Duration silence_timeout() const { return master_->latest().settings(machine_).silence_timeout; }
  std::vector<HeardRun>::const_iterator first_heard_after(Timestamp t) const;
  /// The segment at `t`, where `state` (or null) holds until `next`.
  RawSegment raw_segment(Timestamp t, const StateRecord* state, Timestamp next) const;
  RawSegment known_segment(Timestamp t, const StateRecord* state, Timestamp next) const;
  static Timestamp stretch_end(Walk walk, Timestamp t);
  void append_stretch(TimeRange stretch, Timestamp now, Walk& walk, std::vector<Segment>& out) const;
  NameId reason_at(Timestamp t, const std::vector<ClassifyRecord>& candidates, const TimeRange& stretch,
                   NameId own) const;

  MachineId machine_;
  const MasterData* master_;    // borrowed
  std::unique_ptr<Lists> own_;  // none of under(): then the lists are another's
  SortedRuns<StateRecord, ByIdentity>& states_;
  SortedRuns<ClassifyRecord, ByIdentity>& classifies_;
  Duration longest_classify_{0};
  Timestamp from_ = kBeginOfTime;
  std::vector<HeardRun>& heard_;  // more than the silence time-out apart; none without one
};

}  // namespace takt
