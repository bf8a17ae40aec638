#include <algorithm>
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

void append_operation(JsonText& out, const Route& route) {
  std::string id = lower(route.method);
  for (const char c : route.path) id += c == '/' || c == '.' ? '_' : c;
  out.begin_object().member("operationId", id).member("summary", route.summary);
  if (!route.parameters.empty()) {
    out.key("parameters").begin_array();
    for (const ParameterDoc& p : route.parameters) {
      out.begin_object().member("name", p.name).member("in", "query").member("required", p.required);
      out.member("description", p.description).key("schema").begin_object().member("type", "string").end_object();
      out.end_object();
    }
    out.end_array();
  }
  if (!route.request_body.empty()) {
    out.key("requestBody").begin_object().member("required", true).member("description", route.request_body);
    out.key("content").begin_object().key("*/*").begin_object().end_object().end_object().end_object();
  }
  out.key("responses").begin_object().key("200").begin_object().member("description", route.answer).key("content");
  out.begin_object().key(route.content_type).begin_object().end_object().end_object().end_object();
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
                    plant_routes(), operation_routes(), backup_routes(), access_routes()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace takt
