#include "client/producer.h"

#include "tests/ingest_tcp/tcp_under_test.h"

#include <fstream>

namespace takt::client {
namespace {

constexpr std::chrono::seconds kPatience{30};

SpoolOptions spool_in(const TemporaryFolder& folder) {
  SpoolOptions options;
  options.folder = folder.path() / "spool";
  options.segment_bytes = 20'000;
  return options;
}

std::unique_ptr<Producer> producer_for(const std::string& server, SpoolOptions spool) {
  ProducerOptions options;
  options.server = server;
  options.spool = std::move(spool);
  options.frame_events = 10;
  options.most_pause = std::chrono::milliseconds{100};
  auto producer = Producer::open(std::move(options));
  EXPECT_TRUE(producer) << producer.error().context;
  return producer ? std::move(*producer) : nullptr;
}

/// Readings number [first, last) of a stream: one a second.
EventBatch stream(std::size_t first, std::size_t last) {
  EventBatch batch;
  for (std::size_t i = first; i < last; ++i)
    batch.events.push_back(
        reading_event(i % 2 == 0 ? "M1" : "M2", "t", kTcpNow - std::chrono::seconds{i}, static_cast<double>(i)));
  return batch;
}

TEST(Producer, DeliversWhatItSpooled) {
  TcpUnderTest tcp;
  const TemporaryFolder folder;
  const auto producer = producer_for(tcp.address(), spool_in(folder));
  ASSERT_TRUE(producer->send(stream(0, 1000)));
  ASSERT_TRUE(producer->wait_until_acknowledged(kPatience)) << producer->report().trouble;
  EXPECT_EQ(producer->report().accepted, 1000U);
  EXPECT_EQ(tcp.readings("M1", "t") + tcp.readings("M2", "t"), 1000U);
}

TEST(Producer, CutsWhatIsMoreThanAMessageMayHold) {
  TcpUnderTest tcp;
  const TemporaryFolder folder;
  ProducerOptions options;
  options.server = tcp.address();
  options.spool = spool_in(folder);
  const auto producer = Producer::open(std::move(options));
  ASSERT_TRUE(producer);
  const std::string note = "{\"note\":\"" + std::string(3000, 'x') + "\"}";
  EventBatch batch = stream(0, 3000);
  for (Event& event : batch.events) event.attributes = note;
  for (std::size_t i = 0; i < 100; ++i)
    batch.rejected.push_back({i, Rejection::bad_json, "no JSON", std::string(std::size_t{64} << 10U, '{')});
  ASSERT_TRUE((*producer)->send(batch));
  const std::size_t rows = 2 * kMostColumnRows + 1;
  const std::vector<std::uint32_t> of(rows, (*producer)->number("M1", "columns"));
  const std::vector<double> number(rows, 1);
  std::vector<std::int64_t> at;
  for (std::size_t i = 0; i < rows; ++i) at.push_back(micros(kTcpNow) - static_cast<std::int64_t>(i));
  ASSERT_TRUE((*producer)->send({of, at, number, {}}));
  ASSERT_TRUE((*producer)->wait_until_acknowledged(kPatience)) << (*producer)->report().trouble;
  EXPECT_EQ((*producer)->report().accepted, 3000 + rows);
  EXPECT_EQ((*producer)->report().rejected, 100U);
  EXPECT_EQ((*producer)->report().dropped_frames, 0U);
}

TEST(Producer, GoesOnWhereTheLastOneEnded) {
  TcpUnderTest tcp;
  const TemporaryFolder folder;
  for (std::size_t i = 0; i < 10; ++i) {
    const auto producer = producer_for(tcp.address(), spool_in(folder));
    ASSERT_TRUE(producer->send(stream(100 * i, 100 * (i + 1))));
    // Some end before the server has answered.
    if (i % 3 != 0) {
      ASSERT_TRUE(producer->wait_until_acknowledged(kPatience)) << producer->report().trouble;
    }
  }
  const auto last = producer_for(tcp.address(), spool_in(folder));
  ASSERT_TRUE(last->wait_until_acknowledged(kPatience)) << last->report().trouble;
  EXPECT_EQ(tcp.readings("M1", "t") + tcp.readings("M2", "t"), 1000U);
  EXPECT_EQ(tcp.store().statistics().duplicates, 0U) << "the server says how far it is";
}

TEST(Producer, OutlivesTheServer) {
  TcpUnderTest tcp;
  const TemporaryFolder folder;
  const auto producer = producer_for(tcp.address(), spool_in(folder));
  for (std::size_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(producer->send(stream(200 * i, 200 * (i + 1))));
    tcp.restart();
  }
  ASSERT_TRUE(producer->wait_until_acknowledged(kPatience)) << producer->report().trouble;
  EXPECT_EQ(tcp.readings("M1", "t") + tcp.readings("M2", "t"), 1000U);
}

TEST(Producer, SpoolsWithoutAServer) {
  const TemporaryFolder folder;
  {
    const auto producer = producer_for("127.0.0.1:1", spool_in(folder));
    ASSERT_TRUE(producer->send(stream(0, 500)));
    EXPECT_FALSE(producer->wait_until_acknowledged(std::chrono::milliseconds{200}));
    EXPECT_NE(producer->report().trouble, "");
  }
  TcpUnderTest tcp;
  const auto producer = producer_for(tcp.address(), spool_in(folder));
  ASSERT_TRUE(producer->wait_until_acknowledged(kPatience)) << producer->report().trouble;
  EXPECT_EQ(producer->report().accepted, 500U);
}

TEST(Producer, TellsOfARefusalThatTheServerMade) {
  TcpUnderTest tcp;
  const TemporaryFolder folder;
  const auto producer = producer_for(tcp.address(), spool_in(folder));
  EventBatch batch = stream(0, 1);
  batch.events.push_back(reading_event("NOBODY", "t", kTcpNow, 1));
  ASSERT_TRUE(producer->send(batch));
  ASSERT_TRUE(producer->wait_until_acknowledged(kPatience));
  const ProducerReport report = producer->report();
  ASSERT_EQ(report.first_refusals.size(), 1U);
  EXPECT_EQ(report.first_refusals[0].code, "unknown_machine");
}

TEST(Producer, LetsOneProcessUseASpool) {
  const TemporaryFolder folder;
  const auto spool = Spool::open(spool_in(folder));
  ASSERT_TRUE(spool);
  const auto second = Spool::open(spool_in(folder));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
}

TEST(Producer, RefusesAnAddressThatIsNone) {
  const TemporaryFolder folder;
  ProducerOptions options;
  options.server = "nowhere";
  options.spool = spool_in(folder);
  const auto producer = Producer::open(options);
  ASSERT_FALSE(producer);
  EXPECT_EQ(producer.error().code, ErrorCode::invalid_argument);
}

// ---------------------------------------- the spool

/// Fills a spool with frames of `rows` readings.
void fill(Spool& spool, std::size_t frames, std::size_t rows = 10) {
  FrameWriter writer;
  for (std::size_t i = 0; i < frames; ++i) {
    const EventBatch batch = stream(i * rows, (i + 1) * rows);
    const auto frame = writer.frame(spool.next_sequence(), batch, {0, rows}, spool.tags());
    const auto appended = spool.append(frame);
    ASSERT_TRUE(appended) << appended.error().context;
  }
}

std::vector<std::uint64_t> frames_in(Spool& spool) {
  std::vector<std::uint64_t> sequences;
  spool.seek(1);
  for (;;) {
    const auto message = spool.next();
    if (!message) continue;
    if (message->empty()) return sequences;
    if (const auto* frame = wire::GetMessage(message->data() + kWireHead)->content_as_Frame())
      sequences.push_back(frame->sequence());
  }
}

std::filesystem::path last_segment(const std::filesystem::path& folder) {
  std::filesystem::path last;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (entry.path().extension() == ".spool" && entry.path() > last) last = entry.path();
  }
  return last;
}

TEST(Spool, KeepsFramesUntilTheyAreAcknowledged) {
  const TemporaryFolder folder;
  const auto spool = Spool::open(spool_in(folder));
  ASSERT_TRUE(spool);
  fill(**spool, 300);
  EXPECT_EQ(frames_in(**spool).size(), 300U);
  const std::uint64_t all = (*spool)->bytes();
  (*spool)->acknowledged(200);
  EXPECT_LT((*spool)->bytes(), all / 2);
  EXPECT_LE((*spool)->oldest_sequence(), 201U);
  EXPECT_EQ(frames_in(**spool).back(), 300U);
}

TEST(Spool, CutsOffAFrameThatWasNotFinished) {
  const TemporaryFolder folder;
  { fill(**Spool::open(spool_in(folder)), 5); }
  const auto path = last_segment(folder.path() / "spool");
  for (const std::uintmax_t cut : {1U, 17U, 60U}) {
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - cut);
    const auto spool = Spool::open(spool_in(folder));
    ASSERT_TRUE(spool);
    const std::uint64_t next = (*spool)->next_sequence();
    fill(**spool, 1);
    const auto frames = frames_in(**spool);
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(frames.back(), next);
    for (std::size_t i = 1; i < frames.size(); ++i) EXPECT_EQ(frames[i], frames[i - 1] + 1);
  }
}

