#include "tests/ingest_tcp/tcp_under_test.h"

#include <gmock/gmock.h>

#include <functional>
#include <thread>

namespace takt {
namespace {

using testing::ElementsAre;

/// A producer that has been welcomed.
struct Said {
  RawProducer raw;
  client::TagNumbers tags;
  std::optional<std::uint64_t> last;

  Said(const TcpUnderTest& tcp, std::uint64_t producer, std::uint64_t epoch = 1, std::uint64_t oldest = 1)
      : raw(tcp.port()) {
    raw.hello(producer, epoch, oldest);
    last = raw.welcome();
  }
  void frame(std::uint64_t sequence, std::size_t rows = 10, double value = 1) {
    raw.send(frame_of(sequence, rows, value, tags));
  }
};

TEST(TcpServer, AcknowledgesWhatIsInEveryFigure) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  EXPECT_EQ(said.last, 0U);
  said.frame(1);
  said.frame(2);
  const auto sum = said.raw.acknowledged(2);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->accepted, 20U);
  EXPECT_EQ(tcp.readings("M1", "t"), 20U);
}

TEST(TcpServer, WelcomesAProducerWithWhatIsDurable) {
  TcpUnderTest tcp;
  {
    Said said{tcp, 7};
    for (std::uint64_t s = 1; s <= 5; ++s) said.frame(s);
    ASSERT_TRUE(said.raw.acknowledged(5));
  }
  EXPECT_EQ(Said(tcp, 7).last, 5U);
  EXPECT_EQ(Said(tcp, 8).last, 0U);
  tcp.restart();
  EXPECT_EQ(Said(tcp, 7).last, 5U);
}

TEST(TcpServer, TakesAFrameThatIsSentAgainOnce) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  said.frame(1);
  ASSERT_TRUE(said.raw.acknowledged(1));
  said.frame(1);
  const auto again = said.raw.acknowledged(1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->accepted, 0U);
  EXPECT_EQ(tcp.readings("M1", "t"), 10U);
}

TEST(TcpServer, RefusesOtherContentUnderTheSameSequence) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  said.frame(1, 10, 1);
  ASSERT_TRUE(said.raw.acknowledged(1));
  said.frame(1, 10, 2);
  EXPECT_EQ(said.raw.fault(), wire::FaultCode::conflict);
}

TEST(TcpServer, AsksForAFrameThatIsMissing) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  said.frame(1);
  said.frame(3);
  EXPECT_EQ(said.raw.fault(), wire::FaultCode::sequence_gap);
  EXPECT_EQ(said.raw.expected, 2U);
}

TEST(TcpServer, GoesOnBehindFramesThatAreLostAndTellsOfThem) {
  TcpUnderTest tcp;
  {
    Said said{tcp, 7};
    said.frame(1);
    ASSERT_TRUE(said.raw.acknowledged(1));
  }
  Said said{tcp, 7, 2, 5};
  EXPECT_EQ(said.last, 1U);
  said.frame(5);
  ASSERT_TRUE(said.raw.acknowledged(5));
  EXPECT_EQ(tcp.readings("M1", "t"), 20U);
  const auto reports = tcp.ingestor->sources().report(kTcpNow);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].gaps, 3U);
  EXPECT_EQ(reports[0].name, "tcp raw");
}

TEST(TcpServer, LetsTheNewestProcessSpeakForAProducer) {
  TcpUnderTest tcp;
  Said first{tcp, 7, 1};
  first.frame(1);
  ASSERT_TRUE(first.raw.acknowledged(1));
  Said second{tcp, 7, 2};
  second.frame(2);
  ASSERT_TRUE(second.raw.acknowledged(2));
  EXPECT_EQ(first.raw.fault(), wire::FaultCode::fenced);
  RawProducer third{tcp.port()};
  third.hello(7, 1);
  EXPECT_EQ(third.fault(), wire::FaultCode::fenced) << "an epoch that is over does not come back";
}

TEST(TcpServer, EndsWithWhoDoesNotSpeakTheProtocol) {
  TcpUnderTest tcp;
  RawProducer http{tcp.port()};
  http.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(http.fault(), wire::FaultCode::bad_message);
  RawProducer early{tcp.port()};
  client::TagNumbers tags;
  early.send(frame_of(1, 1, 1, tags));
  EXPECT_EQ(early.fault(), wire::FaultCode::bad_message);
  RawProducer newer{tcp.port()};
  newer.hello(7, 1, 1, 9);
  EXPECT_EQ(newer.fault(), wire::FaultCode::refused);
}

