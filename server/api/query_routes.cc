#include "query/explain.h"
#include "query/render.h"
#include "server/api/question.h"

namespace takt {
namespace {

constexpr std::size_t kLongWork = 5000;  // buckets of machines: about what an I/O thread may be held for

void get_oee(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "grain", "group", "whole", "as_of"}, now};
  const Question q = question(in, http, now);
  OeeRequest request;
  request.scope = q.scope;
  request.range = q.range;
  request.grain = in.choice("grain", Grain::total, grain_named, "hour, shift, day, week, month, year, total");
  request.group = in.choice("group", GroupBy::none, group_by_named, "machine, line, area");
  request.whole = in.flag("whole");
  if (auto fault = in.problem()) return responder.send(*fault);
  const bool may_take_long = q.past || work_of(api.store.read(), request, q.now) > kLongWork;
  answer_question(api, std::move(responder), may_take_long, [&api, request, q] {
    const auto series = asked(api, q, [&](const StoreView& view) { return oee(view, request, q.now, q.stop); });
    return series ? json_response(render_oee(request, *series)) : problem_of(series.error());
  });
}

void get_explain(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "as_of"}, now};
  const Question q = question(in, http, now);
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.scanners, std::move(responder), [&api, q] {
    if (q.stop.stop_requested()) return problem_of(cancelled());
    const auto explanation =
        asked(api, q, [&](const StoreView& view) { return explain(view, q.scope, q.range, q.now, {}, q.stop); });
    return explanation ? json_response(render_explanation(*explanation)) : problem_of(explanation.error());
  });
}

HttpResponse get_current(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope"}, now};
  const Scope scope = in.scope();
  if (auto fault = in.problem()) return *fault;
  const auto machines = current(api.store.read(), scope, now);
  if (!machines) return problem_of(machines.error());
  return json_response(render_current(*machines));
}

struct TimelineAnswer {
  std::vector<TimelineInterval> intervals;
  std::optional<Timestamp> kept_from;
};

Result<TimelineAnswer> timeline_of(const StoreView& view, const Question& q) {
  const auto machine = machines_of(view, q.scope);
  if (!machine) return machine.error();
  return TimelineAnswer{timeline(view, machine->front(), q.range, q.now),
                        timeline_kept_from(view, *machine, q.range)};
}

void get_timeline(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"machine", "from", "to", "as_of"}, now};
  Question q = question(in, http, now);
  q.scope = {Scope::Kind::machine, in.required("machine", "the machine's id")};
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_question(api, std::move(responder), q.past, [&api, q] {
    const auto found = asked(api, q, [&](const StoreView& view) { return timeline_of(view, q); });
    return found ? json_response(render_timeline(q.scope.id, found->intervals, found->kept_from))
                 : problem_of(found.error());
  });
}

Result<Losses> losses_within(const StoreView& view, const Question& q) {
  const auto sum = elements(view, q.scope, q.range, q.now);
  if (!sum) return sum.error();
  return losses_of(*sum, policies_of(view.master().latest().plant()));
}

void get_losses(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "as_of"}, now};
  const Question q = question(in, http, now);
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_question(api, std::move(responder), q.past, [&api, q] {
    const auto losses = asked(api, q, [&](const StoreView& view) { return losses_within(view, q); });
    return losses ? json_response(render_losses(*losses)) : problem_of(losses.error());
  });
}

void get_production(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "as_of"}, now};
  const Question q = question(in, http, now);
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_question(api, std::move(responder), q.past, [&api, q] {
    const auto items =
        asked(api, q, [&](const StoreView& view) { return production(view, q.scope, q.range, q.now); });
    return items ? json_response(render_production(*items)) : problem_of(items.error());
  });
}

void get_downtime_pareto(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "by", "as_of"}, now};
  const Question q = question(in, http, now);
  const ParetoBy by = in.choice("by", ParetoBy::reason, pareto_by_named, "reason, category, machine");
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_question(api, std::move(responder), q.past, [&api, q, by] {
    const auto pareto =
        asked(api, q, [&](const StoreView& view) { return downtime_pareto(view, q.scope, q.range, by, q.now); });
    return pareto ? json_response(render_pareto(*pareto)) : problem_of(pareto.error());
  });
}

HttpResponse series_answer(const Api& api, const SeriesRequest& request, bool as_csv,
                           const std::stop_token& stop) {
  const auto points = series(api.store, request, stop);
  if (!points) return problem_of(points.error());
  if (!as_csv) return json_response(render_series(request, *points));
  HttpResponse csv;
  csv.content_type = "text/csv; charset=utf-8";
  csv.body = render_series_csv(*points);
  return csv;
}

