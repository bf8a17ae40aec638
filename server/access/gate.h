// Who may ask what: tokens, sessions of the page, certificates of machines.
#pragma once

#include "server/access/token_book.h"
#include "server/http/message.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace takt {

/// What a call needs.
enum class Right : std::uint8_t {
  none,        ///< nothing: it tells nothing of the plant
  any,         ///< a token, of whatever role
  read,        ///< viewer, operator, admin
  send,        ///< ingest, admin; of an operator what classifies
  operate,     ///< operator, admin; it judges by itself which machines it is for
  administer,  ///< admin
};
/// Whether a call can be answered for some machines alone, and how it is told for which.
enum class Reach : std::uint8_t {
  any,  ///< it is about no machine, or judges each event by itself
  whole_plant,
  by_scope,
  by_machine,
};

/// What a call of the API needs: reading is for viewers, changing for admins, but where the table says otherwise.
Right right_for(std::string_view method, std::string_view path);

/// Any thread. As long as no token was made everybody may do everything: the server listens to its own machine
/// alone then, or was told to be --insecure.
class Gate {
 public:
  /// Borrows both.
  Gate(Store& store, TokenBook& tokens) : store_(store), tokens_(tokens) {}

  /// Lets a request in, with the permit that it comes by, or answers it. Where a permit is for some machines and
  /// the request does not say which, it gets its own.
  std::optional<HttpResponse> refuse(HttpRequest& request, Right right, Reach reach);
  /// Of a producer of the binary protocol.
  Result<std::shared_ptr<const Permit>> admit(std::string_view token, std::string_view certificate,
                                              const std::string& remote);

  /// Whether what a request was let in with still lets in; null: nothing was shown, as none was needed.
  bool holds(const Permit* permit) const;

  /// Begins a session: the value of its cookie. not_found: the token is nobody's.
  Result<std::string> begin_session(const HttpRequest& request, std::string_view token);
  void end_session(const HttpRequest& request);

 private:
  struct Session {
    std::string token_id;
    Timestamp expires;
  };
  struct Failures {
    int count = 0;
    std::chrono::steady_clock::time_point since;
  };
  struct Caller {
    std::shared_ptr<const Permit> permit;  ///< none: he has shown nothing that is good
    bool has_shown = false;                ///< something, good or not
  };

  Caller caller_of(const HttpRequest& request);
  std::optional<Token> of_session(const HttpRequest& request);
  bool fails_too_often(const std::string& remote);
  std::optional<HttpResponse> refuse_beyond(const Permit& permit, HttpRequest& request, Reach reach) const;

  Store& store_;
  TokenBook& tokens_;
  std::mutex mutex_;
  std::map<std::string, Session, std::less<>> sessions_;  // by the hash of the cookie
  std::map<std::string, Failures, std::less<>> failures_;
};

}  // namespace takt
