// The simulated plant: the same bytes for the same seed, whatever the calls, and a plant one could believe in.
#include "simulator/simulation.h"

#include "schema/event_json.h"
#include "schema/plant.h"
#include "simulator/plant_model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace takt {
namespace {

using namespace std::chrono_literals;

SimulationOptions options(std::size_t machines, std::uint64_t seed, Duration readings = 60s) {
  SimulationOptions made;
  made.machines = machines;
  made.seed = seed;
  made.start = *parse_time("2026-01-05T05:00:00Z");
  made.readings_interval = readings;
  return made;
}

std::string ndjson(const EventBatch& batch) {
  std::string text;
  for (const Event& event : batch.events) {
    append_json(text, event);
    text += '\n';
  }
  return text;
}

std::string run(const SimulationOptions& made, Duration length) {
  Simulation simulation{made};
  EventBatch batch;
  simulation.run_until(made.start + length, batch);
  return ndjson(batch);
}

/// FNV-1a: short enough to be trusted, so that a number can stand for the bytes.
std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 0xCBF29CE484222325ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return value;
}

TEST(Simulation, GivesTheSameBytesForTheSameSeedOnEveryPlatform) {
  // A change here means that everybody's seeds mean something else from now on: do it on purpose only.
  EXPECT_EQ(hash(run(options(11, 42), 12h)), 7405899917187219938ULL);
  EXPECT_EQ(hash(plant_toml(11, 42)), 5103859718262304282ULL);
}

TEST(Simulation, DiffersBySeed) { EXPECT_NE(run(options(3, 1), 1h), run(options(3, 2), 1h)); }

class SimulationOf : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulationOf, OneRunEqualsItsPiecesWhereverItIsCut) {
  const SimulationOptions made = options(5, GetParam());
  Simulation simulation{made};
  std::string pieces;
  // 9.7 minutes: cuts within seconds, too, which must neither lose nor double one.
  for (Duration at{0}; at <= 12h; at += 582s + 313ms) {
    EventBatch batch;
    simulation.run_until(made.start + std::min<Duration>(at, 12h), batch);
    pieces += ndjson(batch);
  }
  EventBatch rest;
  simulation.run_until(made.start + 12h, rest);
  EXPECT_EQ(pieces + ndjson(rest), run(made, 12h));
}

TEST_P(SimulationOf, LiveReadingsChangeNothingButTheReadings) {
  const auto without_readings = [](const EventBatch& batch) {
    std::string text;
    for (const Event& event : batch.events) {
      if (event.type != EventType::reading) append_json(text, event);
    }
    return text;
  };
  const SimulationOptions made = options(5, GetParam());
  Simulation history{made}, live{made};
  EventBatch slow, fast;
  history.run_until(made.start + 3h, slow);
  live.run_until(made.start + 1h, fast);
  live.set_readings_interval(250ms);
  live.run_until(made.start + 3h, fast);
  EXPECT_EQ(without_readings(slow), without_readings(fast));
  EXPECT_GT(fast.events.size(), slow.events.size() + 5 * 4 * 4 * 7000);
}

/// Everything that the events of one machine add up to.
struct Tally {
  std::map<std::string, Duration> time_by_state, time_by_reason;
  Timestamp since = kBeginOfTime;
  std::string state, reason;
  std::int64_t good = 0, scrap = 0, rework = 0, startup_rejects = 0, oee_events = 0;
  int minor_stops = 0;

  std::int64_t produced() const { return good + scrap + rework; }
  Duration time() const {
    Duration sum{0};
    for (const auto& [name, length] : time_by_state) sum += length;
    return sum;
  }
  Duration planned() const {
    Duration sum = time();
    for (const auto& [code, length] : time_by_reason) sum -= code.starts_with("PLAN") ? length : Duration{0};
    return sum;
  }
};

class Days : public SimulationOf {
 protected:
  static constexpr std::size_t kMachines = 11;
  static constexpr int kDays = 4;

  Days() {
    const SimulationOptions made = options(kMachines, GetParam(), Duration{0});
    Simulation simulation{made};
    simulation.run_until(made.start + 24h * kDays, batch_);
    for (const Event& event : batch_.events) add(event, tallies_[std::string{event.machine}]);
  }

  void add(const Event& event, Tally& tally) {
    tally.oee_events += event.type != EventType::energy && event.type != EventType::quality;
    if (event.type == EventType::state) add_state(event, tally);
    if (event.type != EventType::count && event.type != EventType::cycle) return;
    const std::int64_t rejects = std::max<std::int64_t>(event.scrap, 0) + std::max<std::int64_t>(event.rework, 0);
    tally.good +=
        event.type == EventType::cycle && event.good == kAbsent ? 1 : std::max<std::int64_t>(event.good, 0);
    tally.scrap += std::max<std::int64_t>(event.scrap, 0);
    tally.rework += std::max<std::int64_t>(event.rework, 0);
    if (event.startup) tally.startup_rejects += rejects;
  }

