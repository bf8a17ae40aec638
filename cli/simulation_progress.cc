#include "cli/simulation_progress.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>

namespace takt {
namespace {

Result<SimulationProgress> parse(const std::string& text) try {
  const boost::json::object object = boost::json::parse(text).as_object();
  SimulationProgress progress;
  progress.machines = boost::json::value_to<std::size_t>(object.at("machines"));
  progress.seed = boost::json::value_to<std::uint64_t>(object.at("seed"));
  for (const auto& [key, time] :
       {std::pair{"from", &progress.from}, std::pair{"sent_until", &progress.sent_until}}) {
    const Result<Timestamp> parsed = parse_time(object.at(key).as_string().c_str());
    if (!parsed) return parsed.error();
    *time = *parsed;
  }
  return progress;
} catch (const std::exception& problem) {
  return corruption(problem.what());
}

}  // namespace

Result<std::optional<SimulationProgress>> load_progress(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) return std::optional<SimulationProgress>{};
  const std::string text{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  const Result<SimulationProgress> progress = parse(text);
  if (!progress) return corruption(file + " is no state of a simulation; remove it to begin anew");
  return std::optional<SimulationProgress>{*progress};
}

Result<bool> save_progress(const std::string& file, const SimulationProgress& progress) {
  const boost::json::object object = {{"machines", progress.machines},
                                      {"seed", progress.seed},
                                      {"from", format_time(progress.from)},
                                      {"sent_until", format_time(progress.sent_until)}};
  const std::string fresh = file + ".new";
  std::ofstream out{fresh, std::ios::binary};
  out << boost::json::serialize(object) << '\n';
  out.close();
  if (!out || std::rename(fresh.c_str(), file.c_str()) != 0) return io_error(file + " cannot be written");
  return true;
}

}  // namespace takt
