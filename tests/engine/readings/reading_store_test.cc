// Readings of several tags, whatever is sealed, folded and reopened when, against a map of everything that came
// in.
#include "engine/readings/reading_store.h"
#include "engine/chunk_parts.h"
#include "engine/readings/block_frame.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

namespace takt {
namespace {

using std::chrono::hours;

const Timestamp kStart = parse_time("2026-01-05T20:00:00Z").value();
constexpr MachineId kMachine{1};

class Shelved final : public StoredChunk {
 public:
  Shelved(std::map<ChunkKey, std::string>& shelf, const ChunkKey& key) : shelf_(shelf), key_(key) {}
  ~Shelved() override {
    if (gone_) shelf_.erase(key_);
  }
  void let_go() const override { gone_ = true; }

 private:
  std::map<ChunkKey, std::string>& shelf_;
  ChunkKey key_;
  mutable bool gone_ = false;
};

/// Chunks in memory instead of on a disk.
class Shelf final : public ChunkSource {
 public:
  Result<void> load(const ChunkKey& key,
                    const std::function<Result<void>(std::string_view)>& read) const override {
    ++loads;
    const auto at = chunks.find(key);
    return at == chunks.end() ? corruption("no such chunk") : read(at->second);
  }
  Result<std::shared_ptr<const ReadingColumns>> rows(const ChunkKey& key, GroupId group) const override {
    return decode_rows(key, group);
  }
  std::vector<std::shared_ptr<const StoredChunk>> put(const std::vector<EncodedChunk>& encoded) {
    std::vector<std::shared_ptr<const StoredChunk>> stored;
    for (const EncodedChunk& chunk : encoded) {
      EXPECT_TRUE(chunks.emplace(chunk.head.key, chunk.bytes).second) << "a key is used twice";
      stored.push_back(std::make_shared<const Shelved>(chunks, chunk.head.key));
    }
    return stored;
  }

  std::map<ChunkKey, std::string> chunks;
  mutable std::size_t loads = 0;
};

struct Winner {
  Rank rank;
  Reading reading;
  ReadingExtra extra;
};

/// The store as the committer uses it, and beside it the winner of every identity.
class Model {
 public:
  explicit Model(std::size_t tags, SealingOptions options = {}) : tags_(tags), options_(options) { name_tags(); }

  /// Judges and applies as one commit.
  void commit(const std::vector<std::pair<SeriesId, std::pair<Reading, ReadingExtra>>>& rows) {
    ++commit_;
    store_->begin(kept_from_);
    std::vector<bool> wanted;
    for (const auto& [series, row] : rows) {
      Reading reading = row.first;
      reading.extra = row.second == ReadingExtra{} ? nullptr : &row.second;
      const Rank rank = rank_of(reading);
      if (reading.at < kept_from_) {
        store_->add(series, reading);
        wanted.push_back(true);  // and gone with its day
        continue;
      }
      const auto [at, fresh] = winners_.try_emplace({series, reading.at, std::string{reading.id()}});
      const bool wins = fresh || at->second.rank < rank;
      if (wins) at->second = {rank, reading, row.second};
      store_->add(series, reading);
      wanted.push_back(wins);
    }
    store_->judge();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(store_->accepted_among(i, i + 1), wanted[i] ? 1U : 0U) << format_time(rows[i].second.first.at);
    }
    const std::string frame = encode_block(store_->accepted());
    if (!store_->accepted().empty()) journal_[commit_] = frame;
    seal(store_->encode_due(commit_ - 1));
    store_->apply(commit_, frame.size());
  }
  void seal_all() { seal(store_->encode_all(commit_)); }
  /// Everything there is to fold; returns how often.
  std::size_t fold_all() {
    std::size_t folds = 0;
    while (auto fold = store_->next_fold()) {
      ++folds;
      const auto encoded = store_->encode(*fold);
      EXPECT_TRUE(encoded) << encoded.error().context;
      EXPECT_TRUE(store_->is_current(*fold));
      store_->folded(*fold, shelf.put(fold->come));
      for (const ChunkRef& chunk : fold->gone) chunk->stored->let_go();
    }
    return folds;
  }
  /// Days before this one are retained no more. Later calls may retain more again.
  void keep_from(Timestamp day) {
    kept_from_ = day;
    Expiry expiry = store_->expiry(chunk_day(day));
    expiry.prepare();
    const std::set<std::uint32_t> days = expiry.days();
    EXPECT_TRUE(days.empty() || *days.rbegin() < chunk_day(day));
    store_->expire(expiry);
    for (const auto& chunk : expiry.chunks()) chunk->let_go();
    drops_.push_back({day, commit_});
    std::erase_if(winners_, [&](const auto& winner) { return std::get<1>(winner.first) < day; });
  }
  /// What a restart does: chunks are known by their heads, and the journal is read again.
  void reopen() {
    std::map<ChunkKey, std::string> heads;
    for (const auto& [key, bytes] : shelf.chunks) heads[key] = chunk_head_bytes(bytes);
    name_tags();
    for (const auto& [key, bytes] : heads) {
      auto head = read_chunk_head(bytes);
      ASSERT_TRUE(head) << head.error().context;
      head->key.sequence = key.sequence;
      ASSERT_TRUE(store_->add_chunk(*head, std::make_shared<const Shelved>(shelf.chunks, key)));
    }
    store_->opened();
    for (const auto& [commit, frame] : journal_) {
      ReadingBlock block;
      ASSERT_TRUE(decode_block(frame, block));
      for (const auto& [kept_from, dropped_by] : drops_) {
        if (commit <= dropped_by) drop_before(block, kept_from);
      }
      store_->recover(std::move(block), commit, frame.size());
    }
    store_->recovered();
  }

