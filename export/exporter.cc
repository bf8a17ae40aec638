#include "export/exporter.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "export/export_target.h"
#include "export/flush.h"
#include "export/target_url.h"

namespace takt {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

double seconds(Duration d) { return static_cast<double>(d.count()) / 1e6; }

/// A target and the thread that flushes it: one that hangs holds no other up.
struct Worker {
  TargetUrl url;
  // The thread's alone.
  Duration pause{0};
  SteadyTime due, tending_due;
  Duration interval{0}, stall{0};
  // Under the exporter's mutex.
  TargetStatus status;
  std::shared_ptr<ExportTarget> open;  // replaced by the thread alone
  std::uint64_t served = 0;            // the last call of flush_now() that it has flushed for
  bool ended = false;

  std::atomic<SteadyTime> moved{SteadyTime{}};  // when a flush was last seen to get on
  std::atomic<bool> flushing{false};
  std::thread thread;
};

}  // namespace

struct Exporter::State {
  const Store& store;  // borrowed
  ExporterOptions options;

  mutable std::mutex mutex;
  std::condition_variable wake, flushed, end_of_watch;
  std::uint64_t requested = 0;  // calls of flush_now()
  bool stopping = false, watched = true;

  std::atomic<SteadyTime> give_up{SteadyTime::max()};  // when the exporter must be gone

  std::vector<std::unique_ptr<Worker>> workers;
  std::thread watchdog;

  explicit State(const Store& s) : store(s) {}
  void run(Worker& worker);
  void flush_once(Worker& worker, bool at_once);
  Result<FlushReport> open_and_flush(Worker& worker);
  void tend(Worker& worker) const;
  void watch();
  void note(TargetStatus& status, const Result<FlushReport>& report, Duration took) const;
};

void Exporter::State::run(Worker& worker) {
  std::unique_lock lock{mutex};
  while (true) {
    const std::uint64_t serving = requested;
    const bool last = stopping;
    const bool at_once = last || serving > worker.served;
    lock.unlock();
    flush_once(worker, at_once);
    lock.lock();
    worker.served = std::max(worker.served, serving);
    worker.ended = last;
    flushed.notify_all();
    if (last) return;
    const auto next = std::min(steady_now() + worker.interval, worker.due);
    wake.wait_until(lock, next, [&] { return stopping || requested > worker.served; });
  }
}

void Exporter::State::flush_once(Worker& worker, bool at_once) {
  const SteadyTime begin = steady_now();
  if ((!at_once && begin < worker.due) || begin >= give_up.load()) return;
  // A machine may be described, and have spoken, only later: until then there is nothing to export.
  if (!store.has_plant()) {
    worker.due = begin + worker.interval;
    return;
  }
  worker.moved = begin;
  worker.flushing = true;
  const auto report = open_and_flush(worker);
  if (report && !at_once && begin >= worker.tending_due) tend(worker);
  worker.flushing = false;
  const SteadyTime end = steady_now();
  worker.pause =
      report ? worker.interval : std::min(options.longest_pause, std::max(worker.interval, 2 * worker.pause));
  worker.due = end + worker.pause;
  const std::lock_guard guard{mutex};
  // Opened anew next time: the file may have been replaced, or its disk or server have gone and come back.
  if (!report) worker.open.reset();
  note(worker.status, report, std::chrono::duration_cast<Duration>(end - begin));
}

/// Opens the target if it is not, with its schema brought up to date, and flushes.
Result<FlushReport> Exporter::State::open_and_flush(Worker& worker) {
  if (!worker.open) {
    auto opened = ExportTarget::open(worker.url, ExportTarget::Mode::create);
    if (!opened) return opened.error();
    const auto target = std::make_shared<ExportTarget>(std::move(*opened));
    {
      const std::lock_guard guard{mutex};
      worker.open = target;
    }
    const auto version = target->version();
    if (!version) return version.error();
    if (*version < ExportTarget::newest_version()) {
      if (const auto migrated = target->migrate_to(ExportTarget::newest_version()); !migrated)
        return migrated.error();
    }
  }
  return flush(store, *worker.open, std::nullopt, [&] {
    worker.moved = steady_now();
    return steady_now() >= give_up.load();
  });
}

/// What fails here is no reason to flush less.
void Exporter::State::tend(Worker& worker) const {
  worker.moved = steady_now();
  worker.tending_due = steady_now() + options.tending;
  if (const auto done = worker.open->tend(); !done)
    spdlog::warn("the trends of {} were not made anew: {}", worker.status.name, done.error().context);
}

