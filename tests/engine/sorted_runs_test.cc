// The list of runs against a std::map that does the same.
#include "engine/sorted_runs.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace takt {
namespace {

struct Entry {
  int key = 0;
  int value = 0;
};
struct ByKey {
  bool operator()(const Entry& a, const Entry& b) const { return a.key < b.key; }
};
using List = SortedRuns<Entry, ByKey>;
using Model = std::map<int, int>;

void expect_equal(const List& list, const Model& model) {
  ASSERT_EQ(list.size(), model.size());
  ASSERT_EQ(list.empty(), model.empty());
  auto expected = model.begin();
  for (const Entry& entry : list) {
    ASSERT_EQ(entry.key, expected->first);
    ASSERT_EQ(entry.value, expected->second);
    ++expected;
  }
  if (model.empty()) return;
  ASSERT_EQ(list.back().key, model.rbegin()->first);
  auto at = list.end();
  for (auto backwards = model.rbegin(); backwards != model.rend(); ++backwards)
    ASSERT_EQ((--at)->key, backwards->first);
  ASSERT_TRUE(at == list.begin());
}

void expect_found(const List& list, const Model& model, int key) {
  const auto found = list.find({key});
  const auto expected = model.find(key);
  ASSERT_EQ(found == list.end(), expected == model.end()) << key;
  if (expected != model.end()) {
    ASSERT_EQ(found->value, expected->second);
  }
  const auto bound = list.lower_bound({key});
  const auto next = model.lower_bound(key);
  ASSERT_EQ(bound == list.end(), next == model.end()) << key;
  if (next != model.end()) {
    ASSERT_EQ(bound->key, next->first);
  }
}

class SortedRunsLike : public testing::TestWithParam<unsigned> {};

TEST_P(SortedRunsLike, AMapThroughRandomChanges) {
  std::mt19937 random{GetParam()};
  List list;
  Model model;
  // Keys of a machine's kind: mostly newer than all, some far back.
  int newest = 0;
  const int keys = GetParam() % 2 == 0 ? 2000 : 100'000;
  for (int step = 0; step < 6000; ++step) {
    const unsigned choice = random() % 10;
    const int key = choice < 5 ? ++newest : static_cast<int>(random() % static_cast<unsigned>(keys));
    if (const auto at = list.find({key}); choice == 9 && at != list.end()) {
      list.erase(at);
      model.erase(key);
    } else if (at != list.end()) {
      list.modify(at).value = step;
      model[key] = step;
    } else {
      list.insert({key, step});
      model[key] = step;
    }
    newest = std::max(newest, key);
    expect_found(list, model, static_cast<int>(random() % static_cast<unsigned>(keys)));
    if (HasFatalFailure()) return;
    if (step % 500 == 0) {
      expect_equal(list, model);
      if (HasFatalFailure()) return;
    }
  }
  while (!model.empty()) {  // and away again, from anywhere
    auto at = model.begin();
    std::advance(at, random() % model.size());
    list.erase(list.find({at->first}));
    model.erase(at);
    if (model.size() % 200 == 0) expect_equal(list, model);
    if (HasFatalFailure()) return;
  }
  list.insert({7, 7});
  expect_equal(list, {{7, 7}});
}

INSTANTIATE_TEST_SUITE_P(Seeds, SortedRunsLike, testing::Values(1U, 2U, 3U, 4U));

TEST(SortedRuns, SplitsRunsWhereItIsFilledBackwards) {
  List list;
  Model model;
  for (int key = 2000; key > 0; --key) list.insert({key, -key}), model[key] = -key;
  expect_equal(list, model);
}

TEST(SortedRuns, FindsTheBoundaryOfAnyPrefix) {
  List list;
  for (int key = 0; key < 1000; ++key) list.insert({key * 2, key});
  for (int limit = -1; limit <= 2001; ++limit) {
    const auto at = list.partition_point([&](const Entry& e) { return e.key < limit; });
    const int expected = limit <= 0 ? 0 : (limit + 1) / 2;
    if (expected >= 1000) {
      ASSERT_TRUE(at == list.end()) << limit;
    } else {
      ASSERT_EQ(at->value, expected) << limit;
    }
  }
}

TEST(SortedRuns, IsEmptyAfterClear) {
  List list;
  for (int key = 0; key < 600; ++key) list.insert({key, 0});
  list.clear();
  expect_equal(list, {});
  EXPECT_TRUE(list.begin() == list.end());
  EXPECT_TRUE(list.find({3}) == list.end());
}

}  // namespace
}  // namespace takt
