#include <algorithm>
#include <array>
#include <map>

#include "query/json_text.h"
#include "server/api/api.h"
#include "server/version.h"

namespace takt {
namespace {

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

/// A value that each parameter may have, by its name.
std::string_view example_of(std::string_view parameter) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 28> kExamples{{
      {"scope", "line:L1"},
      {"machine", "M1"},
      {"from", "2026-01-05T06:00:00Z"},
      {"to", "2026-01-05T14:00:00Z"},
      {"as_of", "2026-01-06T08:00:00Z"},
      {"grain", "shift"},
      {"group", "machine"},
      {"whole", "1"},
      {"by", "reason"},
      {"limit", "1000"},
      {"cursor", "2026-01-05T08:00:00Z"},
      {"tag", "spindle.temp"},
      {"step", "60s"},
      {"agg", "avg"},
      {"quality", "good"},
      {"characteristic", "diameter"},
      {"product", "X"},
      {"lsl", "73.95"},
      {"usl", "74.05"},
      {"target", "74"},
      {"subgroup_size", "5"},
      {"rules", "nelson"},
      {"chart", "p"},
      {"after", "0"},
      {"format", "ndjson"},
      {"precision", "ns"},
      {"valid_from", "2026-02-01T00:00:00Z"},
      {"dry_run", "1"},
  }};
  const auto found =
      std::ranges::find(kExamples, parameter, &std::pair<std::string_view, std::string_view>::first);
  return found == kExamples.end() ? std::string_view{} : found->second;
}

void append_operation(JsonText& out, const Route& route) {
  std::string id = lower(route.method);
  for (const char c : route.path) id += c == '/' || c == '.' ? '_' : c;
  out.begin_object().member("operationId", id).member("summary", route.summary);
  if (!route.parameters.empty()) {
    out.key("parameters").begin_array();
    for (const ParameterDoc& p : route.parameters) {
      out.begin_object().member("name", p.name).member("in", "query").member("required", p.required);
      out.member("description", p.description).key("schema").begin_object().member("type", "string").end_object();
      if (const auto example = example_of(p.name); !example.empty()) out.member("example", example);
      out.end_object();
    }
    out.end_array();
  }
  if (!route.request_body.empty()) {
    out.key("requestBody").begin_object().member("required", true).member("description", route.request_body);
    out.key("content").begin_object().key("*/*").begin_object().end_object().end_object().end_object();
  }
  out.key("responses").begin_object().key("200").begin_object().member("description", route.answer).key("content");
  out.begin_object().key(route.content_type).begin_object().end_object();
  if (!route.rows.empty()) {
    out.key("text/csv").begin_object().end_object();
    out.key("application/x-ndjson").begin_object().end_object();
  }
  out.end_object().end_object();
  out.key("default")
      .begin_object()
      .member("description", "an error: what went wrong and what to do")
      .key("content");
  out.begin_object().key("application/problem+json").begin_object().key("schema").begin_object();
  out.member("$ref", "#/components/schemas/Problem")
      .end_object()
      .end_object()
      .end_object()
      .end_object()
      .end_object();
  out.end_object();
}

}  // namespace

std::string openapi(const std::vector<Route>& routes) {
  std::map<std::string_view, std::vector<const Route*>> paths;
  for (const Route& route : routes) paths[route.path].push_back(&route);
  JsonText out;
  out.begin_object()
      .member("openapi", "3.1.0")
      .key("info")
      .begin_object()
      .member("title", "Takt")
      .member("version", kVersion);
  out.member("description",
             "OEE of a plant, exact whatever the order of arrival. Times are RFC 3339 or microseconds since 1970; "
             "durations are seconds; ratios are 0..1, null where the denominator is zero.");
  out.key("license").begin_object().member("name", "Apache-2.0").end_object().end_object();
  out.key("paths").begin_object();
  for (const auto& [path, list] : paths) {
    out.key(path).begin_object();
    for (const Route* route : list) {
      out.key(lower(route->method));
      append_operation(out, *route);
    }
    out.end_object();
  }
  out.end_object().key("components").begin_object().key("schemas").begin_object().key("Problem").begin_object();
  out.member("type", "object").key("properties").begin_object();
  for (const char* name : {"type", "title", "detail"})
    out.key(name).begin_object().member("type", "string").end_object();
  out.key("status")
      .begin_object()
      .member("type", "integer")
      .end_object()
      .end_object()
      .end_object()
      .end_object()
      .end_object();
  return out.end_object().take();
}

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (auto part : {ingest_routes(), source_routes(), query_routes(), kpi_routes(), quality_routes(),
                    plant_routes(), operation_routes(), backup_routes(), access_routes(), alert_routes()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace takt
