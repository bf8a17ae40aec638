// The connector between a broker and a store that both can be held up.
#include "ingest/mqtt/mqtt_connector.h"

#include "tests/ingest/mqtt/scripted_broker.h"
#include "tests/support/temporary.h"

#include <future>

#include <gmock/gmock.h>

namespace takt {
namespace {

using testing::HasSubstr;
using SteadyClock = std::chrono::steady_clock;

const std::string kAcknowledged = "\x40\x02\x00\x01"s;  // PUBACK of packet 1

class MqttConnectorConcurrency : public testing::Test {
 protected:
  MqttConnectorConcurrency() {
    store_ = std::move(*Store::open(folder_.path(), {}));
    Plant plant;
    plant.machines.emplace_back().id = "M1";
    EXPECT_TRUE(store_->set_plant(plant, std::nullopt, false));
    store_->set_listener([this](const CommitNotice&) { committed_ = true, may_answer_.get_future().wait(); });
    ingestor_ = std::make_unique<Ingestor>(*store_);
    description_.id = "line", description_.kind = "mqtt";
    description_.url = "mqtt://127.0.0.1:" + std::to_string(broker_.port());
    source_ = ingestor_->sources().get("line", "mqtt");
  }
  ~MqttConnectorConcurrency() override {
    connector_.reset();
    release();
    store_->stop_intake();
    ingestor_.reset();
    store_.reset();
  }
  void start() {
    auto connector = start_mqtt({*ingestor_, Clock::system(), store_->plant(), description_, source_});
    ASSERT_TRUE(connector) << connector.error().context;
    connector_ = std::move(*connector);
    broker_.accept();
    EXPECT_EQ(broker_.hear().at(0), '\x10') << "CONNECT";
  }
  void connect() {
    start();
    broker_.say(kConnectionAccepted);
    EXPECT_EQ(broker_.hear().at(0), '\x82') << "SUBSCRIBE";
    broker_.say(kSubscribed);
    EXPECT_TRUE(comes(SourceState::connected));
  }
  void send_event() { broker_.say(publish_of(1, "takt/M1/count", R"({"ts":"2025-01-06T00:00:00Z","good":1})")); }
  bool comes(SourceState state) {
    const auto until = SteadyClock::now() + std::chrono::seconds{30};
    while (SteadyClock::now() < until && report().state != state)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    return report().state == state;
  }
  SourceReport report() { return source_->report(Clock::system().now()); }
  void release() {
    if (!std::exchange(released_, true)) may_answer_.set_value();
  }
  /// How long it takes until the connector is gone.
  std::chrono::milliseconds time_to_stop() {
    const auto begun = SteadyClock::now();
    connector_.reset();
    return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begun);
  }

  TemporaryFolder folder_;
  ScriptedBroker broker_;
  std::promise<void> may_answer_;
  bool released_ = false;
  std::atomic<bool> committed_{false};
  std::unique_ptr<Store> store_;
  std::unique_ptr<Ingestor> ingestor_;
  DataSource description_;
  std::shared_ptr<Source> source_;
  std::unique_ptr<Connector> connector_;
};

TEST_F(MqttConnectorConcurrency, AcknowledgesWhatIsAnswered) {
  connect();
  send_event();
  EXPECT_EQ(broker_.hear(300), "") << "the committer is held up";
  EXPECT_TRUE(committed_);
  release();
  EXPECT_EQ(broker_.hear(), kAcknowledged);
  EXPECT_EQ(report().accepted, 1U);
}

TEST_F(MqttConnectorConcurrency, StopsSoonThoughTheStoreIsHeldUpAndAcknowledgesNothing) {
  connect();
  send_event();
  while (!committed_) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  EXPECT_LT(time_to_stop(), std::chrono::seconds{5});
  EXPECT_EQ(broker_.hear(), "") << "no word but the end of the connection";
  EXPECT_EQ(report().state, SourceState::stopped);
}

TEST_F(MqttConnectorConcurrency, StopsSoonThoughTheBrokerSaysNothing) {
  start();
  EXPECT_LT(time_to_stop(), std::chrono::seconds{5});
}

TEST_F(MqttConnectorConcurrency, GivesAConnectionUpWhoseMessagesAreRefused) {
  connect();
  store_->stop_intake();
  send_event();
  EXPECT_EQ(broker_.hear(), "") << "nothing is acknowledged";
  EXPECT_TRUE(comes(SourceState::disconnected));
  EXPECT_THAT(report().detail, HasSubstr("stopping"));
}

TEST_F(MqttConnectorConcurrency, SaysWhatIsWrongWithItsDescription) {
  const auto problem = [&](const auto& change) {
    DataSource description = description_;
    change(description);
    const auto started = start_mqtt({*ingestor_, Clock::system(), store_->plant(), description, source_});
    return started ? std::string{} : started.error().context;
  };
  EXPECT_THAT(problem([](DataSource& d) { d.url = "http://x"; }), HasSubstr("mqtt://HOST:1883"));
  EXPECT_THAT(problem([](DataSource& d) { d.ca_file = "/none/such"; }), HasSubstr("/none/such"));
  EXPECT_THAT(problem([](DataSource& d) { d.password_file = "/none/such"; }), HasSubstr("/none/such"));
  EXPECT_THAT(problem([](DataSource& d) { d.options = {{"topic", "a"}}; }), HasSubstr("\"topic\""));
}

}  // namespace
}  // namespace takt
