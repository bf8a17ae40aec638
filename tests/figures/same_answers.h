// The engine's answers beside the oracle's.
#pragma once

#include "tests/figures/engine_answers.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/random_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace takt {

inline const char* const kGrains[] = {"hour", "shift", "day", "week", "month", "year", "total"};

inline nlohmann::json without_revisions(nlohmann::json buckets) {
  for (nlohmann::json& bucket : buckets) bucket.erase("revision");
  return buckets;
}

/// Items of one length may stand in any order, and the cumulative shares with them.
inline nlohmann::json comparable(nlohmann::json pareto) {
  for (nlohmann::json& item : pareto["items"]) item.erase("cumulative_share");
  std::sort(pareto["items"].begin(), pareto["items"].end(),
            [](const nlohmann::json& a, const nlohmann::json& b) { return a.dump() < b.dump(); });
  return pareto;
}

/// Whether a state still lasts is judged by the state, the oracle judges by the cut: it leaves `open` to intervals
/// that reach now.
inline nlohmann::json without_open(nlohmann::json intervals) {
  for (nlohmann::json& interval : intervals) interval.erase("open");
  return intervals;
}

/// The first few differences, as a JSON patch, with what stood there.
inline testing::AssertionResult same(const nlohmann::json& engine, const nlohmann::json& oracle) {
  if (engine == oracle) return testing::AssertionSuccess();
  std::string text;
  const nlohmann::json patch = nlohmann::json::diff(oracle, engine);
  for (std::size_t i = 0; i < patch.size() && i < 6; ++i) {
    const nlohmann::json::json_pointer at{patch[i]["path"].get<std::string>()};
    text +=
        "\n  engine " + patch[i].dump() + "\n  oracle " + (oracle.contains(at) ? oracle[at].dump() : "nothing");
    if (!at.parent_pointer().empty() && oracle.contains(at.parent_pointer()))
      text += "\n  in " + oracle[at.parent_pointer()].dump().substr(0, 900);
  }
  return testing::AssertionFailure() << text << "\n";
}

/// Every answer to a few random ranges, of every scope.
inline void expect_equal(const Store& store, const RandomHistory& history, const Oracle& oracle,
                         std::uint64_t seed, std::uint64_t ranges = 4) {
  std::vector<std::string> scopes{"plant"};
  for (const Line& line : history.plant.lines) scopes.push_back("line:" + line.id);
  for (const Machine& machine : history.plant.machines) scopes.push_back("machine:" + machine.id);
  for (std::uint64_t i = 0; i < ranges; ++i) {
    const TimeRange range = random_range(history, seed * 10 + i);
    const std::string where = " from " + format_time(range.begin) + " to " + format_time(range.end) + ", now " +
                              format_time(history.now) + ", seed " + std::to_string(seed);
    for (const std::string& scope : scopes) {
      for (const char* grain : kGrains) {
        ASSERT_TRUE(same(without_revisions(engine_oee(store, scope, range, grain, history.now)["buckets"]),
                         oracle.oee(scope, range, grain)))
            << scope << ' ' << grain << where;
      }
      ASSERT_TRUE(same(engine_losses(store, scope, range, history.now), oracle.losses(scope, range)))
          << scope << where;
      for (const char* by : {"reason", "category", "machine"}) {
        ASSERT_TRUE(same(comparable(engine_pareto(store, scope, range, by, history.now)),
                         comparable(oracle.pareto(scope, range, by))))
            << scope << " by " << by << where;
      }
    }
    for (const Machine& machine : history.plant.machines) {
      ASSERT_TRUE(same(without_open(engine_timeline(store, machine.id, range, history.now)["intervals"]),
                       without_open(oracle.timeline(machine.id, range))))
          << machine.id << where;
    }
  }
}

}  // namespace takt
