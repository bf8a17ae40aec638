// How the API answers under load: the server in a process of its own, clients in this one, both on the same cores.
//
// Open loop: each of 100 clients asks five times a second, whether the last answer has come or not; an answer's
// time runs from the moment at which it was to be asked. Closed loop: a few clients ask as fast as they are
// answered. Then the same while 50,000 events a second come in. Beside it a call that answers nothing (/healthz)
// and a copy in memory: what HTTP and this machine cost.
#include "bench/plant_history.h"
#include "bench/plant_load.h"
#include "bench/probes.h"
#include "bench/report.h"
#include "bench/samples.h"
#include "bench/scratch_folder.h"
#include "bench/service_under_test.h"
#include "simulator/plant_model.h"

#include <fmt/format.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <iterator>
#include <mutex>
#include <thread>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr auto kPoll = std::chrono::milliseconds{200};  // of a client in the open loop

struct Options {
  std::string folder = "data", json;
  std::size_t machines = 200, clients = 100, askers = 4, listeners = 1'000, events_per_s = 50'000;
  int days = 30, seconds = 10, samples = 2'000;
};

Timestamp now_of(const Options& options) {
  return kLoadBegin + std::chrono::days{options.days} + std::chrono::minutes{630};
}

/// A whole server in a child process, with the history in it. The parent has no threads when it forks.
class QueryServerProcess {
 public:
  QueryServerProcess(const ScratchFolder& folder, const Plant& plant, const Options& options) {
    std::array<int, 2> answers{}, orders{};
    need_that(pipe(answers.data()) == 0 && pipe(orders.data()) == 0, "no pipes are to be had");
    process_ = fork();
    need_that(process_ >= 0, "no process is to be had");
    if (process_ == 0) {
      close(answers[0]), close(orders[1]);
      serve(folder, plant, options, answers[1], orders[0]);
    }
    close(answers[1]), close(orders[0]);
    orders_ = orders[1];
    std::array<char, 64> url{};
    need_that(read(answers[0], url.data(), url.size() - 1) > 0, "the server did not start");
    close(answers[0]);
    url_ = url.data();
  }
  ~QueryServerProcess() {
    close(orders_);
    waitpid(process_, nullptr, 0);
  }
  QueryServerProcess(const QueryServerProcess&) = delete;
  QueryServerProcess& operator=(const QueryServerProcess&) = delete;

  HttpClient connect() const { return need(HttpClient::open(url_)); }
  std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1))); }

 private:
  [[noreturn]] static void serve(const ScratchFolder& folder, const Plant& plant, const Options& options,
                                 int answers, int orders) {
    mallopt(M_ARENA_MAX, 2);  // as `takt serve`
    {
      const FixedClock clock{now_of(options)};
      {
        StoreOptions store_options;
        store_options.clock = &clock;
        const auto store = need(Store::open(folder / "data", std::move(store_options)));
        need(store->set_plant(plant, std::nullopt, false));
        Ingestor ingestor{*store};
        PlantHistory{plant, ingestor}.run_until(clock.now());
      }
      const ServiceUnderTest server{folder.path(), {}, false, clock};
      const std::string url = server.url();
      need_that(write(answers, url.c_str(), url.size()) == static_cast<ssize_t>(url.size()), "the parent is gone");
      char end = 0;
      (void)!read(orders, &end, 1);  // until the parent closes its side
    }
    _exit(0);  // the parent's objects are the parent's to take down
  }

  pid_t process_ = -1;
  int orders_ = -1;
  std::string url_;
};

struct Times {
  std::vector<double> ms;
  std::size_t bytes = 0;
  double seconds = 0;
};

HttpReply answered(HttpClient& client, const std::string& target, int status = 200,
                   const HttpHeaders& headers = {}) {
  HttpReply reply = need(client.get(target, headers));
  need_that(reply.status == status, fmt::format("{} was answered {}", target, reply.status).c_str());
  return reply;
}

double ms_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

/// What several threads measure, put together.
Times together(std::size_t threads, const std::function<Times(std::size_t)>& work) {
  Times all;
  std::mutex mutex;
  std::vector<std::thread> running;
  const auto begun = SteadyClock::now();
  for (std::size_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      const Times mine = work(i);
      const std::lock_guard lock{mutex};
      all.ms.insert(all.ms.end(), mine.ms.begin(), mine.ms.end());
      all.bytes += mine.bytes;
    });
  }
  for (std::thread& thread : running) thread.join();
  all.seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  return all;
}

