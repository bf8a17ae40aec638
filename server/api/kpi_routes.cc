// Figures made of whole stops, orders and inspections rather than of buckets.
#include "query/health.h"
#include "query/kpis.h"
#include "query/reliability.h"
#include "query/schedule.h"
#include "server/api/question.h"

namespace takt {
namespace {

/// A question of scope and range, answered by `find` in a view and written by `render`: all of it is looked at
/// event by event, so that it may take long.
template <class Find, class Render>
void get_found(Api& api, const HttpRequest& http, Responder responder, Find find, Render render) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "as_of"}, now};
  const Question q = question(in, http, now);
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.scanners, std::move(responder), [&api, q, find, render] {
    if (q.stop.stop_requested()) return problem_of(cancelled());
    const auto found =
        asked(api, q, [&](const StoreView& view) { return find(view, q.scope, q.range, q.now, q.stop); });
    return found ? json_response(render(*found)) : problem_of(found.error());
  });
}

void get_reliability(Api& api, const HttpRequest& http, Responder responder) {
  get_found(api, http, std::move(responder), reliability, render_reliability);
}

void get_kpis(Api& api, const HttpRequest& http, Responder responder) {
  get_found(api, http, std::move(responder), kpis, render_kpis);
}

void get_schedule(Api& api, const HttpRequest& http, Responder responder) {
  get_found(api, http, std::move(responder), schedule, render_schedule);
}

void get_health(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "as_of"}, now};
  Question q = question(in, http, now);
  if (auto fault = in.problem()) return responder.send(*fault);
  q.range = {q.now - kHealthHistory, q.now};
  answer_in(api.scanners, std::move(responder), [&api, q] {
    if (q.stop.stop_requested()) return problem_of(cancelled());
    const auto found = asked(api, q, [&](const StoreView& view) { return health(view, q.scope, q.now, q.stop); });
    return found ? json_response(render_health(*found)) : problem_of(found.error());
  });
}

}  // namespace

std::vector<Route> kpi_routes() {
  return {
      {"GET",
       "/v1/reliability",
       "How often machines fail, and for how long",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "failures, MTBF, MTTF, MTTR, MDT and what they are made of, by failure mode, with bounds of the failure "
       "rate",
       "application/json",
       {},
       get_reliability,
       "modes"},
      {"GET",
       "/v1/kpis",
       "The 34 KPIs of ISO 22400-2",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "each with its number, value, unit, formula, inputs and, where it is null, the reason; energy by what "
       "machines "
       "did",
       "application/json",
       {},
       get_kpis,
       "kpis"},
      {"GET",
       "/v1/schedule",
       "What orders were planned to be, and what became of them",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "orders with planned and actual times and quantities, status, lateness and projected end; totals and "
       "adherence",
       "application/json",
       {},
       get_schedule,
       "orders"},
      {"GET",
       "/v1/health",
       "How well machines have done in the last 24 hours",
       {kScopeDoc, kAsOfDoc},
       "a score from 0 to 100 for each machine, what it is made of and what lowers it",
       "application/json",
       {},
       get_health,
       "machines"},
  };
}

}  // namespace takt
