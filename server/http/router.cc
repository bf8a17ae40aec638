#include "server/http/router.h"

#include <fmt/format.h>

namespace takt {
namespace {

template <class Methods>
std::string allow(const Methods& methods) {
  std::string list = "OPTIONS";
  for (const auto& [method, handler] : methods) list += method == "GET" ? ", GET, HEAD" : ", " + method;
  return list;
}

HttpResponse unknown_path(const std::string& path) {
  return problem(404, fmt::format("There is nothing at {}; GET /openapi.json lists every path.", path));
}

template <class Methods>
HttpResponse refused_method(const HttpRequest& request, const Methods& methods) {
  HttpResponse response =
      problem(405, fmt::format("{} is not for {}; it takes {}.", request.path, request.method, allow(methods)));
  response.headers.emplace_back("Allow", allow(methods));
  return response;
}

}  // namespace

Router& Router::add(std::string method, std::string path, Handler handler) {
  paths_[std::move(path)].insert_or_assign(std::move(method), std::move(handler));
  return *this;
}

void Router::operator()(HttpRequest request, Responder responder) const {
  const bool whole_server = request.path == "*" && request.method == "OPTIONS";
  if (whole_server) return responder.send({204, {}, {}, {{"Allow", "OPTIONS, GET, HEAD, POST, PUT"}}});
  const auto path = paths_.find(request.path);
  if (path == paths_.end()) return responder.send(unknown_path(request.path));
  auto method = path->second.find(request.method);
  if (method == path->second.end() && request.method == "HEAD") method = path->second.find("GET");
  if (method != path->second.end()) return method->second(std::move(request), std::move(responder));
  if (request.method == "OPTIONS") return responder.send({204, {}, {}, {{"Allow", allow(path->second)}}});
  responder.send(refused_method(request, path->second));
}

}  // namespace takt
