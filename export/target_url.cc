#include "export/target_url.h"

#include <fmt/format.h>

namespace takt {

Result<TargetUrl> parse_target_url(std::string_view url) {
  constexpr std::string_view kScheme = "sqlite:";
  if (!url.starts_with(kScheme)) {
    return invalid(fmt::format("\"{}\" is no export target of this version; write sqlite:FILE", url));
  }
  std::string_view file = url.substr(kScheme.size());
  if (const std::size_t options = file.find('?'); options != std::string_view::npos) {
    return invalid(
        fmt::format("\"{}\": the option \"{}\" is not known for SQLite targets", url, file.substr(options + 1)));
  }
  if (file.starts_with("//")) file.remove_prefix(2);
  if (file.empty()) return invalid(fmt::format("\"{}\" names no file; write sqlite:FILE", url));
  return TargetUrl{file};
}

}  // namespace takt
