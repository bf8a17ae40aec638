// Where rows of a tag stand, however unevenly their times lie, and rows put in among others.
#include "engine/readings/columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace takt {
namespace {

Reading reading_at(std::int64_t us, const ReadingExtra* extra = nullptr) {
  return {from_micros(us), static_cast<double>(us % 1000), kNoQuality, Value::Kind::number, extra};
}

/// Times at a steady pace, in bursts with long gaps, and at the ends of all time.
std::vector<std::int64_t> random_times(std::mt19937_64& random, int kind) {
  std::vector<std::int64_t> times;
  std::int64_t us = kind == 2 ? std::numeric_limits<std::int64_t>::min() : 0;
  for (int i = 0; i < 300; ++i) {
    times.push_back(us);
    const auto jitter = static_cast<std::int64_t>(random() % 3000);
    us += 1'000'000 + jitter + (kind > 0 && random() % 20 == 0 ? std::int64_t{1} << (random() % 50) : 0);
  }
  if (kind == 2) times.push_back(std::numeric_limits<std::int64_t>::max());
  return times;
}

TEST(ReadingColumns, FindTheFirstRowFromAnyTimeOn) {
  std::mt19937_64 random{1};
  for (const int kind : {0, 1, 2}) {
    ReadingColumns rows;
    EXPECT_EQ(rows.lower_bound(5), 0U);
    for (const std::int64_t us : random_times(random, kind)) {
      rows.push_back(reading_at(us));
      for (int i = 0; i < 8; ++i) {
        const std::int64_t near = rows.at[random() % rows.size()];
        const std::int64_t wanted = i % 2 == 0 ? near : near ^ static_cast<std::int64_t>(random() % 4'000'000);
        const auto right = std::lower_bound(rows.at.begin(), rows.at.end(), wanted) - rows.at.begin();
        ASSERT_EQ(rows.lower_bound(wanted), static_cast<std::size_t>(right)) << wanted;
      }
    }
  }
}

TEST(ReadingColumns, TakeRowsInAmongOthersAsMergingThemWould) {
  std::mt19937_64 random{2};
  for (int round = 0; round < 200; ++round) {
    ReadingColumns some, others;
    for (std::int64_t us = 0; us < 60; ++us) {
      const ReadingExtra first{0, "", "a", ""}, second{2, "", "b", "{}"};
      // Of one time, too, with ids that tell them apart.
      if (random() % 2 == 0) (random() % 3 == 0 ? some : others).push_back(reading_at(us));
      if (random() % 4 == 0) (random() % 2 == 0 ? some : others).push_back(reading_at(us, &first));
      if (random() % 4 == 0) (random() % 2 == 0 ? some : others).push_back(reading_at(us, &second));
    }
    const ReadingColumns right = merge({&some, &others}, true);
    some.insert(others);
    ASSERT_EQ(some.size(), right.size());
    for (std::size_t i = 0; i < right.size(); ++i) {
      ASSERT_EQ(some[i].at, right[i].at);
      ASSERT_EQ(some[i].id(), right[i].id());
      ASSERT_EQ(rank_of(some[i]), rank_of(right[i]));
    }
  }
}

}  // namespace
}  // namespace takt
