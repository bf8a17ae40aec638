#include "engine/plant_codec.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace takt {

std::string encode_plants(const PlantVersions& versions) {
  boost::json::array list;
  for (const auto& [from, plant] : versions) {
    list.push_back(boost::json::object{{"valid_from", micros(from)}, {"plant", to_json(plant)}});
  }
  return boost::json::serialize(list);
}

Result<PlantVersions> decode_plants(std::string_view text) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
  if (error || !value.is_array()) return corruption("a stored plant description is damaged");
  PlantVersions versions;
  for (const boost::json::value& entry : value.get_array()) {
    const auto* object = entry.if_object();
    const auto* from = object == nullptr ? nullptr : object->if_contains("valid_from");
    const auto* description = object == nullptr ? nullptr : object->if_contains("plant");
    if (from == nullptr || !from->is_int64() || description == nullptr)
      return corruption("a stored plant description is damaged");
    auto plant = parse_stored_plant_json(boost::json::serialize(*description));
    if (!plant) return corruption("a stored plant description is not understood: " + plant.error().context);
    versions.emplace_back(from_micros(from->get_int64()), std::move(*plant));
  }
  return versions;
}

}  // namespace takt
