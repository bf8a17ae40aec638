#include "bench/engine/event_questions.h"

#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"
#include "bench/need.h"
#include "query/oee.h"
#include "query/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace takt::bench {
namespace {

/// The moments that are asked about: E's end is now.
struct Moments {
  Timestamp begin = from_micros(kEventsBegin), now;
  explicit Moments(int days) : now(begin + std::chrono::days{days}) {}
  TimeRange last(Duration length) const { return {now - length, now}; }
};

std::vector<OeeSeries> ask(const Store& store, const OeeRequest& request, Timestamp now) {
  return need(oee(store.read(), request, now));
}

// ---------------------------------------- what is right

WorkloadHour sum_of(const WorkloadHour* hours, std::size_t count) {
  WorkloadHour sum;
  for (std::size_t i = 0; i < count; ++i) {
    sum.running_s += hours[i].running_s, sum.planned_s += hours[i].planned_s;
    sum.good += hours[i].good, sum.scrap += hours[i].scrap, sum.rework += hours[i].rework;
  }
  return sum;
}

bool is_near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max(1.0, std::abs(b)); }

bool is_right(const Figures& figures, const WorkloadHour& right) {
  const auto seconds = [](Duration d) { return static_cast<double>(d.count()) / 1e6; };
  const double good_s = 30.0 * static_cast<double>(right.good);
  return is_near(seconds(figures.actual_production), right.running_s) &&
         is_near(seconds(figures.planned_busy), right.planned_s) && figures.good == right.good &&
         figures.scrap == right.scrap && figures.rework == right.rework &&
         (right.planned_s <= 0 || is_near(figures.oee.value_or(-1), good_s / right.planned_s));
}

/// How many buckets of so many hours that end now, of one machine after the other, are not right.
std::size_t differing(const std::vector<OeeSeries>& answer, const WorkloadEvents& e, std::uint32_t first_machine,
                      std::size_t hours_of_all, std::size_t hours_a_bucket) {
  std::size_t wrong = 0;
  for (std::size_t m = 0; m < answer.size(); ++m) {
    const auto& buckets = answer[m].buckets;
    const WorkloadHour* end = &e.hours[0] + (first_machine - 1 + m + 1) * hours_of_all;
    const WorkloadHour* hour = end - buckets.size() * hours_a_bucket;
    for (const OeeBucket& bucket : buckets) {
      wrong += is_right(bucket.figures, sum_of(hour, hours_a_bucket)) ? 0 : 1;
      hour += hours_a_bucket;
    }
  }
  return wrong;
}

// ---------------------------------------- OEE

OeeRequest request_of(TimeRange range, Grain grain) {
  OeeRequest request;
  request.range = range;
  request.grain = grain;
  request.group = GroupBy::machine;
  return request;
}

/// A question of OEE: asked once to be compared, then against the clock.
struct OeeQuestion {
  std::string name;
  OeeRequest request;
  std::size_t series, buckets, hours_a_bucket;
  std::uint32_t first_machine;
  double goal_ms;
};

void measure(Report& report, const Store& store, const WorkloadEvents& e, int days, const OeeQuestion& question) {
  const Timestamp now = Moments{days}.now;
  const std::vector<OeeSeries> answer = ask(store, question.request, now);
  need_that(answer.size() == question.series && answer[0].buckets.size() == question.buckets,
            "buckets are missing");
  const std::size_t hours = static_cast<std::size_t>(days) * 24;
  need_that(differing(answer, e, question.first_machine, hours, question.hours_a_bucket) == 0,
            "figures are wrong");
  const double took = time_of([&] { ask(store, question.request, now); });
  const double processor = processor_time_of([&] { ask(store, question.request, now); });
  report.add({question.name, took, "ms", at_most(took, question.goal_ms)});
  report.add({"processor time of it", processor, "ms", {}});
}

// ---------------------------------------- the Pareto

