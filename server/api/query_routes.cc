#include "query/explain.h"
#include "query/render.h"
#include "server/api/api.h"

namespace takt {
namespace {

const ParameterDoc kScope{"scope", "plant (default), area:ID, line:ID or machine:ID"};
const ParameterDoc kFrom{"from",
                         "begin of the range, RFC 3339 or microseconds since 1970; default: 24 hours before `to`"};
const ParameterDoc kTo{"to", "end of the range, not in it; default: now"};
const ParameterDoc kMachine{"machine", "the machine's id", true};

constexpr std::size_t kLongWork = 5000;  // buckets of machines: about what an I/O thread may be held for

void get_oee(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "grain", "group", "whole"}, now};
  OeeRequest request;
  request.scope = in.scope();
  request.range = in.range();
  request.grain = in.choice("grain", Grain::total, grain_named, "hour, shift, day, week, month, year, total");
  request.group = in.choice("group", GroupBy::none, group_by_named, "machine, line, area");
  request.whole = in.flag("whole");
  if (auto fault = in.problem()) return responder.send(*fault);
  const auto answer = [&api, request, now, stop = http.cancelled] {
    const auto series = oee(api.store.read(), request, now, stop);
    return series ? json_response(render_oee(request, *series)) : problem_of(series.error());
  };
  if (work_of(api.store.read(), request, now) <= kLongWork) return responder.send(answer());
  answer_in(api.scanners, std::move(responder), answer);
}

void get_explain(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to"}, now};
  const Scope scope = in.scope();
  const TimeRange range = in.range();
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.scanners, std::move(responder), [&api, scope, range, now, stop = http.cancelled] {
    if (stop.stop_requested()) return problem_of(cancelled());
    const auto explanation = explain(api.store.read(), scope, range, now, {}, stop);
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

HttpResponse get_timeline(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"machine", "from", "to"}, now};
  const std::string id = in.required("machine", "the machine's id");
  const TimeRange range = in.range();
  if (auto fault = in.problem()) return *fault;
  std::vector<TimelineInterval> intervals;
  std::optional<Timestamp> kept_from;
  {
    const StoreView view = api.store.read();
    const auto machine = machines_of(view, {Scope::Kind::machine, id});
    if (!machine) return problem_of(machine.error());
    intervals = timeline(view, machine->front(), range, now);
    kept_from = timeline_kept_from(view, *machine, range);
  }
  return json_response(render_timeline(id, intervals, kept_from));
}

HttpResponse get_losses(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to"}, now};
  const Scope scope = in.scope();
  const TimeRange range = in.range();
  if (auto fault = in.problem()) return *fault;
  const StoreView view = api.store.read();
  const auto sum = elements(view, scope, range, now);
  if (!sum) return problem_of(sum.error());
  return json_response(render_losses(losses_of(*sum, policies_of(view.master().latest().plant()))));
}

HttpResponse get_downtime_pareto(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "by"}, now};
  const Scope scope = in.scope();
  const TimeRange range = in.range();
  const ParetoBy by = in.choice("by", ParetoBy::reason, pareto_by_named, "reason, category, machine");
  if (auto fault = in.problem()) return *fault;
  const auto pareto = downtime_pareto(api.store.read(), scope, range, by, now);
  if (!pareto) return problem_of(pareto.error());
  return json_response(render_pareto(*pareto));
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
       {kScope,
        kFrom,
        kTo,
        {"grain", "hour, shift, day, week, month, year or total (default)"},
        {"group", "machine, line or area: one series for each member of the scope"},
        {"whole", "1: buckets uncut, those that begin in the range"}},
       "scope, grain and buckets, or series of them; a bucket is ISO 22400 time elements, quantities and ratios",
       "application/json",
       {},
       get_oee},
      {"GET",
       "/v1/oee/current",
       "The running shift of every machine",
       {kScope},
       "machines: state, category, reason, since, product, and the elements of the running shift, or the last one",
       "application/json",
       {},
       answering(get_current)},
      {"GET",
       "/v1/oee/explain",
       "What a figure is made of",
       {kScope, kFrom, kTo},
       "the figure, policies and descriptions in force, and the intervals, stops, failures, counts, losses and "
       "formulas "
       "that add up to it",
       "application/json",
       {},
       get_explain},
      {"GET",
       "/v1/timeline",
       "What a machine did when",
       {kMachine, kFrom, kTo},
       "gapless intervals with state, category, reason, minor_stop and open",
       "application/json",
       {},
       answering(get_timeline)},
      {"GET",
       "/v1/losses",
       "Where planned busy time went",
       {kScope, kFrom, kTo},
       "valuable time and the six big losses, which add up to planned busy time",
       "application/json",
       {},
       answering(get_losses)},
      {"GET",
       "/v1/downtime/pareto",
       "Which stops cost most",
       {kScope, kFrom, kTo, {"by", "reason (default), category or machine"}},
       "stop time within planned busy time by reason, longest first",
       "application/json",
       {},
       answering(get_downtime_pareto)},
      {"GET",
       "/v1/series",
       "Readings of one tag, raw or in steps",
       {kMachine,
        {"tag", "the tag's name", true},
        kFrom,
        kTo,
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
       {kScope},
       "Server-Sent Events `state`, `count` and `oee`",
       "text/event-stream",
       {},
       get_live},
  };
}

}  // namespace takt
