#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>

#include "server/access/gate.h"
#include "server/api/api.h"

namespace takt {
namespace {

/// What a body asks for; the first thing that is wrong with it.
Result<TokenWish> wish_in(const HttpRequest& http) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(http.body, error);
  const auto* object = parsed.if_object();
  if (error || object == nullptr) return invalid(R"(write {"name":"...","role":"viewer"})");
  TokenWish wish;
  wish.permit.role = Role::viewer;
  for (const auto& [key, value] : *object) {
    const std::string name{key};
    if (name == "scopes" && value.is_array()) {
      for (const boost::json::value& each : value.get_array()) {
        const auto scope = each.is_string() ? parse_scope(std::string_view{each.get_string()})
                                            : Result<Scope>{invalid("scopes are texts, such as area:A1")};
        if (!scope) return scope.error();
        wish.permit.scopes.push_back(*scope);
      }
      continue;
    }
    if (name == "expires" && value.is_null()) continue;
    if (!value.is_string()) return invalid("\"" + readable(name) + "\" is not known, or not of its kind");
    const std::string text{value.get_string()};
    if (name == "name") {
      wish.permit.name = text;
    } else if (name == "role") {
      const auto role = role_named(text);
      if (!role) return invalid("role is viewer, operator, ingest or admin");
      wish.permit.role = *role;
    } else if (name == "expires") {
      const auto at = parse_time(text);
      if (!at) return invalid("expires is a time, such as 2027-01-01T00:00:00Z");
      wish.expires = *at;
    } else {
      return invalid("\"" + readable(name) + "\" is not known; a token has name, role, scopes and expires");
    }
  }
  return wish;
}

HttpResponse get_tokens(Api& api, const HttpRequest& http) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return *fault;
  boost::json::array tokens;
  for (const Token& token : api.tokens.list()) tokens.push_back(describe(token));
  return json_response(boost::json::serialize(boost::json::object{{"tokens", std::move(tokens)}}));
}

void post_token(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return responder.send(*fault);
  const auto wish = wish_in(http);
  if (!wish) return responder.send(problem_of(wish.error()));
  const bool locks_out =
      !api.tokens.is_in_use() && (wish->permit.role != Role::admin || wish->permit.is_limited() || wish->expires);
  if (locks_out) {
    return responder.send(
        problem(409,
                "The first token must be an admin's for the whole plant, without expiry: from then on "
                "nobody gets in without one, and nobody else could make more."));
  }
  answer_in(api.workers, std::move(responder), [&api, wish = *wish, author = author_of(http)] {
    const auto made = api.tokens.create(wish, author);
    if (!made) return problem_of(made.error());
    boost::json::object answer = describe(made->token);
    answer["token"] = made->secret;
    HttpResponse response = json_response(boost::json::serialize(answer));
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  });
}

void post_revoke(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {"id"}, api.store.clock().now()};
  const std::string id = in.required("id", "the token's id, as GET /v1/tokens has it");
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.workers, std::move(responder), [&api, id, author = author_of(http)] {
    const auto revoked = api.tokens.revoke(id, author);
    return revoked ? json_response(boost::json::serialize(describe(*revoked))) : problem_of(revoked.error());
  });
}

/// Who asks, as far as is known.
HttpResponse get_session(Api& api, const HttpRequest& http) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return *fault;
  const Permit everybody{"", Role::admin, {}};
  const Permit& permit = http.permit ? *http.permit : everybody;
  boost::json::array scopes;
  for (const Scope& scope : permit.scopes) scopes.emplace_back(to_string(scope));
  return json_response(boost::json::serialize(
      boost::json::object{{"name", permit.name}, {"role", name_of(permit.role)}, {"scopes", std::move(scopes)}}));
}

HttpResponse post_session(Api& api, const HttpRequest& http) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return *fault;
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(http.body, error);
  const auto* object = parsed.if_object();
  const auto* token = error || object == nullptr ? nullptr : object->if_contains("token");
  if (token == nullptr || !token->is_string()) return problem(400, R"(write {"token":"takt_..."})");
  const auto cookie = api.gate.begin_session(http, std::string_view{token->get_string()});
  if (!cookie) return problem(cookie.error().code == ErrorCode::not_found ? 401 : 429, cookie.error().context);
  HttpResponse begun;
  begun.status = 204;
  begun.headers.emplace_back("Set-Cookie", *cookie);
  return begun;
}

HttpResponse delete_session(Api& api, const HttpRequest& http) {
  api.gate.end_session(http);
  HttpResponse ended;
  ended.status = 204;
  ended.headers.emplace_back("Set-Cookie", "takt_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
  return ended;
}

}  // namespace

Author author_of(const HttpRequest& http, std::string by) {
  Author author{"http " + http.remote.substr(0, http.remote.rfind(':')), std::move(by)};
  if (!http.permit) return author;
  author.actor = "token " + http.permit->name + " at " + author.actor;
  if (author.by.empty()) author.by = http.permit->name;
  return author;
}

std::vector<Route> access_routes() {
  return {
      {"GET",
       "/v1/tokens",
       "Who has tokens",
       {},
       "tokens with id, name, role, scopes, created, expires and revoked; not the tokens themselves",
       "application/json",
       {},
       answering(get_tokens)},
      {"POST",
       "/v1/tokens",
       "Make a token",
       {},
       "as GET /v1/tokens has it, and token: the only time it is told. From the first one on nobody gets in "
       "without; that one is an admin's",
       "application/json",
       "name; role: viewer (default), operator, ingest or admin; scopes: such as [\"area:A1\"], none: the whole "
       "plant; "
       "expires: a time, or null",
       post_token},
      {"POST",
       "/v1/tokens/revoke",
       "Revoke a token, at once and for good",
       {{"id", "the token's id", true}},
       "the token as GET /v1/tokens has it",
       "application/json",
       {},
       post_revoke},
      {"GET",
       "/v1/session",
       "Who am I",
       {},
       "name, role and scopes of the token that the request came by; an admin without a name where none is needed",
       "application/json",
       {},
       answering(get_session)},
      {"POST",
       "/v1/session",
       "Begin a session of a browser, by a token",
       {},
       "204 and the cookie takt_session, for 12 hours or until the token is revoked; 401: it is nobody's",
       "application/json",
       "token",
       answering(post_session)},
      {"DELETE",
       "/v1/session",
       "End the session of the browser",
       {},
       "204",
       "application/json",
       {},
       answering(delete_session)},
  };
}

}  // namespace takt
