// Figures of inspections and of defects.
#include "query/quality.h"
#include "server/api/question.h"

namespace takt {
namespace {

void get_defect_pareto(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "as_of"}, now};
  const Question q = question(in, http, now);
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.scanners, std::move(responder), [&api, q] {
    if (q.stop.stop_requested()) return problem_of(cancelled());
    const auto found =
        asked(api, q, [&](const StoreView& view) { return defect_pareto(view, q.scope, q.range, q.now, q.stop); });
    return found ? json_response(render_defect_pareto(*found)) : problem_of(found.error());
  });
}

void get_quality(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http,
                {"machine", "characteristic", "product", "from", "to", "lsl", "usl", "target", "subgroup_size",
                 "rules", "chart", "as_of"},
                now};
  QualityRequest request;
  Question q = question(in, http, now);
  request.machine = in.required("machine", "the machine's id");
  request.characteristic = in.required("characteristic", "the characteristic's name");
  request.product = in.optional("product");
  request.range = q.range;
  q.scope = {Scope::Kind::machine, request.machine};
  request.lsl = in.decimal("lsl"), request.usl = in.decimal("usl"), request.target = in.decimal("target");
  if (const auto size = in.number("subgroup_size")) request.subgroup_size = static_cast<std::int64_t>(*size);
  request.rules = in.choice("rules", RuleSet::nelson, rule_set_named, "western_electric, nelson, none");
  request.chart = in.choice("chart", AttributeChart::none, attribute_chart_named, "p, np, c, u");
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.scanners, std::move(responder), [&api, q, request] {
    if (q.stop.stop_requested()) return problem_of(cancelled());
    const auto found = asked(api, q, [&](const StoreView& view) { return quality(view, request, q.now, q.stop); });
    return found ? json_response(render_quality(*found)) : problem_of(found.error());
  });
}

}  // namespace

std::vector<Route> quality_routes() {
  return {
      {"GET",
       "/v1/quality/pareto",
       "What defects cost the most pieces",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "items by defect, most first: scrap and rework of counts and the quantity of failed inspections, planned "
       "or not; key "
       "null: no defect was named",
       "application/json",
       {},
       get_defect_pareto,
       "items"},
      {"GET",
       "/v1/quality",
       "Yields, capability and control charts of a characteristic",
       {kMachineDoc,
        {"characteristic", "its name", true},
        {"product", "of inspections; default: all"},
        kFromDoc,
        kToDoc,
        {"lsl", "lower limit; default, as of the next three: the product's [[characteristic]]"},
        {"usl", "upper limit"},
        {"target", "for cpm"},
        {"subgroup_size", "1 to 25"},
        {"rules", "nelson (default), western_electric, none"},
        {"chart", "p, np, c or u: a chart of failed inspections, too"},
        kAsOfDoc},
       "n values; inspected serials, first_pass and yields; mean, sigmas, capability; charts with center, limits, "
       "points and "
       "violations. null where there is no denominator, limit or spread",
       "application/json",
       {},
       get_quality,
       "charts"},
  };
}

}  // namespace takt
