// Chunks of events: what was written is read back, or is seen to be damaged.
#include "engine/events/event_chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "engine/chunk_parts.h"
#include "schema/event_chunk_generated.h"
#include "tests/support/random_events.h"

namespace takt {
namespace {

/// Accepted events of one machine in order of commit, a few to a commit.
struct History {
  EventBatch batch;
  std::vector<EventRow> rows;

  History(std::uint64_t seed, std::size_t count) {
    RandomEvents random{seed};
    std::mt19937_64 commits{seed};
    Sequence commit = 1'000'000;
    while (rows.size() < count) {
      Event event = random.next(batch);
      if (event.type == EventType::reading) continue;
      event.machine = {};
      if (commits() % 3 == 0) commit += commits() % 50;
      rows.push_back({event, commit});
    }
  }
};

/// Ordered as a chunk's rows are.
std::vector<EventRow> ordered(std::vector<EventRow> rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const EventRow& a, const EventRow& b) {
    return std::tuple{a.event.type, a.event.at, a.commit} < std::tuple{b.event.type, b.event.at, b.commit};
  });
  return rows;
}

EventChunkHead head_for_writing() {
  EventChunkHead head;
  head.key.machine = MachineId{7};
  return head;
}

std::string encode(std::span<const EventRow> rows) {
  EventChunkHead head = head_for_writing();
  return encode_event_chunk(rows, head);
}

TEST(EventChunk, GivesBackAnyEventsWithTheirCommits) {
  for (const std::size_t count : {1U, 2U, 50U, 700U, 8192U}) {
    SCOPED_TRACE(count);
    const History history{count, count};
    const std::string bytes = encode(history.rows);
    EventRows out;
    const auto done = decode_event_chunk(bytes, out);
    ASSERT_TRUE(done) << done.error().context;
    const std::vector<EventRow> wanted = ordered(history.rows);
    ASSERT_EQ(out.rows.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(out.rows[i].commit, wanted[i].commit);
      expect_same(out.rows[i].event, wanted[i].event);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(EventChunk, TellsInItsHeaderWhatIsInIt) {
  const History history{3, 300};
  const std::string bytes = encode(history.rows);
  const auto head = read_event_chunk_head(chunk_head_bytes(bytes));  // the columns need not be there
  ASSERT_TRUE(head) << head.error().context;
  EXPECT_EQ(head->key.machine, MachineId{7});
  EXPECT_EQ(head->rows, 300U);
  EXPECT_EQ(head->key.first_commit, history.rows.front().commit);
  EXPECT_EQ(head->last_commit, history.rows.back().commit);
  const auto by_time = [](const EventRow& a, const EventRow& b) { return a.event.at < b.event.at; };
  const auto [first, last] = std::minmax_element(history.rows.begin(), history.rows.end(), by_time);
  EXPECT_EQ(head->first, first->event.at);
  EXPECT_EQ(head->last, last->event.at);
  std::size_t texts = 0;
  for (const EventRow& row : history.rows) texts += text_bytes(row.event);
  EXPECT_EQ(head->texts, texts);
}

TEST(EventChunk, WithAnyByteFlippedIsRefused) {
  const History history{5, 12};
  const std::string whole = encode(history.rows);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const char bit : {char{1}, char{0x40}}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ bit);
      EventRows out;
      const auto done = decode_event_chunk(bytes, out);
      ASSERT_FALSE(done) << "byte " << i << " of " << whole.size();
      ASSERT_EQ(done.error().code, ErrorCode::corruption);
    }
  }
}

TEST(EventChunk, CutOffAnywhereOrWithMoreBehindItIsRefused) {
  const History history{6, 40};
  const std::string whole = encode(history.rows);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EventRows out;
    ASSERT_FALSE(decode_event_chunk(std::string_view{whole}.substr(0, size), out)) << size;
  }
  EventRows out;
  EXPECT_FALSE(decode_event_chunk(whole + '\0', out));
}

/// A chunk whose bytes behind `begin` were changed, with checksums that are right again.
std::string forged(std::string bytes, std::mt19937_64& random) {
  const std::size_t header = chunk_head_bytes(bytes).size();
  const auto* chunk = wire::GetEventChunkHeader(bytes.data() + 16);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> parts;
  for (const wire::Part* part : *chunk->parts()) parts.emplace_back(part->checksum(), part->size());
  const bool in_header = random() % 4 == 0;
  for (std::size_t n = 1 + random() % 4; n > 0; --n) {
    const std::size_t at = in_header ? 16 + random() % (header - 16) : header + random() % (bytes.size() - header);
    bytes[at] = static_cast<char>(random());
  }
  std::size_t begin = header;
  for (const auto& [before, size] : parts) {
    const std::uint64_t now = XXH3_64bits(bytes.data() + begin, size);
    const std::string old{reinterpret_cast<const char*>(&before), sizeof before};
    if (const std::size_t at = bytes.find(old, 16); at < header)
      bytes.replace(at, sizeof now, reinterpret_cast<const char*>(&now), sizeof now);
    begin += size;
  }
  const std::uint64_t sum = XXH3_64bits(bytes.data() + 16, header - 16);
  return bytes.replace(8, sizeof sum, reinterpret_cast<const char*>(&sum), sizeof sum);
}

TEST(EventChunk, ForgedBehindItsChecksumsIsRefusedOrReadButNothingElse) {
  std::mt19937_64 random{7};
  std::size_t refused = 0;
  for (const std::size_t count : {3U, 60U, 400U}) {
    const History history{count, count};
    const std::string whole = encode(history.rows);
    for (int i = 0; i < 1500; ++i) {
      EventRows out;
      const auto done = decode_event_chunk(forged(whole, random), out);
      refused += done ? 0 : 1;
      if (!done) {
        ASSERT_EQ(done.error().code, ErrorCode::corruption);
      }
    }
  }
  EXPECT_GT(refused, 500U);
}

