#include "ingest/validate.h"

#include "ingest/decode_body.h"
#include "schema/event_json.h"
#include "schema/retention.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace takt {
namespace {

/// Frequent spellings, so that they are found by hash; meaning_of_state() alone says what is known.
constexpr std::array<std::string_view, 14> kFrequentStates = {
    "running", "setup",   "idle",   "down",   "stopped", "planned_stop", "off",
    "unknown", "execute", "ACTIVE", "active", "READY",   "STOPPED",      "unavailable"};

Problem unknown(Rejection code, std::string_view what, std::string_view name, std::string_view remedy) {
  return {code, "The " + std::string(what) + " " + in_quotes(name) + " is not described in the plant; " +
                    std::string(remedy)};
}

/// The judgement of one batch: one clock, one retention.
class Judge {
 public:
  Judge(const PlantIndex& plant, Timestamp now, Timestamp horizon, const Permit* permit)
      : plant_(plant),
        may_only_classify_(permit != nullptr && permit->role == Role::operating),
        latest_(now + kMostAhead),
        oldest_reading_(retained_from(now, plant.plant().retention_readings_days)),
        oldest_event_(std::max(horizon, retained_from(now, plant.plant().retention_events_days))) {
    if (permit != nullptr && permit->is_limited()) reach_.emplace(*permit, plant.plant());
  }

  std::optional<Problem> operator()(const Event& event) const {
    if (may_only_classify_ && event.type != EventType::classify) {
      return Problem{Rejection::forbidden, "An operator's token classifies stops; events of type " +
                                               std::string{name_of(event.type)} + " come by one for ingest."};
    }
    if (std::optional<Problem> problem = unknown_name(event)) return problem;
    return wrong_time(event);
  }

 private:
  std::optional<Problem> unknown_name(const Event& event) const {
    if (reach_ && !reach_->covers(event.machine))
      return unknown(Rejection::unknown_machine, "machine", event.machine,
                     "or not of those that the token is for.");
    if (!plant_.plant().auto_register && !plant_.has_machine(event.machine)) {
      return unknown(Rejection::unknown_machine, "machine", event.machine, "add it, or set auto_register.");
    }
    if (event.type == EventType::state && !event.state.empty() && !plant_.has_state(event.state)) {
      return unknown(Rejection::unknown_state, "state", event.state, "add a [[state]], or use a built-in name.");
    }
    if (!event.reason.empty() && !plant_.has_reason(event.reason)) {
      return unknown(Rejection::unknown_reason, "reason", event.reason, "add a [[reason]].");
    }
    return std::nullopt;
  }

  std::optional<Problem> wrong_time(const Event& event) const {
    if (event.at > latest_ || (event.type == EventType::cycle && event.end > latest_)) {
      return Problem{Rejection::time_in_future,
                     "The time " +
                         format_time(std::max(event.at, event.type == EventType::cycle ? event.end : event.at)) +
                         " is more than 5 minutes ahead of the server's clock."};
    }
    if (event.at < (event.type == EventType::reading ? oldest_reading_ : oldest_event_)) {
      return Problem{Rejection::too_old,
                     "The time " + format_time(event.at) + " is before what the plant retains."};
    }
    return std::nullopt;
  }

  const PlantIndex& plant_;  // borrowed for one call of validate()
  bool may_only_classify_;
  std::optional<MachineReach> reach_;
  Timestamp latest_, oldest_reading_, oldest_event_;
};

/// Collects new machines once each; neighbours are mostly of the same machine.
class NewMachines {
 public:
  NewMachines(const PlantIndex& plant, std::vector<std::string>& ids) : plant_(plant), ids_(ids) {}

  void add(std::string_view id) {
    if (plant_.has_machine(id) || !seen_.insert(id).second) return;
    if (std::ranges::find(ids_, id) == ids_.end()) ids_.emplace_back(id);
  }

 private:
  const PlantIndex& plant_;        // borrowed for one call of validate()
  std::vector<std::string>& ids_;  // borrowed: the caller's
  std::unordered_set<std::string_view> seen_;
};

void refuse(EventBatch& batch, std::size_t i, Problem problem) {
  if (i < batch.raw.size() && !batch.raw[i].empty())
    return reject(batch, batch.indexes[i], std::move(problem), batch.raw[i], batch.events[i].machine);
  std::string json;
  append_json(json, batch.events[i]);
  reject(batch, batch.indexes[i], std::move(problem), json, batch.events[i].machine);
}

void move_event(EventBatch& batch, std::size_t from, std::size_t to) {
  if (from == to) return;
  batch.events[to] = batch.events[from];
  batch.indexes[to] = batch.indexes[from];
  if (from < batch.raw.size()) batch.raw[to] = batch.raw[from];
}

}  // namespace

PlantIndex::PlantIndex(Plant plant) : plant_(std::move(plant)) {
  for (const Machine& machine : plant_.machines) machines_.insert(machine.id);
  for (const Reason& reason : plant_.reasons) reasons_.insert(reason.code);
  for (const StateName& state : plant_.states) states_.insert(state.name);
  for (const std::string_view state : kFrequentStates) {
    if (meaning_of_state(plant_, state)) states_.emplace(state);
  }
}

bool PlantIndex::has_state(std::string_view state) const {
  return states_.contains(state) || meaning_of_state(plant_, state).has_value();
}

void validate(EventBatch& batch, const PlantIndex& plant, Timestamp now, std::vector<std::string>& new_machines,
              Timestamp horizon, const Permit* permit) {
  const Judge judge(plant, now, horizon, permit);
  NewMachines registered(plant, new_machines);
  const auto refused_before = static_cast<std::ptrdiff_t>(batch.rejected.size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    if (std::optional<Problem> problem = judge(batch.events[i])) {
      refuse(batch, i, std::move(*problem));
      continue;
    }
    registered.add(batch.events[i].machine);
    move_event(batch, i, kept++);
  }
  batch.events.resize(kept);
  batch.indexes.resize(kept);
  batch.raw.resize(std::min(batch.raw.size(), kept));
  std::inplace_merge(batch.rejected.begin(), batch.rejected.begin() + refused_before, batch.rejected.end(),
                     [](const RejectedEvent& a, const RejectedEvent& b) { return a.index < b.index; });
}

}  // namespace takt
