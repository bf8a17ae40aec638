#include <simdjson.h>

#include <memory>

#include "ingest/tcp/batch_body.h"
#include "query/json_text.h"
#include "server/api/api.h"
#include "server/version.h"

namespace takt {
namespace {

constexpr std::size_t kPage = 1000;

/// The format of a body by its Content-Type, or by its first character where that says nothing.
std::optional<BodyFormat> format_of(const HttpRequest& http) {
  std::string_view type = http.header("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (equal_ignoring_case(type, "application/json")) return BodyFormat::json;
  if (equal_ignoring_case(type, "application/x-ndjson") || equal_ignoring_case(type, "application/ndjson") ||
      equal_ignoring_case(type, "application/jsonl")) {
    return BodyFormat::ndjson;
  }
  if (equal_ignoring_case(type, "text/csv")) return BodyFormat::csv;
  // curl's default, or none at all.
  const bool says_nothing = type.empty() || equal_ignoring_case(type, "application/x-www-form-urlencoded") ||
                            equal_ignoring_case(type, "application/octet-stream") ||
                            equal_ignoring_case(type, "text/plain");
  if (!says_nothing) return std::nullopt;
  const std::size_t first = http.body.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || http.body[first] == '[') return BodyFormat::json;
  if (http.body[first] != '{') return BodyFormat::csv;
  return http.body.find("}\n{") != std::string::npos || http.body.find("}\r\n{") != std::string::npos
             ? BodyFormat::ndjson
             : BodyFormat::json;
}

/// `bytes` as JSON may hold them: what is not UTF-8 becomes U+FFFD, so that one bad event does not spoil the
/// answer.
std::string readable(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    const std::string_view piece = bytes.substr(i, length);
    if (simdjson::validate_utf8(piece.data(), piece.size())) {
      out += piece;
      i += piece.size();
    } else {
      out += "\xEF\xBF\xBD";
      ++i;
    }
  }
  return out;
}

std::string render(const IngestAnswer& answer) {
  JsonText out;
  out.begin_object().member("accepted", std::uint64_t{answer.accepted});
  out.member("duplicate", std::uint64_t{answer.duplicate}).member("rejected", std::uint64_t{answer.rejected});
  out.key("rejects").begin_array();
  for (const RejectedEvent& rejected : answer.rejects) {
    out.begin_object().member("index", std::uint64_t{rejected.index}).member("code", name_of(rejected.code));
    out.member("message", readable(rejected.message)).end_object();
  }
  return out.end_array().member("sequence", answer.sequence).end_object().take();
}

HttpResponse answer_of(Api& api, const Result<IngestAnswer>& answer) {
  if (answer) return json_response(render(*answer));
  if (answer.error().code != ErrorCode::unavailable) return problem_of(answer.error());
  const bool storage = !api.store.read_only_reason().empty();
  HttpResponse refused = problem(storage ? 503 : 429, answer.error().context);
  refused.headers.emplace_back("Retry-After", storage ? "10" : "1");
  return refused;
}

void post_events(Api& api, HttpRequest& http, Responder responder) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return responder.send(*fault);
  const bool batch = equal_ignoring_case(http.header("content-type"), "application/x-flatbuffers");
  const auto format = format_of(http);
  if (!format && !batch) {
    return responder.send(
        problem(415,
                "events come as application/json, application/x-ndjson, text/csv or application/x-flatbuffers, "
                "not as " +
                    std::string{http.header("content-type")}));
  }
  auto body = std::make_shared<HttpRequest>(std::move(http));
  answer_in(api.workers, std::move(responder), [&api, body, format] {
    // Of a client that has left events are taken in all the same: it did send them.
    if (api.stopping && body->cancelled.stop_requested()) return problem_of(cancelled());
    const std::string source = "http " + body->remote.substr(0, body->remote.rfind(':'));
    return answer_of(api, format ? api.ingestor.accept(*format, body->body, source)
                                 : accept_batch(api.ingestor, body->body, source));
  });
}

// ---------------------------------------- line protocol

constexpr std::size_t kNamedLines = 20;

/// As InfluxDB's clients of either version understand it.
HttpResponse line_fault(bool v2, int status, const std::string& message) {
  JsonText out;
  out.begin_object();
  if (v2) out.member("code", status == 400 ? "invalid" : status == 429 ? "too many requests" : "unavailable");
  out.member(v2 ? "message" : "error", readable(message));
  HttpResponse answer = json_response(out.end_object().take());
  answer.status = status;
  if (status != 400) answer.headers.emplace_back("Retry-After", status == 429 ? "1" : "10");
  return answer;
}