TEST(TcpServer, RefusesAMessageWhoseChecksumIsWrong) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  std::string bytes = frame_of(1, 10, 1, said.tags);
  bytes[bytes.size() - 20] ^= 1;
  said.raw.send(bytes);
  EXPECT_EQ(said.raw.fault(), wire::FaultCode::bad_message);
  EXPECT_EQ(tcp.readings("M1", "t"), 0U);
}

TEST(TcpServer, NamesEachRefusedRowAndKeepsItInTheQuarantine) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  EventBatch batch;
  batch.events.push_back(reading_event("M1", "t", kTcpNow, 1));
  batch.events.push_back(reading_event("M1", "t", kTcpNow + std::chrono::minutes{6}, 1));
  batch.events.push_back(reading_event("NOBODY", "t", kTcpNow, 1));
  Event state;
  state.machine = "M1", state.at = kTcpNow, state.state = "dancing";
  batch.events.push_back(state);
  batch.rejected.push_back({0, Rejection::bad_json, "no JSON", "{"});
  client::FrameWriter writer;
  const std::string frame{writer.frame(1, batch, {0, batch.events.size(), 0, 1}, said.tags)};
  said.raw.send(said.tags.definitions(0) + frame);
  const auto sum = said.raw.acknowledged(1);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->accepted, 1U);
  EXPECT_THAT(sum->rejects,
              ElementsAre("1/1 time_in_future", "1/2 unknown_machine", "1/3 unknown_state", "1/4 bad_json"));
  EXPECT_EQ(tcp.store().quarantine_size(), 4U);
  said.raw.send(frame);
  ASSERT_TRUE(said.raw.acknowledged(1));
  EXPECT_EQ(tcp.store().quarantine_size(), 4U) << "what is sent again is not refused again";
}

TEST(TcpServer, TakesReadingsOfAMachineThatIsDescribedLater) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  const auto send = [&](std::uint64_t sequence) {
    EventBatch batch;
    batch.events.push_back(reading_event("LATE", "t", kTcpNow - std::chrono::seconds{sequence}, 1));
    client::FrameWriter writer;
    const std::size_t known = said.tags.size();
    const std::string frame{writer.frame(sequence, batch, {0, 1}, said.tags)};
    said.raw.send(said.tags.definitions(known) + frame);
    const auto sum = said.raw.acknowledged(sequence);
    return sum ? sum->accepted : 99;
  };
  EXPECT_EQ(send(1), 0U);
  Plant plant = small_plant();
  plant.machines.emplace_back().id = "LATE";
  tcp.engine.describe(plant);
  EXPECT_EQ(send(2), 1U);
  EXPECT_EQ(tcp.readings("LATE", "t"), 1U);
}

TEST(TcpServer, WaitsWithASenderThatIsTooFast) {
  StoreOptions small;
  small.queue_events = 8;
  TcpOptions options;
  options.window = 2;
  TcpUnderTest tcp{options, small};
  Said said{tcp, 7};
  for (std::uint64_t s = 1; s <= 200; ++s) said.frame(s, 50);
  const auto sum = said.raw.acknowledged(200);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->accepted, 200U * 50U);
}

TEST(TcpServer, TakesInFromAProducerThatReadsNoAnswers) {
  TcpUnderTest tcp;
  Said deaf{tcp, 7};
  for (std::uint64_t s = 1; s <= 3000; ++s) deaf.frame(s, 5);
  Said other{tcp, 8};
  other.frame(1);
  EXPECT_TRUE(other.raw.acknowledged(1)) << "nobody else waits for it";
  EXPECT_TRUE(deaf.raw.acknowledged(3000));
}

TEST(TcpServer, EndsWithWhoBeginsAMessageAndDoesNotEndIt) {
  TcpOptions options;
  options.patience = std::chrono::milliseconds{50};
  TcpUnderTest tcp{options};
  RawProducer silent{tcp.port()};
  EXPECT_EQ(silent.receive(), nullptr);
  Said slow{tcp, 7};
  slow.raw.send(frame_of(1, 10, 1, slow.tags).substr(0, 100));
  EXPECT_EQ(slow.raw.receive(), nullptr);
  EXPECT_EQ(tcp.readings("M1", "t"), 0U);
}

