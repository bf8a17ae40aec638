// How long two questions of every wall display take: the running shift of 200 machines, and 30 days of hours of
// one machine. Floor: the running shift with p99 under 5 ms.
//
// Three ways to the same bytes, compared before the clock starts: the query and its rendering in process, the same
// over HTTP with one client on one connection, and the figures recomputed from the raw events, which is what the
// rollups save. Beside them a copy of as many bytes.
#include "bench/plant_history.h"
#include "bench/plant_load.h"
#include "bench/probes.h"
#include "bench/report.h"
#include "bench/samples.h"
#include "bench/scratch_folder.h"
#include "bench/service_under_test.h"
#include "engine/store.h"
#include "query/oee.h"
#include "query/render.h"
#include "simulator/plant_model.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <functional>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr double kFloorMs = 5;
constexpr int kWarmUp = 20;

struct Options {
  std::string folder = "data", json;
  std::size_t machines = 200;
  int days = 30, samples = 2'000, slow_samples = 20;
};

/// A question, and ways to answer it.
struct Question {
  std::string name, target;
  bool has_floor = false;
  std::function<std::string(const Store&)> answer;              ///< as the server does
  std::function<std::string(const Store&)> answer_from_events;  ///< the figures recomputed
};

Figures from_events(const StoreView& view, MachineId machine, const OeeBucket& bucket, Timestamp now) {
  const Account account = view.machine(machine).account_from_events(bucket.range, now);
  return figures_of({account, bucket.figures.planned_operation, bucket.figures.calendar},
                    policies_of(view.master().latest().plant()));
}

Question current_shift(Timestamp now) {
  Question question{"running shift of all machines", "/v1/oee/current", true, {}, {}};
  question.answer = [now](const Store& store) {
    return render_current(need(current(store.read(), Scope{}, now)));
  };
  // The frame of the answer is made once, so that only the figures are at stake.
  question.answer_from_events = [now, frame = std::vector<CurrentMachine>{}](const Store& store) mutable {
    const StoreView view = store.read();
    if (frame.empty()) frame = need(current(view, Scope{}, now));
    for (CurrentMachine& machine : frame) {
      machine.bucket.figures = from_events(view, view.machine(machine.machine)->id(), machine.bucket, now);
    }
    return render_current(frame);
  };
  return question;
}

Question hours_of(const std::string& machine, int days, Timestamp now) {
  const Timestamp end = kLoadBegin + std::chrono::days{days};
  OeeRequest request;
  request.scope = {Scope::Kind::machine, machine};
  request.range = {kLoadBegin, end};
  request.grain = Grain::hour;
  Question question;
  question.name = fmt::format("{} days of hours of one machine", days);
  question.target = fmt::format("/v1/oee?scope=machine:{}&grain=hour&from={}&to={}", machine,
                                format_time(kLoadBegin), format_time(end));
  question.answer = [request, now](const Store& store) {
    return render_oee(request, need(oee(store.read(), request, now)));
  };
  question.answer_from_events = [request, now, frame = std::vector<OeeSeries>{}](const Store& store) mutable {
    const StoreView view = store.read();
    if (frame.empty()) frame = need(oee(view, request, now));
    const MachineId id = view.machine(request.scope.id)->id();
    for (OeeBucket& bucket : frame[0].buckets) bucket.figures = from_events(view, id, bucket, now);
    return render_oee(request, frame);
  };
  return question;
}

std::vector<double> time_ms(int samples, const std::function<void()>& work) {
  for (int i = 0; i < std::min(samples, kWarmUp); ++i) work();
  std::vector<double> ms;
  for (int i = 0; i < samples; ++i) {
    const auto begun = SteadyClock::now();
    work();
    ms.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begun).count());
  }
  return ms;
}

void show(Report& report, const std::string& name, const std::vector<double>& ms, bool has_floor) {
  const double p99 = percentile(ms, 0.99);
  const char* verdict = p99 < kFloorMs ? "floor 5 ms: kept" : "floor 5 ms: MISSED";
  report.add({name + ", p50", percentile(ms, 0.5), "ms", {}});
  report.add({name + ", p99", p99, "ms", has_floor ? verdict : ""});
}

/// What a question costs in process, and its answer.
struct InProcess {
  std::string answer;
  double p50_ms = 0;
};

InProcess measure(Report& report, const Options& options, const Question& question, const Store& store) {
  std::string answer = question.answer(store);
  need_that(answer == question.answer_from_events(store), "rollups and raw events give different answers");
  report.heading(fmt::format("{}: {} bytes", question.name, answer.size()));
  const auto fast = time_ms(options.samples, [&] { (void)question.answer(store); });
  const auto slow = time_ms(options.slow_samples, [&] { (void)question.answer_from_events(store); });
  const double copy_ms = static_cast<double>(answer.size()) / memcpy_bytes_per_s(answer.size()) * 1e3;
  show(report, "in process", fast, question.has_floor);
  report.add({"recomputed from raw events, p50", median(slow), "ms", {}});
  report.add({"that to the time in process", median(slow) / median(fast), "x", {}});
  report.add({"probe: memcpy of the answer", copy_ms, "ms", {}});
  report.add({"time in process to that", median(fast) / copy_ms, "x", {}});
  return {std::move(answer), median(fast)};
}

void measure_http(Report& report, const Options& options, const Question& question, const InProcess& before,
                  HttpClient& client) {
  need_that(need(client.get(question.target)).body == before.answer, "the server answers differently");
  report.heading(fmt::format("{}, over HTTP", question.name));
  const auto ms =
      time_ms(options.samples, [&] { need_that(need(client.get(question.target)).ok(), "not answered"); });
  show(report, "over HTTP", ms, question.has_floor);
  report.add({"that to the time in process", median(ms) / before.p50_ms, "x", {}});
}

int run(const Options& options) {
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  const Timestamp now = kLoadBegin + std::chrono::days{options.days} + std::chrono::minutes{630};
  const FixedClock clock{now};
  const Plant plant = need(parse_plant_toml(plant_toml(options.machines, kHistorySeed), "plant.toml"));
  const std::vector<Question> questions{current_shift(now), hours_of(plant.machines[0].id, options.days, now)};
  std::vector<InProcess> in_process;
  {
    StoreOptions store_options;
    store_options.clock = &clock;
    const std::unique_ptr<Store> store = need(Store::open(folder / "data", std::move(store_options)));
    need(store->set_plant(plant, std::nullopt, false));
    Ingestor ingestor{*store};
    PlantHistory history{plant, ingestor};
    const auto begun = SteadyClock::now();
    history.run_until(now);
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
    report.heading(fmt::format("{} machines, {} days of states and counts", options.machines, options.days));
    report.add({"events", static_cast<double>(history.events()), "events", {}});
    report.add(
        {"taken in, without HTTP and JSON", static_cast<double>(history.events()) / seconds, "events/s", {}});
    for (const Question& question : questions) in_process.push_back(measure(report, options, question, *store));
  }
  const ServiceUnderTest server{folder.path(), {}, false, clock};
  HttpClient client = server.connect();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    measure_http(report, options, questions[i], in_process[i], client);
  }
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"The running shift of all machines, and the hours of one, in process and over HTTP"};
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines")->capture_default_str();
  app.add_option("--days", options.days, "Days of history")->capture_default_str();
  app.add_option("--samples", options.samples, "Answers to be timed")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
