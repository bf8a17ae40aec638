// A chunk gives back every bit that it was made of, or says that it cannot.
#include "engine/readings/chunk.h"
#include "engine/chunk_parts.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>

#include "schema/chunk_generated.h"

namespace takt {
namespace {

constexpr GroupId kGroup{3};
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

/// Rows of one day with all kinds of values.
ReadingColumns awkward_rows(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random{seed};
  ReadingColumns rows;
  Timestamp t = kNoon;
  for (std::size_t i = 0; i < count; ++i) {
    t += Duration{static_cast<std::int64_t>(1 + random() % 1'000'000)};
    ReadingExtra extra;
    Reading row{t, awkward_number(random), static_cast<std::int32_t>(random() % 3) - 1,
                static_cast<Value::Kind>(random() % 4), nullptr};
    if (row.kind == Value::Kind::text) extra.value = "value " + std::to_string(random() % 7);
    if (random() % 4 == 0) extra.id = std::string(random() % 5, 'i'), extra.attributes = R"({"a":1})";
    if (random() % 4 == 0) extra.order = random();
    if (extra != ReadingExtra{}) row.extra = &extra;
    rows.push_back(row);
  }
  return rows;
}

/// As a temperature comes in: decimals, once a second, nothing special.
ReadingColumns plain_rows(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random{seed};
  ReadingColumns rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({kNoon + Duration{static_cast<std::int64_t>(i * 1'000'000 + random() % 2000)},
                    static_cast<double>(600 + random() % 50) / 10, 192, Value::Kind::number, nullptr});
  }
  return rows;
}

void expect_same(const ReadingColumns& got, const ReadingColumns& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Reading a = got[i], b = wanted[i];
    ASSERT_EQ(a.at, b.at) << i;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(a.number), std::bit_cast<std::uint64_t>(b.number)) << i;
    ASSERT_EQ(a.quality, b.quality) << i;
    ASSERT_EQ(a.kind, b.kind) << i;
    ASSERT_EQ(a.extra == nullptr ? ReadingExtra{} : *a.extra, b.extra == nullptr ? ReadingExtra{} : *b.extra) << i;
  }
}

ChunkHead head_for_writing() {
  ChunkHead head;
  head.key.machine = MachineId{7};
  head.sealed_through = 99;
  head.changed = 101;
  return head;
}

std::string encoded(const ReadingColumns& rows, ChunkHead* head = nullptr) {
  ChunkHead mine = head_for_writing();
  const SeriesRows series{kGroup, &rows};
  std::string bytes = encode_chunk({&series, 1}, mine);
  if (head != nullptr) *head = mine;
  return bytes;
}

class Chunk : public testing::TestWithParam<std::size_t> {};

TEST_P(Chunk, GivesBackEveryBit) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const ReadingColumns& rows : {awkward_rows(seed, GetParam()), plain_rows(seed, GetParam())}) {
      const std::string bytes = encoded(rows);
      const auto decoded = decode_chunk(bytes, kGroup);
      ASSERT_TRUE(decoded) << decoded.error().context;
      expect_same(*decoded, rows);
      if (HasFatalFailure()) return;
      const auto verified = verify_chunk(bytes);
      EXPECT_TRUE(verified) << verified.error().context;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfSize, Chunk, testing::Values(1U, 2U, 100U, 1024U, kChunkRows));

TEST(Chunk, OfDecimalsTakesAFewBitsARow) {
  const std::string bytes = encoded(plain_rows(1, kChunkRows));
  // 11 bits for the jitter, 6 for the value, and the header.
  EXPECT_LT(bytes.size(), kChunkRows * 18 / 8 + 400);
}

