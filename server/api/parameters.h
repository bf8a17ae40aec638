// Query parameters as typed values; what is wrong with them as problems that say how to put it right.
#pragma once

#include "query/oee.h"
#include "server/http/message.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// Reads the parameters of one request. The first fault is kept; ask for it once all has been read.
class Parameters {
 public:
  /// Names other than these are faults.
  Parameters(const HttpRequest& request, std::initializer_list<std::string_view> allowed, Timestamp now);

  /// `scope`; the whole plant if it is not given.
  Scope scope();
  /// `as_of`: a moment of the past, which stands for now from here on; none if it is not given.
  std::optional<Timestamp> as_of();
  /// `from` and `to`: `to` defaults to now, `from` to 24 hours before it.
  TimeRange range();
  std::string required(std::string_view name, std::string_view what);
  std::optional<std::string> optional(std::string_view name) const;
  bool flag(std::string_view name);
  std::optional<Timestamp> time(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name);
  /// A finite number.
  std::optional<double> decimal(std::string_view name);
  template <class T>
  T choice(std::string_view name, T fallback, std::optional<T> (*named)(std::string_view),
           std::string_view choices) {
    const auto text = optional(name);
    if (!text) return fallback;
    const std::optional<T> value = named(*text);
    if (!value) fault(std::string{name} + "=" + *text + " is not one of " + std::string{choices});
    return value.value_or(fallback);
  }

  void fault(std::string text) {
    if (!fault_) fault_ = std::move(text);
  }
  /// What was wrong, as 400.
  std::optional<HttpResponse> problem() const;

 private:
  const HttpRequest& request_;
  Timestamp now_;
  std::optional<std::string> fault_;
};

/// An Error of the layers below as a problem: 400, 404, 409, 503, 500.
HttpResponse problem_of(const Error& error);

}  // namespace takt
