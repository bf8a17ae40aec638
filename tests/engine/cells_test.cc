// The table of cells against a std::map that does the same.
#include "engine/cells.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace takt {
namespace {

using std::chrono::hours;
using Model = std::map<Timestamp, Cell>;

constexpr Timestamp kBegin = from_micros(1'767'225'600'000'000);
Timestamp hour(std::int64_t n) { return kBegin + hours{n}; }

void expect_equal(const CellTable& table, const Model& model) {
  ASSERT_EQ(table.size(), model.size());
  ASSERT_EQ(table.empty(), model.empty());
  auto expected = model.begin();
  for (const Cell& cell : table) ASSERT_EQ(cell, (expected++)->second);
  auto at = table.end();
  for (auto backwards = model.rbegin(); backwards != model.rend(); ++backwards)
    ASSERT_EQ(*--at, backwards->second);
  ASSERT_TRUE(at == table.begin());
}

void expect_found(const CellTable& table, const Model& model, Timestamp t) {
  const auto expected = model.find(t);
  const Cell* found = table.find(t);
  ASSERT_EQ(found == nullptr, expected == model.end());
  if (found != nullptr) {
    ASSERT_EQ(*found, expected->second);
  }
  const auto next = model.lower_bound(t);
  const auto bound = table.lower_bound(t);
  ASSERT_EQ(bound == table.end(), next == model.end());
  if (next != model.end()) {
    ASSERT_EQ(*bound, next->second);
  }
}

class CellTableLike : public testing::TestWithParam<unsigned> {
 protected:
  /// Buckets as machines have them: mostly the next hour, at times one of long ago, with gaps; cut by a clock
  /// change.
  TimeRange bucket() {
    const std::int64_t back = random_() % 5 == 0 ? static_cast<std::int64_t>(random_() % 400) : 0;
    next_ += static_cast<std::int64_t>(random_() % 40 == 0 ? random_() % 30 : random_() % 2);
    const Timestamp begin = hour(next_ - back) + std::chrono::minutes{random_() % 60 == 0 ? 30 : 0};
    return {begin, begin + hours{1}};
  }

  std::mt19937 random_{GetParam()};
  std::int64_t next_ = 0;
};

TEST_P(CellTableLike, AMapThroughRandomChanges) {
  CellTable table;
  Model model;
  for (int change = 0; change < 3000; ++change) {
    const TimeRange range = bucket();
    Cell& cell = table.cell(range);
    cell.revision += 1, cell.account.good = change;
    Cell& same = model[range.begin];
    same.range = range;
    same.revision += 1, same.account.good = change;
    if (change % 7 == 0) {
      const Timestamp gone = change % 2 == 0 ? range.begin : bucket().begin;
      table.erase(gone), model.erase(gone);
    }
    if (change % 100 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_equal(table, model));
    }
    ASSERT_NO_FATAL_FAILURE(expect_found(table, model, bucket().begin));
  }
  ASSERT_NO_FATAL_FAILURE(expect_equal(table, model));
}

TEST_P(CellTableLike, AMapForACursorThatMostlyRises) {
  CellTable table;
  Model model;
  for (int i = 0; i < 1000; ++i) {
    const TimeRange range = bucket();
    table.cell(range).revision = model[range.begin].revision = random_();
  }
  CellCursor cursor{table};
  std::int64_t at = -3;
  for (int step = 0; step < 3000; ++step) {
    at = random_() % 50 == 0 ? static_cast<std::int64_t>(random_() % 600)
                             : at + static_cast<std::int64_t>(random_() % 8);
    if (at > 700) at = -3;
    const TimeRange range{hour(at), hour(at + 1)};
    const Cell* cell = cursor.find(range.begin);
    const auto expected = model.find(range.begin);
    ASSERT_EQ(cell == nullptr, expected == model.end());
    if (cell != nullptr) {
      ASSERT_EQ(cell->revision, expected->second.revision);
      continue;
    }
    const bool touched =
        std::any_of(table.begin(), table.end(), [&](const Cell& c) { return c.range.overlaps(range); });
    ASSERT_EQ(cursor.none_in(range), !touched);
  }
}

INSTANTIATE_TEST_SUITE_P(Seed, CellTableLike, testing::Range(0U, 20U));

TEST(CellTable, OfHoursInOrderWastesLittle) {
  CellTable table;
  for (int i = 0; i < 720; ++i) table.cell({hour(i), hour(i + 1)}).revision = 1;
  EXPECT_LT(table.bytes(), 720 * sizeof(Cell) * 11 / 10);
}

}  // namespace
}  // namespace takt
