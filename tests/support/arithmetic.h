// The value of a formula with numbers put in for its symbols.
#pragma once

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// Sums, products, quotients, brackets and min(a, b). Absent where a symbol has no number or a divisor is zero.
class Arithmetic {
 public:
  using Numbers = std::map<std::string, double, std::less<>>;
  static std::optional<double> value(std::string_view formula, const Numbers& numbers) {
    Arithmetic reader{formula, numbers};
    const auto result = reader.sum();
    return reader.text_.empty() ? result : std::nullopt;
  }

 private:
  Arithmetic(std::string_view text, const Numbers& numbers) : text_(text), numbers_(numbers) {}

  char next() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
    return text_.empty() ? '\0' : text_.front();
  }
  char take() {
    const char c = next();
    text_.remove_prefix(1);
    return c;
  }
  std::optional<double> sum() {
    auto left = product();
    while (next() == '+' || next() == '-') {
      const double sign = take() == '+' ? 1 : -1;
      const auto right = product();
      left = left && right ? std::optional{*left + sign * *right} : std::nullopt;
    }
    return left;
  }
  std::optional<double> product() {
    auto left = factor();
    while (next() == '*' || next() == '/') {
      const bool divides = take() == '/';
      const auto right = factor();
      if (!left || !right || (divides && *right == 0))
        left.reset();
      else
        left = divides ? *left / *right : *left * *right;
    }
    return left;
  }
  std::optional<double> factor() {
    if (next() == '(') {
      take();
      const auto inner = sum();
      take();
      return inner;
    }
    std::string word;
    while (std::isalnum(static_cast<unsigned char>(next())) != 0 || next() == '_') word += take();
    if (std::isdigit(static_cast<unsigned char>(word.front())) != 0) return std::stod(word);
    if (word == "min" && next() == '(') {
      take();
      const auto a = sum();
      take();
      const auto b = sum();
      take();
      return a && b ? std::optional{std::min(*a, *b)} : std::nullopt;
    }
    const auto known = numbers_.find(word);
    return known == numbers_.end() ? std::nullopt : std::optional{known->second};
  }

  std::string_view text_;
  const Numbers& numbers_;
};

}  // namespace takt
