// The store as it was: a plant and some machines made anew from what was committed by then. Private to the engine.
//
// Nothing is shared with the store but its history, which is read from the disk: names, descriptions and records
// are the replay's own. It goes the way of a commit, through the same functions, so figures and revisions come out
// as they were.
#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <vector>

#include "engine/events/event_log.h"

namespace takt {

/// What a view of the past looks at.
struct StoreView::Past {
  Names names;
  MachineNumbers numbers;
  std::vector<std::pair<Sequence, std::unique_ptr<MasterData>>> masters;  ///< by the commit that each holds from
  std::vector<std::unique_ptr<MachineRecord>> machines;
  Sequence commit = 0;
};

class Store::Replay {
 public:
  Replay(const Store& store, Timestamp then, Sequence commit, const std::stop_token& stop);

  /// The plant as it was described, with machines that nothing has happened to yet.
  Result<void> describe();
  /// What had happened to these machines. Errors as for Store::as_of().
  Result<void> replay(const std::vector<MachineId>& machines);
  std::shared_ptr<const StoreView::Past> past() const { return past_; }

 private:
  /// A machine on its way through the commits.
  struct Course {
    MachineRecord* record = nullptr;
    std::size_t next_master = 1;
    Sequence commit = 0;
    bool stale = false;  // when it was heard is to be asked anew at the end of the commit
    // When its readings were taken, no further apart than told; none: not asked yet.
    std::optional<std::pair<Duration, std::vector<HeardRun>>> readings;
  };

  std::vector<Horizon> horizons(const std::vector<MachineId>& machines) const;
  Result<void> add_master(Sequence commit, std::vector<std::pair<Timestamp, Plant>> versions);
  void begin(const std::vector<MachineId>& machines);
  Result<void> apply_kept(const std::set<MachineId>& machines);
  Result<void> advance(Course& course, Sequence commit);
  Result<void> apply(Course& course, const Event& event, Sequence commit);
  Result<void> finish_commit(Course& course);
  Result<void> finish(Course& course);
  Result<void> rebuild_heard(Course& course);
  Result<void> ask_readings(Course& course, Duration gap) const;
  Result<void> scan_readings(MachineId machine, Duration gap, std::vector<HeardRun>& runs) const;
  void know_state(const Event& event);
  Duration silence_timeout(const Course& course) const;

  const Store& store_;
  Timestamp then_;
  std::stop_token stop_;
  std::shared_ptr<StoreView::Past> past_;
  std::map<MachineId, Course> courses_;
  std::set<NameId> states_;
};

}  // namespace takt