/// Stop time by reason, summed from the events.
std::map<std::string, std::int64_t> stops_by_reason(const std::vector<WorkloadEvent>& events, TimeRange range,
                                                    const Vocabulary& words) {
  std::map<std::string, std::int64_t> sums;
  std::vector<const WorkloadEvent*> last(words.machines.size());
  const auto close = [&](const WorkloadEvent* state, std::int64_t until) {
    if (state == nullptr || (state->code != kWorkloadIdle && state->code != kWorkloadDown)) return;
    const TimeRange part = intersect({from_micros(state->at), from_micros(until)}, range);
    if (!part.empty()) sums[words.reasons[state->reason]] += part.length().count();
  };
  for (const WorkloadEvent& event : events) {
    if (event.count) continue;
    close(last[event.machine], event.at);
    last[event.machine] = &event;
  }
  for (const WorkloadEvent* state : last) close(state, range.end.time_since_epoch().count());
  return sums;
}

void measure_pareto(Report& report, const Store& store, const WorkloadEvents& e, const Vocabulary& words,
                    int days) {
  const Moments moments{days};
  const TimeRange day = moments.last(std::chrono::hours{24});
  const auto ask_pareto = [&] {
    return need(downtime_pareto(store.read(), Scope{}, day, ParetoBy::reason, moments.now));
  };
  const Pareto answer = ask_pareto();
  const auto right = stops_by_reason(e.events, day, words);
  need_that(answer.items.size() == right.size(), "the Pareto has other reasons");
  for (const ParetoItem& item : answer.items)
    need_that(item.time.count() == right.at(*item.key), "a time of the Pareto is wrong");
  const double took = time_of(ask_pareto);
  const double processor = processor_time_of(ask_pareto);
  report.add({fmt::format("d: Pareto of 24 hours, {} reasons", answer.items.size()), took, "ms",
              at_most(took, 1) + "; VictoriaMetrics 6.2"});
  report.add({"processor time of it", processor, "ms", {}});
}

}  // namespace

void measure_questions(Report& report, const Store& store, const WorkloadEvents& e, const Vocabulary& words,
                       PlantSize size) {
  const Moments moments{size.days};
  const std::size_t hours = static_cast<std::size_t>(size.days) * 24;
  measure(report, store, e, size.days,
          {fmt::format("c: hourly OEE of {} machines, {} days", size.machines, size.days),
           request_of({moments.begin, moments.now}, Grain::hour), size.machines, hours, 1, 1, 10});
  measure_pareto(report, store, e, words, size.days);
  measure(report, store, e, size.days,
          {fmt::format("e: OEE of {} machines, last 8 hours", size.machines),
           request_of(moments.last(std::chrono::hours{8}), Grain::total), size.machines, 1, 8, 1, 0.5});
  const double shift = time_of([&] { need(current(store.read(), Scope{}, moments.now)); });
  report.add(
      {fmt::format("e: the running shift of {} machines", size.machines), shift, "ms", at_most(shift, 0.5)});
  OeeRequest one = request_of(moments.last(std::chrono::hours{1}), Grain::total);
  one.scope = {Scope::Kind::machine, machine_name(size.machines)};
  measure(report, store, e, size.days, {"f: OEE of one machine, last hour", one, 1, 1, 1, size.machines, 0.05});
}

std::size_t differing_hours(const Store& store, const WorkloadEvents& e, PlantSize size) {
  const Moments moments{size.days};
  const OeeRequest request = request_of({moments.begin, moments.now}, Grain::hour);
  return differing(ask(store, request, moments.now), e, 1, static_cast<std::size_t>(size.days) * 24, 1);
}

HourlyTimes hourly_times(const Store& store, PlantSize size) {
  const Moments moments{size.days};
  const OeeRequest request = request_of({moments.begin, moments.now}, Grain::hour);
  HourlyTimes times;
  std::vector<OeeSeries> answer;
  times.from_rollups = time_of([&] { answer = ask(store, request, moments.now); });
  const StoreView view = store.read();
  const Policies policies = policies_of(view.master().latest().plant());
  const auto begun = SteadyClock::now();
  for (const OeeSeries& series : answer) {
    const MachineRecord& machine = *view.machine(series.scope.id);
    for (const OeeBucket& bucket : series.buckets) {
      const Account account = machine.account_from_events(bucket.range, moments.now);
      const Figures figures =
          figures_of({account, bucket.figures.planned_operation, bucket.figures.calendar}, policies);
      need_that(figures.oee == bucket.figures.oee, "rollups and events give different figures");
    }
  }
  times.from_events = seconds_since(begun) * 1e3;
  return times;
}

}  // namespace takt::bench
