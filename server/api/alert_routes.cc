#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "server/alerts/alert_book.h"
#include "server/api/api.h"
#include "server/api/question.h"

namespace takt {
namespace {

HttpResponse get_alerts(Api& api, const HttpRequest& http) {
  Parameters in{http, {"scope"}, api.store.clock().now()};
  const Scope scope = in.scope();
  if (auto fault = in.problem()) return *fault;
  if (const auto machines = machines_of(api.store.read(), scope); !machines) return problem_of(machines.error());
  return json_response(api.alerts.render(scope));
}

struct AcknowledgeWish {
  std::string id, by, comment;
};

Result<AcknowledgeWish> acknowledge_wish_in(const HttpRequest& http) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(http.body, error);
  const auto* object = error ? nullptr : parsed.if_object();
  if (object == nullptr) return invalid(R"(write {"id":"...","by":"...","comment":"..."})");
  AcknowledgeWish wish;
  for (const auto& [key, value] : *object) {
    std::string* const slot = key == "id"        ? &wish.id
                              : key == "by"      ? &wish.by
                              : key == "comment" ? &wish.comment
                                                 : nullptr;
    if (slot == nullptr || !value.is_string() || value.get_string().size() > 1000)
      return invalid("\"" + readable(key) + "\" is not known, no text or too long; write id, by and comment");
    *slot = readable(value.get_string());
  }
  if (wish.id.empty()) return invalid("\"id\" is missing: which alert?");
  return wish;
}

void acknowledge_alert(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return responder.send(*fault);
  const auto wish = acknowledge_wish_in(http);
  if (!wish) return responder.send(problem_of(wish.error()));
  const Author author = author_of(http, wish->by);
  answer_in(api.workers, std::move(responder), [&api, wish = *wish, author, permit = http.permit] {
    const Acknowledgement acknowledgement{author.by, wish.comment, api.store.clock().now()};
    const auto done = api.alerts.acknowledge(wish.id, acknowledgement, author, permit.get());
    if (!done) return problem_of(done.error());
    return json_response(api.alerts.render({Scope::Kind::plant, {}}, wish.id));
  });
}

}  // namespace

std::vector<Route> alert_routes() {
  return {
      {"GET",
       "/v1/alerts",
       "What is not as it should be, and who was told",
       {kScopeDoc},
       "alerts of the plant's description with state, value, since, fired, resolved and acknowledged; deliveries "
       "with "
       "state, attempts and the last error",
       "application/json",
       {},
       answering(get_alerts),
       "alerts"},
      {"POST",
       "/v1/alerts/acknowledge",
       "Somebody has seen that an alert fires",
       {},
       "the alert and its deliveries",
       "application/json",
       R"({"id":"...","by":"...","comment":"..."})",
       acknowledge_alert},
  };
}

}  // namespace takt