TEST(TcpServer, EndsWithWhoSendsDropByDrop) {
  TcpOptions options;
  options.patience = std::chrono::milliseconds{50};
  TcpUnderTest tcp{options};
  Said said{tcp, 7};
  const std::string frame = frame_of(1, 1000, 1, said.tags);
  std::size_t sent = 0;
  while (sent < frame.size() && said.raw.try_send(frame.substr(sent, 1))) {
    ++sent;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  EXPECT_LT(sent, frame.size()) << "each drop would have given it more time";
  EXPECT_EQ(tcp.readings("M1", "t"), 0U);
}

/// A frame of two readings and a count, ten minutes ahead or not.
std::string frame_at(Timestamp at, std::uint64_t sequence, std::string_view machine, client::TagNumbers& tags) {
  EventBatch batch;
  batch.events.push_back(reading_event(machine, "a", at, 1.5));
  batch.events.push_back(reading_event(machine, "b", at, 2));
  batch.events.push_back(count(machine, at, 3));
  client::FrameWriter writer;
  const std::size_t known = tags.size();
  const std::string frame{writer.frame(sequence, batch, {0, batch.events.size()}, tags)};
  return tags.definitions(known) + frame;
}

/// The frame is refused, `mended` is called, a replay takes it in, and what another producer sends is known then.
void expect_replayed(std::string_view machine, Timestamp at, const std::function<void(TcpUnderTest&)>& mended) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  said.raw.send(frame_at(at, 1, machine, said.tags));
  const auto refused = said.raw.acknowledged(1);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->rejected, 3U);
  said.raw.send(frame_at(at, 1, machine, said.tags));
  ASSERT_TRUE(said.raw.acknowledged(1)) << "sent again meanwhile";
  EXPECT_EQ(tcp.store().quarantine_size(), 3U);
  mended(tcp);
  const auto replayed = tcp.ingestor->replay_quarantine();
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->accepted, 3U);
  EXPECT_EQ(tcp.store().quarantine_size(), 0U);
  Said other{tcp, 8};
  other.raw.send(frame_at(at, 1, machine, other.tags));
  const auto again = other.raw.acknowledged(1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->duplicate, 3U) << "it has the identity that it would have had at first";
  EXPECT_EQ(tcp.readings(machine, "a"), 1U);
}

TEST(TcpServer, KeepsWhatAGatewayTenMinutesAheadSendsForAReplay) {
  const Timestamp ahead = kTcpNow + std::chrono::minutes{10};
  expect_replayed("M1", ahead, [&](TcpUnderTest& tcp) { tcp.engine.clock.set(ahead); });
}

TEST(TcpServer, KeepsWhatAnUnknownMachineSendsForAReplay) {
  expect_replayed("M9", kTcpNow, [](TcpUnderTest& tcp) {
    Plant plant = small_plant();
    plant.machines.emplace_back().id = "M9";
    tcp.engine.describe(std::move(plant));
  });
}

TEST(TcpServer, AnswersWhatItHasBeforeItStops) {
  TcpUnderTest tcp;
  Said said{tcp, 7};
  for (std::uint64_t s = 1; s <= 50; ++s) said.frame(s);
  ASSERT_TRUE(said.raw.acknowledged(1));
  std::thread stopping{[&] { tcp.server->stop(); }};
  EXPECT_EQ(said.raw.fault(), wire::FaultCode::unavailable);
  stopping.join();
  const auto state = tcp.store().producer({7, 7});
  ASSERT_TRUE(state);
  EXPECT_EQ(tcp.readings("M1", "t"), 10 * state->sequence);
}

TEST(TcpServerConcurrency, KeepsProducersApart) {
  TcpUnderTest tcp;
  std::vector<std::thread> producers;
  for (std::uint64_t p = 1; p <= 4; ++p) {
    producers.emplace_back([&, p] {
      Said said{tcp, p};
      for (std::uint64_t s = 1; s <= 60; ++s) said.frame(s, 20, static_cast<double>(p));
      EXPECT_TRUE(said.raw.acknowledged(60));
    });
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(tcp.readings("M1", "t"), 60U * 20U) << "all four sent the same identities";
  for (std::uint64_t p = 1; p <= 4; ++p) EXPECT_EQ(tcp.store().producer({p, p})->sequence, 60U);
}

}  // namespace
}  // namespace takt
