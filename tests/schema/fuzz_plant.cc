#include "schema/plant.h"
#include "tests/schema/fuzz.h"

#include <boost/json/serialize.hpp>

#include <cstdlib>

namespace takt::fuzz {

/// What was read can be written in either way, and is read again alike.
bool plant(std::string_view data) {
  const auto plant = data.starts_with('{') ? parse_plant_json(data) : parse_plant_toml(data, "plant.toml");
  if (!plant) {
    if (plant.error().context.empty() || plant.error().code != ErrorCode::invalid_argument) std::abort();
    return false;
  }
  const std::string json = boost::json::serialize(to_json(*plant));
  const auto from_json = parse_plant_json(json);
  const auto from_toml = parse_plant_toml(to_toml(*plant), "plant.toml");
  if (!from_json || boost::json::serialize(to_json(*from_json)) != json) std::abort();
  if (!from_toml || boost::json::serialize(to_json(*from_toml)) != json) std::abort();
  return true;
}

}  // namespace takt::fuzz