TEST(Chunk, OfTagsSampledTogetherHasTheirTimesOnce) {
  const ReadingColumns one = plain_rows(1, 1000);
  ReadingColumns two = one, three = one;
  for (double& v : two.number) v += 100;
  three.quality.set(5, 0);
  ChunkHead head = head_for_writing();
  const std::vector<SeriesRows> series{{GroupId{5}, &one}, {GroupId{1}, &two}, {GroupId{9}, &three}};
  const std::string bytes = encode_chunk(series, head);
  EXPECT_LT(bytes.size(), encoded(one).size() + 2 * 1200);
  const auto read = read_chunk_head(bytes);
  ASSERT_TRUE(read) << read.error().context;
  ASSERT_EQ(read->series.size(), 3U);
  EXPECT_EQ(read->key.group, GroupId{5});
  EXPECT_EQ(read->series[2].statistics.good, 999U);
  for (const SeriesRows& s : series) {
    const auto decoded = decode_chunk(bytes, s.group);
    ASSERT_TRUE(decoded) << decoded.error().context;
    expect_same(*decoded, *s.rows);
  }
  EXPECT_EQ(decode_chunk(bytes, GroupId{2}).error().code, ErrorCode::not_found);
  PlainRows plain;
  ASSERT_TRUE(decode_plain(bytes, GroupId{1}, plain));
  EXPECT_EQ(plain.number, two.number);
  EXPECT_EQ(plain.at, two.at);
}

TEST(Chunk, OfEmptyTextsComesBackAndRanksAsInMemory) {
  ReadingColumns rows = plain_rows(2, 3);
  rows.kind.assign(3, Value::Kind::text);
  rows.number.assign(3, 0);
  const auto decoded = decode_chunk(encoded(rows), kGroup);
  ASSERT_TRUE(decoded) << decoded.error().context;
  expect_same(*decoded, rows);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(rank_of((*decoded)[i]), rank_of(rows[i]));
  // Beside one that is none.
  rows.extras.push_back({0, "word", "", ""});
  rows.extra.set(1, 1);
  const auto mixed = decode_chunk(encoded(rows), kGroup);
  ASSERT_TRUE(mixed) << mixed.error().context;
  expect_same(*mixed, rows);
}

TEST(ChunkHead, TellsWhatIsInIt) {
  ReadingColumns rows = plain_rows(4, 50);
  rows.number[10] = -3, rows.number[20] = 99;
  rows.number[30] = 1000;  // withdrawn: in no figure
  rows.extras.push_back({5, "", "", ""});
  rows.extra.set(30, 1);
  rows.kind.set(40, Value::Kind::boolean);
  rows.number[40] = 1;
  rows.quality.set(45, 0);
  ChunkHead written;
  const std::string bytes = encoded(rows, &written);
  const auto head = read_chunk_head(chunk_head_bytes(bytes));  // the columns need not be there
  ASSERT_TRUE(head) << head.error().context;
  EXPECT_EQ(head->key, written.key);
  EXPECT_EQ(head->rows, 50U);
  EXPECT_EQ(head->first, from_micros(rows.at.front()));
  EXPECT_EQ(head->last, from_micros(rows.at.back()));
  EXPECT_EQ(head->sealed_through, 99U);
  EXPECT_EQ(head->changed, 101U);
  ASSERT_EQ(head->series.size(), 1U);
  EXPECT_FALSE(head->series[0].plain);
  const ReadingStatistics& s = head->series[0].statistics;
  EXPECT_EQ(s.numbers, 49U);
  EXPECT_EQ(s.good, 48U);
  EXPECT_EQ(s.minimum, -3);
  EXPECT_EQ(s.maximum, 99);
  EXPECT_EQ(s.first, rows.number[0]);
  EXPECT_EQ(s.last, rows.number[49]);
  EXPECT_LT(chunk_head_bytes(bytes).size(), bytes.size());
}

TEST(ChunkHead, OfNumbersAloneHasTheFiguresOfItsRows) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const ReadingColumns rows = plain_rows(seed, 3000);
    const auto head = read_chunk_head(encoded(rows));
    ASSERT_TRUE(head && head->series[0].plain);
    const ReadingStatistics &told = head->series[0].statistics, found = statistics_of(rows);
    EXPECT_EQ(told.numbers, found.numbers);
    EXPECT_EQ(told.minimum, found.minimum);
    EXPECT_EQ(told.maximum, found.maximum);
    EXPECT_EQ(told.first, found.first);
    EXPECT_EQ(told.last, found.last);
    EXPECT_EQ(told.increase, found.increase);
    EXPECT_EQ(told.sum.value(), found.sum.value());
  }
}