/// Ends what a server does not answer: while the exporter runs after ExporterOptions::stall, when it goes at its
/// deadline.
void Exporter::State::watch() {
  constexpr std::chrono::milliseconds kLook{200};
  std::unique_lock lock{mutex};
  while (watched) {
    end_of_watch.wait_for(lock, kLook);
    const SteadyTime now = steady_now();
    for (const auto& worker : workers) {
      const bool stalled = now - worker->moved.load() > worker->stall || now >= give_up.load();
      if (worker->flushing && stalled && worker->open) worker->open->interrupt();
    }
  }
}

void Exporter::State::note(TargetStatus& s, const Result<FlushReport>& report, Duration took) const {
  if (!report) {
    // Said once, not at every attempt.
    if (s.state != "failing" || s.last_error != report.error().context) {
      spdlog::error("export to {} fails: {}", s.name, report.error().context);
    }
    s.state = "failing";
    s.last_error = report.error().context;
    ++s.failures;
    return;
  }
  if (s.state == "failing") spdlog::info("export to {} works again", s.name);
  s.state = "ok";
  s.last_error.clear();
  s.watermark = report->watermark;
  s.last_flush = report->at;
  s.last_flush_duration_s = seconds(took);
  s.rows_written += report->rows_written;
  ++s.flushes;
}

Exporter::Exporter(std::unique_ptr<State> state) : state_(std::move(state)) {
  for (const auto& worker : state_->workers)
    worker->thread = std::thread{[s = state_.get(), w = worker.get()] { s->run(*w); }};
  state_->watchdog = std::thread{[s = state_.get()] { s->watch(); }};
}

Result<std::unique_ptr<Exporter>> Exporter::open(const Store& store, const std::vector<std::string>& urls,
                                                 ExporterOptions options) {
  auto state = std::make_unique<State>(store);
  state->options = options;
  for (const std::string& url : urls) {
    auto parsed = parse_target_url(url);
    if (!parsed) return parsed.error();
    auto worker = std::make_unique<Worker>();
    worker->status.name = std::holds_alternative<SqliteUrl>(*parsed) ? url : shown(*parsed);
    worker->status.state = "starting";
    worker->status.readings = name_of(options_of(*parsed).readings);
    worker->interval = options_of(*parsed).interval.value_or(options.interval);
    worker->stall = options_of(*parsed).stall.value_or(options.stall);
    worker->url = std::move(*parsed);
    state->workers.push_back(std::move(worker));
  }
  return std::unique_ptr<Exporter>{new Exporter{std::move(state)}};
}

Exporter::~Exporter() {
  {
    const std::lock_guard guard{state_->mutex};
    state_->stopping = true;
    if (state_->give_up.load() == SteadyTime::max()) state_->give_up = steady_now() + state_->options.last_flush;
  }
  state_->wake.notify_all();
  for (const auto& worker : state_->workers) worker->thread.join();
  {
    const std::lock_guard guard{state_->mutex};
    state_->watched = false;
  }
  state_->end_of_watch.notify_all();
  state_->watchdog.join();
}

void Exporter::finish_by(std::chrono::steady_clock::time_point deadline) { state_->give_up = deadline; }

void Exporter::flush_now() {
  std::unique_lock lock{state_->mutex};
  const std::uint64_t mine = ++state_->requested;
  state_->wake.notify_all();
  state_->flushed.wait(lock, [&] {
    return std::all_of(state_->workers.begin(), state_->workers.end(),
                       [&](const auto& worker) { return worker->ended || worker->served >= mine; });
  });
}

std::vector<TargetStatus> Exporter::status() const {
  const Sequence sequence = state_->store.sequence();
  const Timestamp now = state_->store.clock().now();
  const std::lock_guard guard{state_->mutex};
  std::vector<TargetStatus> list;
  for (const auto& worker : state_->workers) {
    TargetStatus& s = list.emplace_back(worker->status);
    s.sequence = sequence;
    if (s.watermark < sequence && s.last_flush) s.lag_s = seconds(std::max(Duration{0}, now - *s.last_flush));
  }
  return list;
}

void append_json(JsonText& out, const std::vector<TargetStatus>& targets) {
  out.begin_object().key("targets").begin_array();
  for (const TargetStatus& t : targets) {
    out.begin_object().member("name", t.name).member("state", t.state).key("last_error");
    t.last_error.empty() ? out.null() : out.value(t.last_error);
    out.member("readings", t.readings);
    out.member("watermark", t.watermark).member("sequence", t.sequence).member("lag_s", t.lag_s);
    out.member("last_flush", t.last_flush).member("last_flush_duration_s", t.last_flush_duration_s);
    out.member("rows_written", t.rows_written).member("flushes", t.flushes).member("failures", t.failures);
    out.end_object();
  }
  out.end_array().end_object();
}

}  // namespace takt
