// The canonical spelling of an event's own fields. Internal to the decoders.
#pragma once

#include <simdjson.h>
#include <optional>
#include <string>

namespace takt {

enum class AttributesFault : unsigned char {
  none,
  broken,
  too_deep,
  double_key,
  not_unicode,
  number_out_of_range
};
std::string_view explain(AttributesFault fault);

/// Appends `object` with its keys sorted bytewise at every level, without white space, numbers in their shortest
/// spelling (integers of 64 bits keep every digit): equal content has equal bytes. An object without members
/// appends nothing. Consumes the object.
AttributesFault append_canonical(std::string& out, simdjson::ondemand::object object);

/// Whether every escape in the text between two quotes is one of JSON's; lone surrogates are, though they are not
/// Unicode.
bool has_json_escapes_only(std::string_view content);

}  // namespace takt