TEST(DamagedChunk, IsDetectedWhicheverByteIsFlipped) {
  for (const ReadingColumns& rows : {awkward_rows(5, 40), plain_rows(5, 1100)}) {
    const std::string bytes = encoded(rows);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (const int bit : {0, 3, 7}) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
        const auto decoded = decode_chunk(damaged, kGroup);
        ASSERT_FALSE(decoded) << "byte " << i << " of " << bytes.size();
        ASSERT_EQ(decoded.error().code, ErrorCode::corruption) << decoded.error().context;
      }
    }
  }
}

TEST(DamagedChunk, IsDetectedWhereverItIsCut) {
  const std::string bytes = encoded(awkward_rows(6, 40));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_chunk(std::string_view{bytes}.substr(0, size), kGroup);
    ASSERT_FALSE(decoded) << size;
    ASSERT_EQ(decoded.error().code, ErrorCode::corruption);
  }
}

TEST(DamagedChunkHead, IsDetectedWhicheverByteIsFlipped) {
  const std::string bytes = encoded(awkward_rows(7, 3));
  const std::string head{chunk_head_bytes(bytes)};
  for (std::size_t i = 0; i < head.size(); ++i) {
    std::string damaged = head;
    damaged[i] = static_cast<char>(damaged[i] ^ 16);
    ASSERT_FALSE(read_chunk_head(damaged)) << i;
  }
}

/// A chunk of one row as some other version of the program might write it, with right checksums.
std::string foreign_chunk(std::uint16_t version, unsigned part_kind, const std::string& column) {
  flatbuffers::FlatBufferBuilder builder;
  const wire::Statistics none;
  const std::vector<flatbuffers::Offset<wire::SeriesHead>> series{
      wire::CreateSeriesHead(builder, 3, 1, 0, false, 0, &none)};
  const auto part = [&](unsigned kind) {
    return wire::Part{XXH3_64bits(column.data(), column.size()), static_cast<std::uint32_t>(column.size()),
                      static_cast<std::uint8_t>(kind)};
  };
  const std::vector<wire::Part> parts{part(0), part(part_kind)};
  const auto listed = builder.CreateVector(series);
  const auto columns = builder.CreateVectorOfStructs(parts);
  wire::ChunkHeaderBuilder header{builder};
  header.add_version(version);
  header.add_rows(1);
  header.add_series(listed);
  header.add_parts(columns);
  builder.Finish(header.Finish());
  const std::uint32_t size = builder.GetSize();
  const std::uint64_t checksum = XXH3_64bits(builder.GetBufferPointer(), size);
  std::string bytes{"TKC1"};
  bytes.append(reinterpret_cast<const char*>(&size), 4);
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  bytes.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), size);
  return bytes + column + column;
}

const std::string kRawZero(9, '\0');  // codec 0: raw

TEST(ForeignChunk, OfANewerVersionIsRefusedByName) {
  ASSERT_TRUE(decode_chunk(foreign_chunk(2, 1, kRawZero), kGroup));
  const auto newer = decode_chunk(foreign_chunk(3, 1, kRawZero), kGroup);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::corruption);
  EXPECT_NE(newer.error().context.find("version 3"), std::string::npos) << newer.error().context;
}

TEST(ForeignChunk, WithoutItsNumbersOrWithAnUnknownCodecIsRefused) {
  for (const auto& chunk : {foreign_chunk(2, 77, kRawZero), foreign_chunk(2, 1, std::string(9, '\x3F'))}) {
    const auto decoded = decode_chunk(chunk, kGroup);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::corruption);
  }
}

