// Small random plants and what happened in them, to set two ways of computing against each other.
#pragma once

#include "schema/plant.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// A few days of a plant of one to three machines, around a change of the clock of its zone where there is one.
/// Events are valid, in random order, some of them sent several times, corrected, withdrawn before or after they
/// came, their times spelt in several ways. What the contract leaves open does not occur: contents that differ in
/// one identity differ in revision, no two orders start at one instant, classifications of one instant differ in
/// `recorded_at`, nothing happens at `now` itself.
struct RandomHistory {
  std::string plant_toml;  ///< the same description as `plant`
  Plant plant;
  std::vector<nlohmann::json> events;  ///< a few lie up to five minutes after `now`
  Timestamp now;
  TimeRange span;  ///< holds every event
};

/// The same seed gives the same history on every machine.
RandomHistory random_history(std::uint64_t seed);

/// A description that is sent later.
struct LaterDescription {
  Plant plant;
  std::optional<Timestamp> valid_from;  ///< none: for all time
};

/// Up to four further descriptions of a history's plant, mostly valid from some moment of its past on: other
/// cycles, limits, time-outs, moduli, categories of states and reasons, breaks and closures, no shifts or those of
/// before, policies, machines switched off and on again. What the contract leaves open does not occur: shifts that
/// overlap one of the description before, another zone.
std::vector<LaterDescription> random_descriptions(const RandomHistory& history, std::uint64_t seed);

/// A range to ask for: on plant-wall hours or anywhere, mostly inside the span, sometimes beyond now.
TimeRange random_range(const RandomHistory& history, std::uint64_t seed);

}  // namespace takt
