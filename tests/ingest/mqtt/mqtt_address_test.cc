#include "ingest/mqtt/mqtt_address.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

TEST(MqttAddress, HasHostPortAndTls) {
  const auto plain = parse_mqtt_url("mqtt://broker.local");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->to_string(), "broker.local:1883");
  EXPECT_FALSE(plain->tls);
  const auto tls = parse_mqtt_url("mqtts://10.0.0.1/");
  ASSERT_TRUE(tls);
  EXPECT_EQ(tls->to_string(), "10.0.0.1:8883 (TLS)");
  const auto v6 = parse_mqtt_url("mqtt://[::1]:1884");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->to_string(), "[::1]:1884");
}

TEST(MqttAddress, SaysHowAnUrlIsWritten) {
  for (const char* url : {"", "broker", "http://broker", "mqtt://", "mqtt://:1883", "mqtt://b:0", "mqtt://b:65536",
                          "mqtt://b:x", "mqtt://u:p@b", "mqtt://b/path", "mqtt://[::1"}) {
    const auto address = parse_mqtt_url(url);
    ASSERT_FALSE(address) << url;
    EXPECT_NE(address.error().context.find("mqtt://HOST:1883"), std::string::npos);
  }
}

}  // namespace
}  // namespace takt
