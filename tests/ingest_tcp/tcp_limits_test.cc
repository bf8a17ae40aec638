// What the server holds in memory when the disk stands still, and when nobody reads its answers.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/ingest_tcp/tcp_under_test.h"

namespace takt {
namespace {

/// A disk that stands still when told to.
class Brake {
 public:
  StoreOptions on(StoreOptions options) {
    options.before_write = [this] { pass(); };
    return options;
  }
  void hold() {
    const std::lock_guard lock{mutex_};
    held_ = true;
  }
  void release() {
    const std::lock_guard lock{mutex_};
    held_ = false;
    changed_.notify_all();
  }
  /// Until the committer stands before the disk.
  void wait_for_the_committer() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return waiting_; });
  }

 private:
  void pass() {
    std::unique_lock lock{mutex_};
    waiting_ = held_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    waiting_ = false;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, waiting_ = false;
};

/// A producer with a tag of its own, whose first frame is durable.
struct Gateway {
  std::string tag;
  RawProducer raw;
  client::TagNumbers tags;

  Gateway(const TcpUnderTest& tcp, std::uint64_t producer) : tag("t" + std::to_string(producer)), raw(tcp.port()) {
    raw.hello(producer, 1, 1, 1, tag);
    EXPECT_TRUE(raw.welcome());
    frame(1, 1);
    EXPECT_TRUE(raw.acknowledged(1));
  }
  void frame(std::uint64_t sequence, std::size_t rows) { raw.send(frame_of(sequence, rows, 1, tags, tag)); }
};

/// Gateways that all send while the disk stands still.
struct StalledPlant {
  static constexpr std::size_t kGateways = 12;
  static constexpr std::uint64_t kFrames = 40;
  static constexpr std::size_t kRows = 160;
  static constexpr std::size_t kFrameWeight = kRows / 16;  // of the queue's events
  static constexpr std::size_t kWindow = 4;

  Brake brake;
  TcpUnderTest tcp;
  std::vector<std::unique_ptr<Gateway>> gateways;
  std::vector<std::thread> senders;

  explicit StalledPlant(StoreOptions options) : tcp({.window = kWindow}, brake.on(std::move(options))) {
    for (std::size_t g = 0; g < kGateways; ++g) gateways.push_back(std::make_unique<Gateway>(tcp, g + 1));
    brake.hold();
    for (const auto& gateway : gateways) {
      senders.emplace_back([&gateway] {
        for (std::uint64_t s = 2; s <= kFrames; ++s) gateway->frame(s, kRows);
      });
    }
    brake.wait_for_the_committer();
  }
  ~StalledPlant() {
    brake.release();
    for (std::thread& sender : senders) {
      if (sender.joinable()) sender.join();
    }
  }
  StalledPlant(const StalledPlant&) = delete;
  StalledPlant& operator=(const StalledPlant&) = delete;

  /// Readings that were decoded, from the beginning: the clock stands, so all came in one second.
  std::size_t decoded() const {
    double events = 0;
    for (const SourceReport& report : tcp.ingestor->sources().report(kTcpNow)) events += report.rate;
    return static_cast<std::size_t>(events);
  }
  void expect_no_answers() const {
    for (const auto& gateway : gateways)
      EXPECT_FALSE(gateway->raw.is_answered()) << "nothing of it is on the disk";
  }
  void expect_all_of_it_once_the_disk_goes_on() {
    brake.release();
    for (std::thread& sender : senders) sender.join();
    for (const auto& gateway : gateways) {
      const auto sum = gateway->raw.acknowledged(kFrames);
      ASSERT_TRUE(sum);
      EXPECT_EQ(sum->accepted, (kFrames - 1) * kRows);
      EXPECT_EQ(sum->duplicate, 0U);
      EXPECT_EQ(tcp.readings("M1", gateway->tag), 1 + (kFrames - 1) * kRows);
    }
  }
};

// Tests that wait for something are ended by ctest if it never comes.

