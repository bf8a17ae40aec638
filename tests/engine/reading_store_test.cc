// A tag's readings, sealed or not, against a map of everything that was ever put in.
#include "engine/reading_store.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace takt {
namespace {

using std::chrono::hours;

const Timestamp kStart = parse_time("2026-01-05T06:00:00Z").value();

/// Sealed chunks as bytes, decoded anew each time, counting how many were asked for.
class ChunkShelf final : public ChunkSource {
 public:
  void keep(const ChunkInfo& info, std::string bytes) { chunks_[chunk_key(info)] = std::move(bytes); }
  Result<std::shared_ptr<const ReadingRows>> load(const ChunkInfo& info) const override {
    ++loads;
    const auto at = chunks_.find(chunk_key(info));
    if (at == chunks_.end()) return not_found("no such chunk");
    auto rows = decode_chunk(at->second);
    if (!rows) return rows.error();
    return std::make_shared<const ReadingRows>(std::move(*rows));
  }
  void damage_one() { chunks_.begin()->second.back() = static_cast<char>(chunks_.begin()->second.back() ^ 1); }
  std::size_t size() const { return chunks_.size(); }

  mutable std::size_t loads = 0;

 private:
  std::map<std::string, std::string> chunks_;
};

struct Known {
  ReadingRow row;
  ReadingRows::Texts texts;
};

/// A group as the store uses it, and beside it the winners of every identity.
class Model {
 public:
  ReadingGroup group{MachineId{1}, GroupId{2}, "spindle.temp"};
  ChunkShelf shelf;

  /// Judges and puts as the committer does.
  void put(Timestamp at, std::string_view id, double number, Rank rank, std::string text = {}) {
    ReadingRow row;
    row.at = at;
    row.id = hash_of(id);
    row.number = number;
    row.rank = rank;
    row.kind = text.empty() ? Value::Kind::number : Value::Kind::text;
    const auto known = group.known(at, row.id, shelf);
    ASSERT_TRUE(known) << known.error().context;
    const auto best = best_.find({at, row.id});
    ASSERT_EQ(known->has_value(), best != best_.end()) << format_time(at);
    if (best != best_.end()) {
      ASSERT_EQ(**known, best->second.row.rank);
      if (!(best->second.row.rank < rank)) return;
    }
    const ReadingRows::Texts texts{std::move(text), std::string{id}, ""};
    best_[{at, row.id}] = {row, texts};
    group.put(row, texts, ++commit_);
  }
  void seal() {
    for (auto& [info, bytes] : group.encode_head(commit_)) {
      shelf.keep(info, bytes);
      sealed_.push_back(info);
    }
    group.clear_head();
    for (const ChunkInfo& info : sealed_) group.add_chunk(info);
    sealed_.clear();
  }
  /// What opening a store does: only the heads of chunks are known.
  void reopen() {
    seal();
    ReadingGroup fresh{MachineId{1}, GroupId{2}, "spindle.temp"};
    for (const ChunkInfo& info : group.chunks()) fresh.add_chunk(info);
    group = std::move(fresh);
  }
  void expect_scan(TimeRange range) const {
    const auto rows = group.scan(range, shelf);
    ASSERT_TRUE(rows) << rows.error().context;
    std::size_t i = 0;
    for (const auto& [key, known] : best_) {
      if (!range.contains(key.first) || known.row.rank.withdrawn()) continue;
      ASSERT_LT(i, rows->rows.size());
      const ReadingRow& row = rows->rows[i++];
      ASSERT_EQ(row.at, known.row.at);
      ASSERT_EQ(row.id, known.row.id);
      ASSERT_EQ(row.number, known.row.number);
      ASSERT_EQ(row.rank, known.row.rank);
      ASSERT_EQ(row.kind, known.row.kind);
      if (known.texts != ReadingRows::Texts{}) {
        ASSERT_NE(row.extra, 0U);
        ASSERT_EQ(rows->texts[row.extra - 1], known.texts);
      }
    }
    ASSERT_EQ(i, rows->rows.size());
  }
  std::size_t live() const {
    return static_cast<std::size_t>(
        std::count_if(best_.begin(), best_.end(), [](auto& e) { return !e.second.row.rank.withdrawn(); }));
  }

