#include "ingest/signal_mapper.h"
#include "ingest/sparkplug/host.h"
#include "tests/ingest/mqtt/fuzz.h"
#include "tests/ingest/mqtt/fuzz_batch.h"

#include <simdjson.h>
#include <array>
#include <cstdlib>
#include <string>

namespace takt::fuzz {
namespace {

constexpr std::array<std::string_view, 9> kTopics = {
    "spBv1.0/G/NBIRTH/N",   "spBv1.0/G/DBIRTH/N/M1", "spBv1.0/G/NDATA/N",
    "spBv1.0/G/DDATA/N/M1", "spBv1.0/G/DDATA/N/M2",  "spBv1.0/G/DDEATH/N/M1",
    "spBv1.0/G/NDEATH/N",   "spBv1.0/STATE/takt",    "spBv1.0/G/DBIRTH/N/M2"};

bool is_sound(const Signal& signal) {
  const std::string_view text = signal.value.text;
  return signal.address.starts_with("G/N/") &&
         simdjson::validate_utf8(signal.address.data(), signal.address.size()) &&
         simdjson::validate_utf8(text.data(), text.size()) && signal.at >= from_micros(0) &&
         signal.at < from_micros(253'402'300'800'000'000 + 2);
}

}  // namespace

std::size_t sparkplug(std::string_view data) {
  Plant plant;
  for (const char* id : {"M1", "M2"}) plant.machines.emplace_back().id = id;
  SparkplugHost host{"takt"};
  SignalMapper mapper{plant, {}};
  EventBatch batch;
  Timestamp now = from_micros(1'700'000'000'000'000);
  const SparkplugHost::Sink sink = [&](Signals signals, std::string_view machine) {
    for (const Signal& signal : signals)
      if (!is_sound(signal)) std::abort();
    mapper.map(signals, machine, batch);
  };
  while (data.size() >= 3) {
    const std::string_view topic = kTopics.at(static_cast<unsigned char>(data[0]) % kTopics.size());
    const auto length = static_cast<unsigned char>(data[1]) | std::size_t{static_cast<unsigned char>(data[2])}
                                                                  << 8U;
    data.remove_prefix(3);
    const std::string payload{data.substr(0, length)};
    data.remove_prefix(std::min(length, data.size()));
    if (host.receive(topic, payload, now, sink).rebirths.size() > 1) std::abort();
    now += Duration{1'000'000};
  }
  host.passing_time(now + Duration{60'000'000}, sink);
  check_batch(batch);
  return batch.events.size();
}

}  // namespace takt::fuzz
