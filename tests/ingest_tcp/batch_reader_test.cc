#include "ingest/tcp/batch_reader.h"
#include "ingest/tcp/batch_body.h"

#include "client/frame_writer.h"
#include "tests/ingest/any_event.h"
#include "tests/ingest/decoded.h"
#include "tests/ingest_tcp/tcp_under_test.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace takt {
namespace {

const ReadingLimits kAllTimes{kEarliestTime, from_micros(4'000'000'000'000'000)};

/// What a body says, with its tags numbered in the order of the batch; none of them is known to a store.
struct Read {
  BatchReader reader;
  std::optional<std::string> fault;

  explicit Read(std::string_view body, bool named = false) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(body.data());
    flatbuffers::Verifier verifier{data, body.size()};
    EXPECT_TRUE(verifier.VerifyBuffer<wire::Batch>(nullptr));
    const auto* batch = flatbuffers::GetRoot<wire::Batch>(data);
    std::vector<WireTag> tags;
    if (batch->readings() != nullptr && batch->readings()->series() != nullptr) {
      for (const wire::Series* series : *batch->readings()->series()) {
        tags.push_back({series->machine()->str(), series->tag()->str(), {}});
        if (named) tags.back().series = SeriesId{static_cast<std::uint32_t>(tags.size() - 1)};
      }
    }
    const auto added = reader.add(*batch, tags, kAllTimes);
    if (!added) fault = added.error().context;
  }
};

TEST(BatchReader, GivesBackEveryEventAsItWas) {
  any::Random random(1);
  for (int i = 0; i < 3000; ++i) {
    EventBatch batch;
    batch.events.push_back(any::any_event(random));
    const std::string body = client::encode_batch(batch);
    const Read read{body};
    ASSERT_FALSE(read.fault) << *read.fault;
    ASSERT_EQ(read.reader.events.events.size(), 1U)
        << json_of(batch.events[0])
        << (read.reader.events.rejected.empty() ? "" : read.reader.events.rejected[0].message);
    ASSERT_TRUE(same(read.reader.events.events[0], batch.events[0])) << json_of(batch.events[0]) << "\n"
                                                                     << json_of(read.reader.events.events[0]);
  }
}

TEST(BatchReader, TakesPlainReadingsAsColumns) {
  EventBatch batch;
  for (int i = 0; i < 10; ++i) {
    Event& event = batch.events.emplace_back();
    event.type = EventType::reading;
    event.machine = "M1", event.tag = i % 2 == 0 ? "a" : "b";
    event.at = from_micros(1'700'000'000'000'000 + i);
    event.value = i == 3 ? Value{Value::Kind::boolean, 1, {}} : Value{Value::Kind::number, i * 0.5, {}};
    if (i == 5) event.value_quality = 64;
  }
  const std::string body = client::encode_batch(batch);
  const Read read{body, true};
  const ReadingBlock& rows = read.reader.readings;
  ASSERT_EQ(rows.size(), 10U);
  EXPECT_TRUE(read.reader.events.events.empty());
  EXPECT_EQ(rows.series[1], SeriesId{1});
  EXPECT_EQ(rows.at[9], 1'700'000'000'000'009);
  EXPECT_EQ(rows.number[4], 2.0);
  EXPECT_EQ(rows.quality[5], 64);
  EXPECT_EQ(rows.quality[6], kNoQuality);
  EXPECT_EQ(rows.kind[3], Value::Kind::boolean);
  EXPECT_EQ(rows.kind[4], Value::Kind::number);
}

TEST(BatchReader, RefusesColumnsOfDifferentLengthsAndTagsThatAreNotThere) {
  const auto body_of = [](std::vector<std::uint32_t> of, std::vector<std::int64_t> at,
                          std::vector<double> number) {
    flatbuffers::FlatBufferBuilder b;
    const auto series =
        b.CreateVector(std::vector{wire::CreateSeries(b, b.CreateString("M1"), b.CreateString("t"))});
    const auto readings =
        wire::CreateReadings(b, series, b.CreateVector(of), b.CreateVector(at), b.CreateVector(number));
    b.Finish(wire::CreateBatch(b, readings));
    return std::string{reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()};
  };
  EXPECT_FALSE(Read(body_of({0, 0}, {1, 2}, {1, 2})).fault);
  EXPECT_TRUE(Read(body_of({0, 0}, {1, 2}, {1})).fault);
  EXPECT_TRUE(Read(body_of({0}, {1, 2}, {1, 2})).fault);
  EXPECT_TRUE(Read(body_of({0, 1}, {1, 2}, {1, 2})).fault);
}

/// The verifier lets it through, but the compiler may rely on what a strange client has not kept to.
TEST(BatchReader, RefusesColumnsThatAreNotAligned) {
  std::ifstream in{TAKT_TEST_DATA "/fuzz/wire_batch/misaligned_times", std::ios::binary};
  const std::string body{std::istreambuf_iterator<char>{in}, {}};
  const Read read{body};
  EXPECT_EQ(read.fault, "columns of readings are not aligned");
}

TEST(BatchReader, RefusesOnlyTheRowsThatAreWrong) {
  EventBatch batch;
  for (const double value : {1.0, std::numeric_limits<double>::infinity(), std::nan(""), 2.0}) {
    Event& event = batch.events.emplace_back();
    event.type = EventType::reading;
    event.machine = "M1", event.tag = "t", event.at = from_micros(1'700'000'000'000'000);
    event.value = {Value::Kind::number, value, {}};
  }
  const std::string body = client::encode_batch(batch);
  const Read read{body, true};
  EXPECT_EQ(read.reader.events.events.size(), 2U);
  ASSERT_EQ(read.reader.events.rejected.size(), 2U);
  EXPECT_EQ(read.reader.events.rejected[0].index, 1U);
  EXPECT_EQ(read.reader.events.rejected[1].index, 2U);
  EXPECT_EQ(read.reader.events.rejected[1].code, Rejection::bad_value);
}

TEST(BatchReader, HandsOnWhatTheClientCouldNotRead) {
  EventBatch batch;
  batch.rejected.push_back({0, Rejection::bad_json, "no JSON", "{"});
  const std::string body = client::encode_batch(batch);
  const Read read{body};
  ASSERT_EQ(read.reader.events.rejected.size(), 1U);
  EXPECT_EQ(read.reader.events.rejected[0].raw, "{");
  EXPECT_EQ(read.reader.events.rejected[0].code, Rejection::bad_json);
}

TEST(BatchReader, HandsOnOnlyWordsThatJsonCanHold) {
  EventBatch batch;
  for (const std::string& message : {std::string{"\xff"}, std::string{}, std::string(999, 'x') + "\u00e4"})
    batch.rejected.push_back({0, Rejection::bad_json, message, "{"});
  const std::string body = client::encode_batch(batch);
  const Read read{body};
  ASSERT_EQ(read.reader.events.rejected.size(), 3U);
  EXPECT_EQ(read.reader.events.rejected[0].message, "The sender could not read it.");
  EXPECT_EQ(read.reader.events.rejected[1].message, "The sender could not read it.");
  EXPECT_EQ(read.reader.events.rejected[2].message, std::string(999, 'x'));
}

TEST(BatchBody, IsTakenInLikeAnyOther) {
  TcpUnderTest tcp;
  EventBatch batch;
  for (int i = 0; i < 100; ++i)
    batch.events.push_back(reading_event("M1", i % 2 == 0 ? "a" : "b", kTcpNow - std::chrono::seconds{i}, i));
  batch.events.push_back(reading_event("NOBODY", "a", kTcpNow, 1));
  Event count;
  count.type = EventType::count;
  count.machine = "M1", count.at = kTcpNow, count.good = 5;
  batch.events.push_back(count);
  const std::string body = client::encode_batch(batch);
  const auto answer = accept_batch(*tcp.ingestor, body, "http test");
  ASSERT_TRUE(answer) << answer.error().context;
  EXPECT_EQ(answer->accepted, 101U);
  ASSERT_EQ(answer->rejects.size(), 1U);
  EXPECT_EQ(answer->rejects[0].index, 100U);
  EXPECT_EQ(tcp.readings("M1", "a"), 50U);
  const auto again = accept_batch(*tcp.ingestor, body, "http test");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->duplicate, 101U);
  EXPECT_FALSE(accept_batch(*tcp.ingestor, "this is no batch at all", "http test"));
  EXPECT_FALSE(accept_batch(*tcp.ingestor, "", "http test"));
}

// Bytes of a stranger: the verifier lets through what can be read, and reading it harms nobody.
TEST(BatchReader, SurvivesEveryChangedByte) {
  any::Random random(7);
  for (int round = 0; round < 400; ++round) {
    EventBatch batch;
    for (int i = 0; i < 4; ++i) batch.events.push_back(any::any_event(random));
    std::string body = client::encode_batch(batch);
    for (int change = 0; change < 3; ++change) body[any::below(random, body.size())] = static_cast<char>(random());
    const std::vector<char> exact(body.begin(), body.end());  // ASan guards its end
    const auto* data = reinterpret_cast<const std::uint8_t*>(exact.data());
    flatbuffers::Verifier verifier{data, exact.size()};
    if (!verifier.VerifyBuffer<wire::Batch>(nullptr)) continue;
    BatchReader reader;
    const std::vector<WireTag> tags(3, WireTag{"M1", "t", SeriesId{0}});
    static_cast<void>(reader.add(*flatbuffers::GetRoot<wire::Batch>(data), tags, kAllTimes));
    for (const Event& event : reader.events.events) json_of(event);
  }
}

}  // namespace
}  // namespace takt
