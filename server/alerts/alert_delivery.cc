#include "server/alerts/alert_delivery.h"

#include "client/http_client.h"
#include "ingest/mqtt/mqtt_publish.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

constexpr std::array<std::string_view, 3> kDeliveryStates{"waiting", "delivered", "failed"};
constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::string_view kWebhook = "webhook:";
constexpr std::string_view kMqtt = "mqtt:";

/// Where the path of a URL begins; its end if it has none.
std::size_t path_of(std::string_view url) {
  const std::size_t host = url.find("://");
  return std::min(url.find('/', host == std::string_view::npos ? 0 : host + 3), url.size());
}

Result<void> post(const AlertDelivery& delivery, std::string_view url, const std::atomic<bool>& stop) {
  HttpClientOptions options;
  options.connect_timeout = options.request_timeout = kPatience;
  options.stop = &stop;
  options.max_reply_bytes = std::size_t{1} << 20U;
  const std::size_t path = path_of(url);
  auto client = HttpClient::open(url.substr(0, path), options);
  if (!client) return client.error();
  const std::string_view target = path < url.size() ? url.substr(path) : "/";
  const auto reply = client->post(target, {delivery.body, "application/json"}, {{"Takt-Delivery", delivery.id}});
  if (!reply) return reply.error();
  if (reply->status < 200 || reply->status > 299)
    return io_error("the receiver answered " + std::to_string(reply->status));
  return {};
}

Result<void> publish(const AlertDelivery& delivery, std::string_view where,
                     const std::optional<DataSource>& broker, const std::atomic<bool>& stop) {
  DataSource source;
  std::string_view topic = where;
  if (const bool named = where.starts_with("mqtt://") || where.starts_with("mqtts://"); named) {
    const std::size_t path = path_of(where);
    source.url = where.substr(0, path);
    topic = where.substr(std::min(path + 1, where.size()));
  } else if (broker) {
    source = *broker;
  } else {
    return invalid(
        "there is no broker: name one in a [[source]] of kind mqtt, with --mqtt, or as mqtt://HOST/TOPIC");
  }
  if (topic.empty() || topic.find_first_of("+#") != std::string_view::npos)
    return invalid("\"" + std::string{topic} + "\" is no topic to publish to");
  return publish_once(source, {std::string{topic}, delivery.body, 1, false}, kPatience, stop);
}

}  // namespace

std::string_view name_of(DeliveryState state) { return kDeliveryStates.at(static_cast<std::size_t>(state)); }

std::optional<DeliveryState> delivery_state_named(std::string_view name) {
  const auto at = std::ranges::find(kDeliveryStates, name);
  if (at == kDeliveryStates.end()) return std::nullopt;
  return static_cast<DeliveryState>(at - kDeliveryStates.begin());
}

std::string shown_target(std::string_view target) {
  std::string shown{target.substr(0, target.find_first_of("?#"))};
  const std::size_t scheme = shown.find("://");
  if (scheme == std::string::npos) return shown;
  const std::size_t begin = scheme + 3, end = std::min(shown.find('/', begin), shown.size());
  if (const std::size_t at = shown.rfind('@', end); at != std::string::npos && at >= begin)
    shown.erase(begin, at + 1 - begin);
  return shown;
}

Result<void> deliver(const AlertDelivery& delivery, const std::optional<DataSource>& broker,
                     const std::atomic<bool>& stop) {
  const std::string_view target = delivery.target;
  if (target.starts_with(kWebhook)) return post(delivery, target.substr(kWebhook.size()), stop);
  if (target.starts_with("mqtt://") || target.starts_with("mqtts://"))
    return publish(delivery, target, broker, stop);
  if (target.starts_with(kMqtt)) return publish(delivery, target.substr(kMqtt.size()), broker, stop);
  return invalid("this is no target");
}

Duration pause_after(std::int64_t attempts, double chance) {
  constexpr Duration kMost = std::chrono::minutes{5};
  const Duration pause = std::min<Duration>(
      kMost, std::chrono::seconds{1} * (std::int64_t{1} << std::clamp<std::int64_t>(attempts - 1, 0, 10)));
  return Duration{static_cast<std::int64_t>(static_cast<double>(pause.count()) * (0.8 + 0.4 * chance))};
}

}  // namespace takt