  void add_state(const Event& event, Tally& tally) {
    EXPECT_FALSE(event.state == tally.state && event.reason == tally.reason) << "a change that changes nothing";
    if (tally.since != kBeginOfTime) {
      const Duration length = event.at - tally.since;
      EXPECT_GT(length, Duration{0});
      tally.time_by_state[tally.state] += length;
      tally.time_by_reason[tally.reason] += length;
      tally.minor_stops += tally.state == "stopped" && tally.reason.empty() && length <= kMinorStopSeconds * 1s;
    }
    tally.since = event.at;
    tally.state = event.state;
    tally.reason = event.reason;
  }

  EventBatch batch_;
  std::map<std::string, Tally> tallies_;
};

TEST_P(Days, AreUnderstoodByTheirOwnPlantDescription) {
  const Result<Plant> plant = parse_plant_toml(plant_toml(kMachines, GetParam()), "plant.toml");
  ASSERT_TRUE(plant) << plant.error().context;
  EXPECT_EQ(plant->machines.size(), kMachines);
  for (const Event& event : batch_.events) {
    ASSERT_NE(plant->machine(event.machine), nullptr) << event.machine;
    if (!event.reason.empty()) {
      ASSERT_NE(plant->reason(event.reason), nullptr) << event.reason;
    }
    if (event.type == EventType::state) {
      ASSERT_TRUE(meaning_of_state(*plant, event.state)) << event.state;
    }
  }
}

TEST_P(Days, KeepEveryIdentityUnique) {
  std::set<std::string> identities;
  for (const Event& event : batch_.events) {
    const bool of_pieces = event.type == EventType::count;
    const std::string identity =
        fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", event.machine, name_of(event.type), micros(event.at), event.tag,
                    of_pieces ? fmt::format("{}+{}+{}", event.product, event.order, event.defect) : "",
                    event.characteristic, event.serial,
                    event.type == EventType::order ? fmt::format("{}+{}", event.order, name_of(event.action)) : "",
                    event.type == EventType::classify ? micros(event.end) : 0);
    EXPECT_TRUE(identities.insert(identity).second) << identity;
  }
}

TEST_P(Days, ComeInTheOrderOfTheirSending) {
  Timestamp last = kBeginOfTime;
  for (const Event& event : batch_.events) {
    const Timestamp sent = event.type == EventType::classify ? event.recorded_at
                           : event.type == EventType::cycle  ? event.end
                                                             : event.at;
    EXPECT_LE(last, sent);
    last = sent;
  }
}

TEST_P(Days, AreThoseOfABelievablePlant) {
  double sum = 0;
  for (const auto& [machine, tally] : tallies_) {
    const double availability = std::chrono::duration<double>(tally.time_by_state.at("running")) / tally.planned();
    EXPECT_GT(availability, 0.5) << machine;
    EXPECT_LT(availability, 0.95) << machine;
    sum += availability;
    EXPECT_LT(tally.oee_events, kDays * 1500) << machine;
    EXPECT_GT(tally.minor_stops, kDays) << machine;
    EXPECT_GT(tally.time_by_reason.at("SETUP.CHANGEOVER"), 1h) << machine;
  }
  EXPECT_EQ(tallies_.size(), kMachines);
  EXPECT_GT(sum / kMachines, 0.6);
  EXPECT_LT(sum / kMachines, 0.88);
}

TEST_P(Days, HaveFailuresExplainedAtOnceLaterAndNever) {
  Duration told{0}, untold{0};
  for (const auto& [machine, tally] : tallies_) {
    for (const auto& [code, length] : tally.time_by_reason)
      told += code.starts_with("FAIL") ? length : Duration{0};
  }
  std::int64_t silent = 0, later = 0;
  for (const Event& event : batch_.events) {
    silent += event.type == EventType::state && event.state == "down" && event.reason.empty();
    later += event.type == EventType::classify;
  }
  EXPECT_GT(told, 4h);
  EXPECT_GT(later, 0);
  EXPECT_GT(silent, later);
}

TEST_P(Days, LosePiecesToScrapAndMoreOfThemAtStartUp) {
  Tally all;
  for (const auto& [machine, tally] : tallies_) {
    all.good += tally.good;
    all.scrap += tally.scrap;
    all.rework += tally.rework;
    all.startup_rejects += tally.startup_rejects;
  }
  const double share = static_cast<double>(all.scrap) / static_cast<double>(all.produced());
  EXPECT_GT(share, 0.002);
  EXPECT_LT(share, 0.03);
  EXPECT_GT(all.rework, 0);
  EXPECT_GT(all.startup_rejects * 30, all.scrap + all.rework);
}

