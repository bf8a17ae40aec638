#include "engine/readings/alike_column.h"

#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace takt {
namespace {

std::vector<int> values_of(const AlikeColumn<int>& column) {
  std::vector<int> values(column.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = column[i];
  return values;
}

TEST(AlikeColumn, TakesNoMemoryWhileAllRowsAreAlike) {
  AlikeColumn<int> column;
  for (int i = 0; i < 1000; ++i) column.push_back(192);
  column.insert(10, 192);
  column.set(20, 192);
  EXPECT_EQ(column.size(), 1001U);
  EXPECT_TRUE(column.all_are(192));
  EXPECT_EQ(column.bytes(), 0U);
  column.set(20, 0);
  EXPECT_EQ(column.count(192), 1000U);
  EXPECT_EQ(column[20], 0);
  EXPECT_EQ(column[1000], 192);
}

TEST(AlikeColumn, IsAListOfValuesWhateverIsDone) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random{seed};
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random); };
    const auto value = [&] { return below(seed % 3 == 0 ? 1 : 20) == 0 ? 7 : 3; };
    AlikeColumn<int> column, other;
    std::vector<int> right;
    for (std::size_t i = below(5); i > 0; --i) other.push_back(value());
    for (int step = 0; step < 60; ++step) {
      const std::size_t place = below(right.size() + 1), last = below(other.size() + 1), first = below(last + 1);
      const int v = value();
      const std::vector<int> list(3, v);
      const auto at = right.begin() + static_cast<std::ptrdiff_t>(place);
      switch (below(7)) {
        case 0:
          column.push_back(v), right.push_back(v);
          break;
        case 1:
          column.append(4, v), right.insert(right.end(), 4, v);
          break;
        case 2:
          column.append(other, first, last);
          for (std::size_t i = first; i < last; ++i) right.push_back(other[i]);
          break;
        case 3:
          column.append(list, 1, 3), right.insert(right.end(), 2, v);
          break;
        case 4:
          column.insert(place, v), right.insert(at, v);
          break;
        case 5:
          if (place < right.size()) column.set(place, v), *at = v;
          break;
        default: {
          // Room in the middle, filled at once.
          const std::size_t end = right.size();
          column.widen(1), column.move_up(place, end, end + 1), column.set(place, v);
          right.insert(at, v);
        }
      }
      ASSERT_EQ(values_of(column), right) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace takt
