// E, the states and counts of a plant: how fast they become durable figures, how many bytes they need, and how
// long the questions c to f of the plant workload take. Every answer is compared with the figures that the
// workload's generator summed itself.
#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"
#include "bench/engine/yardsticks.h"
#include "bench/need.h"
#include "query/oee.h"
#include "query/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace takt::bench {
namespace {

constexpr std::size_t kBatchEvents = 1000, kInFlight = 16;
constexpr std::array<const char*, 5> kStates{"running", "idle", "down", "setup", "planned_stop"};
constexpr std::uint8_t kIdle = 1, kDown = 2;

/// The strings that the workload's numbers stand for. They outlive every batch.
struct Vocabulary {
  std::vector<std::string> machines, reasons;

  explicit Vocabulary(std::uint32_t count) {
    for (std::uint32_t m = 0; m <= count; ++m) machines.push_back(machine_name(m));
    for (int reason = 0; reason <= 50; ++reason)
      reasons.push_back(reason == 0 ? std::string{} : "R" + std::to_string(reason));
  }
};

Event event_of(const WorkloadEvent& from, const Vocabulary& words) {
  Event event;
  event.type = from.count ? EventType::count : EventType::state;
  event.machine = words.machines[from.machine];
  event.at = from_micros(from.at);
  if (from.count) {
    (from.code == 0 ? event.good : from.code == 1 ? event.scrap : event.rework) = 1;
  } else {
    event.state = kStates[from.code];
    event.reason = words.reasons[from.reason];
  }
  return event;
}

double send_events(Store& store, const std::vector<WorkloadEvent>& events, const Vocabulary& words) {
  const auto begun = SteadyClock::now();
  Sender sender{store, kInFlight};
  for (std::size_t i = 0; i < events.size();) {
    EventBatch batch;
    batch.events.reserve(kBatchEvents);
    for (const std::size_t end = std::min(events.size(), i + kBatchEvents); i < end; ++i) {
      batch.indexes.push_back(batch.events.size());
      batch.events.push_back(event_of(events[i], words));
    }
    sender.send(std::move(batch));
  }
  sender.finish();
  return seconds_since(begun);
}

void report_size(Ground& ground, StoreUnderTest& store, const WorkloadEvents& e) {
  const double bytes = store.bytes() / static_cast<double>(e.events.size());
  const Store::EventChunks chunks = store->event_chunks();
  need_that(chunks.events == e.events.size(), "some events are in no chunk");
  const double in_chunks = static_cast<double>(chunks.bytes) / static_cast<double>(chunks.events);
  ground.report.add(
      {fmt::format("bytes an event, {} chunks", chunks.chunks), in_chunks, "bytes", at_most(in_chunks, 3.5)});
  const EventYardsticks others = yardsticks_of(e.events, ground.options.machines);
  ground.report.add({"bytes an event, all files with rollups", bytes, "bytes",
                     at_most(bytes, 4.0) + "; VictoriaMetrics 4.5 in ms, DuckDB 5.3"});
  ground.report.add({"entropy", others.entropy, "bytes", {}});
  ground.report.add({"all files to it", bytes / others.entropy, "x", {}});
  ground.report.add({"zstd -3 of the plain columns", others.zstd, "bytes", {}});
}

// ---------------------------------------- questions

/// The moments that are asked about: E's end is now.
struct Moments {
  Timestamp begin = from_micros(kEventsBegin), now;
  explicit Moments(int days) : now(begin + std::chrono::days{days}) {}
  TimeRange last(Duration length) const { return {now - length, now}; }
};

std::vector<OeeSeries> ask(const Store& store, const OeeRequest& request, Timestamp now) {
  return need(oee(store.read(), request, now));
}

WorkloadHour sum_of(const WorkloadHour* hours, std::size_t count) {
  WorkloadHour sum;
  for (std::size_t i = 0; i < count; ++i) {
    sum.running_s += hours[i].running_s, sum.planned_s += hours[i].planned_s;
    sum.good += hours[i].good, sum.scrap += hours[i].scrap, sum.rework += hours[i].rework;
  }
  return sum;
}

bool is_near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max(1.0, std::abs(b)); }

void compare(const Figures& figures, const WorkloadHour& right) {
  const auto seconds = [](Duration d) { return static_cast<double>(d.count()) / 1e6; };
  need_that(is_near(seconds(figures.actual_production), right.running_s), "the running time is wrong");
  need_that(is_near(seconds(figures.planned_busy), right.planned_s), "the planned time is wrong");
  need_that(figures.good == right.good && figures.scrap == right.scrap && figures.rework == right.rework,
            "a count is wrong");
  const double good_s = 30.0 * static_cast<double>(right.good);
  need_that(right.planned_s <= 0 || is_near(figures.oee.value_or(-1), good_s / right.planned_s),
            "an OEE is wrong");
}