std::string refused_lines(const IngestAnswer& answer) {
  std::string message = "partial write: ";
  for (std::size_t i = 0; i < std::min(kNamedLines, answer.rejects.size()); ++i) {
    const RejectedEvent& rejected = answer.rejects[i];
    if (i > 0) message += "; ";
    message += "line " + std::to_string(rejected.index) + ": " + std::string{name_of(rejected.code)} + ": " +
               rejected.message;
  }
  if (answer.rejected > kNamedLines) message += "; ...";
  return message + " dropped=" + std::to_string(answer.rejected);
}

HttpResponse answer_of_lines(Api& api, bool v2, const Result<IngestAnswer>& answer) {
  if (!answer) {
    if (answer.error().code != ErrorCode::unavailable) return line_fault(v2, 400, answer.error().context);
    // Clients of version 1, Telegraf's among them, throw away what is answered with any 4xx, and send a 503 again.
    const bool overload = v2 && api.store.read_only_reason().empty();
    return line_fault(v2, overload ? 429 : 503, answer.error().context);
  }
  if (answer->rejected > 0) return line_fault(v2, 400, refused_lines(*answer));
  HttpResponse done;
  done.status = 204;
  return done;
}

void post_lines(Api& api, HttpRequest& http, Responder responder) {
  const bool v2 = http.path == "/api/v2/write";
  const Timestamp now = api.store.clock().now();
  Parameters in{
      http,
      {"precision", "machine", "db", "rp", "u", "p", "consistency", "bucket", "bucketID", "org", "orgID"},
      now};
  const auto precision =
      in.choice("precision", LinePrecision::nanoseconds, line_precision_named, "ns, us, ms, s, m, h");
  const LineOptions options{precision, now, in.optional("machine").value_or("")};
  if (const auto fault = in.problem()) return responder.send(*fault);
  auto body = std::make_shared<HttpRequest>(std::move(http));
  answer_in(api.workers, std::move(responder), [&api, body, options, v2] {
    if (api.stopping && body->cancelled.stop_requested()) return problem_of(cancelled());
    const std::string source = "lp " + body->remote.substr(0, body->remote.rfind(':'));
    return answer_of_lines(api, v2, api.ingestor.accept(LineDecoder{body->body, options}, source));
  });
}

/// Clients of version 1 create their database before they write. There is none here that could be missing.
HttpResponse post_query(Api&, const HttpRequest& http) {
  const auto form = QueryParameters::parse(http.body).value_or(QueryParameters{});
  const std::string_view asked = http.query.get("q").value_or(form.get("q").value_or(""));
  constexpr std::string_view kCreate = "CREATE DATABASE ";
  if (equal_ignoring_case(asked.substr(0, kCreate.size()), kCreate))
    return json_response(R"({"results":[{"statement_id":0}]})");
  return line_fault(false, 400,
                    "there is no InfluxQL here but CREATE DATABASE, which does nothing; see GET /v1/series");
}

/// What InfluxDB's clients ask before they write.
HttpResponse get_ping(Api&, const HttpRequest&) {
  HttpResponse pong;
  pong.status = 204;
  pong.headers.emplace_back("X-Influxdb-Version", "takt-" + std::string{kVersion});
  return pong;
}

HttpResponse get_quarantine(Api& api, const HttpRequest& http) {
  Parameters in{http, {"after", "limit"}, api.store.clock().now()};
  const std::uint64_t after = in.number("after").value_or(0);
  const std::uint64_t limit = in.number("limit").value_or(100);
  if (limit < 1 || limit > kPage) in.fault("limit is 1 to " + std::to_string(kPage));
  if (auto fault = in.problem()) return *fault;
  const std::vector<QuarantineEntry> entries = api.store.quarantine(after, limit);
  JsonText out;
  out.begin_object().member("total", api.store.quarantine_size()).key("items").begin_array();
  for (const QuarantineEntry& entry : entries) {
    out.begin_object()
        .member("number", entry.number)
        .member("received", entry.received)
        .member("source", entry.source);
    out.member("index", std::uint64_t{entry.event.index}).member("code", name_of(entry.event.code));
    out.member("message", readable(entry.event.message)).member("raw", readable(entry.event.raw)).end_object();
  }
  out.end_array().key("next");
  if (entries.size() == limit)
    out.value(entries.back().number);
  else
    out.null();
  return json_response(out.end_object().take());
}

