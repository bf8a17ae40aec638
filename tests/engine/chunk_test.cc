// A chunk gives back every bit that it was made of, or says that it cannot.
#include "engine/chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "schema/chunk_generated.h"

namespace takt {
namespace {

const Timestamp kNoon = parse_time("2026-01-05T12:00:00Z").value();

double awkward_number(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      return -0.0;
    case 1:
      return std::numeric_limits<double>::infinity();
    case 2:
      return std::bit_cast<double>(0x7FF8'0000'0000'0000U | (random() & 0xFFFFU));  // NaN with a payload
    case 3:
      return std::bit_cast<double>(0xFFF0'0000'0000'0001U);  // a signalling one
    case 4:
      return std::numeric_limits<double>::denorm_min();
    default:
      return std::bit_cast<double>(random());
  }
}

/// Rows of one day, ordered, with all kinds of values. `alike` leaves columns constant.
ReadingRows random_rows(std::uint64_t seed, std::size_t count, bool alike = false) {
  std::mt19937_64 random{seed};
  ReadingRows rows;
  Timestamp t = kNoon;
  for (std::size_t i = 0; i < count; ++i) {
    t += Duration{alike ? 1 : static_cast<std::int64_t>(1 + random() % 1'000'000)};
    ReadingRow row;
    row.at = t;
    row.kind = Value::Kind::number;
    row.number = 61.25;
    row.rank = {4, 5};
    if (!alike) {
      row.kind = static_cast<Value::Kind>(random() % 4);
      row.number = awkward_number(random);
      row.quality = static_cast<std::int32_t>(random() % 3) - 1;
      row.rank = {random(), random()};
    }
    ReadingRows::Texts texts;
    if (!alike && random() % 4 == 0)
      texts = {"value " + std::to_string(random()), std::string(random() % 5, 'i'), "{\"a\":1}"};
    row.id = hash_of(texts.id);
    if (texts != ReadingRows::Texts{}) {
      rows.texts.push_back(texts);
      row.extra = static_cast<std::uint32_t>(rows.texts.size());
    }
    rows.rows.push_back(row);
  }
  return rows;
}

void expect_same(const ReadingRows& got, const ReadingRows& wanted) {
  ASSERT_EQ(got.rows.size(), wanted.rows.size());
  for (std::size_t i = 0; i < wanted.rows.size(); ++i) {
    const ReadingRow &a = got.rows[i], &b = wanted.rows[i];
    ASSERT_EQ(a.at, b.at) << i;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(a.number), std::bit_cast<std::uint64_t>(b.number)) << i;
    ASSERT_EQ(a.rank, b.rank) << i;
    ASSERT_EQ(a.id, b.id) << i;
    ASSERT_EQ(a.quality, b.quality) << i;
    ASSERT_EQ(a.kind, b.kind) << i;
    ASSERT_EQ(a.extra != 0, b.extra != 0) << i;
    if (b.extra != 0) {
      ASSERT_EQ(got.texts[a.extra - 1], wanted.texts[b.extra - 1]) << i;
    }
  }
}

std::string encoded(const ReadingRows& rows, ChunkInfo* info = nullptr) {
  ChunkInfo mine;
  mine.machine = MachineId{7};
  mine.group = GroupId{3};
  mine.sealed_through = 99;
  std::string bytes = encode_chunk(rows, mine);
  if (info != nullptr) *info = mine;
  return bytes;
}

class Chunk : public testing::TestWithParam<std::size_t> {};

TEST_P(Chunk, GivesBackEveryBit) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const ReadingRows rows = random_rows(seed, GetParam());
    const auto decoded = decode_chunk(encoded(rows));
    ASSERT_TRUE(decoded) << decoded.error().context;
    expect_same(*decoded, rows);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(OfSize, Chunk, testing::Values(1U, 2U, 100U, kChunkRows));

TEST(ChunkColumns, OfOneValueTakeNoRoom) {
  const ReadingRows rows = random_rows(1, kChunkRows, true);
  const std::string bytes = encoded(rows);
  EXPECT_LT(bytes.size(), kChunkRows * 8 + 1024);  // the times, and little else
  const auto decoded = decode_chunk(bytes);
  ASSERT_TRUE(decoded) << decoded.error().context;
  expect_same(*decoded, rows);
}

TEST(ChunkHead, TellsWhatIsInIt) {
  ReadingRows rows = random_rows(4, 50, true);
  rows.rows[10].number = -3, rows.rows[20].number = 99;
  rows.rows[30].rank = {5, 0}, rows.rows[30].number = 1000;  // withdrawn: in no figure
  rows.rows[40].kind = Value::Kind::boolean;
  ChunkInfo written;
  const std::string bytes = encoded(rows, &written);
  const auto info = read_chunk_info(chunk_head(bytes));  // the columns need not be there
  ASSERT_TRUE(info) << info.error().context;
  EXPECT_EQ(info->machine, MachineId{7});
  EXPECT_EQ(info->group, GroupId{3});
  EXPECT_EQ(info->rows, 50U);
  EXPECT_EQ(info->first, rows.rows.front().at);
  EXPECT_EQ(info->last, rows.rows.back().at);
  EXPECT_EQ(info->numbers, 48U);
  EXPECT_EQ(info->minimum, -3);
  EXPECT_EQ(info->maximum, 99);
  EXPECT_EQ(info->sealed_through, 99U);
  EXPECT_EQ(written.rows, info->rows);
  EXPECT_LT(chunk_head(bytes).size(), bytes.size());
}

TEST(DamagedChunk, IsDetectedWhicheverByteIsFlipped) {
  const std::string bytes = encoded(random_rows(5, 40));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const auto decoded = decode_chunk(damaged);
      ASSERT_FALSE(decoded) << "byte " << i << " of " << bytes.size();
      ASSERT_EQ(decoded.error().code, ErrorCode::corruption);
    }
  }
}