  std::vector<Winner> wanted(SeriesId series, TimeRange range) const {
    std::vector<Winner> list;
    for (auto at = winners_.lower_bound({series, range.begin, ""}); at != winners_.end(); ++at) {
      if (std::get<0>(at->first) != series || std::get<1>(at->first) >= range.end) break;
      if (!at->second.rank.withdrawn()) list.push_back(at->second);
    }
    return list;
  }
  void expect_rows(SeriesId series, TimeRange range) const {
    const std::vector<Winner> right = wanted(series, range);
    const auto rows = (*store_)[series].snapshot(range).rows(shelf);
    ASSERT_TRUE(rows) << rows.error().context;
    ASSERT_EQ(rows->size(), right.size());
    for (std::size_t i = 0; i < right.size(); ++i) {
      const Reading got = (*rows)[i];
      ASSERT_EQ(got.at, right[i].reading.at);
      ASSERT_EQ(got.number, right[i].reading.number);
      ASSERT_EQ(got.kind, right[i].reading.kind);
      ASSERT_EQ(got.quality, right[i].reading.quality);
      ASSERT_EQ(got.extra == nullptr ? ReadingExtra{} : *got.extra, right[i].extra);
    }
  }
  void expect_steps(SeriesId series, TimeRange range, Duration step, bool good_only) const {
    std::map<std::int64_t, std::vector<double>> right;
    std::map<std::int64_t, std::uint64_t> counts;
    for (const Winner& w : wanted(series, range)) {
      if (good_only && !is_good(w.reading.quality)) continue;
      const std::int64_t at = (micros(w.reading.at) / step.count()) * step.count();
      ++counts[at];
      right[at];
      if (w.reading.kind != Value::Kind::text) right[at].push_back(w.reading.number);
    }
    const auto steps = (*store_)[series].snapshot(range).steps(shelf, step, good_only);
    ASSERT_TRUE(steps) << steps.error().context;
    ASSERT_EQ(steps->size(), right.size());
    std::size_t i = 0;
    for (const auto& [at, numbers] : right) {
      const SeriesSnapshot::Step& got = (*steps)[i++];
      ASSERT_EQ(got.start, from_micros(at));
      ASSERT_EQ(got.rows, counts[at]);
      ASSERT_EQ(got.numbers.numbers, numbers.size());
      if (numbers.empty()) continue;
      ASSERT_EQ(got.numbers.minimum, *std::min_element(numbers.begin(), numbers.end()));
      ASSERT_EQ(got.numbers.maximum, *std::max_element(numbers.begin(), numbers.end()));
      ASSERT_EQ(got.numbers.first, numbers.front());
      ASSERT_EQ(got.numbers.last, numbers.back());
      long double sum = 0;
      for (const double v : numbers) sum += std::round(static_cast<long double>(v) * 10);
      ASSERT_EQ(got.numbers.sum.value(), static_cast<double>(sum / 10)) << "the decimals' exact sum";
    }
  }