 private:
  std::map<std::pair<Timestamp, std::uint64_t>, Known> best_;
  std::vector<ChunkInfo> sealed_;
  Sequence commit_ = 0;
};

class Readings : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Readings, AreThoseOfEveryIdentityWhateverIsSealed) {
  std::mt19937_64 random{GetParam()};
  Model model;
  Timestamp newest = kStart;
  for (int step = 0; step < 1500; ++step) {
    // Mostly in order; some late by up to three days; some again, with other content, or withdrawn.
    newest += Duration{static_cast<std::int64_t>(random() % 60'000'000)};
    const bool late = random() % 5 == 0;
    const Timestamp at =
        late ? kStart + Duration{static_cast<std::int64_t>(random() % 200) * 1'300'000'000} : newest;
    const std::string id = random() % 6 == 0 ? "id" + std::to_string(random() % 3) : "";
    const bool withdrawn = random() % 12 == 0;
    const Rank rank{(random() % 3) * 2 + (withdrawn ? 1 : 0), withdrawn ? 0 : random() % 4};
    model.put(at, id, static_cast<double>(random() % 1000), rank, random() % 9 == 0 ? "text" : "");
    if (HasFatalFailure()) return;
    if (random() % 150 == 0) model.seal();
    if (random() % 500 == 0) model.reopen();
    if (step % 100 == 0) {
      const Timestamp from = kStart + Duration{static_cast<std::int64_t>(random() % 300'000) * 1'000'000};
      model.expect_scan({from, from + Duration{static_cast<std::int64_t>(random() % 100'000) * 1'000'000}});
      if (HasFatalFailure()) return;
    }
  }
  model.expect_scan({kStart - hours{24}, newest + hours{24}});
  model.reopen();
  model.expect_scan({kStart - hours{24}, newest + hours{24}});
  std::vector<Timestamp> times;
  ASSERT_TRUE(model.group.collect_times(model.shelf, times));
  EXPECT_EQ(times.size(), model.live());
}

INSTANTIATE_TEST_SUITE_P(Seeds, Readings, testing::Range<std::uint64_t>(1, 7));

TEST(ReadingGroup, SealsAChunkForEachDayAndFullBlock) {
  Model model;
  const Timestamp midnight = parse_time("2026-01-06T00:00:00Z").value();
  for (std::size_t i = 0; i < kChunkRows + 10; ++i) {
    model.put(midnight + Duration{static_cast<std::int64_t>(i)}, "", 1, {0, 1});
  }
  model.put(midnight - Duration{1}, "", 1, {0, 1});
  EXPECT_EQ(model.group.head_rows(), kChunkRows + 11);
  model.seal();
  ASSERT_EQ(model.group.chunks().size(), 3U);
  EXPECT_EQ(model.group.chunks()[0].rows, 1U);
  EXPECT_EQ(model.group.chunks()[1].rows, kChunkRows);
  EXPECT_EQ(model.group.chunks()[2].rows, 10U);
  EXPECT_EQ(model.group.head_rows(), 0U);
  EXPECT_EQ(model.shelf.size(), 3U);
  model.expect_scan({midnight - hours{1}, midnight + hours{1}});
}

TEST(ReadingGroup, LooksIntoChunksOnlyWhereTimesOverlap) {
  Model model;
  for (int day = 0; day < 10; ++day) {
    for (int i = 0; i < 10; ++i) model.put(kStart + hours{24 * day} + hours{1} * i, "", day, {0, 1});
    model.seal();
  }
  ASSERT_EQ(model.shelf.size(), 10U);
  model.shelf.loads = 0;
  model.expect_scan({kStart + hours{24 * 4}, kStart + hours{24 * 4 + 2}});
  EXPECT_EQ(model.shelf.loads, 1U);
  // A reading newer than all needs none to be judged.
  model.shelf.loads = 0;
  model.put(kStart + hours{24 * 20}, "", 1, {0, 1});
  EXPECT_EQ(model.shelf.loads, 0U);
}

TEST(ReadingGroup, AnswersDamageWithAnErrorNotWithFewerRows) {
  Model model;
  for (int i = 0; i < 5; ++i) model.put(kStart + hours{i}, "", i, {0, 1});
  model.seal();
  model.shelf.damage_one();
  const auto rows = model.group.scan({kStart, kStart + hours{9}}, model.shelf);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::corruption);
  EXPECT_FALSE(model.group.known(kStart, 0, model.shelf));
}

TEST(ReadingGroup, NamesTheSpansThatChangedSinceACommit) {
  ReadingGroup group{MachineId{1}, GroupId{2}, "t"};
  ReadingRow row;
  row.at = kStart;
  group.put(row, {}, 5);
  row.at = kStart + hours{1};
  group.put(row, {}, 6);
  EXPECT_EQ(group.oldest_unsealed(), 5U);
  ASSERT_EQ(group.changed_since(5).size(), 1U);
  EXPECT_TRUE(group.changed_since(5)[0].contains(kStart + hours{1}));
  EXPECT_EQ(group.changed_since(4).size(), 2U);
  EXPECT_TRUE(group.changed_since(6).empty());
  const auto chunks = group.encode_head(6);
  group.clear_head();
  for (const auto& [info, bytes] : chunks) group.add_chunk(info);
  EXPECT_EQ(group.sealed_through(), 6U);
  ASSERT_EQ(group.changed_since(5).size(), 1U);  // a chunk is told whole
  EXPECT_TRUE(group.changed_since(5)[0].contains(kStart));
  EXPECT_TRUE(group.changed_since(6).empty());
}

}  // namespace
}  // namespace takt
