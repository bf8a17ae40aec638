// The parts of an account against plain maps that do the same.
#include "engine/breakdown.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace takt {
namespace {

constexpr NameId name(std::uint64_t n) { return NameId{static_cast<std::uint32_t>(n)}; }

/// One thing that is counted: a stop with a reason or none, or pieces of a product or none.
struct Fact {
  bool stop = false;
  ReasonSums reason;
  ProductSums product;
};

Fact random_fact(std::mt19937_64& random, unsigned names) {
  Fact fact;
  fact.stop = random() % 2 == 0;
  fact.reason = {name(random() % names), 1, Duration{static_cast<std::int64_t>(1 + random() % 1000)}};
  const auto pieces = [&] { return static_cast<std::int64_t>(random() % 4); };
  fact.product = {name(random() % names), pieces(), pieces(), pieces(), 0, 0, 0};
  if (random() % 3 == 0)
    fact.product.without_cycle = fact.product.produced();
  else
    fact.product.ideal_produced = WideInt{fact.product.produced()} << 70U, fact.product.ideal_good = 7;
  return fact;
}

void add(Sums& sums, const Fact& fact, int sign) {
  Account& a = sums.account;
  if (fact.stop) {
    sums.add_stop(fact.reason.reason, sign * fact.reason.time, sign);
    a.stop += sign * fact.reason.time, a.stops += sign;
    return;
  }
  ProductSums made{fact.product.product};
  sums.parts.add(made.add(fact.product, sign), pieces_of(a, NameId::none));
  a.good += made.good, a.scrap += made.scrap, a.rework += made.rework,
      a.pieces_without_cycle += made.without_cycle;
  a.ideal_produced += made.ideal_produced, a.ideal_good += made.ideal_good;
}

/// What the facts come to, name by name.
struct Model {
  std::map<NameId, ReasonSums> reasons;
  std::map<NameId, ProductSums> products;

  explicit Model(const std::vector<Fact>& facts) {
    for (const Fact& fact : facts) {
      if (fact.stop && fact.reason.reason != NameId::none)
        reasons.try_emplace(fact.reason.reason, ReasonSums{fact.reason.reason}).first->second += fact.reason;
      if (!fact.stop)
        products.try_emplace(fact.product.product, ProductSums{fact.product.product}).first->second +=
            fact.product;
    }
    std::erase_if(products, [](const auto& entry) { return entry.second.none(); });
  }
};

void expect_equal(const Sums& sums, const Model& model) {
  std::map<NameId, ReasonSums> reasons;
  for (const ReasonSums& sum : sums.parts.reasons()) reasons.emplace(sum.reason, sum);
  ASSERT_TRUE(reasons == model.reasons);
  ASSERT_TRUE(std::ranges::is_sorted(sums.parts.reasons(), {}, &ReasonSums::reason));
  std::map<NameId, ProductSums> products;
  sums.parts.visit_products(sums.account, [&](const ProductSums& sum) { products.emplace(sum.product, sum); });
  ASSERT_TRUE(products == model.products);
  ASSERT_NE(sums.parts.products().size(), 1U);
}

Sums sum_of(const std::vector<Fact>& facts) {
  Sums sums;
  for (const Fact& fact : facts) add(sums, fact, +1);
  return sums;
}

class AnyBreakdown : public testing::TestWithParam<unsigned> {};

TEST_P(AnyBreakdown, HoldsWhatMapsHoldAndTakesOutWhatWasPutIn) {
  std::mt19937_64 random{GetParam()};
  const unsigned names = 1 + GetParam() % 7;
  Sums sums;
  std::vector<Fact> facts;
  for (int step = 0; step < 300; ++step) {
    if (!facts.empty() && random() % 5 < (step < 150 ? 2U : 3U)) {
      std::swap(facts[random() % facts.size()], facts.back());
      add(sums, facts.back(), -1);
      facts.pop_back();
    } else {
      facts.push_back(random_fact(random, names));
      add(sums, facts.back(), +1);
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal(sums, Model{facts})) << "step " << step;
    ASSERT_TRUE(sums == sum_of(facts)) << "of another order of adding, at step " << step;
  }
  for (const Fact& fact : facts) add(sums, fact, -1);
  EXPECT_TRUE(sums.none());
}

TEST_P(AnyBreakdown, OfTwoStretchesIsTheirSum) {
  std::mt19937_64 random{GetParam()};
  const unsigned names = 1 + GetParam() % 5;
  std::vector<Fact> first(random() % 9), second(random() % 9);
  for (std::vector<Fact>* facts : {&first, &second}) {
    for (Fact& fact : *facts) fact = random_fact(random, names);
  }
  Sums sums = sum_of(first);
  const Sums other = sum_of(second);
  sums.add(other);
  std::vector<Fact> both = first;
  both.insert(both.end(), second.begin(), second.end());
  ASSERT_NO_FATAL_FAILURE(expect_equal(sums, Model{both}));
  EXPECT_TRUE(sums == sum_of(both));
  sums.add(other, -1);
  EXPECT_TRUE(sums == sum_of(first));
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyBreakdown, testing::Range(0U, 40U));

TEST(Breakdown, OfOneProductWithoutReasonsTakesNoMemory) {
  Sums sums;
  sums.parts.add({name(5), 3}, {});
  sums.account.good = 3;
  EXPECT_EQ(sums.parts.bytes(), 0U);
  EXPECT_EQ(sums.parts.product(), name(5));
  sums.add_stop(name(9), Duration{7}, 1);
  EXPECT_LE(sums.parts.bytes(), 32U);
  EXPECT_EQ(sums.parts.product(), name(5));
}

TEST(Breakdown, CopiesAreOfTheirOwn) {
  Sums sums;
  sums.add_stop(name(9), Duration{7}, 1);
  Sums copy = sums;
  copy.add_stop(name(9), Duration{1}, 1);
  EXPECT_EQ(sums.parts.reasons()[0].time, Duration{7});
  EXPECT_EQ(copy.parts.reasons()[0].time, Duration{8});
  const Sums moved = std::move(copy);
  EXPECT_EQ(moved.parts.reasons()[0].stops, 2);
  sums = moved;
  EXPECT_TRUE(sums == moved);
}

}  // namespace
}  // namespace takt
