// The engine against the oracle where the plant is described anew while its history comes in, mostly from some
// moment of the past on, and its machines are switched off and on again.
#include "tests/figures/same_answers.h"
#include "tests/figures/temporary_store.h"

#include <cstdlib>
#include <random>

namespace takt {
namespace {

/// A history that comes in between descriptions.
class DescribedAnew {
 public:
  explicit DescribedAnew(std::uint64_t seed)
      : seed_(seed), history_(random_history(seed)), there_(history_.now), descriptions_(history_.plant) {}

  void live() {
    there_.describe(history_.plant);
    const std::vector<LaterDescription> later = random_descriptions(history_, seed_);
    for (std::size_t i = 0; i < later.size(); ++i) {
      send_up_to(history_.events.size() * (i + 1) / (later.size() + 1));
      const auto changed = there_.store->set_plant(later[i].plant, later[i].valid_from, false);
      ASSERT_TRUE(changed) << changed.error().context;
      descriptions_.put(later[i].plant, later[i].valid_from);
    }
    send_up_to(history_.events.size());
  }

  void expect_figures_of_the_oracle() {
    const Oracle oracle{descriptions_, history_.events, history_.now};
    expect_equal(*there_.store, history_, oracle, seed_, 2);
    const StoreView view = there_.store->read();
    for (const Machine& machine : history_.plant.machines)
      EXPECT_EQ(view.machine(machine.id)->check().value_or("right"), "right")
          << machine.id << " of seed " << seed_;
  }
  void restart() { there_.reopen(); }

 private:
  void send_up_to(std::size_t end) {
    const auto begin = history_.events.begin();
    there_.send({begin + static_cast<std::ptrdiff_t>(sent_), begin + static_cast<std::ptrdiff_t>(end)});
    sent_ = end;
  }

  std::uint64_t seed_;
  RandomHistory history_;
  TemporaryStore there_;
  oracle::Descriptions descriptions_;
  std::size_t sent_ = 0;
};

class FiguresOfDescriptions : public testing::TestWithParam<std::uint64_t> {};

constexpr std::uint64_t kShards = 4;
std::uint64_t seeds() {
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  return std::getenv("TAKT_SOAK") != nullptr ? 4000 : 64;
#else
  return 24;
#endif
}

TEST_P(FiguresOfDescriptions, EqualTheOraclesForEveryHistory) {
  for (std::uint64_t seed = 3000 + GetParam(); seed < 3000 + seeds(); seed += kShards) {
    DescribedAnew history{seed};
    ASSERT_NO_FATAL_FAILURE(history.live());
    ASSERT_NO_FATAL_FAILURE(history.expect_figures_of_the_oracle());
    if (seed % 8 >= kShards) continue;
    history.restart();
    ASSERT_NO_FATAL_FAILURE(history.expect_figures_of_the_oracle());
  }
}

INSTANTIATE_TEST_SUITE_P(Shard, FiguresOfDescriptions, testing::Range(std::uint64_t{0}, kShards));

}  // namespace
}  // namespace takt
