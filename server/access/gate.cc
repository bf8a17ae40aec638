#include "server/access/gate.h"

#include <spdlog/spdlog.h>

#include <array>
#include <boost/beast/core/detail/base64.hpp>

#include "engine/store.h"

namespace takt {
namespace {

constexpr std::string_view kCookie = "takt_session";
constexpr Duration kSession = std::chrono::hours{12};
constexpr std::size_t kMostSessions = 10'000, kMostRemotes = 10'000;
constexpr int kMostFailures = 20;
constexpr auto kFailuresKept = std::chrono::seconds{60};

std::string_view host_of(std::string_view remote) { return remote.substr(0, remote.rfind(':')); }

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// What goes with "Basic": the password counts, whoever's name stands before it.
std::string password_of(std::string_view encoded) {
  namespace base64 = boost::beast::detail::base64;
  std::string text(base64::decoded_size(encoded.size()), '\0');
  text.resize(base64::decode(text.data(), encoded.data(), encoded.size()).first);
  const std::size_t colon = text.find(':');
  return colon == std::string::npos ? std::string{} : text.substr(colon + 1);
}

/// The token in the header, or where clients of InfluxDB have it; empty: none.
std::string shown_token(const HttpRequest& request) {
  const std::string_view header = trimmed(request.header("authorization"));
  const std::size_t space = header.find(' ');
  if (space != std::string_view::npos) {
    const std::string_view scheme = header.substr(0, space), rest = trimmed(header.substr(space));
    if (equal_ignoring_case(scheme, "Bearer") || equal_ignoring_case(scheme, "Token")) return std::string{rest};
    if (equal_ignoring_case(scheme, "Basic")) return password_of(rest);
  }
  if (request.path == "/write") return std::string{request.query.get("p").value_or("")};
  return {};
}

std::string_view cookie_of(const HttpRequest& request) {
  std::string_view rest = request.header("cookie");
  while (!rest.empty()) {
    const std::size_t end = rest.find(';');
    const std::string_view pair = trimmed(rest.substr(0, end));
    if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('='))
      return pair.substr(kCookie.size() + 1);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return {};
}

bool has_right(Role role, Right right) {
  switch (right) {
    case Right::none:
    case Right::any:
      return true;
    case Right::read:
      return role != Role::ingest;
    case Right::send:
      return role != Role::viewer;
    case Right::operate:
      return role == Role::operating || role == Role::admin;
    case Right::administer:
      return role == Role::admin;
  }
  return false;
}

std::shared_ptr<const Permit> permit_by(std::optional<Token> token) {
  if (!token) return nullptr;
  token->permit.token = token->id;
  return std::make_shared<const Permit>(std::move(token->permit));
}

/// A page of somewhere else must not act with the session of this one.
bool is_from_elsewhere(const HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return false;
  const std::string_view origin = request.header("origin");
  const std::size_t host = origin.find("://");
  return !origin.empty() && (host == std::string_view::npos || origin.substr(host + 3) != request.header("host"));
}

std::string scopes_in_words(const Permit& permit) {
  std::string words;
  for (const Scope& scope : permit.scopes) words += (words.empty() ? "" : ", ") + to_string(scope);
  return words;
}

}  // namespace

Right right_for(std::string_view method, std::string_view path) {
  struct Exception {
    std::string_view method, path;
    Right right;
  };
  constexpr std::array kExceptions{
      Exception{"GET", "/healthz", Right::none},
      Exception{"GET", "/readyz", Right::none},
      Exception{"GET", "/openapi.json", Right::none},
      Exception{"GET", "/ping", Right::none},
      Exception{"POST", "/v1/session", Right::none},
      Exception{"DELETE", "/v1/session", Right::none},
      Exception{"GET", "/v1/session", Right::any},
      Exception{"POST", "/v1/events", Right::send},
      Exception{"POST", "/write", Right::send},
      Exception{"POST", "/api/v2/write", Right::send},
      Exception{"POST", "/query", Right::send},
      Exception{"GET", "/v1/audit", Right::administer},
      Exception{"GET", "/v1/tokens", Right::administer},
      Exception{"GET", "/v1/quarantine", Right::administer},
      Exception{"POST", "/v1/alerts/acknowledge", Right::operate},
  };
  for (const Exception& each : kExceptions) {
    if (each.method == method && each.path == path) return each.right;
  }
  return method == "GET" ? Right::read : Right::administer;
}

std::optional<HttpResponse> Gate::refuse(HttpRequest& request, Right right, Reach reach) {
  if (right == Right::none || !tokens_.is_in_use()) return std::nullopt;
  const Caller caller = caller_of(request);
  if (!caller.permit) {
    if (caller.has_shown && fails_too_often(std::string{host_of(request.remote)})) {
      HttpResponse later = problem(429, "Too many wrong tokens came from this address; wait a minute.");
      later.headers.emplace_back("Retry-After", "60");
      return later;
    }
    HttpResponse who = problem(401, caller.has_shown ? "The token is not known, has expired or was revoked."
                                                     : "A token is needed: Authorization: Bearer takt_...");
    who.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"takt\"");
    return who;
  }
  request.permit = caller.permit;
  if (!has_right(caller.permit->role, right)) {
    return problem(403, "The token \"" + caller.permit->name + "\" is for the role " +
                            std::string{name_of(caller.permit->role)} + ", which may not do this.");
  }
  return refuse_beyond(*caller.permit, request, reach);
}

