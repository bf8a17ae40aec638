// The `options` of a [[source]] and the files it names.
#pragma once

#include "schema/result.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// invalid_argument: one is not among `known`, which it lists.
Result<void> check_options(const boost::json::object& options, const std::vector<std::string_view>& known);
/// Nothing if it is not given, or no text.
std::optional<std::string> text_option(const boost::json::object& options, std::string_view name);
/// A text, or an array of texts, none of them empty; `otherwise` if it is not given.
Result<std::vector<std::string>> texts_option(const boost::json::object& options, std::string_view name,
                                              std::vector<std::string> otherwise);
/// The first line of a file; empty if none is named.
Result<std::string> read_password(const std::string& file);

}  // namespace takt
