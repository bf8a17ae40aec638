#include "ingest/mqtt/mqtt_address.h"

#include <charconv>

namespace takt {
namespace {

Error not_a_url(std::string_view url) {
  return invalid("\"" + std::string{url} +
                 "\" is not the URL of a broker; write mqtt://HOST:1883, or mqtts://HOST:8883 with TLS");
}

}  // namespace

std::string MqttAddress::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + (tls ? " (TLS)" : "");
}

Result<MqttAddress> parse_mqtt_url(std::string_view url) {
  MqttAddress address;
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return not_a_url(url);
  address.tls = url.substr(0, scheme) == "mqtts";
  if (!address.tls && url.substr(0, scheme) != "mqtt") return not_a_url(url);
  address.port = address.tls ? 8883 : 1883;
  std::string_view rest = url.substr(scheme + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/@?# ") != std::string_view::npos) return not_a_url(url);
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;
  if (bracket == std::string_view::npos) return not_a_url(url);
  const std::size_t colon = rest.find(':', bracket);
  address.host = rest.substr(0, colon);
  if (bracket != 0) address.host = rest.substr(1, bracket - 1);
  if (colon != std::string_view::npos) {
    const std::string_view digits = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || address.port == 0) return not_a_url(url);
  }
  if (address.host.empty()) return not_a_url(url);
  return address;
}

}  // namespace takt
