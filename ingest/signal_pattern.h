// The addresses that a [[signal]] rule fits, and the names in it that say whose signal it is. Internal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace takt {

/// Levels are separated by `/`: `*` is any one, `{name}` any one that is kept, `#` at the end any number of them,
/// kept as `#`; everything else is itself. Immutable.
class SignalPattern {
 public:
  /// What was kept of an address, by name. Borrowed from the address and the pattern.
  using Kept = std::vector<std::pair<std::string_view, std::string_view>>;

  explicit SignalPattern(std::string_view pattern);
  /// Nothing: it does not fit.
  std::optional<Kept> match(std::string_view address) const;

 private:
  std::vector<std::string> levels_;
};

/// `text` with each `{name}` replaced by what was kept under it; nothing if one was not kept.
std::optional<std::string> filled_in(std::string_view text, const SignalPattern::Kept& kept);

}  // namespace takt
