// Which of the events sent are in force (contract 3, "Identity").
#pragma once

#include "schema/time.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace takt::oracle {

using Json = nlohmann::json;

/// A field that may be absent; null is absent.
std::optional<std::string> text_of(const Json& event, const char* field);
std::optional<std::int64_t> integer_of(const Json& event, const char* field);
std::optional<Timestamp> time_of(const Json& event, const char* field);

/// `ts`, or `start` of cycle and classify.
Timestamp identity_time(const Json& event);
/// What makes two events the same one, in the contract's order: machine, type, time, the rest.
std::vector<std::string> identity_of(const Json& event);
/// The part of the identity after the time; orders what happens at one instant.
std::vector<std::string> rest_of_identity(const Json& event);

/// One event an identity, without the withdrawn ones, in the order of their identities.
std::vector<Json> live_events(const std::vector<Json>& sent);

}  // namespace takt::oracle
