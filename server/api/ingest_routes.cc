#include <memory>

#include "ingest/tcp/batch_body.h"
#include "query/json_text.h"
#include "server/api/api.h"
#include "server/version.h"

namespace takt {
namespace {

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
    const Sender sender{"http " + body->remote.substr(0, body->remote.rfind(':')), body->permit};
    return answer_of(api, format ? api.ingestor.accept(*format, body->body, sender)
                                 : accept_batch(api.ingestor, body->body, sender));
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
    const Sender sender{"lp " + body->remote.substr(0, body->remote.rfind(':')), body->permit};
    return answer_of_lines(api, v2, api.ingestor.accept(LineDecoder{body->body, options}, sender));
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

}  // namespace

HttpResponse answer_of(Api& api, const Result<IngestAnswer>& answer) {
  if (answer) return json_response(render(*answer));
  if (answer.error().code != ErrorCode::unavailable) return problem_of(answer.error());
  const bool storage = !api.store.read_only_reason().empty();
  HttpResponse refused = problem(storage ? 503 : 429, answer.error().context);
  refused.headers.emplace_back("Retry-After", storage ? "10" : "1");
  return refused;
}

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
  };
}

}  // namespace takt
