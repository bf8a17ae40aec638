#include "server/api/parameters.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace takt {

Parameters::Parameters(const HttpRequest& request, std::initializer_list<std::string_view> allowed, Timestamp now)
    : request_(request), now_(now) {
  for (const auto& [name, value] : request.query.entries()) {
    if (!simdjson::validate_utf8(name) || !simdjson::validate_utf8(value)) {
      fault("a parameter is not UTF-8");
    } else if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      std::string list;
      for (const std::string_view known : allowed) list += (list.empty() ? "" : ", ") + std::string{known};
      fault("the parameter \"" + name + "\" is not known here; " +
            (list.empty() ? "there are none" : "known are " + list));
    } else if (request.query.count(name) > 1) {
      fault("the parameter \"" + name + "\" is given more than once");
    }
  }
}

std::optional<std::string> Parameters::optional(std::string_view name) const {
  const auto value = request_.query.get(name);
  return value ? std::optional{std::string{*value}} : std::nullopt;
}

std::string Parameters::required(std::string_view name, std::string_view what) {
  const auto value = optional(name);
  if (!value || value->empty())
    fault("the parameter \"" + std::string{name} + "\" is missing: " + std::string{what});
  return value.value_or("");
}

Scope Parameters::scope() {
  const auto text = optional("scope");
  if (!text) return {};
  auto scope = parse_scope(*text);
  if (!scope) {
    fault(scope.error().context);
    return {};
  }
  return *scope;
}

std::optional<Timestamp> Parameters::time(std::string_view name) {
  const auto text = optional(name);
  if (!text) return std::nullopt;
  const auto t = parse_time(*text);
  if (!t) {
    fault(std::string{name} + ": " + t.error().context);
    return std::nullopt;
  }
  return *t;
}

std::optional<Timestamp> Parameters::as_of() {
  const auto then = time("as_of");
  if (!then) return std::nullopt;
  if (*then > now_) {
    fault("as_of: " + format_time(*then) + " is still to come; what was answered can only be asked of the past");
    return std::nullopt;
  }
  now_ = *then;
  return then;
}

TimeRange Parameters::range() {
  const auto from = time("from");
  const Timestamp to = time("to").value_or(now_);
  const TimeRange range{from.value_or(std::max(to - std::chrono::hours{24}, kEarliestTime)), to};
  if (range.empty()) {
    fault("the range from " + format_time(range.begin) + " to " + format_time(range.end) +
          " is empty or reversed; \"to\" must be later than \"from\"");
  }
  return range;
}

bool Parameters::flag(std::string_view name) {
  const auto text = optional(name);
  if (!text || *text == "0" || *text == "false") return false;
  if (*text != "1" && *text != "true" && !text->empty()) fault(std::string{name} + " is 1 or 0");
  return true;
}

std::optional<std::uint64_t> Parameters::number(std::string_view name) {
  const auto text = optional(name);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size())
    fault(std::string{name} + " is a whole number from 0 on");
  return value;
}

std::optional<double> Parameters::decimal(std::string_view name) {
  const auto text = optional(name);
  if (!text) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || !std::isfinite(value))
    fault(std::string{name} + " is a number such as 73.95");
  return value;
}

std::optional<HttpResponse> Parameters::problem() const {
  if (!fault_) return std::nullopt;
  return takt::problem(400, *fault_);
}

HttpResponse problem_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
      return problem(400, error.context);
    case ErrorCode::not_found:
      return problem(404, error.context);
    case ErrorCode::conflict:
      return problem(409, error.context);
    case ErrorCode::unavailable:
    case ErrorCode::cancelled:  // hardly anybody is there to read it
      return problem(503, error.context);
    case ErrorCode::corruption:
    case ErrorCode::io:
      break;
  }
  return problem(500, error.context);
}

}  // namespace takt
