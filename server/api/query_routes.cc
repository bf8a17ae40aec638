#include "query/explain.h"
#include "query/read_tally.h"
#include "query/render.h"
#include "server/api/answer_form.h"
#include "server/api/page.h"
#include "server/api/question.h"

namespace takt {
namespace {

const ParameterDoc kLimitDoc{"limit", "rows of a page, 1 to 100000; default: all"};
const ParameterDoc kCursorDoc{"cursor", "next_cursor of the page before, with all else as it was"};
constexpr std::size_t kLongWork = 5000;  // buckets of machines: about what an I/O thread may be held for

/// Whether an answer out of sums by day should not hold an I/O thread.
bool is_long(const Api& api, const Question& q) {
  OeeRequest days;
  days.scope = q.scope;
  days.range = q.range;
  days.grain = Grain::day;
  return q.past || work_of(api.store.read(), days, q.now) > kLongWork;
}

/// Shifts of several plans may begin at one time.
std::string cursor_of(const OeeBucket& bucket) {
  return format_time(bucket.range.begin) + '~' + format_time(bucket.range.end) + '~' + bucket.shift.value_or("");
}

void get_oee(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "grain", "group", "whole", "limit", "cursor", "as_of"}, now};
  const Question q = question(in, http, now);
  OeeRequest request;
  request.scope = q.scope;
  request.range = q.range;
  request.grain = in.choice("grain", Grain::total, grain_named, "hour, shift, day, week, month, year, total");
  request.group = in.choice("group", GroupBy::none, group_by_named, "machine, line, area");
  request.whole = in.flag("whole");
  const Page page = page_of(in);
  if (request.group != GroupBy::none && (page.limit || page.cursor))
    in.fault("limit and cursor are for one scope; leave group out, and ask for its members one by one");
  if (auto fault = in.problem()) return responder.send(*fault);
  const std::size_t work = work_of(api.store.read(), request, q.now);
  answer_question(api, std::move(responder), q.past || work > kLongWork, [&api, request, q, page, work] {
    ReadTally::of_this_thread().buckets += work;
    auto series = asked(api, q, [&](const StoreView& view) { return oee(view, request, q.now, q.stop); });
    if (!series) return problem_of(series.error());
    const PageEnd end = request.group == GroupBy::none ? cut(page, series->front().buckets, cursor_of) : PageEnd{};
    return json_response(render_oee(request, *series, end));
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
  Parameters in{http, {"machine", "from", "to", "limit", "cursor", "as_of"}, now};
  Question q = question(in, http, now);
  q.scope = {Scope::Kind::machine, in.required("machine", "the machine's id")};
  const Page page = page_of(in);
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_question(api, std::move(responder), q.past, [&api, q, page] {
    auto found = asked(api, q, [&](const StoreView& view) { return timeline_of(view, q); });
    if (!found) return problem_of(found.error());
    const auto name = [](const TimelineInterval& interval) { return format_time(interval.range.begin); };
    const PageEnd end = cut(page, found->intervals, name);
    return json_response(render_timeline(q.scope.id, found->intervals, found->kept_from, end));
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
  answer_question(api, std::move(responder), is_long(api, q), [&api, q] {
    const auto losses = asked(api, q, [&](const StoreView& view) { return losses_within(view, q); });
    return losses ? json_response(render_losses(*losses)) : problem_of(losses.error());
  });
}

void get_production(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"scope", "from", "to", "as_of"}, now};
  const Question q = question(in, http, now);
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_question(api, std::move(responder), is_long(api, q), [&api, q] {
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
  answer_question(api, std::move(responder), is_long(api, q), [&api, q, by] {
    const auto pareto =
        asked(api, q, [&](const StoreView& view) { return downtime_pareto(view, q.scope, q.range, by, q.now); });
    return pareto ? json_response(render_pareto(*pareto)) : problem_of(pareto.error());
  });
}

/// The point behind a page says where the next one begins.
PageEnd cut_points(const SeriesRequest& request, const Page& page, std::vector<SeriesPoint>& points) {
  PageEnd end{page.limit.has_value() || page.cursor.has_value(), std::nullopt};
  if (!request.limit || points.size() <= *request.limit) return end;
  end.next = format_time(points[*request.limit].at);
  points.resize(*request.limit);
  return end;
}

HttpResponse series_answer(const Api& api, const SeriesRequest& request, const Page& page, bool as_csv,
                           const std::stop_token& stop) {
  auto points = series(api.store, request, stop);
  if (!points) return problem_of(points.error());
  const PageEnd end = cut_points(request, page, *points);
  if (!as_csv) return json_response(render_series(request, *points, end));
  HttpResponse csv;
  csv.content_type = "text/csv; charset=utf-8; header=present";
  csv.headers.emplace_back("Vary", "Accept");
  if (end.next) csv.headers.emplace_back("Takt-Next-Cursor", *end.next);
  csv.body = render_series_csv(*points);
  return csv;
}

void get_series(Api& api, const HttpRequest& http, Responder responder) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {"machine", "tag", "from", "to", "step", "agg", "quality", "limit", "cursor"}, now};
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
  const Page page = page_of(in);
  if (auto fault = in.problem()) return responder.send(*fault);
  request.limit = page.limit;
  request.range.begin = std::max(request.range.begin, std::min(page.begin, request.range.end));
  const bool as_csv =
      accepted_form(http.header("accept")) == AnswerForm::csv;  // a million rows go straight into it
  answer_in(api.scanners, std::move(responder), [&api, request, page, as_csv, stop = http.cancelled] {
    return series_answer(api, request, page, as_csv, stop);
  });
}

void get_live(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {"scope"}, api.store.clock().now()};
  const Scope scope = in.scope();
  if (auto fault = in.problem()) return responder.send(*fault);
  const Listening wish{scope, std::string{http.header("last-event-id")},
                       [&gate = api.gate, permit = http.permit] { return gate.holds(permit.get()); }};
  const auto subscribed = api.live.subscribe(wish, [&] { return responder.stream(); });
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
        kLimitDoc,
        kCursorDoc,
        kAsOfDoc},
       "scope, grain and buckets, or series of them; a bucket is ISO 22400 time elements, quantities and ratios",
       "application/json",
       {},
       get_oee,
       "series.buckets"},
      {"GET",
       "/v1/oee/current",
       "The running shift of every machine",
       {kScopeDoc},
       "machines: state, category, reason, since, product, and the elements of the running shift, or the last one",
       "application/json",
       {},
       answering(get_current),
       "machines"},
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
       {kMachineDoc, kFromDoc, kToDoc, kLimitDoc, kCursorDoc, kAsOfDoc},
       "gapless intervals with state, category, reason, minor_stop and open",
       "application/json",
       {},
       get_timeline,
       "intervals"},
      {"GET",
       "/v1/losses",
       "Where planned busy time went",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "valuable time and the six big losses, which add up to planned busy time",
       "application/json",
       {},
       get_losses,
       "losses"},
      {"GET",
       "/v1/downtime/pareto",
       "Which stops cost most",
       {kScopeDoc, kFromDoc, kToDoc, {"by", "reason (default), category or machine"}, kAsOfDoc},
       "stop time within planned busy time by reason, longest first",
       "application/json",
       {},
       get_downtime_pareto,
       "items"},
      {"GET",
       "/v1/production",
       "What was made, product by product",
       {kScopeDoc, kFromDoc, kToDoc, kAsOfDoc},
       "pieces in planned operation time by product, which add up to OEE's",
       "application/json",
       {},
       get_production,
       "items"},
      {"GET",
       "/v1/series",
       "Readings of one tag, raw or in steps",
       {kMachineDoc,
        {"tag", "the tag's name", true},
        kFromDoc,
        kToDoc,
        {"step", "length of a step, such as 60s; default: raw readings"},
        {"agg", "avg (default), min, max, sum, count, first, last or delta of each step"},
        {"quality", "good: only readings of OPC quality 192 and above, or of none"},
        kLimitDoc,
        kCursorDoc},
       "points: pairs of time and value",
       "application/json",
       {},
       get_series,
       "points",
       {"time", "value"}},
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
