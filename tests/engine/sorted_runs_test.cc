// The list of runs against a std::map that does the same: with runs that are packed when they are old, and
// without.
#include "engine/sorted_runs.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

namespace takt {
namespace {

struct Entry {
  int key = 0;
  int value = 0;
};
struct PackableEntry : Entry {
  PackableEntry() = default;
  PackableEntry(int k, int v = 0) : Entry{k, v} {}
};
constexpr auto columns_of(const PackableEntry*) { return std::tuple{&PackableEntry::key, &PackableEntry::value}; }
struct ByKey {
  bool operator()(const Entry& a, const Entry& b) const { return a.key < b.key; }
};
using Model = std::map<int, int>;

using Open = SortedRuns<Entry, ByKey>;
using Cold = SortedRuns<PackableEntry, ByKey>;
using ColdSmall = SortedRuns<PackableEntry, ByKey, 8>;
using ColdSmallest = SortedRuns<PackableEntry, ByKey, 2>;

static_assert(!Packable<Entry> && Packable<PackableEntry>);

template <class List>
void expect_equal(const List& list, const Model& model) {
  ASSERT_EQ(list.size(), model.size());
  ASSERT_EQ(list.empty(), model.empty());
  auto expected = model.begin();
  for (const Entry& entry : list) {
    ASSERT_EQ(entry.key, expected->first);
    ASSERT_EQ(entry.value, expected->second);
    ++expected;
  }
  ASSERT_TRUE(expected == model.end());
  if (model.empty()) return;
  ASSERT_EQ(list.back().key, model.rbegin()->first);
  auto at = list.end();
  for (auto backwards = model.rbegin(); backwards != model.rend(); ++backwards) {
    --at;
    ASSERT_EQ(at->key, backwards->first);
    ASSERT_EQ(at->value, backwards->second);
  }
  ASSERT_TRUE(at == list.begin());
}

template <class List>
void expect_found(const List& list, const Model& model, int key) {
  const auto found = list.find({key, 0});
  const auto expected = model.find(key);
  ASSERT_EQ(found == list.end(), expected == model.end()) << key;
  if (expected != model.end()) {
    ASSERT_EQ(found->value, expected->second);
  }
  const auto bound = list.lower_bound({key, 0});
  const auto next = model.lower_bound(key);
  ASSERT_EQ(bound == list.end(), next == model.end()) << key;
  if (next != model.end()) {
    ASSERT_EQ(bound->key, next->first);
  }
}

template <class List>
void drop_before(List& list, Model& model, int key) {
  const auto is_kept = [](int k) { return k % 97 == 0; };
  list.keep_before(list.lower_bound({key, 0}), [&](const Entry& e) { return is_kept(e.key); });
  std::erase_if(model, [&](const auto& e) { return e.first < key && !is_kept(e.first); });
}

template <class List>
class SortedRunsLike : public testing::Test {
 protected:
  void change(std::mt19937& random, int key, int step) {
    const unsigned choice = random() % 10;
    const auto at = list_.find({key, 0});
    if (choice == 9 && at != list_.end()) {
      list_.erase(at);
      model_.erase(key);
      return;
    }
    model_[key] = step;
    if (choice < 5) {
      list_.put({key, step});
    } else if (at != list_.end()) {
      list_.modify(at).value = step;
    } else {
      list_.insert({key, step});
    }
  }
  /// Keys of a machine's kind: mostly newer than all, some far back, anywhere or in one place for a while.
  void change_at_random(unsigned seed, int steps) {
    std::mt19937 random{seed};
    const int keys = seed % 2 == 0 ? 2000 : 100'000;
    for (int step = 0, newest = 0, late = 0; step < steps; ++step) {
      if (step % 100 == 0) late = static_cast<int>(random() % static_cast<unsigned>(keys));
      const unsigned choice = random() % 10;
      const int anywhere = static_cast<int>(random() % static_cast<unsigned>(keys));
      const int key = choice < 6 ? ++newest : choice < 8 ? late + step % 100 : anywhere;
      change(random, key, step);
      newest = std::max(newest, key);
      expect_found(list_, model_, static_cast<int>(random() % static_cast<unsigned>(keys)));
      if (step % 1500 == 1499) drop_before(list_, model_, newest / 4);
      if (step % 500 == 0) expect_equal(list_, model_);
      if (HasFatalFailure()) return;
      most_cold_ = std::max(most_cold_, list_.cold_size());
    }
  }
  void take_all_away(unsigned seed) {
    std::mt19937 random{seed};
    while (!model_.empty()) {
      auto at = model_.begin();
      std::advance(at, random() % model_.size());
      list_.erase(list_.find({at->first, 0}));
      model_.erase(at);
      if (model_.size() % 200 == 0) expect_equal(list_, model_);
      if (HasFatalFailure()) return;
    }
    list_.insert({7, 7});
    expect_equal(list_, {{7, 7}});
    list_.clear();
  }

