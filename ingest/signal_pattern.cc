#include "ingest/signal_pattern.h"

#include <algorithm>

namespace takt {
namespace {

/// The first level of `rest`, taken off.
std::string_view take_level(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view level = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return level;
}

bool is_name(std::string_view level) { return level.size() > 2 && level.front() == '{' && level.back() == '}'; }

}  // namespace

SignalPattern::SignalPattern(std::string_view pattern) {
  for (std::string_view rest = pattern; !rest.empty();) levels_.emplace_back(take_level(rest));
}

std::optional<SignalPattern::Kept> SignalPattern::match(std::string_view address) const {
  Kept kept;
  std::string_view rest = address;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const std::string_view wanted = levels_[i];
    if (wanted == "#" && i + 1 == levels_.size()) {
      kept.emplace_back("#", rest);
      return kept;
    }
    if (rest.empty()) return std::nullopt;
    const std::string_view level = take_level(rest);
    if (is_name(wanted))
      kept.emplace_back(wanted.substr(1, wanted.size() - 2), level);
    else if (wanted != "*" && wanted != level)
      return std::nullopt;
  }
  if (!rest.empty()) return std::nullopt;
  return kept;
}

std::optional<std::string> filled_in(std::string_view text, const SignalPattern::Kept& kept) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    const std::size_t close = text.find('}', open);
    out += text.substr(0, open);
    if (open == text.size()) break;
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const auto found =
        std::find_if(kept.begin(), kept.end(), [&](const auto& each) { return each.first == name; });
    if (found == kept.end()) return std::nullopt;
    out += found->second;
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace takt