TEST_P(Days, NeitherMakeNorLosePiecesBetweenMachines) {
  // What a machine passed on is what the next one has made, waits before it, or is not told yet.
  constexpr std::int64_t kNotToldYet = 25;
  for (const LineModel& line : plant_model(kMachines, GetParam()).lines) {
    for (std::size_t i = 1; i < line.machines.size(); ++i) {
      if (line.machines[i].reporting == Reporting::counter) continue;
      const Tally& before = tallies_.at(line.machines[i - 1].id);
      const Tally& after = tallies_.at(line.machines[i].id);
      const std::int64_t waiting = before.good + before.rework - after.produced();
      EXPECT_GE(waiting, -kNotToldYet) << line.machines[i].id;
      EXPECT_LE(waiting, line.machines[i].buffer_pieces + kNotToldYet) << line.machines[i].id;
    }
  }
}

TEST_P(Days, SeeStopsPropagateAlongTheLines) {
  for (const LineModel& line : plant_model(kMachines, GetParam()).lines) {
    const Tally& first = tallies_.at(line.machines.front().id);
    const Tally& last = tallies_.at(line.machines.back().id);
    EXPECT_EQ(first.time_by_reason.count("MAT.STARVED"), 0U);
    EXPECT_EQ(last.time_by_reason.count("MAT.BLOCKED"), 0U);
    EXPECT_GT(first.time_by_reason.at("MAT.BLOCKED"), 30min);
    EXPECT_GT(last.time_by_reason.at("MAT.STARVED"), 30min);
  }
}

TEST_P(Days, FollowTheirOrders) {
  std::map<std::string, std::string> running;
  std::set<std::string> planned;
  int completed = 0;
  for (const Event& event : batch_.events) {
    std::string& order = running[std::string{event.machine}];
    if (event.type == EventType::order && event.action == OrderAction::plan) {
      planned.insert(fmt::format("{} {}", event.machine, event.order));
      EXPECT_LT(event.planned_start, event.planned_end);
      EXPECT_GT(event.quantity, 0);
    }
    if (event.type == EventType::order && event.action == OrderAction::start) {
      EXPECT_EQ(order, "");
      EXPECT_TRUE(planned.contains(fmt::format("{} {}", event.machine, event.order)));
      order = event.order;
    }
    if (event.type == EventType::order && event.action == OrderAction::complete) {
      EXPECT_EQ(order, event.order);
      order.clear();
      ++completed;
    }
    if (event.type == EventType::count && !event.order.empty()) {
      EXPECT_EQ(order, event.order);
    }
  }
  EXPECT_GT(completed, 2 * static_cast<int>(kMachines) * kDays);
}

TEST_P(Days, AreJsonThatReadsBackAsTheSameEvents) {
  for (std::size_t i = 0; i < batch_.events.size(); i += 7) {
    const Event& event = batch_.events[i];
    std::string text;
    append_json(text, event);
    const nlohmann::json read = nlohmann::json::parse(text);
    EXPECT_EQ(read.at("machine"), event.machine);
    EXPECT_EQ(read.at("type"), name_of(event.type));
    const std::string at = read.contains("ts") ? read.at("ts") : read.at("start");
    EXPECT_EQ(*parse_time(at), event.at);
    if (event.type == EventType::quality) {
      EXPECT_EQ(read.at("value").get<double>(), event.value.number);
    }
    if (event.good != kAbsent) {
      EXPECT_EQ(read.at("good").get<std::int64_t>(), event.good);
    }
  }
}

TEST(SimulatedSensors, FollowTheMachine) {
  const SimulationOptions made = options(5, 3);
  Simulation simulation{made};
  EventBatch batch;
  simulation.run_until(made.start + 8h, batch);
  bool running = false;
  std::map<bool, std::pair<double, int>> current;
  for (const Event& event : batch.events) {
    if (event.machine != "L01-M1") continue;
    if (event.type == EventType::state) running = event.state == "running";
    if (event.tag != "motor.current") continue;
    current[running].first += event.value.number;
    ++current[running].second;
  }
  ASSERT_GT(current[true].second, 100);
  ASSERT_GT(current[false].second, 10);
  EXPECT_GT(current[true].first / current[true].second, 1.5 * current[false].first / current[false].second);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulationOf, testing::Values(1, 77));
INSTANTIATE_TEST_SUITE_P(Seeds, Days, testing::Values(1, 77));

class PlantOf : public testing::TestWithParam<std::size_t> {};

TEST_P(PlantOf, AnyNumberOfMachinesIsValidAndStandsInLinesOfThreeToSix) {
  const PlantModel model = plant_model(GetParam(), 5);
  std::size_t machines = 0;
  for (const LineModel& line : model.lines) {
    machines += line.machines.size();
    EXPECT_LE(line.machines.size(), 6U);
    if (GetParam() >= 3) {
      EXPECT_GE(line.machines.size(), 3U);
    }
  }
  EXPECT_EQ(machines, GetParam());
  const Result<Plant> plant = parse_plant_toml(plant_toml(GetParam(), 5), "plant.toml");
  EXPECT_TRUE(plant) << plant.error().context;
}
INSTANTIATE_TEST_SUITE_P(Sizes, PlantOf, testing::Values(1, 2, 3, 5, 7, 8, 50, 200));

}  // namespace
}  // namespace takt
