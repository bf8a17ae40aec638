#include "ingest/mqtt/options.h"

#include <algorithm>
#include <fstream>

namespace takt {

Result<void> check_options(const boost::json::object& options, const std::vector<std::string_view>& known) {
  for (const auto& option : options) {
    const std::string_view name{option.key().data(), option.key().size()};
    if (std::ranges::find(known, name) != known.end()) continue;
    std::string names;
    for (const std::string_view each : known) names.append(names.empty() ? "" : ", ").append(each);
    return invalid("there is no option \"" + std::string{name} + "\" of such a source; there are: " + names);
  }
  return {};
}

std::optional<std::string> text_option(const boost::json::object& options, std::string_view name) {
  const auto* value = options.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string{value->get_string().data(), value->get_string().size()};
}

Result<std::vector<std::string>> texts_option(const boost::json::object& options, std::string_view name,
                                              std::vector<std::string> otherwise) {
  const auto* value = options.if_contains(name);
  if (value == nullptr) return otherwise;
  const Error wrong = invalid("options." + std::string{name} + " is a text, or a list of texts");
  std::vector<std::string> texts;
  if (value->is_string()) texts.emplace_back(value->get_string().data(), value->get_string().size());
  if (!value->is_string() && !value->is_array()) return wrong;
  if (value->is_array()) {
    for (const auto& each : value->get_array()) {
      if (!each.is_string()) return wrong;
      texts.emplace_back(each.get_string().data(), each.get_string().size());
    }
  }
  if (texts.empty() || std::ranges::any_of(texts, &std::string::empty)) return wrong;
  return texts;
}

Result<std::string> read_password(const std::string& file) {
  if (file.empty()) return std::string{};
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  if (!in && line.empty()) return invalid("cannot read a password from password_file " + file);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace takt
