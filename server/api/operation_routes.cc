#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "query/json_text.h"
#include "server/alerts/alert_book.h"
#include "server/api/front.h"
#include "server/version.h"

namespace takt {
namespace {

HttpResponse get_status(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {}, now};
  if (auto fault = in.problem()) return *fault;
  const StoreStatistics& s = api.store.statistics();
  const auto uptime = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - api.started);
  JsonText out;
  out.begin_object().member("version", kVersion).member("now", now).member("uptime_s", uptime);
  out.member("sequence", api.store.sequence()).key("storage").begin_object();
  out.member("id", api.store.id())
      .member("disk_bytes", api.store.disk_bytes())
      .member("free_bytes", api.store.free_bytes());
  const std::string reason = api.store.read_only_reason();
  out.member("read_only", !reason.empty()).key("reason");
  if (reason.empty())
    out.null();
  else
    out.value(reason);
  out.end_object()
      .key("events")
      .begin_object()
      .member("accepted", s.accepted.load())
      .member("duplicate", s.duplicates.load());
  out.member("rejected", s.rejected.load()).member("quarantined", api.store.quarantine_size()).end_object();
  out.key("clock").begin_object().member("timezone", api.store.plant()->timezone).key("tzdata");
  if (const auto zone = api.store.timezone())
    out.value(zone->tzdata);
  else
    out.null();
  out.end_object();
  out.key("jobs").begin_array();
  for (const JobReport& job : api.store.jobs()) {
    out.begin_object().member("name", job.name).member("last_run", job.last_run).key("next_run");
    if (job.next_run)
      out.value(*job.next_run);
    else
      out.null();
    out.member("outcome", job.outcome).key("done");
    if (job.done)
      out.value(*job.done);
    else
      out.null();
    out.end_object();
  }
  return json_response(out.end_array().end_object().take());
}

void run_export(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.workers, std::move(responder), [&api] {
    api.exporter.flush_now();
    JsonText out;
    append_json(out, api.exporter.status());
    return json_response(out.take());
  });
}

HttpResponse get_export(Api& api, const HttpRequest& http) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return *fault;
  JsonText out;
  append_json(out, api.exporter.status());
  return json_response(out.take());
}

HttpResponse get_metrics(Api& api, const HttpRequest&) {
  HttpResponse text;
  text.content_type = "text/plain; version=0.0.4; charset=utf-8";
  text.body = metrics(api);
  return text;
}

HttpResponse get_openapi(Api&, const HttpRequest&) {
  static const std::string kDocument = openapi(all_routes());
  HttpResponse answer;
  answer.content_type = "application/json";
  answer.static_body = kDocument;
  return answer;
}

