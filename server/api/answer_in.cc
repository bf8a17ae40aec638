#include <spdlog/spdlog.h>

#include <exception>
#include <memory>
#include <utility>

#include "query/read_tally.h"
#include "server/api/api.h"

namespace takt {

void answer_in(WorkerPool& pool, Responder responder, std::function<HttpResponse()> work) {
  auto shared = std::make_shared<Responder>(std::move(responder));
  pool.run([shared = std::move(shared), work = std::move(work)] {
    ReadTally::of_this_thread() = {};
    try {
      shared->send(work());
    } catch (const std::exception& error) {
      spdlog::error("http: a request failed: {}", error.what());  // unanswered, the Responder answers 500
    }
  });
}

}  // namespace takt
