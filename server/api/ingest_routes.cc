#include <simdjson.h>

#include <memory>

#include "query/json_text.h"
#include "server/api/api.h"

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
  const auto format = format_of(http);
  if (!format) {
    return responder.send(
        problem(415, "events come as application/json, application/x-ndjson or text/csv, not as " +
                         std::string{http.header("content-type")}));
  }
  auto body = std::make_shared<HttpRequest>(std::move(http));
  answer_in(api.workers, std::move(responder), [&api, body, format = *format] {
    // Of a client that has left events are taken in all the same: it did send them.
    if (api.stopping && body->cancelled.stop_requested()) return problem_of(cancelled());
    return answer_of(
        api, api.ingestor.accept(format, body->body, "http " + body->remote.substr(0, body->remote.rfind(':'))));
  });
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
       "events: a JSON object or array, NDJSON (application/x-ndjson) or CSV (text/csv); gzip or zstd",
       post_events},
      {"GET",
       "/v1/quarantine",
       "What was refused",
       {{"after", "entries after this number"}, {"limit", "1 to 1000, default 100"}},
       "items with number, received, source, index, code, message and raw; total; next: what to ask `after` for "
       "more",
       "application/json",
       {},
       answering(get_quarantine)},
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
