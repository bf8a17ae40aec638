// The engine against the oracle: random histories in random order, every answer equal.
#include "tests/figures/engine_answers.h"
#include "tests/figures/temporary_store.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/random_history.h"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <random>
#include <utility>

namespace takt {
namespace {

using nlohmann::json;

const char* const kGrains[] = {"hour", "shift", "day", "week", "month", "year", "total"};

json without_revisions(json buckets) {
  for (json& bucket : buckets) bucket.erase("revision");
  return buckets;
}

/// Items of one length may stand in any order, and the cumulative shares with them.
json comparable(json pareto) {
  for (json& item : pareto["items"]) item.erase("cumulative_share");
  std::sort(pareto["items"].begin(), pareto["items"].end(),
            [](const json& a, const json& b) { return a.dump() < b.dump(); });
  return pareto;
}

/// Whether a state still lasts is judged by the state, the oracle judges by the cut: it leaves `open` to intervals
/// that reach now.
json without_open(json intervals) {
  for (json& interval : intervals) interval.erase("open");
  return intervals;
}

/// The first few differences, as a JSON patch, with what stood there.
testing::AssertionResult same(const json& engine, const json& oracle) {
  if (engine == oracle) return testing::AssertionSuccess();
  std::string text;
  const json patch = json::diff(oracle, engine);
  for (std::size_t i = 0; i < patch.size() && i < 6; ++i) {
    const json::json_pointer at{patch[i]["path"].get<std::string>()};
    text +=
        "\n  engine " + patch[i].dump() + "\n  oracle " + (oracle.contains(at) ? oracle[at].dump() : "nothing");
    if (!at.parent_pointer().empty() && oracle.contains(at.parent_pointer()))
      text += "\n  in " + oracle[at.parent_pointer()].dump().substr(0, 900);
  }
  return testing::AssertionFailure() << text << "\n";
}

void expect_equal(const Store& store, const RandomHistory& history, const Oracle& oracle, std::uint64_t seed) {
  std::vector<std::string> scopes{"plant"};
  for (const Line& line : history.plant.lines) scopes.push_back("line:" + line.id);
  for (const Machine& machine : history.plant.machines) scopes.push_back("machine:" + machine.id);
  for (std::uint64_t i = 0; i < 4; ++i) {
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

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::optional<std::uint64_t>{std::strtoull(text, nullptr, 10)} : std::nullopt;
}

/// Of all shards together. Built without optimisation, or with a sanitizer, a history takes ten times as long.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 528;
#else
constexpr std::uint64_t kSeeds = 66;
#endif
constexpr std::uint64_t kShards = 8;

/// Those of a shard. A soak takes fresh histories for three hours; else they are the same ones each time, or those
/// asked for.
class Seeds {
 public:
  explicit Seeds(std::uint64_t shard) : next_(first_ + shard) {}
  std::optional<std::uint64_t> next() {
    const bool more = soak_ ? std::chrono::steady_clock::now() < until_ : next_ < first_ + number_;
    return more ? std::optional{std::exchange(next_, next_ + kShards)} : std::nullopt;
  }

 private:
  const bool soak_ = std::getenv("TAKT_SOAK") != nullptr && !number_in("TAKT_SEEDS");
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + std::chrono::hours{3};
  const std::uint64_t number_ = number_in("TAKT_SEEDS").value_or(kSeeds);
  const std::uint64_t first_ = number_in("TAKT_FIRST_SEED").value_or(soak_ ? std::random_device{}() : 1);
  std::uint64_t next_;
};

class Figures : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Figures, EqualTheOraclesForEveryHistory) {
  Seeds seeds{GetParam()};
  while (const auto next = seeds.next()) {
    const std::uint64_t seed = *next;
    const RandomHistory history = random_history(seed);
    TemporaryStore temporary{history.now};
    temporary.describe(history.plant);
    std::mt19937_64 random{seed};
    // In batches of any size, each a commit or several.
    for (std::size_t at = 0; at < history.events.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 40, history.events.size() - at);
      temporary.send({history.events.begin() + static_cast<std::ptrdiff_t>(at),
                      history.events.begin() + static_cast<std::ptrdiff_t>(at + size)});
      at += size;
      const StoreView view = temporary.store->read();
      for (const Machine& machine : history.plant.machines) {
        const auto wrong = view.machine(machine.id)->check();
        ASSERT_FALSE(wrong) << machine.id << ": " << *wrong << " after event " << at << " of seed " << seed;
      }
    }
    const Oracle oracle{history.plant, history.events, history.now};
    expect_equal(*temporary.store, history, oracle, seed);
    if (HasFatalFailure()) return;
    if (seed % 4 == 0) {
      temporary.reopen();
      expect_equal(*temporary.store, history, oracle, seed);
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shard, Figures, testing::Range(std::uint64_t{0}, kShards));

}  // namespace
}  // namespace takt
