#include "ingest/mqtt/json_reader.h"
#include "tests/ingest/mqtt/fuzz.h"
#include "tests/ingest/mqtt/fuzz_batch.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

namespace takt::fuzz {
namespace {

constexpr std::array<std::string_view, 4> kTopics = {"takt/M1/state", "takt/x", "plant/M1/press",
                                                     "plant/M2/state"};

std::unique_ptr<MqttReader> reader_of(bool with_options) {
  Plant plant;
  for (const char* id : {"M1", "M2"}) plant.machines.emplace_back().id = id;
  DataSource source;
  if (with_options) source.options = {{"time", "_ts"}, {"name", "address"}};
  return make_json_reader(plant, source).value();
}

}  // namespace

std::size_t mqtt_json(std::string_view data) {
  static const std::array<std::unique_ptr<MqttReader>, 2> readers = {reader_of(false), reader_of(true)};
  if (data.empty()) return 0;
  const auto choice = static_cast<unsigned char>(data.front());
  const std::vector<char> payload{data.begin() + 1, data.end()};
  EventBatch batch;
  MqttOutcome outcome;
  readers.at(choice / 4 % 2)
      ->read({kTopics.at(choice % 4), {payload.data(), payload.size()}, 1, choice >= 128},
             from_micros(1'700'000'000'000'000), batch, outcome);
  check_batch(batch);
  if (batch.raw.size() != batch.events.size() && !batch.raw.empty()) std::abort();
  return batch.events.size();
}

}  // namespace takt::fuzz
