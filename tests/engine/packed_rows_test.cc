// Records come back from their packed rows to the bit, whatever is in them.
#include "engine/packed_rows.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "engine/records.h"

namespace takt {
namespace {

// All members of each record: one that is new does not compile until it is here, and is tested then.
template <class R>
auto members(R& record) {
  using Record = std::remove_const_t<R>;
  if constexpr (std::is_same_v<Record, StateRecord>) {
    auto& [a, b, c, d, rank] = record;
    return std::tie(a, b, c, d, rank.order, rank.content);
  } else if constexpr (std::is_same_v<Record, PieceRecord>) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, rank] = record;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, rank.order, rank.content);
  } else if constexpr (std::is_same_v<Record, CycleRecord>) {
    auto& [a, b, c, d, e, f, rank] = record;
    return std::tie(a, b, c, d, e, f, rank.order, rank.content);
  } else if constexpr (std::is_same_v<Record, CounterRecord>) {
    auto& [a, b, c, d, e, f, total] = record;
    return std::tie(a, b, c, d, e, f, total[0], total[1], total[2]);
  } else if constexpr (std::is_same_v<Record, QualityRecord>) {
    auto& [a, b, c, d, e, f, g, h, i, j, rank] = record;
    return std::tie(a, b, c, d, e, f, g, h, i, j, rank.order, rank.content);
  } else {
    auto& [a, b, c, rank] = record;
    return std::tie(a, b, c, rank.order, rank.content);
  }
}

/// What a column may be like.
class Column {
 public:
  explicit Column(std::mt19937_64& random) : random_(random), kind_(random() % 8), value_(number()) {}

  std::int64_t next() {
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(), kMost = ~kLeast;
    constexpr std::int64_t kExtremes[] = {kLeast, kMost, kAbsent, 0, -1, 1, kLeast + 1, kMost - 1};
    switch (kind_) {
      case 0:
        return value_;
      case 1:
        return static_cast<std::int64_t>(random_());
      case 2:
        return kExtremes[random_() % std::size(kExtremes)];
      case 3:
        return kExtremes[random_() % 2];
      case 4:
        return static_cast<std::int64_t>(random_() % 6);
      case 5:
        return value_ = step(1'000);
      case 6:
        return value_ = step(1'000'000);
      default:
        return random_() % 50 == 0 ? number() : value_;
    }
  }

 private:
  std::int64_t number() { return static_cast<std::int64_t>(random_()); }
  std::int64_t step(std::uint64_t unit) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(value_) + random_() % 3600 * unit);
  }
  std::mt19937_64& random_;
  std::uint64_t kind_;
  std::int64_t value_;
};

template <class V>
bool same(const V& a, const V& b) {
  return packed::to_number(a) == packed::to_number(b);  // of doubles the bits
}

template <class Record>
std::vector<Record> random_rows(std::mt19937_64& random, std::size_t count) {
  std::vector<Record> rows(count);
  std::vector<Column> columns;
  for (std::size_t i = 0; i < std::tuple_size_v<decltype(members(rows[0]))>; ++i) columns.emplace_back(random);
  for (Record& row : rows) {
    std::size_t i = 0;
    std::apply([&](auto&... member) { (packed::from_number(member, columns[i++].next()), ...); }, members(row));
  }
  return rows;
}

template <class Record>
class PackedRowsOf : public testing::Test {};
using Records = testing::Types<StateRecord, PieceRecord, CycleRecord, CounterRecord, QualityRecord, EnergyRecord>;
TYPED_TEST_SUITE(PackedRowsOf, Records);

TYPED_TEST(PackedRowsOf, AnyRecordsComeBackToTheBit) {
  for (unsigned seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random{seed};
    const std::size_t count = seed % 3 == 0 ? kPackedRows : 1 + random() % kPackedRows;
    const auto rows = random_rows<TypeParam>(random, count);
    std::string bytes;
    append_packed_rows<TypeParam>(bytes, rows);
    std::vector<TypeParam> back(rows.size());
    read_packed_rows<TypeParam>(bytes, back);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto all_same = [&](const auto&... wanted) {
        return std::apply([&](const auto&... got) { return (same(wanted, got) && ...); }, members(back[i]));
      };
      ASSERT_TRUE(std::apply(all_same, members(rows[i]))) << "row " << i;
    }
  }
}

/// Of a machine that changes its state every few minutes, to the millisecond.
TEST(PackedRows, OfStatesTakeLittleMoreThanTheirHash) {
  std::mt19937_64 random{1};
  std::vector<StateRecord> rows(kPackedRows);
  Timestamp at = from_micros(1'700'000'000'000'000);
  for (StateRecord& row : rows) {
    at += std::chrono::milliseconds{random() % 600'000};
    row.at = at;
    row.state = NameId{static_cast<std::uint32_t>(10 + random() % 5)};
    row.rank.content = random();
  }
  std::string bytes;
  append_packed_rows<StateRecord>(bytes, rows);
  EXPECT_LE(bytes.size(), kPackedRows * (8 + 3) + 32);
}

}  // namespace
}  // namespace takt