Times open_loop(const QueryServerProcess& server, const Options& options, const std::string& target) {
  const auto begin = SteadyClock::now() + std::chrono::milliseconds{500};
  return together(options.clients, [&](std::size_t number) {
    HttpClient client = server.connect();
    answered(client, "/healthz");
    Times times;
    // Spread evenly, as people open their pages when they like.
    auto due = begin + kPoll * number / options.clients;
    for (const auto end = begin + std::chrono::seconds{options.seconds}; due < end; due += kPoll) {
      std::this_thread::sleep_until(due);
      times.bytes += answered(client, target).body.size();
      times.ms.push_back(ms_since(due));
    }
    return times;
  });
}

Times closed_loop(const QueryServerProcess& server, const Options& options, const std::string& target) {
  const auto end = SteadyClock::now() + std::chrono::seconds{options.seconds};
  return together(options.askers, [&](std::size_t) {
    HttpClient client = server.connect();
    Times times;
    while (SteadyClock::now() < end) {
      const auto asked = SteadyClock::now();
      times.bytes += answered(client, target).body.size();
      times.ms.push_back(ms_since(asked));
    }
    return times;
  });
}

Times one_by_one(const QueryServerProcess& server, const Options& options, const std::string& target, int status,
                 const HttpHeaders& headers) {
  HttpClient client = server.connect();
  Times times;
  for (int i = 0; i < options.samples; ++i) {
    const auto asked = SteadyClock::now();
    times.bytes += answered(client, target, status, headers).body.size();
    times.ms.push_back(ms_since(asked));
  }
  return times;
}

