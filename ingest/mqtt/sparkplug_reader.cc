#include "ingest/mqtt/sparkplug_reader.h"

#include "ingest/mqtt/mqtt_connector.h"
#include "ingest/mqtt/options.h"
#include "ingest/signal_mapper.h"
#include "ingest/sparkplug/host.h"

#include <fmt/format.h>

namespace takt {
namespace {

class SparkplugReader final : public MqttReader {
 public:
  SparkplugReader(const Plant& plant, const DataSource& source, std::string host_id,
                  std::vector<std::string> groups)
      : host_id_(host_id), groups_(std::move(groups)), host_(std::move(host_id)), mapper_(plant, source) {}

  std::vector<MqttSubscription> subscriptions() const override {
    std::vector<MqttSubscription> out{{sparkplug_state_topic(host_id_), 1}};
    for (const std::string& group : groups_) out.push_back({"spBv1.0/" + group + "/#", 1});
    if (groups_.empty()) out.push_back({"spBv1.0/#", 1});
    return out;
  }
  // The specification asks a host for a clean session: births come on request, and old data is the nodes' to keep.
  bool keeps_session() const override { return false; }
  std::optional<MqttPublication> will(Timestamp now) override {
    begun_ = now;
    return state(false, begun_);
  }
  void connected(Timestamp now, MqttOutcome& outcome) override {
    outcome.replies.push_back(state(true, begun_));
    take(host_.reconnected(now), now, outcome);
  }
  void read(const MqttMessage& message, Timestamp now, EventBatch& batch, MqttOutcome& outcome) override {
    SparkplugNotes notes = host_.receive(message.topic, message.payload, now, into(batch));
    for (RejectedEvent& each : notes.rejected) {
      each.index = batch.size();
      batch.rejected.push_back(std::move(each));
    }
    if (notes.said_offline) outcome.replies.push_back(state(true, begun_));
    take(notes, now, outcome);
  }
  void passing_time(Timestamp now, EventBatch& batch) override { host_.passing_time(now, into(batch)); }
  std::optional<MqttPublication> farewell(Timestamp now) override { return state(false, now); }

 private:
  SparkplugHost::Sink into(EventBatch& batch) {
    return [this, &batch](Signals signals, std::string_view machine) { mapper_.map(signals, machine, batch); };
  }
  MqttPublication state(bool online, Timestamp at) const {
    return {sparkplug_state_topic(host_id_),
            fmt::format(R"({{"online":{},"timestamp":{}}})", online, micros(at) / 1000), 1, true};
  }
  static void take(const SparkplugNotes& notes, Timestamp now, MqttOutcome& outcome) {
    outcome.gaps += notes.gaps;
    outcome.ignored += notes.ignored;
    for (const std::string& topic : notes.rebirths)
      outcome.replies.push_back({topic, sparkplug_command("Node Control/Rebirth", now)});
  }

  std::string host_id_;
  std::vector<std::string> groups_;
  SparkplugHost host_;
  SignalMapper mapper_;
  Timestamp begun_ = kBeginOfTime;
};

bool is_level(const std::string& text) { return text.find_first_of("/+#") == std::string::npos; }

}  // namespace

Result<std::unique_ptr<MqttReader>> make_sparkplug_reader(const Plant& plant, const DataSource& source) {
  if (const auto known = check_options(source.options, {"client_id", "host_id", "groups"}); !known)
    return known.error();
  const std::string host = text_option(source.options, "host_id").value_or("takt");
  auto groups = texts_option(source.options, "groups", {"*"});
  if (!groups) return groups.error();
  if (*groups == std::vector<std::string>{"*"}) groups->clear();
  if (host.empty() || !is_level(host)) return invalid("options.host_id is a name without / + and #");
  for (const std::string& group : *groups) {
    if (!is_level(group)) return invalid("options.groups are names without / + and #");
  }
  return std::unique_ptr<MqttReader>{std::make_unique<SparkplugReader>(plant, source, host, std::move(*groups))};
}

Result<std::unique_ptr<Connector>> start_sparkplug(ConnectorContext context) {
  auto reader = make_sparkplug_reader(*context.plant, context.description);
  if (!reader) return reader.error();
  return start_mqtt_reader(std::move(context), std::move(*reader));
}

}  // namespace takt
