// Whether a host's name has an address, asked without being held up by a name server that does not answer.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace takt {

/// False: it has none, or that is not known after `patience`, or `given_up` was set meanwhile.
bool is_resolvable(const std::string& host, std::chrono::milliseconds patience, const std::atomic<bool>& given_up);

}  // namespace takt