TEST(Spool, NeverUsesASequenceAgainWhereBytesAreDamaged) {
  const TemporaryFolder folder;
  { fill(**Spool::open(spool_in(folder)), 5); }
  const auto path = last_segment(folder.path() / "spool");
  {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    file.put('\x5A');
  }
  const auto spool = Spool::open(spool_in(folder));
  ASSERT_TRUE(spool);
  EXPECT_GT((*spool)->next_sequence(), 1000U);
  fill(**spool, 1);
  const auto frames = frames_in(**spool);
  EXPECT_LT(frames.front(), 6U);
  EXPECT_GT(frames.back(), 1000U);
}

TEST(Spool, IsDeliveredAroundADamage) {
  const TemporaryFolder folder;
  { fill(**Spool::open(spool_in(folder)), 300); }
  const auto first = folder.path() / "spool" / "00000000000000000001.spool";
  {
    std::fstream file{first, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(first) / 2));
    file.put('\x5A');
  }
  TcpUnderTest tcp;
  const auto producer = producer_for(tcp.address(), spool_in(folder));
  ASSERT_TRUE(producer->wait_until_acknowledged(kPatience)) << producer->report().trouble;
  const auto received = tcp.readings("M1", "t") + tcp.readings("M2", "t");
  EXPECT_LT(received, 3000U);
  EXPECT_GT(received, 2000U);
  EXPECT_GT(tcp.ingestor->sources().report(kTcpNow).at(0).gaps, 0U);
}

