// What the routes share, and the table of them: path, handler and documentation in one place.
#pragma once

#include "export/exporter.h"
#include "ingest/ingestor.h"
#include "server/access/gate.h"
#include "server/api/live.h"
#include "server/api/parameters.h"
#include "server/http/http_server.h"
#include "server/http/router.h"
#include "server/worker_pool.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

class AlertBook;
class ApiFront;

/// Borrowed from the Service, which outlives every request.
struct Api {
  Store& store;
  Ingestor& ingestor;
  Exporter& exporter;
  LiveHub& live;
  TokenBook& tokens;
  Gate& gate;
  const ApiFront& front;
  AlertBook& alerts;
  WorkerPool& workers;   ///< for what waits for the disk or the committer
  WorkerPool& scanners;  ///< for queries that may take long
  const HttpServer& http;
  std::chrono::steady_clock::time_point started;
  const std::atomic<bool>& stopping;  ///< long work asks whether to leave
};

struct ParameterDoc {
  std::string_view name;
  std::string_view description;
  bool required = false;
};

/// One call of the API.
struct Route {
  std::string_view method, path, summary;
  std::vector<ParameterDoc> parameters;
  std::string_view answer;  ///< what a 200 holds
  std::string_view content_type = "application/json";
  std::string_view request_body{};                            ///< what a body holds; empty: none
  std::function<void(Api&, HttpRequest&, Responder)> handle;  ///< may take the body out of the request
  std::string_view rows{};             ///< the member that holds an answer's rows, for CSV and NDJSON; empty: none
  std::vector<std::string> columns{};  ///< of rows that are arrays
};

/// A handler that answers at once.
template <class Answer>
auto answering(Answer answer) {
  return [answer](Api& api, HttpRequest& request, Responder responder) { responder.send(answer(api, request)); };
}

/// Has `work` make the answer on a thread of the pool.
void answer_in(WorkerPool& pool, Responder responder, std::function<HttpResponse()> work);

/// Who asks for a change, for the audit log. `by`: the person, as far as he says.
Author author_of(const HttpRequest& http, std::string by = {});
/// What became of a request that brought events.
HttpResponse answer_of(Api& api, const Result<IngestAnswer>& answer);

std::vector<Route> query_routes();
std::vector<Route> kpi_routes();
std::vector<Route> quality_routes();
std::vector<Route> ingest_routes();
std::vector<Route> source_routes();
std::vector<Route> plant_routes();
std::vector<Route> operation_routes();
std::vector<Route> backup_routes();
std::vector<Route> access_routes();
std::vector<Route> alert_routes();
/// All of them, in the order of the documentation.
std::vector<Route> all_routes();

/// The description of all routes by OpenAPI 3.1, made from the table that serves them.
std::string openapi(const std::vector<Route>& routes);
/// Prometheus text format.
std::string metrics(Api& api);

}  // namespace takt