/// Event streams of one machine, all read by one thread.
class Listeners {
 public:
  Listeners(const QueryServerProcess& server, std::size_t count, const std::string& machine) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string request =
        fmt::format("GET /v1/live?scope=machine:{} HTTP/1.1\r\nHost: localhost\r\n\r\n", machine);
    for (std::size_t i = 0; i < count; ++i) {
      const int one = socket(AF_INET, SOCK_STREAM, 0);
      need_that(one >= 0 && connect(one, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                    send(one, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()),
                "a listener does not get in");
      sockets_.push_back({one, POLLIN, 0});
    }
    heard_.resize(count);
  }
  ~Listeners() {
    for (const pollfd& one : sockets_) close(one.fd);
  }
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  /// How long each has waited for `text` since `begin`, in milliseconds.
  std::vector<double> wait_for(std::string_view text, SteadyClock::time_point begin) {
    std::vector<double> ms;
    std::vector<bool> has(sockets_.size());
    std::array<char, 16384> bytes{};
    while (ms.size() < sockets_.size()) {
      need_that(poll(sockets_.data(), sockets_.size(), 30'000) > 0, "a listener hears nothing");
      for (std::size_t i = 0; i < sockets_.size(); ++i) {
        if (sockets_[i].revents == 0) continue;
        const ssize_t count = recv(sockets_[i].fd, bytes.data(), bytes.size(), 0);
        need_that(count > 0, "a listener was cut off");
        heard_[i].append(bytes.data(), static_cast<std::size_t>(count));
        if (!has[i] && heard_[i].find(text) != std::string::npos) has[i] = true, ms.push_back(ms_since(begin));
        if (has[i]) heard_[i].clear();
      }
    }
    return ms;
  }

 private:
  std::vector<pollfd> sockets_;
  std::vector<std::string> heard_;
};

/// Readings and counts of all machines, so many a second, until it goes.
class EventStreamIn {
 public:
  EventStreamIn(const QueryServerProcess& server, const Plant& plant, const Options& options)
      : thread_([&server, &plant, &options, this] { run(server, plant, options); }) {}
  ~EventStreamIn() {
    stop_ = true;
    thread_.join();
  }
  EventStreamIn(const EventStreamIn&) = delete;
  EventStreamIn& operator=(const EventStreamIn&) = delete;
  double events_per_s() const { return static_cast<double>(sent_) / (ms_since(begun_) / 1e3); }

 private:
  static constexpr int kPerSecond = 10;  // bodies of each kind
  void run(const QueryServerProcess& server, const Plant& plant, const Options& options) {
    HttpClient client = server.connect();
    const std::size_t rows = options.events_per_s / kPerSecond;
    // The last hours again, an event a machine and millisecond: they are new, and of the running shift.
    Timestamp at = now_of(options) - std::chrono::hours{3};
    auto due = SteadyClock::now();
    for (std::string lines, counts; !stop_; due += std::chrono::milliseconds{1000 / kPerSecond}) {
      lines.clear(), counts.clear();
      for (std::size_t i = 0; i < rows; ++i) {
        const std::string& machine = plant.machines[i % plant.machines.size()].id;
        if (i % plant.machines.size() == 0) at += std::chrono::milliseconds{1};
        if (i % 10 == 0) {
          fmt::format_to(std::back_inserter(counts),
                         R"({{"type":"count","machine":"{}","ts":"{}","good":1}})"
                         "\n",
                         machine, format_time(at));
        } else {
          fmt::format_to(std::back_inserter(lines), "reading,machine={} load={}.5 {}\n", machine, i % 97,
                         micros(at));
        }
      }
      std::this_thread::sleep_until(due);
      const HttpReply readings = need(client.post("/write?precision=us", {lines, "text/plain"}));
      const HttpReply counted = need(client.post("/v1/events", {counts, "application/x-ndjson"}));
      need_that(readings.status == 204 && member(counted.body, "rejected") == 0, "events were not accepted");
      sent_ += rows;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> sent_{0};
  SteadyClock::time_point begun_ = SteadyClock::now();
  std::thread thread_;
};

struct Targets {
  std::string current = "/v1/oee/current", days, hours, pareto;
};

Targets targets_of(const Plant& plant, const Options& options) {
  const Timestamp end = kLoadBegin + std::chrono::days{options.days};
  const std::string range = fmt::format("from={}&to={}", format_time(kLoadBegin), format_time(end));
  const std::string one = "/v1/oee?scope=machine:" + plant.machines[0].id + "&" + range;
  const std::string day =
      fmt::format("from={}&to={}", format_time(end - std::chrono::hours{24}), format_time(end));
  return {"/v1/oee/current", one + "&grain=day", one + "&grain=hour", "/v1/downtime/pareto?" + day};
}

/// The 99th percentiles of a round.
struct Round {
  double current = 0, days = 0, hours = 0, pareto = 0;
};

std::string times_as_long(double before, double now) {
  return before > 0 ? fmt::format("{:.2f} times as long as alone; goal 2: {}", now / before,
                                  now <= 2 * before ? "kept" : "MISSED")
                    : std::string{};
}

Round measure_round(Report& report, const QueryServerProcess& server, const Options& options, const Targets& ask,
                    const Round& alone) {
  Round round;
  const bool is_alone = alone.current == 0;
  const Times current = open_loop(server, options, ask.current);
  round.current = percentile(current.ms, 0.99);
  report.add({"running shift, open loop, answered", static_cast<double>(current.ms.size()) / options.seconds, "/s",
              fmt::format("{} kB each", current.bytes / std::max<std::size_t>(1, current.ms.size()) / 1000)});
  report.add({"running shift, open loop, p50", percentile(current.ms, 0.5), "ms", {}});
  report.add({"running shift, open loop, p99", round.current, "ms",
              is_alone ? at_most(round.current, 5) : times_as_long(alone.current, round.current)});
  const Times days = closed_loop(server, options, ask.days);
  round.days = percentile(days.ms, 0.99);
  const double days_per_s = static_cast<double>(days.ms.size()) / days.seconds;
  report.add(
      {"30 days of days, closed loop", days_per_s, "/s", is_alone ? at_least(days_per_s, 5000) : std::string{}});
  report.add({"30 days of days, p99", round.days, "ms", times_as_long(alone.days, round.days)});
  const Times hours = closed_loop(server, options, ask.hours);
  round.hours = percentile(hours.ms, 0.99);
  const double mb_per_s = static_cast<double>(hours.bytes) / hours.seconds / 1e6;
  report.add(
      {"30 days of hours, closed loop", mb_per_s, "MB/s", is_alone ? at_least(mb_per_s, 300) : std::string{}});
  report.add({"30 days of hours, p99", round.hours, "ms", times_as_long(alone.hours, round.hours)});
  const Times pareto = one_by_one(server, options, ask.pareto, 200, {});
  round.pareto = percentile(pareto.ms, 0.99);
  const double p50 = percentile(pareto.ms, 0.5);
  report.add({"Pareto of 24 h of all, p50", p50, "ms", is_alone ? at_most(p50, 2) : std::string{}});
  report.add({"Pareto of 24 h of all, p99", round.pareto, "ms", times_as_long(alone.pareto, round.pareto)});
  return round;
}

void measure_single(Report& report, const QueryServerProcess& server, const Options& options, const Targets& ask) {
  const Times nothing = one_by_one(server, options, "/healthz", 200, {});
  report.add({"nothing (/healthz), p50", percentile(nothing.ms, 0.5), "ms", {}});
  const Times current = one_by_one(server, options, ask.current, 200, {});
  report.add({"running shift, p50", percentile(current.ms, 0.5), "ms",
              fmt::format("{:.1f} times nothing", percentile(current.ms, 0.5) / percentile(nothing.ms, 0.5))});
  report.add({"running shift, p99", percentile(current.ms, 0.99), "ms", at_most(percentile(current.ms, 0.99), 2)});
  HttpClient client = server.connect();
  for (const auto& [name, target] :
       {std::pair{"running shift", ask.current}, std::pair{"30 days of days", ask.days}}) {
    const std::string tag{answered(client, target).header("ETag").value_or("")};
    const Times known = one_by_one(server, options, target, 304, {{"If-None-Match", tag}});
    const double p50 = percentile(known.ms, 0.5);
    report.add({std::string{name} + " that is known (304), p50", p50, "ms", at_most(p50, 0.3)});
  }
}

/// From an event's answer to the listeners that hear of it.
void measure_live(Report& report, const QueryServerProcess& server, const Options& options, const Plant& plant) {
  const std::string& machine = plant.machines[0].id;
  Listeners listeners{server, options.listeners, machine};
  listeners.wait_for("event: oee", SteadyClock::now());
  HttpClient client = server.connect();
  std::vector<double> first, last;
  for (int i = 0; i < 20; ++i) {
    const std::string event = fmt::format(R"({{"type":"count","machine":"{}","ts":"{}","good":{}}})", machine,
                                          format_time(now_of(options) - std::chrono::seconds{i + 1}), 1000 + i);
    const auto sent = SteadyClock::now();
    need_that(need(client.post("/v1/events", {event, "application/json"})).status == 200,
              "an event was not accepted");
    const std::vector<double> ms = listeners.wait_for(fmt::format("\"good\":{},", 1000 + i), sent);
    first.push_back(ms.front()), last.push_back(ms.back());
  }
  report.add({"from sending an event to the first listener, p50", median(first), "ms", {}});
  report.add({"to the last listener, p50", median(last), "ms", {}});
}

int run(const Options& options) {
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  const Plant plant = need(parse_plant_toml(plant_toml(options.machines, kHistorySeed), "plant.toml"));
  const QueryServerProcess server{folder, plant, options};
  const Targets ask = targets_of(plant, options);
  report.heading(fmt::format("{} machines, {} days; one client, one question after the other", options.machines,
                             options.days));
  measure_single(report, server, options, ask);
  report.heading(fmt::format("{} listeners", options.listeners));
  measure_live(report, server, options, plant);
  report.heading(fmt::format("{} clients that ask 5 times a second; {} that ask as fast as they can",
                             options.clients, options.askers));
  const Round alone = measure_round(report, server, options, ask, {});
  report.heading(fmt::format("the same while {} events a second come in", options.events_per_s));
  const EventStreamIn stream{server, plant, options};
  measure_round(report, server, options, ask, alone);
  report.add({"came in meanwhile", stream.events_per_s(), "events/s", {}});
  constexpr std::size_t kCopied = 64U << 20U;
  report.add({"copy in memory", memcpy_bytes_per_s(kCopied) / 1e6, "MB/s", {}});
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"Questions to the API under load, alone and while events come in"};
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines")->capture_default_str();
  app.add_option("--days", options.days, "Days of history")->capture_default_str();
  app.add_option("--clients", options.clients, "Clients of the open loop")->capture_default_str();
  app.add_option("--askers", options.askers, "Clients of the closed loop")->capture_default_str();
  app.add_option("--listeners", options.listeners, "Open event streams")->capture_default_str();
  app.add_option("--events", options.events_per_s, "Events a second that come in")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Of each measurement under load")->capture_default_str();
  app.add_option("--samples", options.samples, "Answers to be timed of a single client")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