TEST(Spool, StopsWhereItIsFullOrLetsTheOldestGo) {
  const TemporaryFolder folder;
  SpoolOptions options = spool_in(folder);
  options.max_bytes = 50'000;
  {
    const auto spool = Spool::open(options);
    ASSERT_TRUE(spool);
    FrameWriter writer;
    const EventBatch batch = stream(0, 10);
    Result<void> appended;
    for (int i = 0; i < 1000 && appended; ++i)
      appended = (*spool)->append(writer.frame((*spool)->next_sequence(), batch, {0, 10}, (*spool)->tags()));
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, ErrorCode::unavailable);
    EXPECT_LE((*spool)->bytes(), options.max_bytes);
  }
  options.when_full = WhenFull::drop_oldest;
  const auto spool = Spool::open(options);
  ASSERT_TRUE(spool);
  fill(**spool, 400);
  EXPECT_LE((*spool)->bytes(), options.max_bytes);
  EXPECT_GT((*spool)->dropped(), 0U);
  EXPECT_EQ((*spool)->oldest_sequence(), frames_in(**spool).front());
}

TEST(SpoolConcurrency, IsReadWhileItIsWritten) {
  const TemporaryFolder folder;
  const auto spool = Spool::open(spool_in(folder));
  ASSERT_TRUE(spool);
  std::thread writing{[&] { fill(**spool, 500); }};
  std::uint64_t expected = 1;
  (*spool)->seek(1);
  while (expected <= 500) {
    const auto message = (*spool)->next();
    ASSERT_TRUE(message);
    if (message->empty()) continue;
    const auto* frame = wire::GetMessage(message->data() + kWireHead)->content_as_Frame();
    if (frame == nullptr) continue;
    EXPECT_EQ(frame->sequence(), expected++);
    (*spool)->acknowledged(frame->sequence());
  }
  writing.join();
}

}  // namespace
}  // namespace takt::client
