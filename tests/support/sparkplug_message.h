// Sparkplug B payloads written byte by byte, by the field numbers of the specification: not by what reads them.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace takt::test {

/// Protocol Buffers' wire format.
class Fields {
 public:
  Fields& varint(unsigned number, std::uint64_t value) {
    raw_varint(number << 3U);
    raw_varint(value);
    return *this;
  }
  Fields& bytes(unsigned number, std::string_view value) {
    raw_varint(number << 3U | 2U);
    raw_varint(value.size());
    out_ += value;
    return *this;
  }
  Fields& real32(unsigned number, float value) {
    raw_varint(number << 3U | 5U);
    fixed(std::bit_cast<std::uint32_t>(value), 4);
    return *this;
  }
  Fields& real64(unsigned number, double value) {
    raw_varint(number << 3U | 1U);
    fixed(std::bit_cast<std::uint64_t>(value), 8);
    return *this;
  }
  const std::string& text() const { return out_; }

 private:
  void raw_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out_ += static_cast<char>(value | 0x80U);
    out_ += static_cast<char>(value);
  }
  void fixed(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) out_ += static_cast<char>(value >> (8 * i));
  }
  std::string out_;
};

/// Data types of the specification.
enum SparkplugTypeNumber : std::uint32_t {
  kInt8 = 1,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kFloat,
  kDouble,
  kBoolean,
  kString,
  kDateTime,
  kText,
  kUuid,
  kDataSet,
  kBytes,
  kFile,
  kTemplate
};

/// A metric in the making.
class MetricText {
 public:
  MetricText& name(std::string_view name) { return fields_.bytes(1, name), *this; }
  MetricText& alias(std::uint64_t alias) { return fields_.varint(2, alias), *this; }
  MetricText& at(std::uint64_t milliseconds) { return fields_.varint(3, milliseconds), *this; }
  MetricText& type(std::uint32_t type) { return fields_.varint(4, type), *this; }
  MetricText& historical() { return fields_.varint(5, 1), *this; }
  MetricText& transient() { return fields_.varint(6, 1), *this; }
  MetricText& null() { return fields_.varint(7, 1), *this; }
  MetricText& quality(std::uint32_t quality) {
    const std::string value = Fields{}.varint(1, kInt32).varint(3, quality).text();
    return fields_.bytes(9, Fields{}.bytes(1, "Quality").bytes(2, value).text()), *this;
  }
  MetricText& int_value(std::uint32_t value) { return fields_.varint(10, value), *this; }
  MetricText& long_value(std::uint64_t value) { return fields_.varint(11, value), *this; }
  MetricText& float_value(float value) { return fields_.real32(12, value), *this; }
  MetricText& double_value(double value) { return fields_.real64(13, value), *this; }
  MetricText& boolean_value(bool value) { return fields_.varint(14, value ? 1 : 0), *this; }
  MetricText& string_value(std::string_view value) { return fields_.bytes(15, value), *this; }
  MetricText& bytes_value(std::string_view value) { return fields_.bytes(16, value), *this; }
  MetricText& data_set_value(std::string_view value) { return fields_.bytes(17, value), *this; }
  const std::string& text() const { return fields_.text(); }

 private:
  Fields fields_;
};

/// A payload of metrics; without a time or a sequence number where they are none.
inline std::string payload_of(std::optional<std::uint64_t> at, std::optional<std::uint64_t> seq,
                              const std::vector<MetricText>& metrics) {
  Fields out;
  if (at) out.varint(1, *at);
  for (const MetricText& metric : metrics) out.bytes(2, metric.text());
  if (seq) out.varint(3, *seq);
  return out.text();
}

}  // namespace takt::test
