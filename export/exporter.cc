#include "export/exporter.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "export/flush.h"
#include "export/target_url.h"

namespace takt {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A target and what its thread alone touches.
struct Target {
  TargetUrl url;
  std::optional<SqliteTarget> open;
  Duration pause{0};
  SteadyTime due;
};

/// Opens the target if it is not, with its schema brought up to date, and flushes.
Result<FlushReport> flush_target(const Store& store, Target& target, const std::function<bool()>& given_up) {
  if (!target.open) {
    auto opened = SqliteTarget::open(target.url.file, SqliteDatabase::Mode::create);
    if (!opened) return opened.error();
    const auto version = opened->version();
    if (!version) return version.error();
    if (*version < SqliteTarget::newest_version()) {
      if (const auto migrated = opened->migrate_to(SqliteTarget::newest_version()); !migrated)
        return migrated.error();
    }
    target.open.emplace(std::move(*opened));
  }
  auto report = flush(store, *target.open, std::nullopt, given_up);
  // Opened anew next time: the file may have been replaced, or its disk have gone and come back.
  if (!report) target.open.reset();
  return report;
}

double seconds(Duration d) { return static_cast<double>(d.count()) / 1e6; }

}  // namespace

struct Exporter::State {
  const Store& store;  // borrowed
  ExporterOptions options;

  mutable std::mutex mutex;
  std::condition_variable wake, flushed;
  std::vector<TargetStatus> status;
  std::uint64_t requested = 0, served = 0;  // calls of flush_now()
  bool stopping = false, stopped = false;

  std::atomic<SteadyTime> give_up{SteadyTime::max()};  // when the exporter must be gone

  std::vector<Target> targets;  // the thread's
  std::thread thread;

  explicit State(const Store& s) : store(s) {}
  void run();
  void flush_one(std::size_t index, bool at_once);
  void note(TargetStatus& status, const Result<FlushReport>& report, Duration took) const;
};

void Exporter::State::run() {
  std::unique_lock lock{mutex};
  while (true) {
    const std::uint64_t serving = requested;
    const bool last = stopping;
    const bool at_once = last || serving > served;
    lock.unlock();
    for (std::size_t i = 0; i < targets.size(); ++i) flush_one(i, at_once);
    lock.lock();
    served = std::max(served, serving);
    stopped = last;
    flushed.notify_all();
    if (last) return;
    auto next = std::chrono::steady_clock::now() + options.interval;
    for (const Target& target : targets) next = std::min(next, target.due);
    wake.wait_until(lock, next, [&] { return stopping || requested > served; });
  }
}

void Exporter::State::flush_one(std::size_t index, bool at_once) {
  Target& target = targets[index];
  const SteadyTime begin = std::chrono::steady_clock::now();
  if (!at_once && begin < target.due) return;
  // A machine may be described, and have spoken, only later: until then there is nothing to export.
  if (!store.has_plant()) {
    target.due = begin + options.interval;
    return;
  }
  const auto report =
      flush_target(store, target, [this] { return std::chrono::steady_clock::now() >= give_up.load(); });
  const SteadyTime end = std::chrono::steady_clock::now();
  target.pause =
      report ? options.interval : std::min(options.longest_pause, std::max(options.interval, 2 * target.pause));
  target.due = end + target.pause;
  const std::lock_guard guard{mutex};
  note(status[index], report, std::chrono::duration_cast<Duration>(end - begin));
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
  state_->thread = std::thread{[s = state_.get()] { s->run(); }};
}

Result<std::unique_ptr<Exporter>> Exporter::open(const Store& store, const std::vector<std::string>& urls,
                                                 ExporterOptions options) {
  auto state = std::make_unique<State>(store);
  state->options = options;
  for (const std::string& url : urls) {
    auto parsed = parse_target_url(url);
    if (!parsed) return parsed.error();
    state->targets.push_back({std::move(*parsed), std::nullopt, Duration{0}, {}});
    TargetStatus& status = state->status.emplace_back();
    status.name = url;
    status.state = "starting";
  }
  return std::unique_ptr<Exporter>{new Exporter{std::move(state)}};
}

Exporter::~Exporter() {
  {
    const std::lock_guard guard{state_->mutex};
    state_->stopping = true;
    if (state_->give_up.load() == SteadyTime::max()) {
      state_->give_up = std::chrono::steady_clock::now() + state_->options.last_flush;
    }
  }
  state_->wake.notify_all();
  state_->thread.join();
}

void Exporter::finish_by(std::chrono::steady_clock::time_point deadline) { state_->give_up = deadline; }

void Exporter::flush_now() {
  std::unique_lock lock{state_->mutex};
  const std::uint64_t mine = ++state_->requested;
  state_->wake.notify_all();
  state_->flushed.wait(lock, [&] { return state_->stopped || state_->served >= mine; });
}

std::vector<TargetStatus> Exporter::status() const {
  const Sequence sequence = state_->store.sequence();
  const Timestamp now = state_->store.clock().now();
  const std::lock_guard guard{state_->mutex};
  std::vector<TargetStatus> list = state_->status;
  for (TargetStatus& s : list) {
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
    out.member("watermark", t.watermark).member("sequence", t.sequence).member("lag_s", t.lag_s);
    out.member("last_flush", t.last_flush).member("last_flush_duration_s", t.last_flush_duration_s);
    out.member("rows_written", t.rows_written).member("flushes", t.flushes).member("failures", t.failures);
    out.end_object();
  }
  out.end_array().end_object();
}

}  // namespace takt