/// Resident memory of this process: the second number of /proc/self/statm, in pages.
std::uint64_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// As a label's value.
std::string label_value(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void append_source_metrics(std::string& out, Api& api) {
  const auto to = std::back_inserter(out);
  const auto family = [&](std::string_view name, std::string_view kind, std::string_view help) {
    fmt::format_to(to, "# HELP takt_{0} {2}\n# TYPE takt_{0} {1}\n", name, kind, help);
  };
  const auto sources = api.ingestor.sources().report(api.store.clock().now());
  DataQuality all;
  family("source_events_total", "counter", "Events of a source, by what became of them.");
  for (const SourceReport& source : sources) {
    all.good += source.accepted + source.duplicate, all.rejected += source.rejected,
        all.replayed += source.replayed;
    const std::initializer_list<std::pair<std::string_view, std::uint64_t>> outcomes = {
        {"accepted", source.accepted},
        {"duplicate", source.duplicate},
        {"repaired", source.repaired},
        {"replayed", source.replayed}};
    for (const auto& [outcome, count] : outcomes)
      fmt::format_to(to, "takt_source_events_total{{source={},outcome=\"{}\"}} {}\n", label_value(source.name),
                     outcome, count);
  }
  family("source_rejected_total", "counter", "Refused events of a source, by code.");
  for (const SourceReport& source : sources) {
    for (std::size_t i = 0; i < kRejections; ++i) {
      if (source.rejected_by_code.at(i) == 0) continue;
      fmt::format_to(to, "takt_source_rejected_total{{source={},code=\"{}\"}} {}\n", label_value(source.name),
                     name_of(static_cast<Rejection>(i)), source.rejected_by_code.at(i));
    }
  }
  family("machine_rejected_total", "counter", "Refused events of a machine, by code.");
  for (const auto& [machine, rejects] : api.ingestor.rejects_by_machine().report()) {
    for (std::size_t i = 0; i < kRejections; ++i) {
      if (rejects.by_code.at(i) == 0) continue;
      fmt::format_to(to, "takt_machine_rejected_total{{machine={},code=\"{}\"}} {}\n",
                     label_value(readable(machine)), name_of(static_cast<Rejection>(i)), rejects.by_code.at(i));
    }
  }
  family("data_quality_goal_ratio", "gauge", "The share of events that should be good.");
  fmt::format_to(to, "takt_data_quality_goal_ratio {}\n", kDataQualityGoal);
  if (all.empty()) return;
  family("data_quality_ratio", "gauge",
         "The share of events that were good: taken in at once or replayed, or known.");
  fmt::format_to(to, "takt_data_quality_ratio {}\n", all.share());
}

void append_machine_metrics(std::string& out, Api& api) {
  out +=
      "# HELP takt_machine_last_event_timestamp_seconds When a machine was last heard of, by its own clock.\n"
      "# TYPE takt_machine_last_event_timestamp_seconds gauge\n";
  const StoreView view = api.store.read();
  for (std::uint32_t i = 0; i < view.machine_count(); ++i) {
    const MachineId id{i};
    const auto last = view.machine(id).last_event();
    if (!last || !is_active(view, id)) continue;
    fmt::format_to(std::back_inserter(out), "takt_machine_last_event_timestamp_seconds{{machine={}}} {:.3f}\n",
                   label_value(view.numbers().name(id)), static_cast<double>(micros(*last)) / 1e6);
  }
}

}  // namespace