/// Buckets of so many hours that end now, of one machine after the other.
void compare(const std::vector<OeeSeries>& answer, const WorkloadEvents& e, std::uint32_t first_machine,
             std::size_t hours_of_all, std::size_t hours_a_bucket) {
  for (std::size_t m = 0; m < answer.size(); ++m) {
    const auto& buckets = answer[m].buckets;
    const WorkloadHour* end = &e.hours[0] + (first_machine - 1 + m + 1) * hours_of_all;
    const WorkloadHour* hour = end - buckets.size() * hours_a_bucket;
    for (const OeeBucket& bucket : buckets) {
      compare(bucket.figures, sum_of(hour, hours_a_bucket));
      hour += hours_a_bucket;
    }
  }
}

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

void measure(Ground& ground, const Store& store, const WorkloadEvents& e, const OeeQuestion& question) {
  const Timestamp now = Moments{ground.options.days}.now;
  const std::vector<OeeSeries> answer = ask(store, question.request, now);
  need_that(answer.size() == question.series && answer[0].buckets.size() == question.buckets,
            "buckets are missing");
  compare(answer, e, question.first_machine, static_cast<std::size_t>(ground.options.days) * 24,
          question.hours_a_bucket);
  const double took = time_of([&] { ask(store, question.request, now); });
  ground.report.add({question.name, took, "ms", at_most(took, question.goal_ms)});
}

/// Stop time by reason, summed from the events.
std::map<std::string, std::int64_t> stops_by_reason(const std::vector<WorkloadEvent>& events, TimeRange range,
                                                    const Vocabulary& words) {
  std::map<std::string, std::int64_t> sums;
  std::vector<const WorkloadEvent*> last(words.machines.size());
  const auto close = [&](const WorkloadEvent* state, std::int64_t until) {
    if (state == nullptr || (state->code != kIdle && state->code != kDown)) return;
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

void pareto(Ground& ground, const Store& store, const WorkloadEvents& e, const Vocabulary& words) {
  const Moments moments{ground.options.days};
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
  ground.report.add({fmt::format("d: Pareto of 24 hours, {} reasons", answer.items.size()), took, "ms",
                     at_most(took, 1) + "; VictoriaMetrics 6.2"});
}

void questions(Ground& ground, const Store& store, const WorkloadEvents& e, const Vocabulary& words) {
  const Moments moments{ground.options.days};
  const std::size_t machines = ground.options.machines, hours = static_cast<std::size_t>(ground.options.days) * 24;
  ground.report.heading("Questions to E, in process");
  measure(ground, store, e,
          {fmt::format("c: hourly OEE of {} machines, {} days", machines, ground.options.days),
           request_of({moments.begin, moments.now}, Grain::hour), machines, hours, 1, 1, 10});
  pareto(ground, store, e, words);
  measure(ground, store, e,
          {fmt::format("e: OEE of {} machines, last 8 hours", machines),
           request_of(moments.last(std::chrono::hours{8}), Grain::total), machines, 1, 8, 1, 0.5});
  OeeRequest one = request_of(moments.last(std::chrono::hours{1}), Grain::total);
  one.scope = {Scope::Kind::machine, machine_name(ground.options.machines)};
  measure(ground, store, e, {"f: OEE of one machine, last hour", one, 1, 1, 1, ground.options.machines, 0.05});
}

}  // namespace

void bench_events(Ground& ground) {
  const WorkloadEvents e = make_events(ground.options.machines, ground.options.days);
  const Vocabulary words{ground.options.machines};
  ground.report.heading(fmt::format("E: {} events, in process, fsync before each answer", e.events.size()));
  StoreUnderTest store{ground / "events", ground.options.machines};
  const double seconds = send_events(*store, e.events, words);
  store.settle();
  ground.report.add(
      {"1000 a call, 16 calls in flight", static_cast<double>(e.events.size()) / seconds / 1e6, "M/s", {}});
  report_size(ground, store, e);
  questions(ground, *store, e, words);
  ground.report.heading("Starting again with E");
  const auto begun = SteadyClock::now();
  store.reopen();
  const double opened = seconds_since(begun);  // closing is quick
  need_that(store->event_chunks().events == e.events.size(), "events are missing after a start");
  ground.report.add({"to open", opened, "s", {}});
  ground.report.add({"events a second", static_cast<double>(e.events.size()) / opened / 1e6, "M/s", {}});
}

}  // namespace takt::bench
