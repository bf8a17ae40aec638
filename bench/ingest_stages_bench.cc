// Where the time of ingest goes, on one thread and without HTTP: decoding, decoding and judging, and all of it up
// to the commit on disk, beside a copy of the same bytes. The body is that of ingest_http.
#include "bench/plant_load.h"
#include "bench/scratch_folder.h"
#include "engine/store.h"
#include "ingest/ingestor.h"
#include "simulator/plant_model.h"

#include <benchmark/benchmark.h>

#include <cstring>

namespace takt::bench {
namespace {

constexpr std::size_t kMachines = 50, kBodyEvents = 5'000, kBodies = 60;
constexpr std::uint64_t kSeed = 1;

const std::vector<Body>& bodies() {
  static const PlantLoad load = plant_load({kMachines, kBodyEvents * kBodies, 1, kBodyEvents});
  return load.connections[0];
}

/// Each contender takes one body and says how many events it got out of it.
struct Memcpy {
  std::vector<char> to;
  std::size_t operator()(const Body& body) {
    to.resize(body.text.size());
    std::memcpy(to.data(), body.text.data(), to.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
    return body.events;
  }
};

struct Decode {
  std::size_t operator()(const Body& body) {
    Decoder decoder{BodyFormat::ndjson, body.text};
    std::size_t events = 0;
    for (;;) {
      EventBatch batch;
      const auto more = decoder.next(batch);
      if (!more || !*more) return events;
      events += batch.events.size();
    }
  }
};

struct DecodeAndJudge {
  const PlantIndex index{*parse_plant_toml(plant_toml(kMachines, kSeed), "plant.toml")};
  std::size_t operator()(const Body& body) {
    Decoder decoder{BodyFormat::ndjson, body.text};
    std::size_t events = 0;
    std::vector<std::string> new_machines;
    for (;;) {
      EventBatch batch;
      const auto more = decoder.next(batch);
      if (!more || !*more) return events;
      validate(batch, index, kLoadBegin + std::chrono::days{365}, new_machines);
      events += batch.events.size();
    }
  }
};

/// A new store for every benchmark: no body comes twice, or its events would be duplicates.
struct UpToTheDisk {
  ScratchFolder folder = *ScratchFolder::make("data");
  FixedClock clock{kLoadBegin + std::chrono::days{365}};
  std::unique_ptr<Store> store;
  std::unique_ptr<Ingestor> ingestor;

  UpToTheDisk() {
    StoreOptions options;
    options.clock = &clock;
    store = *Store::open(folder / "store", std::move(options));
    store->set_plant(*parse_plant_toml(plant_toml(kMachines, kSeed), "plant.toml"), std::nullopt, false).value();
    ingestor = std::make_unique<Ingestor>(*store);
  }
  std::size_t operator()(const Body& body) {
    return ingestor->accept(BodyFormat::ndjson, body.text, "bench")->accepted;
  }
};

template <class Contender>
void Ingest(benchmark::State& state) {
  Contender contender;
  std::size_t next = 0, events = 0, bytes = 0;
  for (auto _ : state) {
    const Body& body = bodies()[next];
    next = (next + 1) % kBodies;
    const std::size_t got = contender(body);
    if (got != body.events) return state.SkipWithError("not all events were taken");
    events += got, bytes += body.text.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(Ingest<Memcpy>)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(Ingest<Decode>)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(Ingest<DecodeAndJudge>)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(Ingest<UpToTheDisk>)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(kBodies)->Repetitions(3);

}  // namespace
}  // namespace takt::bench

BENCHMARK_MAIN();
