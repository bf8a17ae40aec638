#include "engine/replay.h"

#include <algorithm>

#include "engine/committer.h"
#include "engine/plant_codec.h"

namespace takt {

StoreView::StoreView(const Store& store, std::shared_ptr<const Past> past)
    : store_(&store),
      past_(std::move(past)),
      names_(&past_->names),
      numbers_(&past_->numbers),
      master_(past_->masters.back().second.get()),
      machines_(&past_->machines),
      sequence_(past_->commit) {}

Result<StoreView> Store::as_of(Timestamp then, const ChooseMachines& choose, const std::stop_token& stop) const {
  {
    StoreView now{*this};
    if (commit_times_->is_newest_by(then)) return now;
  }
  auto commit = commit_times_->commit_at(then);
  if (!commit) return commit.error();
  *commit = std::min(*commit, sequence());  // one that is on disk may not be seen yet
  Replay replay{*this, then, *commit, stop};
  if (const auto described = replay.describe(); !described) return described.error();
  const auto machines = choose(StoreView{*this, replay.past()});
  if (!machines) return machines.error();
  if (const auto replayed = replay.replay(*machines); !replayed) return replayed.error();
  return StoreView{*this, replay.past()};
}

Store::Replay::Replay(const Store& store, Timestamp then, Sequence commit, const std::stop_token& stop)
    : store_(store), then_(then), stop_(stop), past_(std::make_shared<StoreView::Past>()) {
  past_->commit = commit;
}

// ---------------------------------------- the plant

Result<void> Store::Replay::describe() {
  if (const auto none = add_master(0, {{kBeginOfTime, Plant{}}}); !none) return none;
  Result<void> outcome;
  const auto read = store_.disk_->scan(Disk::meta, "p", [&](std::string_view key, std::string_view value) {
    if (key[0] != 'p' || stop_.stop_requested()) return false;
    const Sequence commit = sequence_of_key(key.substr(1));
    if (key.size() != 9) return true;
    if (commit > past_->commit) return false;
    auto versions = decode_plants(value);
    outcome = versions ? add_master(commit, std::move(*versions)) : versions.error();
    return outcome.has_value();
  });
  if (!read) return read;
  if (stop_.stop_requested()) return cancelled();
  if (!outcome) return outcome;
  const StoreView now = store_.read();
  past_->machines.resize(past_->numbers.size());
  for (std::uint32_t i = 0; i < past_->machines.size(); ++i) {
    auto& machine = past_->machines[i];
    machine = std::make_unique<MachineRecord>(MachineId{i}, past_->names, *past_->masters.back().second);
    machine->set_damage(now.machine(MachineId{i}).damage());
  }
  return {};
}

Result<void> Store::Replay::add_master(Sequence commit, std::vector<std::pair<Timestamp, Plant>> versions) {
  {
    const StoreView now = store_.read();
    for (const auto& [from, plant] : versions) {
      for (const Machine& machine : plant.machines) {
        if (const auto id = now.numbers().find(machine.id)) past_->numbers.add(machine.id, *id);
      }
    }
  }
  const auto zone = store_.zones_.named(versions.back().second.timezone);
  if (!zone) return zone.error();
  past_->masters.emplace_back(commit, std::make_unique<MasterData>(MasterData::compile(
                                          std::move(versions), *zone, past_->names, past_->numbers)));
  return {};
}

// ---------------------------------------- machines

std::vector<Horizon> Store::Replay::horizons(const std::vector<MachineId>& machines) const {
  std::vector<Horizon> horizons;
  const StoreView now = store_.read();
  for (const MachineId machine : machines) horizons.push_back(now.machine(machine).horizon());
  return horizons;
}

Result<void> Store::Replay::replay(const std::vector<MachineId>& machines) {
  const std::set<MachineId> chosen{machines.begin(), machines.end()};
  for (std::vector<Horizon> before; before != horizons(machines);) {
    // Retention that takes events away meanwhile would leave a history that begins where no record does.
    before = horizons(machines);
    begin(machines);
    if (const auto kept = apply_kept(chosen); !kept) return kept;
    Result<void> outcome;
    const auto visited =
        store_.events_->visit_machines(chosen, past_->commit, [&](Sequence commit, const Event& event) {
          outcome = apply(courses_.at(*past_->numbers.find(event.machine)), event, commit);
          return outcome.has_value();
        });
    if (!outcome) return outcome;
    if (!visited) return visited;
    for (auto& [machine, course] : courses_) {
      if (const auto finished = finish(course); !finished) return finished;
    }
  }
  return {};
}

void Store::Replay::begin(const std::vector<MachineId>& machines) {
  courses_.clear();
  const StoreView now = store_.read();
  for (const MachineId id : machines) {
    auto& machine = past_->machines[index_of(id)];
    machine = std::make_unique<MachineRecord>(id, past_->names, *past_->masters.front().second);
    machine->begin_after(now.machine(id));
    courses_[id].record = machine.get();
  }
}

/// Of before a horizon only what is needed now is kept, and that is used whenever it came: what it took the place
/// of is gone.
Result<void> Store::Replay::apply_kept(const std::set<MachineId>& machines) {
  std::set<MachineId> forgetful;
  for (const MachineId machine : machines) {
    if (courses_.at(machine).record->horizon() != Horizon{}) forgetful.insert(machine);
  }
  if (forgetful.empty()) return {};
  return store_.events_->visit_machines(forgetful, store_.sequence(), [&](Sequence commit, const Event& event) {
    Course& course = courses_.at(*past_->numbers.find(event.machine));
    const Horizon& horizon = course.record->horizon();
    const bool of_timeline = event.type == EventType::state || event.type == EventType::classify;
    if (commit <= past_->commit || event.at >= (of_timeline ? horizon.timeline : horizon.pieces)) return true;
    know_state(event);
    course.record->apply(event, rank_of(event), past_->names, 0);
    return !stop_.stop_requested();
  });
}

/// Descriptions of up to `commit` are used.
Result<void> Store::Replay::advance(Course& course, Sequence commit) {
  for (; course.next_master < past_->masters.size() && past_->masters[course.next_master].first <= commit;
       ++course.next_master) {
    const auto& [changed, master] = past_->masters[course.next_master];
    if (const auto done = finish_commit(course); !done) return done;
    const Duration before = silence_timeout(course);
    course.commit = changed;
    course.record->use(*master, changed);
    const Duration after = master->latest().settings(course.record->id()).silence_timeout;
    course.stale = before != after;
  }
  if (course.commit == commit) return {};
  if (const auto done = finish_commit(course); !done) return done;
  course.commit = commit;
  return {};
}

Result<void> Store::Replay::apply(Course& course, const Event& event, Sequence commit) {
  if (stop_.stop_requested()) return cancelled();
  if (const auto advanced = advance(course, commit); !advanced) return advanced;
  // A withdrawn event, or a cycle with another end, may have been all that was heard at its time.
  const bool unheard = event.deleted || course.record->corrects_cycle(event, past_->names);
  course.stale = course.stale || (unheard && silence_timeout(course) > Duration{0});
  if (const auto known = course.record->known(event, past_->names); known && *known >= rank_of(event)) return {};
  know_state(event);
  course.record->apply(event, rank_of(event), past_->names, commit);
  return {};
}

Result<void> Store::Replay::finish_commit(Course& course) {
  if (!course.stale) return {};
  course.stale = false;
  return rebuild_heard(course);
}

Result<void> Store::Replay::finish(Course& course) {
  if (const auto advanced = advance(course, past_->commit); !advanced) return advanced;
  if (const auto done = finish_commit(course); !done) return done;
  if (!course.readings || course.readings->second.empty()) return {};
  const std::vector<HeardRun>& runs = course.readings->second;
  course.record->heard_reading(runs.front().first, past_->commit);
  course.record->heard_reading(runs.back().last, past_->commit);
  return {};
}

void Store::Replay::know_state(const Event& event) {
  if (event.type != EventType::state || event.deleted) return;
  const NameId state = folded_state(event.state, past_->names);
  if (!states_.insert(state).second) return;
  for (const auto& [commit, master] : past_->masters) master->know_state(state, past_->names);
}

// ---------------------------------------- silence

Duration Store::Replay::silence_timeout(const Course& course) const {
  const MasterData& master = *past_->masters[course.next_master - 1].second;
  return master.latest().settings(course.record->id()).silence_timeout;
}

Result<void> Store::Replay::rebuild_heard(Course& course) {
  const Duration gap = silence_timeout(course);
  std::vector<HeardRun> runs;
  if (gap > Duration{0}) {
    if (const auto asked = ask_readings(course, gap); !asked) return asked;
    runs = course.readings->second;
    course.record->collect_heard(runs);
  }
  course.record->set_heard(joined_runs(std::move(runs), gap), course.commit);
  return {};
}

/// Readings in chunks do not tell their commit, so all that are known now count, up to then.
Result<void> Store::Replay::ask_readings(Course& course, Duration gap) const {
  if (course.readings && course.readings->first <= gap) return {};
  std::vector<HeardRun> runs;
  const MachineId machine = course.record->id();
  if (const auto scanned = scan_readings(machine, gap, runs); !scanned) return scanned;
  store_.committer_->run_task([&] {
    const auto before = store_.heard_before_.find(machine);
    if (before == store_.heard_before_.end()) return;
    runs.insert(runs.end(), before->second.begin(), before->second.end());
  });
  runs = joined_runs(std::move(runs), gap);
  std::erase_if(runs, [&](const HeardRun& run) { return run.first > then_; });
  if (!runs.empty()) runs.back().last = std::min(runs.back().last, then_);
  course.readings = {gap, std::move(runs)};
  return {};
}

Result<void> Store::Replay::scan_readings(MachineId machine, Duration gap, std::vector<HeardRun>& runs) const {
  std::vector<SeriesSnapshot> tags;
  {
    const StoreView now = store_.read();
    for (const ReadingSeries* series : now.series_of(machine))
      tags.push_back(series->snapshot({kBeginOfTime, then_}));
  }
  for (const SeriesSnapshot& tag : tags) {
    std::vector<HeardRun> of_tag;
    const auto scanned =
        tag.scan(*store_.disk_, [&](const ReadingColumns& rows, std::size_t first, std::size_t last) {
          for (std::size_t i = first; i < last; ++i)
            append_run(of_tag, {from_micros(rows.at[i]), from_micros(rows.at[i])}, gap);
          return !stop_.stop_requested();
        });
    if (stop_.stop_requested()) return cancelled();
    if (!scanned) return scanned.error();
    runs.insert(runs.end(), of_tag.begin(), of_tag.end());
  }
  return {};
}

}  // namespace takt
