// The one way a Takt function says that it could not do what it was asked.
#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace takt {

enum class ErrorCode : std::uint8_t {
  invalid_argument,  ///< The caller's input cannot be understood; the context says what and how to mend it.
  not_found,         ///< A scope, machine, file or key that does not exist.
  conflict,          ///< Somebody else holds it: a data folder in use, a target owned by another store.
  corruption,        ///< Stored bytes do not match their checksum or format.
  unavailable,       ///< Not now: read-only, stopping, overloaded. Trying again later may work.
  cancelled,         ///< Given up half-way, as nobody waits for it any more.
  io,                ///< The operating system or a library refused.
};

/// What went wrong, in a sentence that a user can act on.
struct Error {
  ErrorCode code = ErrorCode::io;
  std::string context;
};

[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  std::fprintf(stderr, "%s:%u: value() of a failed result: %s\n", where.file_name(), unsigned{where.line()},
               error.context.c_str());
  std::abort();
}

/// A value or an Error. The base is not [[nodiscard]]; ours is.
template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using boost::system::result<T, Error>::result;
};

inline Error invalid(std::string context) { return {ErrorCode::invalid_argument, std::move(context)}; }
inline Error not_found(std::string context) { return {ErrorCode::not_found, std::move(context)}; }
inline Error corruption(std::string context) { return {ErrorCode::corruption, std::move(context)}; }
inline Error unavailable(std::string context) { return {ErrorCode::unavailable, std::move(context)}; }
inline Error cancelled() {
  return {ErrorCode::cancelled, "the request was given up: its client has left, or the server is stopping"};
}
inline Error io_error(std::string context) { return {ErrorCode::io, std::move(context)}; }

/// A broken promise of our own code, checked in every build: a wrong figure is worse than a restart.
#define TAKT_INVARIANT(condition)                                                            \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: invariant broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)

}  // namespace takt
