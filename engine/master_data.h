// The plant description as the engine uses it: compiled to numbers, one version after another in time.
#pragma once

#include "engine/calendar.h"
#include "engine/names.h"
#include "schema/plant.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace takt {

/// A machine's number: stable for the life of the data folder, part of stored keys.
enum class MachineId : std::uint32_t {};
inline constexpr std::uint32_t index_of(MachineId id) { return static_cast<std::uint32_t>(id); }

/// Machine names and their stable numbers.
class MachineNumbers {
 public:
  std::optional<MachineId> find(std::string_view name) const {
    const auto at = ids_.find(name);
    return at == ids_.end() ? std::nullopt : std::optional{at->second};
  }
  MachineId add(std::string_view name, MachineId id) {
    ids_.emplace(std::string{name}, id);
    if (names_.size() <= index_of(id)) names_.resize(index_of(id) + 1);
    names_[index_of(id)] = name;
    return id;
  }
  std::size_t size() const { return names_.size(); }
  const std::string& name(MachineId id) const { return names_[index_of(id)]; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, MachineId, Hash, std::equal_to<>> ids_;
  std::vector<std::string> names_;
};

/// What the plant description says of one machine.
struct MachineSettings {
  Duration minor_stop{0};
  Duration silence_timeout{0};
  std::int64_t counter_modulus = 0;
  std::optional<Duration> ideal_cycle;
  bool active = true;
  const ShiftPlan* plan = nullptr;  // owned by the PlantVersion
};

/// The ideal cycle of a piece, and which entry of the description gives it.
struct UsedCycle {
  enum class Source : std::uint8_t { none, machine, ideal_cycle };
  Source source = Source::none;
  std::optional<Duration> cycle;
  TimeRange valid;  ///< of the [[ideal_cycle]] entry
};

/// Why a moment is not planned operation time.
enum class Unplanned : std::uint8_t { no_shift, break_, closure };

/// What a moment is in a machine's plan.
struct PlanMoment {
  bool planned = true;
  Unplanned why = Unplanned::no_shift;  ///< if it is not planned
  std::optional<Bucket> shift;          ///< none between shifts, and where there is no shift plan
  Timestamp until;                      ///< nothing of this changes before
};

/// One description and the span of time that it holds for. Immutable, but for know_state().
class PlantVersion {
 public:
  PlantVersion(Plant plant, TimeRange valid, std::shared_ptr<const WallClock> wall, Names& names,
               const MachineNumbers& machines);

  const Plant& plant() const { return plant_; }
  TimeRange valid() const { return valid_; }
  const WallClock& wall() const { return *wall_; }
  /// Of a machine that this description leaves out: the defaults, inactive.
  const MachineSettings& settings(MachineId machine) const {
    return index_of(machine) < settings_.size() ? settings_[index_of(machine)] : missing_;
  }
  /// Whether there is a machine whose silence counts.
  bool any_silence_timeout() const { return any_silence_timeout_; }
  struct StateEntry {
    TimeCategory category = TimeCategory::stop;
    NameId shown = NameId::none;  ///< the spelling for answers
  };
  /// Writer only: what a state means here, whether it is known or not.
  StateEntry meaning_of(NameId folded, Names& names) const;
  /// Writer only, before a state's first use: `folded` is the lower-case spelling.
  void know_state(NameId folded, Names& names);
  TimeCategory category_of_state(NameId folded) const;
  /// The states known so far, by their lower-case spelling.
  std::vector<NameId> states() const;
  /// The spelling for answers.
  NameId shown_state(NameId folded) const;
  ReasonCategory category_of_reason(NameId reason) const;
  /// The reasons described.
  std::vector<NameId> reasons() const;
  std::optional<Duration> ideal_cycle(MachineId machine, NameId product, Timestamp t) const {
    return used_cycle(machine, product, t).cycle;
  }
  UsedCycle used_cycle(MachineId machine, NameId product, Timestamp t) const;
  /// All [[ideal_cycle]] entries, as `visit(MachineId, NameId product, TimeRange valid)`.
  template <class Visit>
  void visit_cycles(Visit visit) const {
    for (const auto& [key, list] : cycles_) {
      for (const Cycle& cycle : list)
        visit(MachineId{static_cast<std::uint32_t>(key >> 32U)}, NameId{static_cast<std::uint32_t>(key)},
              cycle.valid);
    }
  }

 private:
  const ShiftPlan* plan_for(const Machine& machine);

  struct Cycle {
    TimeRange valid;
    Duration cycle{0};
  };
  Plant plant_;
  TimeRange valid_;
  std::shared_ptr<const WallClock> wall_;
  std::vector<MachineSettings> settings_;
  MachineSettings missing_;
  bool any_silence_timeout_ = false;
  std::map<std::string, std::unique_ptr<ShiftPlan>> plans_;  // by the scopes that make them
  std::unordered_map<NameId, StateEntry> states_;
  std::unordered_map<NameId, ReasonCategory> reasons_;
  std::unordered_map<std::uint64_t, std::vector<Cycle>> cycles_;  // by machine and product, best first
};

/// All versions in order of time. The first reaches back for ever, the last ahead for ever. Immutable, but for
/// know_state(). Readers and the writer share it under the engine's lock.
class MasterData {
 public:
  MasterData() = default;
  /// `versions` by valid_from; the wall clock is that of `zone`, which is the last one's.
  static MasterData compile(std::vector<std::pair<Timestamp, Plant>> versions, const Zone& zone, Names& names,
                            const MachineNumbers& machines);

  const PlantVersion& at(Timestamp t) const;
  const PlantVersion& latest() const { return *versions_.back(); }
  const WallClock& wall() const { return latest().wall(); }
  std::vector<std::pair<Timestamp, Plant>> descriptions() const;
  const std::vector<std::shared_ptr<PlantVersion>>& versions() const { return versions_; }
  /// The next moment after `t` at which another version begins.
  Timestamp next_change(Timestamp t) const;
  void know_state(NameId folded, Names& names);

  ShiftPlan::Planned planned_at(MachineId machine, Timestamp t) const;
  PlanMoment plan_at(MachineId machine, Timestamp t) const;
  Duration planned_time(MachineId machine, TimeRange range) const;
  std::optional<Timestamp> first_planned(MachineId machine, TimeRange range) const;
  std::optional<Bucket> shift_at(MachineId machine, Timestamp t) const;
  std::optional<Bucket> shift_begun_by(MachineId machine, Timestamp t) const;
  std::optional<Bucket> next_shift(MachineId machine, Timestamp t) const;

 private:
  std::size_t index_at(Timestamp t) const;
  bool has_shifts(MachineId machine, std::size_t version) const;
  Bucket day_for_shift(MachineId machine, std::size_t version, Timestamp t) const;
  std::optional<Bucket> next_day_for_shift(MachineId machine, std::size_t version, Timestamp t) const;
  std::vector<std::shared_ptr<PlantVersion>> versions_;
};

}  // namespace takt
