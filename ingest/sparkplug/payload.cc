#include "ingest/sparkplug/payload.h"

#include "ingest/sparkplug/sparkplug_b.pb.h"

#include <google/protobuf/arena.h>
#include <simdjson.h>
#include <cmath>

namespace takt {
namespace {

constexpr std::int64_t kLastMillisecond = 253'402'300'799'999;  // of the year 9999

/// Nothing for 0, which senders write who have no clock, and for what is no time of this calendar.
std::optional<Timestamp> time_of(bool given, std::uint64_t milliseconds) {
  if (!given || milliseconds == 0 || milliseconds > static_cast<std::uint64_t>(kLastMillisecond))
    return std::nullopt;
  return from_micros(static_cast<std::int64_t>(milliseconds) * 1000);
}

/// Walks over the fields of the top level without reading them: a metric of two bytes takes a hundred in memory,
/// so they are counted before. Nothing if the bytes are no message.
std::optional<std::size_t> count_metrics(std::string_view bytes) {
  const auto varint = [&bytes]() -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  };
  constexpr std::uint64_t kMetric = 2U << 3U | 2U;
  std::size_t metrics = 0;
  while (!bytes.empty()) {
    const auto key = varint();
    if (!key) return std::nullopt;
    metrics += *key == kMetric ? 1 : 0;
    std::optional<std::uint64_t> length = 0;
    switch (*key & 7U) {
      case 0:
        if (!varint()) return std::nullopt;
        break;
      case 1:
        length = 8;
        break;
      case 2:
        length = varint();
        break;
      case 5:
        length = 4;
        break;
      default:  // groups, which the format does not know
        return std::nullopt;
    }
    if (!length || *length > bytes.size()) return std::nullopt;
    bytes.remove_prefix(*length);
  }
  return metrics;
}

std::int64_t quality_of(const sparkplug_b::Metric& metric) {
  if (!metric.has_properties()) return kAbsent;
  const sparkplug_b::PropertySet& set = metric.properties();
  for (int i = 0; i < set.keys_size() && i < set.values_size(); ++i) {
    if (set.keys(i) != "Quality" || set.values(i).is_null()) continue;
    const sparkplug_b::PropertyValue& value = set.values(i);
    if (value.value_case() == sparkplug_b::PropertyValue::kIntValue) return value.int_value();
    if (value.value_case() == sparkplug_b::PropertyValue::kLongValue && value.long_value() <= 0xFFFF'FFFFU)
      return static_cast<std::int64_t>(value.long_value());
  }
  return kAbsent;
}

void write_down(const sparkplug_b::Metric& from, SparkplugMetric& to) {
  using Written = SparkplugMetric::Written;
  switch (from.value_case()) {
    case sparkplug_b::Metric::kIntValue:
      to.written = Written::integer, to.bits = from.int_value();
      break;
    case sparkplug_b::Metric::kLongValue:
      to.written = Written::integer, to.bits = from.long_value();
      break;
    case sparkplug_b::Metric::kFloatValue:
      to.written = Written::real, to.real = from.float_value();
      break;
    case sparkplug_b::Metric::kDoubleValue:
      to.written = Written::real, to.real = from.double_value();
      break;
    case sparkplug_b::Metric::kBooleanValue:
      to.written = Written::boolean, to.bits = from.boolean_value() ? 1 : 0;
      break;
    case sparkplug_b::Metric::kStringValue:
      to.written = Written::text, to.text = from.string_value();
      break;
    case sparkplug_b::Metric::VALUE_NOT_SET:
      break;
    default:
      to.written = Written::other;
  }
}

SparkplugMetric metric_of(const sparkplug_b::Metric& from) {
  SparkplugMetric to;
  to.name = from.name();
  if (from.has_alias()) to.alias = from.alias();
  to.at = time_of(from.has_timestamp(), from.timestamp());
  to.type = static_cast<SparkplugType>(from.datatype());
  to.historical = from.is_historical();
  to.transient = from.is_transient();
  to.null = from.is_null();
  to.quality = quality_of(from);
  write_down(from, to);
  return to;
}

bool is_integer(SparkplugType type) {
  return (type >= SparkplugType::int8 && type <= SparkplugType::uint64) || type == SparkplugType::date_time;
}

SparkplugValue number(double real) { return {{Value::Kind::number, real, {}}, kAbsent}; }
SparkplugValue whole(std::int64_t value) {
  SparkplugValue out = number(static_cast<double>(value));
  out.whole = value;
  return out;
}

SparkplugValue integer_of(std::uint64_t bits, SparkplugType type) {
  switch (type) {
    case SparkplugType::int8:
      return whole(static_cast<std::int8_t>(bits));
    case SparkplugType::int16:
      return whole(static_cast<std::int16_t>(bits));
    case SparkplugType::int32:
      return whole(static_cast<std::int32_t>(bits));
    case SparkplugType::uint8:
      return whole(static_cast<std::uint8_t>(bits));
    case SparkplugType::uint16:
      return whole(static_cast<std::uint16_t>(bits));
    case SparkplugType::uint32:
      return whole(static_cast<std::uint32_t>(bits));
    case SparkplugType::int64:
      return whole(static_cast<std::int64_t>(bits));
    default:
      // UInt64 above what has a sign keeps its size, if not its last digits.
      return bits >> 63U == 0 ? whole(static_cast<std::int64_t>(bits)) : number(static_cast<double>(bits));
  }
}

}  // namespace

bool is_read(SparkplugType type) { return type >= SparkplugType::int8 && type <= SparkplugType::uuid; }

std::optional<SparkplugValue> value_of(const SparkplugMetric& metric, SparkplugType type) {
  using Written = SparkplugMetric::Written;
  if (!is_read(type)) return std::nullopt;
  if (metric.null || metric.written == Written::nothing) return SparkplugValue{};
  const bool is_number = metric.written == Written::integer || metric.written == Written::real;
  if (is_integer(type)) {
    if (metric.written != Written::integer) return std::nullopt;
    return integer_of(metric.bits, type);
  }
  if (type == SparkplugType::float_ || type == SparkplugType::double_) {
    if (!is_number) return std::nullopt;
    return metric.written == Written::real ? number(metric.real) : integer_of(metric.bits, SparkplugType::int64);
  }
  if (type == SparkplugType::boolean) {
    if (metric.written != Written::boolean) return std::nullopt;
    return SparkplugValue{{Value::Kind::boolean, static_cast<double>(metric.bits), {}}, kAbsent};
  }
  if (metric.written != Written::text || !simdjson::validate_utf8(metric.text.data(), metric.text.size()))
    return std::nullopt;
  return SparkplugValue{{Value::Kind::text, 0, metric.text}, kAbsent};
}

struct SparkplugDecoder::Memory {
  google::protobuf::Arena arena;
  SparkplugPayload payload;
};

SparkplugDecoder::SparkplugDecoder() : memory_(std::make_unique<Memory>()) {}
SparkplugDecoder::~SparkplugDecoder() = default;

Result<const SparkplugPayload*> SparkplugDecoder::decode(std::string_view bytes) {
  if (bytes.size() > kMostBytes) return invalid("The payload is larger than 8 MiB.");
  const auto count = count_metrics(bytes);
  if (!count) return invalid("The payload is no Sparkplug B payload.");
  if (*count > kMostMetrics) return invalid("The payload holds more than 50000 metrics; send them in several.");
  memory_->arena.Reset();
  auto* read = google::protobuf::Arena::CreateMessage<sparkplug_b::Payload>(&memory_->arena);
  if (!read->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return invalid("The payload is no Sparkplug B payload.");
  if (read->uuid() == "SPBV1.0_COMPRESSED")
    return invalid(
        "The payload is compressed, which Takt does not read; switch compression off at the edge node.");
  SparkplugPayload& payload = memory_->payload;
  payload.at = time_of(read->has_timestamp(), read->timestamp());
  payload.seq = read->has_seq() ? std::optional<std::uint64_t>{read->seq()} : std::nullopt;
  payload.metrics.clear();
  payload.metrics.reserve(*count);
  for (const sparkplug_b::Metric& metric : read->metrics()) payload.metrics.push_back(metric_of(metric));
  return &payload;
}

std::string sparkplug_command(std::string_view metric, Timestamp at) {
  const auto milliseconds = static_cast<std::uint64_t>(micros(at) / 1000);
  sparkplug_b::Payload payload;
  payload.set_timestamp(milliseconds);
  sparkplug_b::Metric* const command = payload.add_metrics();
  command->set_name(std::string{metric});
  command->set_timestamp(milliseconds);
  command->set_datatype(static_cast<std::uint32_t>(SparkplugType::boolean));
  command->set_boolean_value(true);
  return payload.SerializeAsString();
}

}  // namespace takt