TEST(EventChunk, OfATypicalShiftTakesFewBytes) {
  // Counts every few seconds and a stop now and then: times are what costs.
  std::vector<EventRow> rows;
  std::mt19937_64 random{1};
  Timestamp at = parse_time("2026-01-05T06:00:00Z").value();
  for (Sequence i = 0; i < 8000; ++i) {
    at += Duration{static_cast<std::int64_t>(4'000'000 + random() % 1'000'000)};
    EventRow row;
    row.event.type = i % 20 == 0 ? EventType::state : EventType::count;
    row.event.at = at;
    if (row.event.type == EventType::state)
      row.event.state = i % 40 == 0 ? "running" : "stopped";
    else
      row.event.good = 1, row.event.product = "housing-4711";
    row.commit = 10 + i / 100;
    rows.push_back(row);
  }
  EXPECT_LT(static_cast<double>(encode(rows).size()) / 8000, 3.0);
}

// ---------------------------------------- golden bytes

std::string file(const char* name) {
  std::ifstream in{std::string{TAKT_TEST_DATA} + "/chunks/" + name, std::ios::binary};
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

/// One event of each kind with every field that its kind has, and a few plain ones.
std::vector<EventRow> golden_rows() {
  const Timestamp t = parse_time("2026-01-05T06:00:00.123456Z").value();
  std::vector<EventRow> rows(12);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].event.at = t + std::chrono::seconds{i * 7};
    rows[i].commit = 40 + i / 3;
  }
  const auto set = [&](std::size_t i, EventType type) -> Event& {
    rows[i].event.type = type;
    return rows[i].event;
  };
  Event& stopped = set(0, EventType::state);
  stopped.state = "Down", stopped.reason = "FAIL.MECH", stopped.attributes = R"({"alarm":17})";
  set(1, EventType::state).state = "running";
  Event& made = set(2, EventType::count);
  made.good = 5, made.scrap = 1, made.rework = 0, made.product = "X", made.order = "O-1", made.defect = "BURR";
  made.startup = true;
  set(3, EventType::count).good_total = 1000;
  Event& cycle = set(4, EventType::cycle);
  cycle.end = cycle.at + std::chrono::seconds{3}, cycle.id = "c-1";
  Event& inspected = set(5, EventType::quality);
  inspected.characteristic = "bore", inspected.serial = "S1", inspected.subgroup = "g", inspected.result = "pass";
  inspected.value = {Value::Kind::number, 74.0012, {}}, inspected.quantity = 2;
  Event& seen = set(6, EventType::quality);
  seen.characteristic = "colour", seen.value = {Value::Kind::text, 0, "grün"};
  Event& order = set(7, EventType::order);
  order.order = "O-1", order.product = "X", order.action = OrderAction::plan, order.quantity = 500;
  order.planned_start = t, order.planned_end = t + std::chrono::hours{8};
  Event& explained = set(8, EventType::classify);
  explained.end = explained.at + std::chrono::minutes{4}, explained.reason = "TOOL", explained.by = "ann";
  explained.recorded_at = t + std::chrono::hours{1};
  set(9, EventType::energy).kwh_total = 123.456;
  Event& corrected = set(10, EventType::count);
  corrected.good = 6, corrected.revision = 3;
  set(11, EventType::count).deleted = true;
  return rows;
}

TEST(GoldenEventChunk, OfEveryVersionDecodes) {
  EventRows out;
  const auto done = decode_event_chunk(file("events_version_1.chunk"), out);
  ASSERT_TRUE(done) << done.error().context;
  const std::vector<EventRow> wanted = golden_rows();
  ASSERT_EQ(out.rows.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto same_time = [&](const EventRow& row) { return row.event.at == wanted[i].event.at; };
    const auto row = std::find_if(out.rows.begin(), out.rows.end(), same_time);
    ASSERT_NE(row, out.rows.end());
    EXPECT_EQ(row->commit, wanted[i].commit);
    expect_same(row->event, wanted[i].event);
  }
}

TEST(GoldenEventChunk, IsWhatIsWrittenToday) {
  // A change of these bytes is a new version of the format: give it a number, a file and a reader for the old one.
  const std::string bytes = encode(golden_rows());
  if (std::getenv("TAKT_WRITE_GOLDEN") != nullptr)
    std::ofstream{std::string{TAKT_TEST_DATA} + "/chunks/events_version_1.chunk", std::ios::binary} << bytes;
  EXPECT_EQ(bytes, file("events_version_1.chunk"));
}

TEST(EventChunkKey, SortsByMachineThenByCommit) {
  const std::vector<EventChunkKey> keys{
      {MachineId{0}, 9, 0}, {MachineId{0}, 9, 1},   {MachineId{0}, 256, 0},
      {MachineId{1}, 1, 0}, {MachineId{255}, 1, 0}, {MachineId{256}, 0, 0},
  };
  std::vector<std::string> bytes;
  for (const EventChunkKey& key : keys) {
    bytes.push_back(key.bytes());
    EXPECT_EQ(EventChunkKey::parse(bytes.back()), key);
  }
  EXPECT_TRUE(std::is_sorted(bytes.begin(), bytes.end()));
  EXPECT_FALSE(EventChunkKey::parse("short"));
}

}  // namespace
}  // namespace takt