TEST(TcpServerConcurrency, FillsTheQueueAndNoMoreWhileTheDiskStandsStill) {
  StoreOptions small;
  small.queue_events = 100;
  StalledPlant plant{small};
  while (plant.tcp.store().has_room()) std::this_thread::yield();
  EXPECT_LE(plant.tcp.store().statistics().queue_events.load(),
            small.queue_events + StalledPlant::kWindow * StalledPlant::kFrameWeight + 1)
      << "all but the delivery that filled it is below the limit";
  plant.expect_no_answers();
  plant.expect_all_of_it_once_the_disk_goes_on();
}

TEST(TcpServerConcurrency, TakesWhatTheCreditsAllowAndNoMoreWhileTheDiskStandsStill) {
  StalledPlant plant{{}};
  const std::size_t allowed =
      StalledPlant::kGateways * (1 + StalledPlant::kWindow * StalledPlant::kRows);  // the first frame is durable
  while (plant.decoded() < allowed) std::this_thread::yield();
  EXPECT_EQ(plant.decoded(), allowed);
  EXPECT_TRUE(plant.tcp.store().has_room()) << "it is not the queue that keeps them";
  plant.expect_no_answers();
  RawProducer late{plant.tcp.port()};
  late.hello(99);
  EXPECT_EQ(late.welcome(), 0U) << "others are still answered";
  plant.expect_all_of_it_once_the_disk_goes_on();
}

// A delivery that found the queue full waits, and nothing may be added to it: what was would be acknowledged
// unstored.
TEST(TcpServerConcurrency, KeepsWhatComesBehindADeliveryThatFoundNoRoom) {
  constexpr std::size_t kRows = 16;
  constexpr std::uint64_t kFrames = 1500;
  StoreOptions small;
  small.queue_events = 10;
  TcpUnderTest tcp{{.window = 4}, small};
  std::vector<std::thread> producers;
  for (std::uint64_t p = 1; p <= 12; ++p) {
    producers.emplace_back([&tcp, p] {
      Gateway gateway{tcp, p};
      std::string frames;
      for (std::uint64_t s = 2; s <= kFrames; ++s) frames += frame_of(s, kRows, 1, gateway.tags, gateway.tag);
      gateway.raw.send(frames);
      const auto sum = gateway.raw.acknowledged(kFrames);
      ASSERT_TRUE(sum) << "producer " << p;
      EXPECT_EQ(sum->accepted, (kFrames - 1) * kRows);
      EXPECT_EQ(tcp.readings("M1", gateway.tag), 1 + (kFrames - 1) * kRows);
    });
  }
  for (std::thread& producer : producers) producer.join();
}

TEST(TcpServer, JoinsAnswersForAProducerThatReadsNone) {
  constexpr std::uint64_t kFrames = 400;
  constexpr std::size_t kRefused = 100;  // of a frame: each is named in the answer, some 20 KiB in all
  TcpUnderTest tcp{{.window = 1}};       // a frame is a delivery, and has an answer of its own if there is room
  RawProducer deaf{tcp.port(), 4096};
  deaf.hello(7);
  ASSERT_EQ(deaf.welcome(), 0U);
  const std::string nobody(120, 'N');
  client::FrameWriter writer;
  client::TagNumbers tags;
  for (std::uint64_t s = 1; s <= kFrames; ++s) {
    EventBatch batch;
    for (std::size_t i = 0; i < kRefused; ++i) {
      const Timestamp at = kTcpNow - std::chrono::seconds{1000 * s + i};
      batch.events.push_back(state(nobody, at, "running"));
    }
    deaf.send(writer.frame(s, batch, {0, batch.events.size()}, tags));
  }
  Gateway other{tcp, 8};  // whose first frame is answered
  other.frame(2, 10);
  EXPECT_TRUE(other.raw.acknowledged(2)) << "nobody else waits for it";
  const auto sum = deaf.acknowledged(kFrames);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->rejected, kFrames * kRefused) << "every one is counted";
  EXPECT_LT(sum->acks, kFrames) << "what it did not read became one answer";
}

}  // namespace
}  // namespace takt