std::string metrics(Api& api) {
  std::string out;
  const StoreStatistics& s = api.store.statistics();
  const auto one = [&](std::string_view name, std::string_view kind, std::string_view help, auto value) {
    fmt::format_to(std::back_inserter(out), "# HELP takt_{0} {2}\n# TYPE takt_{0} {1}\ntakt_{0} {3}\n", name, kind,
                   help, value);
  };
  const auto load = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  one("commits_total", "counter", "Commits written with fsync.", load(s.commits));
  one("events_duplicate_total", "counter", "Events that were known already.", load(s.duplicates));
  out += "# HELP takt_events_accepted_total Events taken in.\n# TYPE takt_events_accepted_total counter\n";
  for (std::size_t i = 0; i < kEventTypes; ++i) {
    fmt::format_to(std::back_inserter(out), "takt_events_accepted_total{{type=\"{}\"}} {}\n",
                   name_of(static_cast<EventType>(i)), load(s.accepted_by_type[i]));
  }
  out += "# HELP takt_events_rejected_total Events refused.\n# TYPE takt_events_rejected_total counter\n";
  for (std::size_t i = 0; i < kRejections; ++i) {
    fmt::format_to(std::back_inserter(out), "takt_events_rejected_total{{code=\"{}\"}} {}\n",
                   name_of(static_cast<Rejection>(i)), load(s.rejected_by_code[i]));
  }
  one("commit_sync_seconds_total", "counter", "Time spent writing commits.",
      static_cast<double>(load(s.sync_micros)) / 1e6);
  one("commit_sync_last_seconds", "gauge", "Time that the newest commit took to write.",
      static_cast<double>(load(s.sync_micros_last)) / 1e6);
  one("commit_apply_seconds_total", "counter", "Time spent applying commits to the rollups.",
      static_cast<double>(load(s.apply_micros)) / 1e6);
  one("queue_events", "gauge", "Events waiting for the committer.", load(s.queue_events));
  one("journal_bytes", "gauge", "Journal of readings that are in no chunk yet.", load(s.journal_bytes));
  one("chunks_sealed_total", "counter", "Column chunks sealed.", load(s.chunks_sealed));
  one("chunks_dropped_total", "counter", "Column chunks dropped by retention.", load(s.chunks_dropped));
  one("readings_dropped_total", "counter", "Readings dropped by retention.", load(s.readings_dropped));
  one("events_dropped_total", "counter", "Other events dropped by retention.", load(s.events_dropped));
  one("sequence", "gauge", "Number of the newest commit.", api.store.sequence());
  one("quarantine_entries", "gauge", "Refused events kept.", api.store.quarantine_size());
  one("storage_free_bytes", "gauge", "Free space on the disk of the data folder.", api.store.free_bytes());
  one("storage_read_only", "gauge", "1 while nothing is taken in.", api.store.read_only_reason().empty() ? 0 : 1);
  one("http_requests_cancelled_total", "counter",
      "Requests given up because their client left or the server stopped.", api.http.cancelled_requests());
  one("live_listeners", "gauge", "Open event streams.", api.live.listeners());
  one("resident_memory_bytes", "gauge", "Resident memory of the process.", resident_bytes());
  const AlertBook::Counts alerts = api.alerts.counts();
  one("alerts_firing", "gauge", "Alerts that fire.", alerts.firing);
  one("alert_deliveries_waiting", "gauge", "Messages of alerts that nobody has taken yet.", alerts.waiting);
  one("alert_deliveries_total", "counter", "Messages of alerts that were taken.", alerts.delivered);
  one("alert_delivery_failures_total", "counter", "Attempts to deliver one that failed.", alerts.failures);
  append_machine_metrics(out, api);
  api.front.append_metrics(out);
  append_source_metrics(out, api);
  for (const auto& target : api.exporter.status()) {
    fmt::format_to(std::back_inserter(out), "takt_export_lag_seconds{{target=\"{}\"}} {}\n", target.name,
                   target.lag_s);
  }
  return out;
}

std::vector<Route> operation_routes() {
  return {
      {"GET",
       "/v1/export",
       "State and lag of every export target",
       {},
       "targets with state, lag_s, sequence and last error",
       "application/json",
       {},
       answering(get_export)},
      {"POST",
       "/v1/export/run",
       "Flush all export targets now",
       {},
       "as GET /v1/export, after the flush",
       "application/json",
       {},
       run_export},
      {"GET",
       "/v1/status",
       "Version, clock and storage",
       {},
       "version, now, uptime_s, sequence, storage, events, jobs",
       "application/json",
       {},
       answering(get_status)},
      {"GET",
       "/metrics",
       "Prometheus metrics",
       {},
       "text exposition format",
       "text/plain",
       {},
       answering(get_metrics)},
      {"GET",
       "/openapi.json",
       "This description",
       {},
       "OpenAPI 3.1",
       "application/json",
       {},
       answering(get_openapi)},
      // Answered before the store is open, too: see service.cc.
      {"GET",
       "/healthz",
       "Alive",
       {},
       "ok, from the first moment",
       "application/json",
       {},
       answering([](Api&, const HttpRequest&) { return json_response(R"({"status":"ok"})"); })},
      {"GET",
       "/readyz",
       "Serving",
       {},
       "ready; 503 with the reason while recovering, stopping or read-only",
       "application/json",
       {},
       answering([](Api& api, const HttpRequest&) {
         const std::string reason = api.store.read_only_reason();
         return reason.empty() ? json_response(R"({"status":"ready"})") : problem(503, "read-only", reason);
       })},
  };
}

}  // namespace takt
