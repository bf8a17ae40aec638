// Stored events forged behind their checksums: whoever can write to the data folder may make a checksum right,
// too. AddressSanitizer sees what must not be done, the fuzzers see promises that are broken.
#include "tests/engine/events/fuzz.h"

#include "engine/chunk_parts.h"
#include "engine/codec/integers.h"
#include "engine/events/checkpoint.h"
#include "engine/events/event_chunk.h"
#include "schema/event_chunk_generated.h"
#include "tests/support/fuzz_corpus.h"
#include "tests/support/random_events.h"

#include <cstring>
#include <functional>

#include <gmock/gmock.h>
#include <sys/resource.h>

namespace takt {
namespace {

constexpr std::size_t kPrefix = 16;

std::string good_chunk(std::uint64_t seed, std::size_t count) {
  RandomEvents random{seed};
  EventBatch batch;
  std::vector<EventRow> rows;
  while (rows.size() < count) {
    Event event = random.next(batch);
    if (event.type == EventType::reading) continue;
    if (event.value.kind == Value::Kind::none) event.value = {};
    rows.push_back({event, 1000 + rows.size() / 3});
  }
  EventChunkHead head;
  return encode_event_chunk(rows, head);
}

std::string good_checkpoint(std::uint64_t seed, std::size_t buckets) {
  std::mt19937_64 random{seed};
  Names names;
  MachineCheckpoint c;
  c.events = random() % 100, c.commit = random() % 1000, c.digest = random();
  const auto time = [&] { return from_micros(static_cast<std::int64_t>(random() >> 12U)); };
  if (random() % 2 == 0) c.first_event = time(), c.last_event = time();
  for (std::size_t i = random() % 9; i > 0; --i) c.heard.push_back({time(), time()});
  for (std::size_t i = 0; i < buckets; ++i) {
    const Timestamp begin = time();
    c.buckets.push_back(
        {static_cast<Grain>(random() % 3), {begin, begin + Duration{3'600'000'000}}, random() % 99});
    if (i % 5 != 0) continue;
    KeptCell& kept = c.base.emplace_back(KeptCell{Grain::hour, Cell{{begin, begin + Duration{1}}, random() % 99}});
    kept.cell.add_stop(names.intern("jam"), Duration{7}, 1);
    kept.cell.parts.add({names.intern("A"), 5}, {});
    if (i % 2 == 0) kept.cell.parts.add({names.intern("B"), 3}, {NameId::none, 5});
  }
  return encode_checkpoint(c, names);
}

/// A chunk with another column in place of one, and a header that tells of it.
std::string with_part(const std::string& chunk, std::size_t chosen, std::uint8_t kind,
                      const std::function<std::string(const std::string&)>& change) {
  const std::size_t header = chunk_head_bytes(chunk).size();
  std::vector<std::uint64_t> words((header - kPrefix) / sizeof(std::uint64_t) + 1);
  std::memcpy(words.data(), chunk.data() + kPrefix, header - kPrefix);
  const auto& parts = *flatbuffers::GetRoot<wire::EventChunkHeader>(words.data())->parts();
  std::size_t begin = header;
  for (std::size_t i = 0; i < chosen; ++i) begin += parts.Get(static_cast<unsigned>(i))->size();
  const wire::Part* part = parts.Get(static_cast<unsigned>(chosen));
  const std::string column = change(chunk.substr(begin, part->size()));
  const std::string after = chunk.substr(begin + part->size());
  const wire::Part changed{0, static_cast<std::uint32_t>(column.size()), kind};
  std::memcpy(const_cast<wire::Part*>(part), &changed, sizeof changed);
  std::string bytes = chunk.substr(0, begin) + column + after;
  std::memcpy(bytes.data() + kPrefix, words.data(), header - kPrefix);
  return bytes;
}

/// One column changed, also in its length or its kind.
std::string with_changed_part(const std::string& chunk, std::mt19937_64& random) {
  const std::string header{chunk_head_bytes(chunk).substr(kPrefix)};
  std::vector<std::uint64_t> words(header.size() / sizeof(std::uint64_t) + 1);
  std::memcpy(words.data(), header.data(), header.size());
  const auto& parts = *flatbuffers::GetRoot<wire::EventChunkHeader>(words.data())->parts();
  const std::size_t chosen = random() % parts.size();
  const std::uint8_t kind = parts.Get(static_cast<unsigned>(chosen))->kind();
  return with_part(chunk, chosen, random() % 8 == 0 ? static_cast<std::uint8_t>(random()) : kind,
                   [&](const std::string& column) { return mutated(column, random); });
}

/// Bytes of the header changed in place: sizes, counts, types, offsets.
std::string with_changed_header(std::string chunk, std::mt19937_64& random) {
  const std::size_t size = chunk_head_bytes(chunk).size() - kPrefix;
  for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
    char& byte = chunk[kPrefix + random() % size];
    byte = static_cast<char>(random() % 2 == 0 ? byte + 1 - static_cast<int>(random() % 3) : random());
  }
  return chunk;
}

/// In a buffer that ends where the data ends.
bool run(bool (*fuzz)(std::string_view), const std::string& data) {
  const std::vector<char> exact(data.begin(), data.end());
  return fuzz({exact.data(), exact.size()});
}

TEST(ForgedEvents, AreRefusedOrReadButNothingElse) {
  std::mt19937_64 random{31};
  int refused = 0, read = 0;
  for (const std::size_t count : {1U, 9U, 60U, 300U}) {
    const std::string whole = good_chunk(count, count);
    ASSERT_TRUE(run(fuzz::event_chunk, whole));
    for (int i = 0; i < fuzz_rounds(150); ++i) {
      const std::string forged = i % 4 == 0   ? with_changed_header(whole, random)
                                 : i % 4 == 1 ? mutated(whole, random)
                                              : with_changed_part(whole, random);
      ++(run(fuzz::event_chunk, forged) ? read : refused);
    }
  }
  // It gets past the checksums, and past what is asked first behind them.
  EXPECT_GT(read, 10);
  EXPECT_GT(refused, 100);
}

TEST(ForgedEvents, CutOffAnywhereAreRefused) {
  const std::string whole = good_chunk(5, 8);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(run(fuzz::event_chunk, whole.substr(0, size)));
}

TEST(ForgedEvents, OfReadingsAreRefused) {
  EventRow row;
  row.event.type = EventType::count, row.commit = 1;
  EventChunkHead head;
  std::string bytes = encode_event_chunk({&row, 1}, head);
  const std::size_t size = chunk_head_bytes(bytes).size() - kPrefix;
  std::vector<std::uint64_t> words(size / sizeof(std::uint64_t) + 1);
  std::memcpy(words.data(), bytes.data() + kPrefix, size);
  const auto* section = flatbuffers::GetRoot<wire::EventChunkHeader>(words.data())->sections()->Get(0);
  auto* table = reinterpret_cast<flatbuffers::Table*>(const_cast<wire::EventSection*>(section));
  const auto reading = static_cast<std::uint8_t>(EventType::reading);
  ASSERT_TRUE(table->SetField<std::uint8_t>(wire::EventSection::VT_TYPE, reading, 0));
  std::memcpy(bytes.data() + kPrefix, words.data(), size);
  EventRows out;
  const auto refused = decode_event_chunk(fuzz::sealed_event_chunk(bytes), out);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, testing::HasSubstr("makes no sense"));
}

/// Least and greatest are what the header says, but the rows between are not in order of time, as replaying
/// expects.
TEST(ForgedEvents, OutOfOrderAreRefused) {
  std::vector<EventRow> rows(5);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].event.at = from_micros(static_cast<std::int64_t>(i) * 1'000'000);
    rows[i].commit = 1;
  }
  EventChunkHead head;
  const std::string forged = with_part(encode_event_chunk(rows, head), 0, 0, [&](const std::string& times) {
    std::vector<std::int64_t> values(rows.size());
    EXPECT_TRUE(decode_integers(times, values));
    std::swap(values[1], values[3]);
    std::string column;
    append_integers(column, values);
    return column;
  });
  EventRows out;
  const auto refused = decode_event_chunk(fuzz::sealed_event_chunk(forged), out);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, testing::HasSubstr("not as events are written"));
}

TEST(ForgedCheckpoints, AreRefusedOrReadButNothingElse) {
  std::mt19937_64 random{32};
  int refused = 0, read = 0;
  for (const std::size_t buckets : {0U, 3U, 200U, 9000U}) {
    const std::string whole = good_checkpoint(buckets + 1, buckets);
    ASSERT_TRUE(run(fuzz::checkpoint, whole));
    for (int i = 0; i < fuzz_rounds(500); ++i) ++(run(fuzz::checkpoint, mutated(whole, random)) ? read : refused);
  }
  EXPECT_GT(read, 30);
  EXPECT_GT(refused, 300);
}

TEST(ForgedCheckpoints, CutOffAnywhereAreRefused) {
  const std::string whole = good_checkpoint(6, 30);
  const std::size_t body = whole.size() - sizeof(std::uint64_t);
  for (std::size_t size = 0; size < body; ++size)
    EXPECT_FALSE(run(fuzz::checkpoint, whole.substr(0, size) + std::string(sizeof(std::uint64_t), '\0')));
}

TEST(ForgedFrames, AreRefusedOrReadButNothingElse) {
  const FuzzTried tried = try_fuzz("event_frame", 2000, fuzz::event_frame);
  EXPECT_GE(tried.good, 2U);
  EXPECT_GT(tried.changed_good, 30U);
}

TEST(DamagedQuarantine, IsRefusedOrReadButNothingElse) {
  const FuzzTried tried = try_fuzz("quarantine_entry", 2000, fuzz::quarantine_entry);
  EXPECT_GE(tried.good, 3U);
  EXPECT_GT(tried.changed_good, 100U);
}

TEST(DamagedDescriptions, AreRefusedOrReadButNothingElse) {
  const FuzzTried tried = try_fuzz("stored_plants", 5000, fuzz::stored_plants);
  EXPECT_GE(tried.good, 2U);
  EXPECT_GT(tried.changed_good, 20U);
}

/// The most memory that the process has held so far.
long most_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// A few bytes that tell of millions of rows must not be given the memory for them.
TEST(ForgedCheckpoints, OfMoreThanTheyCanHoldAreRefusedBeforeMemoryIsTaken) {
  const std::string empty = good_checkpoint(2, 0);  // ends with: no sums, no frozen rollups, checksum
  const std::string forged = empty.substr(0, empty.size() - 10) + "\xff\xff\xff\x1f" + std::string(8, '\0');
  const long before = most_kilobytes();
  Names names;
  EXPECT_FALSE(decode_checkpoint(fuzz::sealed_checkpoint(forged), names));
  EXPECT_LT(most_kilobytes() - before, 100'000);
}

}  // namespace
}  // namespace takt