  ReadingStore& store() { return *store_; }
  std::size_t journal_frames() const { return journal_.size(); }
  Shelf shelf;

 private:
  void name_tags() {
    store_ = std::make_unique<ReadingStore>(shelf, options_);
    for (std::uint32_t i = 0; i < tags_; ++i)
      store_->add(SeriesId{i}, kMachine, GroupId{i}, "tag" + std::to_string(i));
  }
  void seal(const std::vector<EncodedChunk>& chunks) {
    if (chunks.empty()) return;
    const Sequence needed = store_->journal_needed_from(commit_, chunks);
    store_->sealed(chunks, shelf.put(chunks));
    journal_.erase(journal_.begin(), journal_.lower_bound(needed));
  }

  std::size_t tags_;
  SealingOptions options_;
  std::unique_ptr<ReadingStore> store_;
  std::map<std::tuple<SeriesId, Timestamp, std::string>, Winner> winners_;
  std::map<Sequence, std::string> journal_;
  Sequence commit_ = 0;
  Timestamp kept_from_ = kBeginOfTime;
  std::vector<std::pair<Timestamp, Sequence>> drops_;  // all of before the time, up to the commit
};

std::uint64_t seeds() {
  const char* wanted = std::getenv("TAKT_SEEDS");
  return wanted == nullptr ? 6 : std::strtoull(wanted, nullptr, 10);
}

TEST(ReadingStoreProperty, ScansAndStepsAreThoseOfEveryIdentityWhateverIsSealedFoldedDroppedAndReopened) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    // Little journal in memory, so that sealing by its length happens too.
    Model model{4, {seed % 2 == 0 ? std::size_t{20'000} : std::size_t{1} << 30U, hours{1}}};
    Timestamp newest = kStart;
    for (int step = 0; step < 250; ++step) {
      std::vector<std::pair<SeriesId, std::pair<Reading, ReadingExtra>>> rows;
      for (std::uint64_t n = 1 + random() % 40; n > 0; --n) {
        newest += Duration{static_cast<std::int64_t>(random() % 20'000'000)};
        const bool late = random() % 5 == 0;
        const Timestamp at =
            late ? kStart + Duration{static_cast<std::int64_t>(random() % 400) * 100'300'000} : newest;
        ReadingExtra extra;
        Reading reading{at, static_cast<double>(random() % 1000) / 10, random() % 9 == 0 ? 0 : 192,
                        Value::Kind::number, nullptr};
        if (random() % 6 == 0) extra.id = "id" + std::to_string(random() % 3);
        if (random() % 40 == 0) reading.kind = Value::Kind::text, reading.number = 0, extra.value = "word";
        if (random() % 12 == 0) extra.order = random() % 6;
        // All tags at once, as one sampling, or one alone.
        const bool together = random() % 2 == 0;
        for (std::uint32_t tag = together ? 0 : static_cast<std::uint32_t>(random() % 4); tag < 4;
             tag += together ? 1 : 4) {
          rows.push_back({SeriesId{tag}, {reading, extra}});
          if (random() % 20 == 0) rows.push_back(rows.back());
        }
      }
      model.commit(rows);
      if (HasFatalFailure()) return;
      if (random() % 40 == 0) model.seal_all();
      if (random() % 60 == 0) model.fold_all();
      if (random() % 80 == 0) model.reopen();
      if (seed % 3 != 0 && random() % 60 == 0) {
        model.keep_from(std::chrono::floor<std::chrono::days>(newest) - hours{24} * (random() % 3));
      }
      if (step % 10 != 0) continue;
      const Timestamp from = kStart + Duration{static_cast<std::int64_t>(random() % 40'000) * 1'000'000};
      const TimeRange range{from, from + Duration{static_cast<std::int64_t>(random() % 20'000) * 1'000'000}};
      const SeriesId series{static_cast<std::uint32_t>(random() % 4)};
      model.expect_rows(series, range);
      model.expect_steps(series, range, std::chrono::minutes{1 + random() % 600}, random() % 2 == 0);
      if (HasFatalFailure()) return;
    }
    const TimeRange all{kStart - hours{24}, newest + hours{24}};
    for (int pass = 0; pass < 4; ++pass) {
      if (pass == 1) model.seal_all();
      if (pass == 2) model.fold_all();
      if (pass == 3) model.reopen();
      for (std::uint32_t tag = 0; tag < 4; ++tag) {
        model.expect_rows(SeriesId{tag}, all);
        model.expect_steps(SeriesId{tag}, all, hours{1}, tag % 2 == 0);
        model.expect_steps(SeriesId{tag}, all, hours{24 * 365}, false);
        if (HasFatalFailure()) return;
      }
    }
    EXPECT_EQ(model.fold_all(), 0U) << "what was folded needs no folding";
  }
}

std::pair<SeriesId, std::pair<Reading, ReadingExtra>> plain(std::uint32_t tag, Timestamp at, double number) {
  return {SeriesId{tag}, {{at, number, kNoQuality, Value::Kind::number, nullptr}, {}}};
}

TEST(ReadingStore, SealsFullTagsCutAtDaysAndTrimsTheJournal) {
  Model model{1};
  const Timestamp midnight = parse_time("2026-01-06T00:00:00Z").value();
  std::vector<std::pair<SeriesId, std::pair<Reading, ReadingExtra>>> rows;
  for (std::int64_t i = -5; i < static_cast<std::int64_t>(kChunkRows); ++i)
    rows.push_back(plain(0, midnight + Duration{i}, 1));
  model.commit(rows);
  EXPECT_TRUE(model.store()[SeriesId{0}].chunks().empty());
  EXPECT_EQ(model.journal_frames(), 1U);
  model.commit({plain(0, midnight + hours{1}, 2)});
  const ChunkList& chunks = model.store()[SeriesId{0}].chunks();
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0]->rows, 5U);
  EXPECT_EQ(chunks[1]->rows, kChunkRows);
  EXPECT_EQ(model.journal_frames(), 1U);  // of the last commit only
  EXPECT_EQ(model.store().unsealed_rows(), 1U);
}

TEST(ReadingStore, KeepsWhatIsSampledTogetherInOneChunk) {
  Model model{10};
  for (int i = 0; i < 100; ++i) {
    std::vector<std::pair<SeriesId, std::pair<Reading, ReadingExtra>>> rows;
    for (std::uint32_t tag = 0; tag < 9; ++tag) rows.push_back(plain(tag, kStart + Duration{i * 1'000'000}, tag));
    rows.push_back(plain(9, kStart + Duration{i * 1'000'000 + 7}, 9));
    model.commit(rows);
  }
  model.seal_all();
  EXPECT_EQ(model.shelf.chunks.size(), 2U);
  EXPECT_EQ(model.store()[SeriesId{0}].chunks()[0]->key, model.store()[SeriesId{8}].chunks()[0]->key);
  model.expect_rows(SeriesId{8}, {kStart, kStart + hours{1}});
}

TEST(ReadingStore, AnswersFromHeadersWhatLiesInOneStep) {
  Model model{1};
  for (int hour = 0; hour < 4; ++hour) {
    std::vector<std::pair<SeriesId, std::pair<Reading, ReadingExtra>>> rows;
    for (int i = 0; i < 60; ++i) rows.push_back(plain(0, kStart + hours{hour} + std::chrono::minutes{i}, i));
    model.commit(rows);
    model.seal_all();
  }
  model.shelf.loads = 0;
  model.expect_steps(SeriesId{0}, {kStart, kStart + hours{4}}, hours{1}, true);
  EXPECT_EQ(model.shelf.loads, 0U);
  model.expect_steps(SeriesId{0}, {kStart + std::chrono::minutes{30}, kStart + hours{4}}, hours{1}, false);
  EXPECT_EQ(model.shelf.loads, 1U);  // the edge alone
  // A late reading: its chunk has to be merged with the one that it lies in, until it is folded in.
  model.commit({plain(0, kStart + hours{1} + std::chrono::seconds{30}, 500)});
  model.seal_all();
  model.shelf.loads = 0;
  model.expect_steps(SeriesId{0}, {kStart, kStart + hours{4}}, hours{1}, false);
  EXPECT_EQ(model.shelf.loads, 2U);
  EXPECT_GE(model.fold_all(), 1U);
  EXPECT_EQ(model.shelf.chunks.size(), 1U + 0U) << "five small chunks of a day are one";
}

/// Readings of one tag, `ids` of them at each instant.
std::vector<std::pair<SeriesId, std::pair<Reading, ReadingExtra>>> crowded(std::uint32_t tag, int instants,
                                                                           int ids) {
  std::vector<std::pair<SeriesId, std::pair<Reading, ReadingExtra>>> rows;
  for (int i = 0; i < instants; ++i) {
    for (int id = 0; id < ids; ++id) {
      rows.push_back(plain(tag, kStart + std::chrono::seconds{i}, id));
      rows.back().second.second.id = "id" + std::to_string(id);
    }
  }
  return rows;
}

TEST(ReadingStore, KeepsEveryReadingOfACrowdedInstant) {
  for (const auto& [instants, ids] : {std::pair{1, 20'000}, std::pair{3'000, 3}, std::pair{2, 8'192}}) {
    Model model{2};
    model.commit(crowded(0, instants, ids));
    model.seal_all();
    for (const auto& [key, bytes] : model.shelf.chunks) EXPECT_TRUE(verify_chunk(bytes));
    model.expect_rows(SeriesId{0}, {kStart, kStart + hours{1}});
    EXPECT_LT(model.fold_all(), 4U) << "folding comes to an end";
    model.expect_rows(SeriesId{0}, {kStart, kStart + hours{1}});
    model.reopen();
    model.expect_rows(SeriesId{0}, {kStart, kStart + hours{1}});
    EXPECT_LT(model.fold_all(), 4U);
    if (HasFatalFailure()) return;
  }
}

TEST(ReadingStore, WithADamagedChunkGoesOnWithEverythingElse) {
  Model model{2};
  for (std::uint32_t tag = 0; tag < 2; ++tag) {
    for (int i = 0; i < 3; ++i) {
      model.commit({plain(tag, kStart + hours{i} + Duration{tag}, i)});
      model.seal_all();
    }
  }
  const ChunkKey damaged = model.store()[SeriesId{0}].chunks()[0]->key;
  model.shelf.chunks[damaged].back() = static_cast<char>(model.shelf.chunks[damaged].back() ^ 1);
  // What may repeat one of its readings cannot be judged; what stands beside it can.
  ReadingStore& store = model.store();
  store.begin();
  store.add(SeriesId{0}, plain(0, kStart, 7).second.first);
  store.add(SeriesId{1}, plain(1, kStart + hours{9}, 7).second.first);
  store.judge();
  ASSERT_TRUE(store.failure_among(0, 1));
  EXPECT_EQ(store.failure_among(0, 1)->code, ErrorCode::corruption);
  EXPECT_FALSE(store.failure_among(1, 2));
  EXPECT_EQ(store.accepted_among(0, 2), 1U);
  // Folding leaves that tag alone and goes on with the other.
  std::size_t failed = 0, folded = 0;
  while (auto fold = store.next_fold()) {
    if (!store.encode(*fold)) {
      ++failed;
      continue;
    }
    store.folded(*fold, model.shelf.put(fold->come));
    for (const ChunkRef& chunk : fold->gone) chunk->stored->let_go();
    ++folded;
  }
  EXPECT_EQ(failed, 1U);
  EXPECT_EQ(folded, 1U);
  EXPECT_EQ(store[SeriesId{1}].chunks().size(), 1U);
}

TEST(ReadingStore, ASnapshotKeepsTheChunksThatItReads) {
  Model model{1};
  for (int i = 0; i < 3; ++i) {
    model.commit({plain(0, kStart + hours{i}, i)});
    model.seal_all();
  }
  {
    const SeriesSnapshot before = model.store()[SeriesId{0}].snapshot({kStart, kStart + hours{9}});
    EXPECT_EQ(model.fold_all(), 1U);
    EXPECT_EQ(model.shelf.chunks.size(), 4U);
    const auto rows = before.rows(model.shelf);
    ASSERT_TRUE(rows) << rows.error().context;
    EXPECT_EQ(rows->size(), 3U);
  }
  EXPECT_EQ(model.shelf.chunks.size(), 1U);
}

TEST(ReadingStore, ASnapshotKeepsTheDaysThatItReads) {
  Model model{2};
  for (int i = 0; i < 6; ++i) {
    model.commit({plain(0, kStart + hours{12 * i}, i), plain(1, kStart + hours{12 * i}, i)});
    if (i < 3) model.seal_all();
  }
  ASSERT_EQ(model.shelf.chunks.size(), 3U);
  const TimeRange all{kStart, kStart + hours{99}};
  {
    const SeriesSnapshot before = model.store()[SeriesId{0}].snapshot(all);
    model.keep_from(std::chrono::floor<std::chrono::days>(kStart) + hours{48});
    EXPECT_EQ(before.rows(model.shelf)->size(), 6U);
    for (std::uint32_t tag = 0; tag < 2; ++tag) {
      const ReadingSeries& series = model.store()[SeriesId{tag}];
      EXPECT_EQ(series.snapshot(all).rows(model.shelf)->size(), 3U) << "two were sealed, one was not";
      EXPECT_EQ(series.first(), kStart + hours{36});
      EXPECT_EQ(series.last(), kStart + hours{60});
    }
    EXPECT_EQ(model.shelf.chunks.size(), 3U);
  }
  EXPECT_EQ(model.shelf.chunks.size(), 0U);
  model.reopen();
  for (std::uint32_t tag = 0; tag < 2; ++tag) model.expect_rows(SeriesId{tag}, all);
  model.keep_from(kStart + hours{24 * 30});
  EXPECT_FALSE(model.store()[SeriesId{0}].first());
  EXPECT_EQ(model.store().unsealed_rows(), 0U);
}

TEST(ReadingStore, AnswersDamageWithAnErrorNotWithFewerRows) {
  Model model{1};
  for (int i = 0; i < 5; ++i) model.commit({plain(0, kStart + hours{i}, i)});
  model.seal_all();
  ASSERT_EQ(model.shelf.chunks.size(), 2U);
  std::string& bytes = model.shelf.chunks.begin()->second;
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  const auto rows = model.store()[SeriesId{0}].snapshot({kStart, kStart + hours{9}}).rows(model.shelf);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::corruption);
  EXPECT_FALSE(model.store()[SeriesId{0}].known(kStart, "", model.shelf));
}

TEST(ReadingSeries, NamesTheSpansThatChangedSinceACommit) {
  ReadingSeries series{kMachine, GroupId{0}, "t"};
  series.put(plain(0, kStart, 1).second.first, 5);
  series.put(plain(0, kStart + hours{1}, 1).second.first, 6);
  EXPECT_EQ(series.oldest_unsealed(), 5U);
  ASSERT_EQ(series.changed_since(5).size(), 1U);
  EXPECT_TRUE(series.changed_since(5)[0].contains(kStart + hours{1}));
  EXPECT_EQ(series.changed_since(4).size(), 2U);
  EXPECT_TRUE(series.changed_since(6).empty());
  for (Sequence commit = 7; commit < 2000; ++commit) {
    series.put(plain(0, kStart + hours{commit}, 1).second.first, commit);
  }
  bool told = false;
  for (const TimeRange& span : series.changed_since(1998)) told = told || span.contains(kStart + hours{1999});
  EXPECT_TRUE(told);
  std::size_t spans = series.changed_since(4).size();
  EXPECT_LE(spans, 256U);
}

TEST(DecimalSum, IsThatOfTheDecimalsWhateverTheOrder) {
  DecimalSum tenths;
  for (int i = 0; i < 10; ++i) tenths.add(0.1);
  EXPECT_EQ(tenths.value(), 1.0);
  std::mt19937_64 random{1};
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<double>(random() % 2'000'001) / 1000 - 1000);
  values.push_back(1e15), values.push_back(-1e15), values.push_back(3.25);
  const auto sum_of = [&] {
    DecimalSum a, b;
    for (std::size_t i = 0; i < values.size(); ++i) (i % 3 == 0 ? a : b).add(values[i]);
    a.add(b);
    return a.value();
  };
  const double first = sum_of();
  for (int i = 0; i < 20; ++i) {
    std::shuffle(values.begin(), values.end(), random);
    EXPECT_EQ(sum_of(), first);
  }
  DecimalSum huge;
  for (const double v : {1e308, 1e308, -1e308}) huge.add(v);
  EXPECT_EQ(huge.value(), 1e308);
  EXPECT_EQ(huge.mean(1), 1e308);
  huge.add(1e308);
  EXPECT_EQ(huge.mean(2), 1e308);
  DecimalSum real;
  for (int i = 0; i < 1000; ++i) real.add(1.0 / 3.0);
  EXPECT_NEAR(real.value(), 1000.0 / 3.0, 1e-12);
}

}  // namespace
}  // namespace takt