  List list_;
  Model model_;
  std::size_t most_cold_ = 0;
};
using Lists = testing::Types<Open, Cold, ColdSmall, ColdSmallest>;
TYPED_TEST_SUITE(SortedRunsLike, Lists);

TYPED_TEST(SortedRunsLike, AMapThroughRandomChanges) {
  for (const unsigned seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    SCOPED_TRACE(seed);
    this->change_at_random(seed, 6000);
    if (this->HasFatalFailure()) return;
    this->take_all_away(seed);
    if (this->HasFatalFailure()) return;
  }
  EXPECT_EQ(this->most_cold_ > 1000, Packable<typename std::decay<decltype(this->list_.back())>::type>);
}

TYPED_TEST(SortedRunsLike, AMapFilledBackwards) {
  for (int key = 2000; key > 0; --key) this->list_.insert({key, -key}), this->model_[key] = -key;
  expect_equal(this->list_, this->model_);
}

TYPED_TEST(SortedRunsLike, AMapAtTheBoundaryOfAnyPrefix) {
  for (int key = 0; key < 3000; ++key) this->list_.insert({key * 2, key});
  for (int limit = -1; limit <= 6001; ++limit) {
    const auto at = this->list_.partition_point([&](const Entry& e) { return e.key < limit; });
    const int expected = limit <= 0 ? 0 : (limit + 1) / 2;
    if (expected >= 3000) {
      ASSERT_TRUE(at == this->list_.end()) << limit;
    } else {
      ASSERT_EQ(at->value, expected) << limit;
    }
  }
}

TYPED_TEST(SortedRunsLike, NothingAfterClear) {
  for (int key = 0; key < 6000; ++key) this->list_.insert({key, 0});
  this->list_.clear();
  expect_equal(this->list_, {});
  EXPECT_TRUE(this->list_.begin() == this->list_.end());
  EXPECT_TRUE(this->list_.find({3, 0}) == this->list_.end());
}

// ---------------------------------------- cold runs

Cold list_of(int size) {
  Cold list;
  for (int key = 0; key < size; ++key) list.insert({key, key % 5});
  return list;
}

TEST(ColdRuns, AreAllButTheLastOnes) {
  const Cold list = list_of(256 * 40 + 1);
  EXPECT_EQ(list.cold_size(), 256U * 36);
  EXPECT_LT(list.bytes(), 256 * 5 * sizeof(PackableEntry) + 36 * 300);
}

TEST(ColdRuns, AreOpenedOnceForAnHourThatComesLate) {
  Cold list = list_of(256 * 40);
  const std::size_t cold = list.cold_size();
  for (int key = 1000; key < 1100; ++key) list.modify(list.find({key, 0})).value = 7;
  EXPECT_EQ(list.cold_size(), cold - 256 * 2);  // it lies in two
  const Cold& read = list;
  for (int key = 1000; key < 1100; ++key) EXPECT_EQ(read.find({key, 0})->value, 7);
}

TEST(ColdRuns, ArePackedAgainWhenMuchWasWrittenElsewhere) {
  Cold list = list_of(256 * 40);
  list.erase(list.find({500, 0}));
  const std::size_t cold = list.cold_size();
  for (int key = 256 * 40; key < 256 * 44; ++key) list.insert({key, 0});
  EXPECT_EQ(list.cold_size(), cold + 4 * 256);
  list.insert({256 * 44, 0});
  EXPECT_EQ(list.cold_size(), cold + 5 * 256 + 255);
  EXPECT_TRUE(list.find({500, 0}) == list.end());
}

TEST(ColdRuns, AreFewThatAreOpenWhereverOneWrites) {
  Cold list = list_of(256 * 100);
  std::mt19937 random{1};
  for (int i = 0; i < 1000; ++i) list.put({static_cast<int>(random() % (256 * 100)), 9});
  EXPECT_GE(list.cold_size() + (16 + 5) * 256, list.size());
}

TEST(ColdRuns, StayWithWhoReadsThem) {
  const Cold list = list_of(256 * 40);
  std::vector<Cold::Iterator> readers;
  std::vector<const PackableEntry*> read;
  for (int key = 100; key < 256 * 40; key += 256) {
    readers.push_back(list.find({key, 0}));
    read.push_back(&*readers.back());
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    EXPECT_EQ(read[i]->key, 100 + static_cast<int>(i) * 256);
    EXPECT_EQ(&*readers[i], read[i]);
  }
}

TEST(ColdRuns, AreReadConcurrently) {
  const Cold list = list_of(256 * 40);
  std::vector<std::jthread> threads;
  std::array<std::int64_t, 4> sums{};
  for (std::size_t t = 0; t < sums.size(); ++t) {
    threads.emplace_back([&, t] {
      for (const Entry& entry : list) sums[t] += entry.key;
      for (int key = static_cast<int>(t); key < 256 * 40; key += 13) sums[t] -= list.find({key, 0})->key - key;
    });
  }
  threads.clear();
  for (const std::int64_t sum : sums) EXPECT_EQ(sum, std::int64_t{256 * 40} * (256 * 40 - 1) / 2);
}

}  // namespace
}  // namespace takt
