// Checkpoints of machines as bytes.
#include "engine/events/checkpoint.h"

#include "engine/codec/integers.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <random>

namespace takt {
namespace {

Names names;

NameId any_name(std::mt19937_64& random, const std::string& kind, unsigned of) {
  return names.intern(kind + std::to_string(random() % of));
}

/// Parts that need not add up to the account: a checkpoint keeps what it is given.
void add_random_parts(std::mt19937_64& random, Sums& sums) {
  const auto any = [&] { return static_cast<std::int64_t>(random() >> (4 + random() % 60)); };
  for (std::uint64_t i = random() % 4; i > 0; --i)
    sums.add_stop(any_name(random, "reason", 9), Duration{any()}, static_cast<std::int32_t>(random() >> 36U));
  ProductSums before = pieces_of(sums.account, NameId::none);
  for (std::uint64_t i = random() % 4; i > 0; --i) {
    ProductSums made{any_name(random, "product", 5), any() >> 4U, any() >> 4U, 0, any() >> 4U};
    made.ideal_produced = WideInt{any()} * any(), made.ideal_good = any();
    sums.parts.add(made, before);
    before = made;
  }
}

std::vector<KeptCell> random_cells(std::mt19937_64& random, std::size_t count) {
  std::vector<KeptCell> cells;
  Timestamp begin = from_micros(static_cast<std::int64_t>(random() >> 10U));
  const auto any = [&] { return static_cast<std::int64_t>(random() >> (random() % 63)) - 1000; };
  for (std::size_t i = 0; i < count; ++i, begin += std::chrono::hours{1}) {
    KeptCell cell{static_cast<Grain>(random() % 3), Cell{{begin, begin + std::chrono::hours{1}}, random() >> 40U}};
    for (const auto part : kAccountTimes) cell.cell.account.*part = Duration{any()};
    for (const auto part : kAccountCounts) cell.cell.account.*part = any();
    for (const auto part : kAccountIdealTimes) cell.cell.account.*part = WideInt{any()} * any();
    add_random_parts(random, cell.cell);
    cells.push_back(cell);
  }
  return cells;
}

MachineCheckpoint random_checkpoint(std::uint64_t seed, std::size_t buckets) {
  std::mt19937_64 random{seed};
  const auto time = [&] { return from_micros(static_cast<std::int64_t>(random() >> 10U)); };
  MachineCheckpoint c;
  c.machine = MachineId{static_cast<std::uint32_t>(random())}, c.events = random();
  c.commit = random(), c.tail_revision = random(), c.digest = random();
  if (random() % 2 == 0) c.first_event = time(), c.last_event = time();
  for (std::size_t i = random() % 20; i > 0; --i) c.heard.push_back({time(), time()});
  Timestamp begin = time();
  for (std::size_t i = 0; i < buckets; ++i) {
    const Grain grain = i < buckets / 2 ? Grain::hour : i < buckets * 2 / 3 ? Grain::shift : Grain::day;
    c.buckets.push_back({grain, {begin, begin + std::chrono::hours{1}}, random() >> 40U});
    begin += std::chrono::hours{1 + random() % 2};
  }
  c.horizon = {time(), time()};
  for (std::size_t i = random() % 20; i > 0; --i) c.heard_before.push_back({time(), time()});
  c.base = random_cells(random, buckets / 10);
  c.frozen_cells = random();
  return c;
}

TEST(Checkpoint, ComesBackWhateverItsSize) {
  for (const std::size_t buckets : {0U, 1U, 840U, 8192U, 30'000U}) {
    const MachineCheckpoint written = random_checkpoint(buckets + 1, buckets);
    const auto read = decode_checkpoint(encode_checkpoint(written, names), names);
    ASSERT_TRUE(read) << read.error().context;
    EXPECT_TRUE(*read == written) << buckets;
  }
}

TEST(Checkpoint, OfVersionOneHasNoHorizon) {
  MachineCheckpoint written = random_checkpoint(7, 100);
  written.horizon = {}, written.heard_before.clear(), written.base.clear(), written.frozen_cells = 0;
  std::string bytes = encode_checkpoint(written, names);
  // What version 2 has added: two times of ten bytes each, and three counts, of runs, of cells and of frozen
  // ones.
  bytes.resize(bytes.size() - 8 - 2 * 10 - 3);
  bytes[0] = 1;
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  const auto read = decode_checkpoint(bytes, names);
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_TRUE(*read == written);
}

TEST(Checkpoint, OfVersionTwoHasNoPartsOfSums) {
  MachineCheckpoint written = random_checkpoint(8, 100);
  for (KeptCell& kept : written.base) kept.cell.parts = {};
  written.frozen_cells = 1;
  std::string bytes = encode_checkpoint(written, names), zeros;
  append_integers(zeros, std::vector<std::int64_t>(written.base.size()));
  // What version 3 has added before the number of frozen cells: no text, three columns of a size each, no reasons
  // and no products.
  const std::size_t added = 1 + 3 * (1 + zeros.size()) + 2;
  bytes.erase(bytes.size() - 8 - 1 - added, added);
  bytes.resize(bytes.size() - 8);
  bytes[0] = 2;
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  const auto read = decode_checkpoint(bytes, names);
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_TRUE(*read == written);
}

TEST(FrozenRollups, ComeBackAndAreRefusedWithAnyByteFlipped) {
  std::mt19937_64 random{5};
  std::vector<KeptCell> cells = random_cells(random, 300), read = random_cells(random, 3);
  cells.insert(cells.begin(), read.begin(), read.end());
  const MachineId machine{17};
  const std::string bytes = encode_frozen(machine, {cells.begin() + 3, cells.end()}, names);
  ASSERT_TRUE(decode_frozen(bytes, machine, read, names));
  EXPECT_TRUE(read == cells);
  EXPECT_FALSE(decode_frozen(bytes, MachineId{16}, read, names));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 2);
    const auto refused = decode_frozen(flipped, machine, read, names);
    ASSERT_FALSE(refused) << i;
    ASSERT_EQ(refused.error().code, ErrorCode::corruption);
  }
}

TEST(Checkpoint, WithAnyByteFlippedOrCutOffIsRefused) {
  const std::string whole = encode_checkpoint(random_checkpoint(4, 60), names);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 4);
    const auto read = decode_checkpoint(bytes, names);
    ASSERT_FALSE(read) << i;
    ASSERT_EQ(read.error().code, ErrorCode::corruption);
    ASSERT_FALSE(decode_checkpoint(std::string_view{whole}.substr(0, i), names)) << i;
  }
}

}  // namespace
}  // namespace takt