std::string file(const std::string& name) {
  std::ifstream in{std::string{TAKT_TEST_DATA} + "/chunks/" + name, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The rows that the golden files were made of.
ReadingColumns golden_rows() {
  ReadingColumns rows;
  for (int i = 0; i < 200; ++i) {
    ReadingExtra extra;
    Reading row{kNoon + Duration{i * 1'000'000 + (i * 37) % 11}, 20.5 + (i % 13) * 0.1, i % 50 == 7 ? 0 : 192,
                Value::Kind::number, nullptr};
    if (i == 3) row.kind = Value::Kind::boolean, row.number = 1;
    if (i == 5) row.kind = Value::Kind::text, row.number = 0, extra.value = "ready";
    if (i == 8) extra.id = "b", extra.attributes = R"({"a":1})", extra.order = 4;
    if (i == 9) row.number = 0, extra.order = 3;
    if (i == 10) row.number = -0.0;
    if (i == 11) row.number = std::numeric_limits<double>::denorm_min();
    if (extra != ReadingExtra{}) row.extra = &extra;
    rows.push_back(row);
  }
  return rows;
}

TEST(GoldenChunk, OfEveryVersionDecodes) {
  for (const char* name : {"version_1.chunk", "version_2.chunk"}) {
    const std::string bytes = file(name);
    const auto head = read_chunk_head(bytes);
    ASSERT_TRUE(head) << name << ": " << head.error().context;
    EXPECT_EQ(head->key.machine, MachineId{7});
    EXPECT_EQ(head->sealed_through, 99U);
    EXPECT_EQ(head->rows, 200U);
    const auto rows = decode_chunk(bytes, kGroup);
    ASSERT_TRUE(rows) << name << ": " << rows.error().context;
    expect_same(*rows, golden_rows());
    EXPECT_EQ(decode_chunk(bytes, GroupId{4}).error().code, ErrorCode::not_found);
    PlainRows plain;
    EXPECT_EQ(decode_plain(bytes, GroupId{4}, plain).error().code, ErrorCode::not_found);
  }
}

TEST(GoldenChunk, IsWhatIsWrittenToday) {
  // A change of these bytes is a new version of the format: give it a number, a file and a reader for the old one.
  ChunkHead head = head_for_writing();
  const ReadingColumns rows = golden_rows();
  const SeriesRows series{kGroup, &rows};
  const std::string bytes = encode_chunk({&series, 1}, head);
  if (std::getenv("TAKT_WRITE_GOLDEN") != nullptr) {
    std::ofstream{std::string{TAKT_TEST_DATA} + "/chunks/version_2.chunk", std::ios::binary} << bytes;
  }
  EXPECT_EQ(bytes, file("version_2.chunk"));
}

TEST(ChunkKey, SortsByDayThenMachineThenGroupThenTime) {
  const auto key = [](std::string_view first, std::uint32_t machine, std::uint32_t group, std::uint32_t sequence) {
    return ChunkKey{MachineId{machine}, GroupId{group}, parse_time(first).value(), sequence};
  };
  const std::vector<ChunkKey> keys{
      key("1969-12-31T23:59:59.999999Z", 9, 9, 9), key("1970-01-01T00:00:00Z", 0, 0, 0),
      key("2026-01-05T23:00:00Z", 1, 1, 0),        key("2026-01-05T01:00:00Z", 1, 2, 0),
      key("2026-01-05T02:00:00Z", 1, 2, 0),        key("2026-01-05T02:00:00Z", 1, 2, 1),
      key("2026-01-05T00:00:00Z", 256, 0, 0),      key("2026-01-06T00:00:00Z", 0, 0, 0),
  };
  std::vector<std::string> bytes;
  for (const ChunkKey& one : keys) {
    bytes.push_back(one.bytes());
    EXPECT_EQ(bytes.back().size(), 24U);
    EXPECT_EQ(ChunkKey::parse(bytes.back()), one);
  }
  EXPECT_TRUE(std::is_sorted(bytes.begin(), bytes.end()));
  EXPECT_EQ(ChunkKey::parse(bytes[0].substr(1)), std::nullopt);
  bytes[0][3] = static_cast<char>(bytes[0][3] ^ 1);  // another day than its time's
  EXPECT_EQ(ChunkKey::parse(bytes[0]), std::nullopt);
}

}  // namespace
}  // namespace takt
