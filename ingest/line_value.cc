#include "ingest/line_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "ingest/line_protocol.h"

namespace takt {
namespace {

template <class T>
std::optional<T> all_of(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Number> number_of(std::string_view text) {
  if (text.ends_with('i')) {
    const auto whole = all_of<std::int64_t>(text.substr(0, text.size() - 1));
    if (!whole) return std::nullopt;
    return Number{static_cast<double>(*whole), *whole, true};
  }
  if (text.ends_with('u')) {
    const auto whole = all_of<std::uint64_t>(text.substr(0, text.size() - 1));
    if (!whole) return std::nullopt;
    const bool fits = *whole <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return Number{static_cast<double>(*whole), fits ? static_cast<std::int64_t>(*whole) : 0, fits};
  }
  if (const auto number = parse_number(text)) return number;
  // InfluxDB reads .5 and 1. as well; neither it nor we read inf and nan.
  const auto real = all_of<double>(text);
  if (!real || !std::isfinite(*real)) return std::nullopt;
  return Number{*real, 0, false};
}

}  // namespace

std::optional<LineValue> bare_line_value(std::string_view text) {
  if (const auto number = number_of(text)) return LineValue{LineValue::Kind::number, *number, false, {}};
  if (const auto truth = line_truth(text)) return LineValue{LineValue::Kind::truth, {}, *truth, {}};
  return std::nullopt;
}

std::optional<bool> line_truth(std::string_view text) {
  constexpr std::array<std::string_view, 5> kTrue = {"t", "T", "true", "True", "TRUE"};
  constexpr std::array<std::string_view, 5> kFalse = {"f", "F", "false", "False", "FALSE"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

std::optional<std::int64_t> line_integer(std::string_view text) { return all_of<std::int64_t>(text); }

std::optional<std::int64_t> line_micros(std::int64_t time, LinePrecision precision) {
  if (precision == LinePrecision::nanoseconds) return time / 1000 - (time % 1000 < 0 ? 1 : 0);
  constexpr std::array<std::int64_t, 6> kMicros = {0, 1, 1000, 1'000'000, 60'000'000, 3'600'000'000};
  std::int64_t micros = 0;
  if (__builtin_mul_overflow(time, kMicros.at(static_cast<std::size_t>(precision)), &micros)) return std::nullopt;
  return micros;
}

}  // namespace takt
