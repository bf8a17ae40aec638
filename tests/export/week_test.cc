// A week of a simulated plant, as it arrives in life: late, twice, corrected, over a change of the clock and of
// the shift plan; into both databases at once.
#include <fmt/format.h>

#include "schema/event_json.h"
#include "simulator/plant_model.h"
#include "simulator/simulation.h"
#include "tests/export/warehouse_fixture.h"

#include <map>
#include <random>

namespace takt {
namespace {

using std::chrono::hours;

/// Lines of NDJSON by the moment at which they arrive.
using Arrivals = std::multimap<Timestamp, std::string>;

void add_arrivals(Arrivals& arrivals, const EventBatch& batch, std::mt19937_64& random) {
  for (const Event& event : batch.events) {
    std::string line;
    append_json(line, event);
    const bool late = random() % 10 == 0;
    const Timestamp when = event.at + (late ? std::chrono::minutes{random() % 1500} : std::chrono::minutes{0});
    arrivals.emplace(when, line);
    if (random() % 20 == 0) arrivals.emplace(when + hours{3}, line);  // twice
    if (event.type != EventType::count || random() % 25 != 0) continue;
    // The same count, as somebody corrects it hours later.
    Event better = event;
    better.good = 1 + static_cast<std::int64_t>(random() % 3);
    better.revision = event.revision + 1;
    better.deleted = random() % 4 == 0;
    line.clear();
    append_json(line, better);
    arrivals.emplace(when + hours{5}, line);
  }
}

class Week : public WarehouseTest {};

TEST_F(Week, EndsEqualInBothDatabases) {
  constexpr std::size_t kMachines = 5;
  constexpr int kDays = 7;
  const Timestamp start = at("2026-03-25T00:00:00Z");  // the clock changes on the 29th
  clock_.set(start);
  const std::string plan = plant_toml(kMachines, 7);
  use_plant(plan);
  SimulationOptions options;
  options.machines = kMachines, options.seed = 7, options.start = start;
  Simulation simulation{options};
  std::mt19937_64 random{7};
  Arrivals arrivals;
  ExportTarget sqlite = target();
  kind_ = DatabaseKind::postgres;
  ExportTarget postgres = target("wh");
  std::size_t revised = 0;
  for (int step = 1; step <= kDays * 4 + 6; ++step) {  // what is late comes after the week
    const Timestamp now = start + hours{6} * step;
    if (step <= kDays * 4) {
      EventBatch batch;
      simulation.run_until(now, batch);
      add_arrivals(arrivals, batch, random);
    }
    clock_.set(now);
    if (step == 14) {  // in the week's middle, and for all of it
      std::string other = plan;
      const std::size_t at = other.find("06:00");
      ASSERT_NE(at, std::string::npos);
      for (std::size_t i = at; i != std::string::npos; i = other.find("06:00", i)) other.replace(i, 5, "05:30");
      use_plant(other);
    }
    std::string body;
    const auto end = arrivals.upper_bound(now);
    for (auto arrived = arrivals.begin(); arrived != end; ++arrived) {
      body += arrived->second + '\n';
      revised += arrived->second.find("\"revision\"") != std::string::npos ? 1 : 0;
    }
    arrivals.erase(arrivals.begin(), end);
    if (!body.empty()) send(body);
    flushed(sqlite);
    if (step % 3 == 0) flushed(postgres);
  }
  flushed(postgres);
  EXPECT_GT(revised, 50U);
  expect_equal(sqlite);
  expect_equal(postgres);
  EXPECT_GE(verify(store(), postgres)->made_anew, kMachines * kDays * 2 - kMachines);
  EXPECT_EQ(contents(sqlite), contents(postgres));
  EXPECT_NE(one(postgres, "SELECT count(*) FROM fact_downtime"), "0");
}

}  // namespace
}  // namespace takt
