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
    auto plant = parse_stored_plant_json(boost::json::serialize(entry.at("plant")));
    if (!plant) return corruption("a stored plant description is not understood: " + plant.error().context);
    versions.emplace_back(from_micros(entry.at("valid_from").as_int64()), std::move(*plant));
  }
  return versions;
}

}  // namespace takt