void replay_quarantine(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.workers, std::move(responder),
            [&api] { return answer_of(api, api.ingestor.replay_quarantine()); });
}

template <class T>
void member_or_null(JsonText& out, std::string_view key, const std::optional<T>& value) {
  out.key(key);
  if (value)
    out.value(*value);
  else
    out.null();
}

void append_source(JsonText& out, const SourceReport& source) {
  out.begin_object().member("source", source.name).member("kind", source.kind);
  out.member("state", name_of(source.state)).member("detail", readable(source.detail));
  member_or_null(out, "last_event", source.last_event);
  member_or_null(out, "last_received", source.last_received);
  member_or_null(out, "lag_s", source.lag);
  out.member("rate", source.rate).member("accepted", source.accepted).member("duplicate", source.duplicate);
  out.member("repaired", source.repaired).member("gaps", source.gaps).member("rejects", source.rejected);
  out.key("rejects_by_code").begin_object();
  for (std::size_t i = 0; i < kRejections; ++i) {
    if (source.rejected_by_code.at(i) > 0)
      out.member(name_of(static_cast<Rejection>(i)), source.rejected_by_code.at(i));
  }
  out.end_object();
  member_or_null(out, "clock_offset_s", source.clock_offset);
  out.member("clock_drifts", source.clock_drifts).end_object();
}

HttpResponse get_sources(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {}, now};
  if (auto fault = in.problem()) return *fault;
  JsonText out;
  out.begin_object().key("sources").begin_array();
  for (const SourceReport& source : api.ingestor.sources().report(now)) append_source(out, source);
  return json_response(out.end_array().end_object().take());
}

}  // namespace

std::vector<Route> ingest_routes() {
  return {
      {"POST",
       "/v1/events",
       "Take events in",
       {},
       "accepted, duplicate and rejected, which add up; rejects with index, code and message; sequence: the "
       "commit. Sent when "
       "the events are on disk and in every figure",
       "application/json",
       "events: a JSON object or array, NDJSON (application/x-ndjson), CSV (text/csv) or a Batch of "
       "schema/wire.fbs "
       "(application/x-flatbuffers); gzip or zstd",
       post_events},
      {"POST",
       "/write",
       "Take InfluxDB line protocol in, as of version 1",
       {{"precision", "of times: ns (default), us, ms, s, m, h"},
        {"machine", "of lines without the tag machine"},
        {"db", "not needed"}},
       "204, or 400 naming the bad lines; the good ones are kept. Sent when the events are on disk and in every "
       "figure",
       "application/json",
       "lines of measurement,tag=value field=value time; gzip or zstd",
       post_lines},
      {"POST",
       "/api/v2/write",
       "Take InfluxDB line protocol in, as of version 2",
       {{"precision", "of times: ns (default), us, ms, s"},
        {"machine", "of lines without the tag machine"},
        {"bucket", "not needed"},
        {"org", "not needed"}},
       "as POST /write",
       "application/json",
       "as POST /write",
       post_lines},
      {"POST",
       "/query",
       "Nothing: for clients of InfluxDB that create their database",
       {{"q", "CREATE DATABASE and a name, here or in a form"}},
       "results; 400 of any other statement",
       "application/json",
       "a form with q",
       answering(post_query)},
      {"GET",
       "/ping",
       "Whether InfluxDB line protocol can be sent",
       {},
       "204",
       "application/json",
       {},
       answering(get_ping)},
      {"GET",
       "/v1/quarantine",
       "What was refused",
       {{"after", "entries after this number"}, {"limit", "1 to 1000, default 100"}},
       "items with number, received, source, index, code, message and raw; total; next: what to ask `after` for "
       "more",
       "application/json",
       {},
       answering(get_quarantine)},
      {"GET",
       "/v1/sources",
       "Who sends, and how that goes",
       {},
       "sources, each with state, last_event, lag_s, rate (events a second, over the last minute), gaps, rejects, "
       "clock_offset_s (median of receipt less event time) and clock_drifts",
       "application/json",
       {},
       answering(get_sources)},
      {"POST",
       "/v1/quarantine/replay",
       "Try what was refused again",
       {},
       "as POST /v1/events; what is accepted leaves the quarantine",
       "application/json",
       {},
       replay_quarantine},
  };
}

}  // namespace takt
