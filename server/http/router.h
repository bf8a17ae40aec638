// Which handler answers which path.
#pragma once

#include "server/http/responder.h"

#include <map>
#include <string>

namespace takt {

/// Exact paths by method. Filled before the server starts and only read afterwards, by any number of threads.
/// HEAD is answered by GET, OPTIONS by the methods of the path; 404 and 405 are problems. Exceptions of a handler
/// are the connection's business: it logs them and answers 500.
class Router {
 public:
  /// A second handler for the same method and path replaces the first.
  Router& add(std::string method, std::string path, Handler handler);
  Router& get(std::string path, Handler handler) { return add("GET", std::move(path), std::move(handler)); }
  Router& post(std::string path, Handler handler) { return add("POST", std::move(path), std::move(handler)); }
  Router& put(std::string path, Handler handler) { return add("PUT", std::move(path), std::move(handler)); }

  /// Makes a Router a Handler.
  void operator()(HttpRequest request, Responder responder) const;

 private:
  using Methods = std::map<std::string, Handler, std::less<>>;
  std::map<std::string, Methods, std::less<>> paths_;
};

}  // namespace takt