std::optional<HttpResponse> Gate::refuse_beyond(const Permit& permit, HttpRequest& request, Reach reach) const {
  if (!permit.is_limited() || reach == Reach::any) return std::nullopt;
  if (reach == Reach::whole_plant)
    return problem(403, "The token \"" + permit.name + "\" is for " + scopes_in_words(permit) +
                            "; this answer is about the whole plant.");
  const std::string_view name = reach == Reach::by_scope ? "scope" : "machine";
  const auto asked = request.query.get(name);
  if (!asked && reach == Reach::by_scope && permit.scopes.size() == 1) {
    request.query.add("scope", to_string(permit.scopes.front()));
    return std::nullopt;
  }
  const auto scope = reach == Reach::by_scope
                         ? parse_scope(asked.value_or("plant"))
                         : Result<Scope>{Scope{Scope::Kind::machine, std::string{asked.value_or("")}}};
  if (!scope || (!asked && reach == Reach::by_machine))
    return std::nullopt;  // the call says what is wrong with it
  if (covers(permit, *store_.plant(), *scope)) return std::nullopt;
  // The same whether it exists or not: who may not see it is not told.
  return problem(403, "The token \"" + permit.name + "\" is for " + scopes_in_words(permit) + "; " +
                          to_string(*scope) + " is not within that.");
}

Gate::Caller Gate::caller_of(const HttpRequest& request) {
  if (const std::string token = shown_token(request); !token.empty())
    return {permit_by(tokens_.whose(token)), true};
  if (!cookie_of(request).empty()) {
    // A session that is over is no attempt to guess one.
    return {permit_by(is_from_elsewhere(request) ? std::nullopt : of_session(request)), false};
  }
  if (!request.certificate.empty())
    return {std::make_shared<const Permit>(Permit{request.certificate, Role::ingest, {}}), true};
  return {};
}

std::optional<Token> Gate::of_session(const HttpRequest& request) {
  const std::string key = tokens_.hash_of(cookie_of(request));
  const std::lock_guard lock{mutex_};
  const auto session = sessions_.find(key);
  if (session == sessions_.end()) return std::nullopt;
  auto token = tokens_.holding(session->second.token_id);
  if (token && store_.clock().now() < session->second.expires) return token;
  sessions_.erase(session);
  return std::nullopt;
}

bool Gate::fails_too_often(const std::string& remote) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock{mutex_};
  if (failures_.size() >= kMostRemotes)
    std::erase_if(failures_, [&](const auto& f) { return now - f.second.since > kFailuresKept; });
  if (failures_.size() >= kMostRemotes) return true;
  Failures& failures = failures_[remote];
  if (now - failures.since > kFailuresKept) failures = {0, now};
  if (++failures.count == kMostFailures) spdlog::warn("{} shows tokens that are nobody's", remote);
  return failures.count > kMostFailures;
}

Result<std::shared_ptr<const Permit>> Gate::admit(std::string_view token, std::string_view certificate,
                                                  const std::string& remote) {
  if (!tokens_.is_in_use()) return std::shared_ptr<const Permit>{};
  std::shared_ptr<const Permit> permit = permit_by(tokens_.whose(token));
  if (!permit && token.empty() && !certificate.empty())
    permit = std::make_shared<const Permit>(Permit{std::string{certificate}, Role::ingest, {}});
  if (permit && has_right(permit->role, Right::send)) return permit;
  if (permit)
    return invalid("the token \"" + permit->name + "\" is for the role " + std::string{name_of(permit->role)} +
                   ", which may not send");
  if (!token.empty()) fails_too_often(remote);
  return invalid(token.empty() ? "a token is needed: see --token-file"
                               : "the token is not known, has expired or was revoked");
}

bool Gate::holds(const Permit* permit) const {
  if (permit == nullptr) return !tokens_.is_in_use();
  return permit->token.empty() || tokens_.holding(permit->token).has_value();
}

Result<std::string> Gate::begin_session(const HttpRequest& request, std::string_view token) {
  const auto whose = tokens_.whose(token);
  if (!whose) {
    if (fails_too_often(std::string{host_of(request.remote)}))
      return unavailable("too many wrong tokens came from this address; wait a minute");
    return not_found("the token is not known, has expired or was revoked");
  }
  std::string cookie = random_secret();
  const Timestamp now = store_.clock().now();
  const std::lock_guard lock{mutex_};
  if (sessions_.size() >= kMostSessions)
    std::erase_if(sessions_, [&](const auto& s) { return s.second.expires <= now; });
  if (sessions_.size() >= kMostSessions) return unavailable("too many sessions are open");
  sessions_[tokens_.hash_of(cookie)] = {whose->id, now + kSession};
  return std::string{kCookie} + "=" + cookie + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(kSession).count()) +
         (request.secured ? "; Secure" : "");
}

void Gate::end_session(const HttpRequest& request) {
  const std::string key = tokens_.hash_of(cookie_of(request));
  const std::lock_guard lock{mutex_};
  sessions_.erase(key);
}

}  // namespace takt