TEST(DamagedChunk, IsDetectedWhereverItIsCut) {
  const std::string bytes = encoded(random_rows(6, 40));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_chunk(std::string_view{bytes}.substr(0, size));
    ASSERT_FALSE(decoded) << size;
    ASSERT_EQ(decoded.error().code, ErrorCode::corruption);
  }
}

TEST(DamagedChunkHead, IsDetectedWhicheverByteIsFlipped) {
  const std::string bytes = encoded(random_rows(7, 3));
  const std::string head{chunk_head(bytes)};
  for (std::size_t i = 0; i < head.size(); ++i) {
    std::string damaged = head;
    damaged[i] = static_cast<char>(damaged[i] ^ 16);
    ASSERT_FALSE(read_chunk_info(damaged)) << i;
  }
}

/// A chunk of one row and one column, as some other version of the program might write it, with right checksums.
std::string foreign_chunk(std::uint16_t version, wire::ColumnKind kind, wire::Codec codec) {
  const std::string column(8, '\0');
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<flatbuffers::Offset<wire::Column>> columns{
      wire::CreateColumn(builder, kind, codec, 0, 8, XXH3_64bits(column.data(), column.size()))};
  builder.Finish(
      wire::CreateChunkHeader(builder, version, 7, 3, 1, 0, 0, 0, 0, 0, 1, builder.CreateVector(columns)));
  const std::uint32_t size = builder.GetSize();
  const std::uint64_t checksum = XXH3_64bits(builder.GetBufferPointer(), size);
  std::string bytes{"TKC1"};
  bytes.append(reinterpret_cast<const char*>(&size), 4);
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  bytes.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), size);
  return bytes + column;
}

TEST(ForeignChunk, OfANewerVersionIsRefusedByName) {
  ASSERT_TRUE(decode_chunk(foreign_chunk(1, wire::ColumnKind::time, wire::Codec::raw)));
  const auto newer = decode_chunk(foreign_chunk(2, wire::ColumnKind::time, wire::Codec::raw));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::corruption);
  EXPECT_NE(newer.error().context.find("version 2"), std::string::npos) << newer.error().context;
}

TEST(ForeignChunk, OfAnUnknownCodecOrColumnIsRefused) {
  for (const auto& chunk : {foreign_chunk(1, wire::ColumnKind::time, static_cast<wire::Codec>(9)),
                            foreign_chunk(1, static_cast<wire::ColumnKind>(9), wire::Codec::raw)}) {
    const auto decoded = decode_chunk(chunk);
    ASSERT_FALSE(decoded);
    EXPECT_NE(decoded.error().context.find("newer program"), std::string::npos) << decoded.error().context;
  }
}

TEST(ChunkKey, SortsByDayThenMachineThenGroupThenTime) {
  const auto key = [](std::string_view first, std::uint32_t machine, std::uint16_t group, std::uint32_t sequence) {
    ChunkInfo info;
    info.first = parse_time(first).value();
    info.machine = MachineId{machine};
    info.group = GroupId{group};
    info.sequence = sequence;
    return chunk_key(info);
  };
  const std::vector<std::string> ordered{
      key("1969-12-31T23:59:59.999999Z", 9, 9, 9), key("1970-01-01T00:00:00Z", 0, 0, 0),
      key("2026-01-05T23:00:00Z", 1, 1, 0),        key("2026-01-05T01:00:00Z", 1, 2, 0),
      key("2026-01-05T02:00:00Z", 1, 2, 0),        key("2026-01-05T02:00:00Z", 1, 2, 1),
      key("2026-01-05T00:00:00Z", 256, 0, 0),      key("2026-01-06T00:00:00Z", 0, 0, 0),
  };
  EXPECT_TRUE(std::is_sorted(ordered.begin(), ordered.end()));
  for (const std::string& one : ordered) EXPECT_EQ(one.size(), 24U);
}

}  // namespace
}  // namespace takt
