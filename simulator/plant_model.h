// The simulated plant: what stands where, how fast it should be, and its description for the server.
// A plant is a function of (number of machines, seed): the same on every platform and for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace takt {

/// How a machine reports its pieces; a real plant has all three.
enum class Reporting : std::uint8_t {
  counts,   ///< increments, about one event a minute
  counter,  ///< a running total that is reset with every order
  cycles,   ///< an event a piece: slow machines only
};

struct MachineModel {
  std::string id, name;
  std::vector<double> ideal_cycle_s;  ///< for each of the plant's products, whole hundredths
  double slowness = 1;                ///< actual over ideal cycle
  double failures_per_hour = 0;       ///< of production
  double minor_stops_per_hour = 0;
  double scrap_share = 0, rework_share = 0;
  std::int64_t buffer_pieces = 0;  ///< room before this machine
  std::int64_t tool_life_pieces = 0;
  double running_kw = 0;
  bool measures = false;  ///< sends `quality` events of the diameter
  Reporting reporting = Reporting::counts;
};

struct LineModel {
  std::string id, name;
  std::size_t area = 0;
  bool runs_through_breaks = false;
  bool names_product = false;  ///< counts carry product and order; else they take those of the running order
  std::vector<MachineModel> machines;
};

struct ProductModel {
  std::string id, name;
  double diameter_mm = 0;  ///< target; limits lie 0.05 mm around it
};

struct PlantModel {
  std::vector<std::string> areas;  ///< names; their ids are A1, A2 ...
  std::vector<LineModel> lines;
  std::vector<ProductModel> products;
};

inline constexpr double kDiameterTolerance = 0.05;
inline constexpr std::int64_t kSubgroupSize = 5;
inline constexpr std::int64_t kMinorStopSeconds = 180;

/// Lines of three to six machines (the last one what is left), `machines` in all, at least one.
PlantModel plant_model(std::size_t machines, std::uint64_t seed);
/// The whole description by contract section 2, as TOML.
std::string plant_toml(std::size_t machines, std::uint64_t seed);

}  // namespace takt
