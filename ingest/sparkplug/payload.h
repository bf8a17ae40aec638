// Bytes to metrics: the payload of a Sparkplug B message, as far as one message by itself tells.
#pragma once

#include "schema/event.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// A metric's data type, by its number in the specification; others are `unknown` or stay what they are.
enum class SparkplugType : std::uint32_t {
  unknown = 0,
  int8 = 1,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float_,
  double_,
  boolean,
  string,
  date_time,
  text,
  uuid,
  data_set,
  bytes,
  file,
  template_,
};

/// A metric as it is written. Strings are borrowed from the decoder until its next payload.
struct SparkplugMetric {
  enum class Written : std::uint8_t { nothing, integer, real, boolean, text, other };

  std::string_view name;
  std::optional<std::uint64_t> alias;
  std::optional<Timestamp> at;
  SparkplugType type = SparkplugType::unknown;  ///< often told in the birth alone
  bool historical = false, transient = false, null = false;
  std::int64_t quality = kAbsent;  ///< the property `Quality`
  Written written = Written::nothing;
  std::uint64_t bits = 0;  ///< of integer and boolean
  double real = 0;
  std::string_view text;
};

struct SparkplugPayload {
  std::optional<Timestamp> at;
  std::optional<std::uint64_t> seq;
  std::vector<SparkplugMetric> metrics;
};

/// What a metric's value is, given its type.
struct SparkplugValue {
  Value value;
  std::int64_t whole = kAbsent;  ///< of integers up to 64 bits with a sign
};
/// Nothing where Takt reads no such value (data sets, templates, bytes, files, arrays), or what is written is not
/// of that type, or a text is no UTF-8. Integers are taken in the width of their type, wherever they are written:
/// an Int8 of 0xFFFFFFFB is -5. DateTime is milliseconds since the epoch. A null is a value of Kind::none.
std::optional<SparkplugValue> value_of(const SparkplugMetric& metric, SparkplugType type);
/// Whether Takt reads values of this type at all.
bool is_read(SparkplugType type);

/// Reads one payload after the other and keeps its memory. One thread at a time.
class SparkplugDecoder {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{8} << 20U;
  static constexpr std::size_t kMostMetrics = 50'000;

  SparkplugDecoder();
  ~SparkplugDecoder();
  SparkplugDecoder(const SparkplugDecoder&) = delete;
  SparkplugDecoder& operator=(const SparkplugDecoder&) = delete;

  /// invalid_argument: it is not a payload, a compressed one, or one beyond the limits. The payload lives until
  /// the next call. Memory: some 30 times the bytes at most.
  Result<const SparkplugPayload*> decode(std::string_view bytes);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

/// A payload in the making, of what a host says: the metrics are booleans.
std::string sparkplug_command(std::string_view metric, Timestamp at);

}  // namespace takt
