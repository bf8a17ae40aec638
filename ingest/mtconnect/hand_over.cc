#include "ingest/mtconnect/hand_over.h"

#include <future>

namespace takt::mtconnect {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStep{50};  // how long a stop may go unnoticed
constexpr milliseconds kAgain{500};

/// Whether the batch is in; an error where `stop` was set first.
bool is_taken_in(Ingestor& ingestor, const std::shared_ptr<Source>& source, EventBatch batch, StopSign& stop) {
  // Shared: the committer may answer when nobody waits any more.
  const auto promise = std::make_shared<std::promise<bool>>();
  std::future<bool> answer = promise->get_future();
  ingestor.submit(std::move(batch), source,
                  [promise](const Result<IngestAnswer>& done) { promise->set_value(done.has_value()); });
  while (!stop.is_set()) {
    if (answer.wait_for(kStep) == std::future_status::ready) return answer.get();
  }
  return false;
}

}  // namespace

void StopSign::set() {
  {
    const std::lock_guard lock{mutex_};
    set_ = true;
  }
  changed_.notify_all();
}

bool StopSign::wait(milliseconds length) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, length, [&] { return set_.load(); });
}

bool hand_over(Ingestor& ingestor, const std::shared_ptr<Source>& source, const std::function<EventBatch()>& make,
               StopSign& stop) {
  while (!stop.is_set()) {
    EventBatch batch = make();
    if (batch.size() == 0 || is_taken_in(ingestor, source, std::move(batch), stop)) return true;
    if (stop.wait(kAgain)) return false;
  }
  return false;
}

}  // namespace takt::mtconnect
