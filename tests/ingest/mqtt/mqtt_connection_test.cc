// What goes over the wire and when, seen by a broker that does just what it is told.
#include "ingest/mqtt/mqtt_connection.h"

#include "tests/ingest/mqtt/scripted_broker.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

class MqttConnectionTest : public testing::Test {
 protected:
  MqttConnectionTest() {
    settings_.address = {"127.0.0.1", broker_.port(), false};
    settings_.client_id = "takt-test";
    settings_.subscriptions = {{"a/#", 1}};
  }
  void begin() {
    auto connection = MqttConnection::begin(settings_, [this](const MqttMessage& message) {
      received_.push_back(std::string{message.topic} + "=" + std::string{message.payload});
    });
    ASSERT_TRUE(connection) << connection.error().context;
    connection_ = std::move(*connection);
    broker_.accept();
    ASSERT_TRUE(connection_->write());
  }
  void connect() {
    begin();
    EXPECT_EQ(broker_.hear().at(0), '\x10') << "CONNECT";
    broker_.say(kConnectionAccepted);
    ASSERT_TRUE(read_once());
    ASSERT_TRUE(connection_->write());
    EXPECT_EQ(broker_.hear().at(0), '\x82') << "SUBSCRIBE";
    EXPECT_FALSE(connection_->is_ready());
    broker_.say(kSubscribed);
    ASSERT_TRUE(read_once());
    EXPECT_TRUE(connection_->is_ready());
  }
  Result<void> read_once() {
    pollfd file{connection_->socket(), POLLIN, 0};
    EXPECT_EQ(::poll(&file, 1, 10'000), 1);
    return connection_->read();
  }

  ScriptedBroker broker_;
  MqttSettings settings_;
  std::unique_ptr<MqttConnection> connection_;
  std::vector<std::string> received_;
};

// What the whole promise rests on: the library has its PUBACK ready before it hands a message over.
TEST_F(MqttConnectionTest, AcknowledgesNothingUntilItIsToldToWrite) {
  connect();
  broker_.say(publish_of(1, "a/b", "one") + publish_of(2, "a/c", "two"));
  while (received_.size() < 2) ASSERT_TRUE(read_once());
  EXPECT_THAT(received_, ElementsAre("a/b=one", "a/c=two"));
  ASSERT_TRUE(connection_->keep_alive());
  connection_->publish({"a/d", "three", 1, false});
  EXPECT_EQ(broker_.hear(200), "") << "neither acknowledgements nor anything else";
  EXPECT_TRUE(connection_->wants_to_write());
  ASSERT_TRUE(connection_->write());
  const std::string heard = broker_.hear();
  EXPECT_THAT(heard, HasSubstr("\x40\x02\x00\x01\x40\x02\x00\x02"s)) << "PUBACK of both";
  EXPECT_THAT(heard, HasSubstr("three"));
}

// Nobody can say what an older description had subscribed.
TEST_F(MqttConnectionTest, AcknowledgesButDoesNotHandOverWhatItNoLongerWants) {
  connect();
  broker_.say(publish_of(1, "b/c", "one"));
  ASSERT_TRUE(read_once());
  EXPECT_THAT(received_, testing::IsEmpty());
  ASSERT_TRUE(connection_->write());
  EXPECT_EQ(broker_.hear(), "\x40\x02\x00\x01"s);
}

TEST_F(MqttConnectionTest, GoesWithoutAWordWhenItIsDropped) {
  connect();
  broker_.say(publish_of(1, "a/b", "one"));
  ASSERT_TRUE(read_once());
  connection_.reset();
  EXPECT_EQ(broker_.hear(), "") << "the end of the connection alone";
}

TEST_F(MqttConnectionTest, KeepsItsSessionAndLeavesAWill) {
  settings_.will = MqttPublication{"takt/will", "gone", 1, true};
  settings_.user = "anna";
  settings_.password = "secret";
  begin();
  const std::string connect = broker_.hear();
  EXPECT_THAT(connect, HasSubstr("\x00\x04MQTT\x04"s)) << "MQTT 3.1.1";
  EXPECT_EQ(connect.at(9), '\xEC') << "user, password, a retained will of QoS 1, and no clean session";
  EXPECT_THAT(connect, HasSubstr("\x00\x09takt/will\x00\x04gone\x00\x04"
                                 "anna\x00\x06secret"s));
}

TEST_F(MqttConnectionTest, TellsRefusalsInWords) {
  for (const auto& [code, words] : std::vector<std::pair<char, std::string>>{
           {1, "3.1.1"}, {2, "client id"}, {4, "password"}, {5, "authorise"}}) {
    begin();
    broker_.hear();
    broker_.say("\x20\x02\x00"s + code);
    const auto refused = read_once();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().context, HasSubstr(words));
    broker_.hang_up();
  }
}

TEST_F(MqttConnectionTest, TellsThatASubscriptionIsRefused) {
  begin();
  broker_.hear();
  broker_.say(kConnectionAccepted);
  ASSERT_TRUE(read_once());
  ASSERT_TRUE(connection_->write());
  broker_.hear();
  broker_.say("\x90\x03\x00\x01\x80"s);
  const auto refused = read_once();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, HasSubstr("subscription"));
}

TEST_F(MqttConnectionTest, TellsThatTheConnectionIsLost) {
  connect();
  broker_.hang_up();
  const auto lost = read_once();
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().context, HasSubstr("closed the connection"));
}

}  // namespace
}  // namespace takt