void get_series(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"machine", "tag", "from", "to", "step", "agg", "quality"}, now};
  SeriesRequest request;
  request.machine = in.required("machine", "the machine's id");
  request.tag = in.required("tag", "the tag's name");
  request.range = in.range();
  request.aggregate =
      in.choice("agg", Aggregate::avg, aggregate_named, "avg, min, max, sum, count, first, last, delta");
  if (const auto step = in.optional("step")) {
    const auto length = parse_duration(*step);
    if (!length || *length <= Duration{0})
      in.fault("step=" + *step + " is not a length of time such as 60s, 5m or 1h");
    else
      request.step = *length;
  }
  if (const auto quality = in.optional("quality")) {
    if (*quality != "good") in.fault("quality=" + *quality + " is not known; write quality=good or leave it out");
    request.good_only = true;
  }
  if (auto fault = in.problem()) return responder.send(*fault);
  const bool as_csv = http.header("accept").find("text/csv") != std::string_view::npos;
  answer_in(api.scanners, std::move(responder),
            [&api, request, as_csv, stop = http.cancelled] { return series_answer(api, request, as_csv, stop); });
}

void get_live(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {"scope"}, api.store.clock().now()};
  const Scope scope = in.scope();
  if (auto fault = in.problem()) return responder.send(*fault);
  const auto subscribed = api.live.subscribe(scope, [&] { return responder.stream(); });
  if (!subscribed) responder.send(problem_of(subscribed.error()));
}

}  // namespace

std::vector<Route> query_routes() {
  return {
      {"GET",
       "/v1/oee",
       "OEE by bucket",
       {kScopeDoc,
        kFromDoc,
        kToDoc,
        {"grain", "hour, shift, day, week, month, year or total (default)"},
        {"group", "machine, line or area: one series for each member of the scope"},
        {"whole", "1: buckets uncut, those that begin in the range"},
        kAsOfDoc},
       "scope, grain and buckets, or series of them; a bucket is ISO 22400 time elements, quantities and ratios",
       "application/json",
       {},
       get_oee},
      {"GET",
       "/v1/oee/current",
       "The running shift of every machine",
       {kScopeDoc},
       "machines: state, category, reason, since, product, and the elements of the running shift, or the last one",
       "application/json",
       {},
       answering(get_current)},
      {"GET",
       "/v1/oee/explain",
       "What a figure is made of",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "the figure, policies and descriptions in force, and the intervals, stops, failures, counts, losses and "
       "formulas "
       "that add up to it",
       "application/json",
       {},
       get_explain},
      {"GET",
       "/v1/timeline",
       "What a machine did when",
       {kMachineDoc, kFromDoc, kToDoc, kAsOfDoc},
       "gapless intervals with state, category, reason, minor_stop and open",
       "application/json",
       {},
       get_timeline},
      {"GET",
       "/v1/losses",
       "Where planned busy time went",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "valuable time and the six big losses, which add up to planned busy time",
       "application/json",
       {},
       get_losses},
      {"GET",
       "/v1/downtime/pareto",
       "Which stops cost most",
       {kScopeDoc, kFromDoc, kToDoc, {"by", "reason (default), category or machine"}, kAsOfDoc},
       "stop time within planned busy time by reason, longest first",
       "application/json",
       {},
       get_downtime_pareto},
      {"GET",
       "/v1/production",
       "What was made, product by product",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "pieces in planned operation time by product, which add up to OEE's",
       "application/json",
       {},
       get_production},
      {"GET",
       "/v1/series",
       "Readings of one tag, raw or in steps",
       {kMachineDoc,
        {"tag", "the tag's name", true},
        kFromDoc,
        kToDoc,
        {"step", "length of a step, such as 60s; default: raw readings"},
        {"agg", "avg (default), min, max, sum, count, first, last or delta of each step"},
        {"quality", "good: only readings of OPC quality 192 and above, or of none"}},
       "points: pairs of time and value; text/csv by Accept",
       "application/json",
       {},
       get_series},
      {"GET",
       "/v1/live",
       "What changes, as it changes",
       {kScopeDoc},
       "Server-Sent Events `state`, `count` and `oee`",
       "text/event-stream",
       {},
       get_live},
  };
}

}  // namespace takt
