// The engine against the oracle: random histories in random order, every answer equal.
#include "tests/figures/same_answers.h"
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
