// One text for one JSON value, whichever way it was written.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace takt {

/// Members in order of their names, whole numbers without a fraction, U+FFFD for NUL: what comes back from a jsonb
/// column is the text that went in.
std::string canonical_json(const boost::json::value& value);

}  // namespace takt
