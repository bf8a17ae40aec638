#include "ingest/mqtt/json_reader.h"

#include "ingest/decode.h"
#include "ingest/decode_body.h"
#include "ingest/decode_draft.h"
#include "ingest/decode_json_event.h"
#include "ingest/mqtt/mqtt_connector.h"
#include "ingest/mqtt/options.h"
#include "ingest/signal_mapper.h"
#include "schema/event_json.h"

#include <simdjson.h>
#include <algorithm>
#include <cmath>
#include <deque>

namespace takt {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kOwnTopics = "takt/";
constexpr std::size_t kMostBytes = std::size_t{8} << 20U;
constexpr std::size_t kMostSignals = 100'000;
constexpr int kDeepest = 32;
constexpr Timestamp kFirstTime = from_micros(631'152'000'000'000);   // 1990
constexpr Timestamp kLastTime = from_micros(7'258'118'400'000'000);  // 2200

struct JsonOptions {
  std::vector<std::string> topics, time, name, value;
  bool time_is_told = false;  // by the option: then it has to be one
};

/// takt/MACHINE/TYPE says what an event does not say itself.
struct TopicWords {
  std::string_view machine, type;
};
TopicWords words_of(std::string_view topic) {
  if (!topic.starts_with(kOwnTopics)) return {};
  const std::string_view rest = topic.substr(kOwnTopics.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return {rest, {}};
  const std::string_view type = rest.substr(slash + 1);
  return {rest.substr(0, slash), event_type_named(type) ? type : std::string_view{}};
}

class JsonReader final : public MqttReader {
 public:
  JsonReader(const Plant& plant, const DataSource& source, JsonOptions options)
      : options_(std::move(options)), mapper_(plant, source) {}

  std::vector<MqttSubscription> subscriptions() const override {
    std::vector<MqttSubscription> out;
    for (const std::string& topic : options_.topics) out.push_back({topic, 1});
    return out;
  }
  bool keeps_session() const override { return true; }
  std::optional<MqttPublication> will(Timestamp /*now*/) override { return std::nullopt; }
  std::optional<MqttPublication> farewell(Timestamp /*now*/) override { return std::nullopt; }
  void connected(Timestamp /*now*/, MqttOutcome& /*outcome*/) override {}
  void passing_time(Timestamp /*now*/, EventBatch& /*batch*/) override {}

  void read(const MqttMessage& message, Timestamp now, EventBatch& batch, MqttOutcome& /*outcome*/) override {
    topic_ = message.topic;
    retained_ = message.retained;
    now_ = now;
    const SignalUse use = mapper_.use_of(topic_);
    const std::string_view text = trim(message.payload);
    if (use == SignalUse::ignore || text.empty()) return;  // an empty one clears what was retained
    words_ = words_of(topic_);
    holds_events_ = use == SignalUse::event || !words_.type.empty();
    if (text.size() > kMostBytes)
      return refuse(Rejection::too_large, "The message is larger than 8 MiB.", text, batch);
    if (!whole(text, batch)) lines(text, batch);
  }

 private:
  /// Reads a text that is one JSON value. False: it is none, but may be several, a line each.
  bool whole(std::string_view text, EventBatch& batch) {
    dom::element element;
    const auto error = parser_.parse(text.data(), text.size(), true).get(element);
    if (error == simdjson::SUCCESS) return take(element, text, batch), true;
    if (text.front() == '{' && text.find('\n') != std::string_view::npos) return false;
    refuse(Rejection::bad_json, "The message in " + in_quotes(topic_) + " is not valid JSON.", text, batch);
    return true;
  }
  void lines(std::string_view text, EventBatch& batch) {
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      const std::string_view value = trim(line);
      dom::element element;
      if (value.empty()) continue;
      if (parser_.parse(value.data(), value.size(), true).get(element) == simdjson::SUCCESS)
        take(element, value, batch);
      else
        refuse(Rejection::bad_json, "A line of the message in " + in_quotes(topic_) + " is not valid JSON.", value,
               batch);
    }
  }

  void take(dom::element element, std::string_view text, EventBatch& batch) {
    signals_.clear();
    addresses_.clear();
    problem_ = {};
    dom::array array;
    if (element.get_array().get(array) == simdjson::SUCCESS && is_list_of_objects(array)) {
      for (const dom::element each : array) item(each, batch);
    } else {
      item(element, batch);
    }
    if (!problem_.empty()) return refuse(Rejection::bad_value, problem_, text, batch);
    if (!signals_.empty()) mapper_.map(signals_, words_.machine, batch);
    batch.raw.resize(batch.events.size());
  }
  static bool is_list_of_objects(dom::array array) {
    return std::all_of(array.begin(), array.end(), [](dom::element each) { return each.is_object(); });
  }
  void item(dom::element element, EventBatch& batch) {
    dom::object object;
    const bool is_object = element.get_object().get(object) == simdjson::SUCCESS;
    if (is_object && (holds_events_ || is_event(object))) return event(object, batch);
    flatten(element, std::string{topic_}, now_, 0);
  }

  /// One that names its type, or at least means to: an object with another member `type` is not meant to be one.
  static bool is_event(dom::object object) {
    std::string_view type, machine;
    if (object["type"].get(type) != simdjson::SUCCESS) return false;
    return event_type_named(type).has_value() || object["machine"].get(machine) == simdjson::SUCCESS;
  }
  void event(dom::object object, EventBatch& batch) {
    std::string text = "{";
    add_default(text, object, "type", words_.type);
    add_default(text, object, "machine", words_.machine);
    const std::string own = simdjson::minify(object);
    if (text.size() > 1 && own == "{}") text.pop_back();
    text.append(own, 1);
    if (text.size() > kMaxEventBytes)
      return refuse(Rejection::too_large, "The event is larger than 1 MiB.", text, batch);
    batch.raw.resize(batch.events.size());
    events_.decode(batch.keep(text), text.size(), batch.size(), batch);
  }
  static void add_default(std::string& text, dom::object object, std::string_view name, std::string_view value) {
    dom::element given;
    if (value.empty() || object[name].get(given) == simdjson::SUCCESS) return;
    append_json_string(text, name);
    text += ':';
    append_json_string(text, value);
    text += ',';
  }

  void flatten(dom::element element, const std::string& address, Timestamp at, int depth) {
    if (depth > kDeepest) problem_ = "The message in " + in_quotes(topic_) + " nests too deeply.";
    if (signals_.size() >= kMostSignals)
      problem_ = "The message in " + in_quotes(topic_) + " has too many values.";
    if (!problem_.empty()) return;
    switch (element.type()) {
      case dom::element_type::OBJECT:
        return members(dom::object{element}, address, at, depth);
      case dom::element_type::ARRAY: {
        std::size_t index = 0;
        const dom::array array{element};
        const bool objects = is_list_of_objects(array) && !options_.name.empty();
        for (const dom::element each : array)
          flatten(each, objects ? address : address + "/" + std::to_string(index++), at, depth + 1);
        return;
      }
      default:
        tell(element, address, at);
    }
  }
  void members(dom::object object, std::string address, Timestamp at, int depth) {
    const std::string_view time = member_of(object, options_.time);
    if (const auto told = time.empty() ? std::nullopt : time_of(object[time])) at = *told;
    const std::string_view name = member_of(object, options_.name);
    std::string_view level;
    if (!name.empty() && object[name].get(level) == simdjson::SUCCESS && !level.empty()) {
      address.append("/").append(level);
      const std::string_view value = member_of(object, options_.value);
      if (!value.empty()) return flatten(object[value], address, at, depth + 1);
    }
    for (const dom::key_value_pair member : object) {
      const bool is_time = member.key == time && time_of(member.value).has_value();
      if (!is_time && member.key != name)
        flatten(member.value, address + "/" + std::string{member.key}, at, depth + 1);
    }
  }
  /// The first of the names that the object has.
  static std::string_view member_of(dom::object object, const std::vector<std::string>& names) {
    dom::element found;
    for (const std::string& name : names) {
      if (object[name].get(found) == simdjson::SUCCESS) return name;
    }
    return {};
  }
  std::optional<Timestamp> time_of(dom::element element) {
    std::string_view text;
    double number = 0;
    std::optional<Timestamp> time;
    if (element.get(text) == simdjson::SUCCESS) time = time_of_text(text);
    if (element.get(number) == simdjson::SUCCESS) time = time_of_number(number);
    if (!time && options_.time_is_told)
      problem_ = "The time of the message in " + in_quotes(topic_) + " cannot be read.";
    return time;
  }

  void tell(dom::element element, const std::string& address, Timestamp at) {
    Signal signal{{}, at, {}, kAbsent, kAbsent, retained_};
    switch (element.type()) {
      case dom::element_type::INT64:
        signal.whole = std::int64_t{element};
        signal.value = {Value::Kind::number, static_cast<double>(signal.whole), {}};
        break;
      case dom::element_type::UINT64:
        signal.value = {Value::Kind::number, static_cast<double>(std::uint64_t{element}), {}};
        break;
      case dom::element_type::DOUBLE:
        signal.value = {Value::Kind::number, double{element}, {}};
        break;
      case dom::element_type::BOOL:
        signal.value = {Value::Kind::boolean, bool{element} ? 1.0 : 0.0, {}};
        break;
      case dom::element_type::STRING:
        signal.value = {Value::Kind::text, 0, std::string_view{element}};
        break;
      default:
        break;
    }
    signal.address = addresses_.emplace_back(address);
    signals_.push_back(signal);
  }

  static void refuse(Rejection code, std::string message, std::string_view raw, EventBatch& batch) {
    reject(batch, batch.size(), {code, std::move(message)}, raw);
  }

  JsonOptions options_;
  SignalMapper mapper_;
  dom::parser parser_;
  JsonEventParser events_;

  // Of the message at hand.
  std::string_view topic_;
  TopicWords words_;
  bool retained_ = false, holds_events_ = false;
  Timestamp now_;
  std::vector<Signal> signals_;
  std::deque<std::string> addresses_;
  std::string problem_;
};

}  // namespace

std::optional<Timestamp> time_of_number(double number) {
  if (!std::isfinite(number)) return std::nullopt;
  const double size = std::fabs(number);
  const double micros_each = size < 1e11 ? 1e6 : size < 1e14 ? 1e3 : size < 1e17 ? 1 : 1e-3;
  const Timestamp time = from_micros(static_cast<std::int64_t>(std::llround(number * micros_each)));
  if (time < kFirstTime || time >= kLastTime) return std::nullopt;
  return time;
}

std::optional<Timestamp> time_of_text(std::string_view text) {
  const auto time = parse_time(text);
  if (time && *time >= kFirstTime && *time < kLastTime) return *time;
  const auto number = parse_number(text);
  return number ? time_of_number(number->real) : std::nullopt;
}

Result<std::unique_ptr<MqttReader>> make_json_reader(const Plant& plant, const DataSource& source) {
  if (const auto known = check_options(source.options, {"client_id", "topics", "time", "name", "value"}); !known)
    return known.error();
  JsonOptions options;
  auto topics = texts_option(source.options, "topics", {std::string{kOwnTopics} + "#"});
  auto time = texts_option(source.options, "time", {"ts", "timestamp", "time"});
  auto name = texts_option(source.options, "name", {});
  auto value = texts_option(source.options, "value", {"value"});
  for (const auto* each : {&topics, &time, &name, &value}) {
    if (!*each) return each->error();
  }
  options.topics = std::move(*topics), options.time = std::move(*time);
  options.name = std::move(*name), options.value = std::move(*value);
  options.time_is_told = source.options.contains("time");
  return std::unique_ptr<MqttReader>{std::make_unique<JsonReader>(plant, source, std::move(options))};
}

Result<std::unique_ptr<Connector>> start_mqtt(ConnectorContext context) {
  auto reader = make_json_reader(*context.plant, context.description);
  if (!reader) return reader.error();
  return start_mqtt_reader(std::move(context), std::move(*reader));
}

}  // namespace takt
