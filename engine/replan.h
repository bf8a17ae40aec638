// How a new description of the plant takes hold of the past while events come in and figures are asked for.
// Private to the engine.
//
// Like moving a running machine to another house: plan() compiles the description beside the one in use, and has
// the machines that it may concern watched. rehearse() works out by how much each of their cells will differ, day
// by day, each under a short look, and again where commits have changed something since. put() does the little
// that is left on the committer's thread, makes the change durable, and lets all figures go over to it at once.
#pragma once

#include "engine/audit.h"
#include "engine/commit_times.h"
#include "engine/disk.h"
#include "engine/plant_codec.h"
#include "engine/plant_difference.h"
#include "engine/rehearsal.h"

#include <deque>
#include <functional>
#include <set>
#include <stop_token>

namespace takt {

class Store::Replan {
 public:
  /// `given_up`: nobody waits for it any more. All of it is called by one thread, but where said.
  Replan(Store& store, Plant wanted, std::optional<Timestamp> valid_from, Author author, std::stop_token given_up);
  /// What was not put leaves no trace.
  ~Replan();

  Result<void> plan();
  /// Which machines are concerned, by their events: change() tells.
  Result<void> find();
  /// cancelled, or unavailable: nothing is taken in any more.
  Result<void> rehearse();
  /// False: what it was planned on is another now; plan it anew.
  Result<bool> put();
  const PlantChange& change() const { return change_; }

  /// Of the committer's thread, under the gate: an event names a state for the first time.
  void know_state(NameId folded) { next_->know_state(folded, store_.names_); }

 private:
  using Day = std::int64_t;  // of UTC, since 1970: sums of whole local days and shifts need not lie in one

  /// A machine that may be concerned.
  struct Part {
    MachineId machine{};
    PlantDifference::OfMachine differs;
    TouchedTime touched;  // by the committer, under the gate
    bool concerned = false;
    std::set<Day> due;
    std::map<Day, CellChanges> days;
    TimeRange life{kEndOfTime, kBeginOfTime};
    Timestamp settled_now, settled_next;
  };

  // On the committer's thread:
  Result<void> prepare();
  Result<std::vector<std::pair<Timestamp, Plant>>> versions();
  bool is_current();
  Result<bool> put_now();
  Result<void> write();
  AuditEntry audit_entry() const;
  void go_over();
  void use(MachineRecord& record, const Part* part);
  void leave();

  enum class Until : std::uint8_t { done, a_while };
  bool step(Part& part, const MachineRecord& record, Until until);
  void take_up(Part& part, const Rehearsal& rehearsal);
  static void make_due(Part& part, TimeRange range);
  Result<std::size_t> round();
  Result<void> look(const std::function<void(const StoreView&)>& at);
  std::optional<Error> reason_to_leave() const;
  void count_concerned();
  void tell_progress(std::size_t days_left);
  std::string progress_text() const;
  Rehearsal rehearsal(const Part& part, const MachineRecord& record) const;

  Store& store_;
  const Plant wanted_;
  const std::optional<Timestamp> wanted_from_;
  const Author author_;
  const std::stop_token given_up_;

  Plant merged_;  // with what events refer to
  Timestamp horizon_;
  PlantVersions versions_;
  std::optional<KeptZone> zone_;  // of the newest
  std::vector<std::string> new_machines_;
  std::unique_ptr<MasterData> next_;
  std::optional<PlantDifference> difference_;
  std::deque<Part> parts_;  // never move: records know where they are touched
  std::map<MachineId, Part*> part_of_;
  PlantChange change_;
  CommitTime time_;
  bool watching_ = false;
  std::size_t days_done_ = 0;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now(), told_;
};

}  // namespace takt
