#include "ingest/decode_number.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <system_error>

namespace takt {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Passes over digits; false if there is none.
bool pass_digits(std::string_view text, std::size_t& at) {
  const std::size_t first = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at > first;
}

enum class Spelling : std::uint8_t { none, whole, real };

Spelling spelling_of(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t first_digit = at;
  if (!pass_digits(text, at)) return Spelling::none;
  if (text[first_digit] == '0' && at - first_digit > 1) return Spelling::none;
  const std::size_t whole_end = at;
  if (at < text.size() && text[at] == '.' && !pass_digits(text, ++at)) return Spelling::none;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!pass_digits(text, at)) return Spelling::none;
  }
  if (at != text.size()) return Spelling::none;
  return at == whole_end ? Spelling::whole : Spelling::real;
}

/// from_chars() reports too large and too small alike, and leaves the value alone.
double out_of_range(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::size_t exponent = text.find_first_of("eE");
  const bool is_tiny = exponent == std::string_view::npos ? text.substr(negative ? 1 : 0).starts_with("0.")
                                                          : text[exponent + 1] == '-';
  const double size = is_tiny ? 0 : std::numeric_limits<double>::infinity();
  return negative ? -size : size;
}

double real_of(std::string_view text) {
  double real = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), real);
  return error == std::errc::result_out_of_range ? out_of_range(text) : real;
}

Number from_real(double real) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  const bool integral = std::trunc(real) == real && real >= -limit && real < limit;
  return {real, integral ? static_cast<std::int64_t>(real) : 0, integral};
}

}  // namespace

std::optional<Number> parse_number(std::string_view text) {
  const Spelling spelling = spelling_of(text);
  if (spelling == Spelling::none) return std::nullopt;
  std::int64_t integer = 0;
  if (spelling == Spelling::whole && text != "-0" &&
      std::from_chars(text.data(), text.data() + text.size(), integer).ec == std::errc{}) {
    return Number{static_cast<double>(integer), integer, true};
  }
  return from_real(real_of(text));
}

}  // namespace takt
