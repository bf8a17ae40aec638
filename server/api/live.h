// GET /v1/live: what changes, as it changes, to everybody who listens (contract 4).
#pragma once

#include "engine/store.h"
#include "server/http/responder.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace takt {

/// Events `state` and `count` follow each commit; `oee` follows at most once a second for machines whose figures
/// changed, and every ten seconds for all, since open shifts run on. A listener that reads too slowly is cut off.
class LiveHub {
 public:
  explicit LiveHub(Store& store);
  ~LiveHub();
  LiveHub(const LiveHub&) = delete;
  LiveHub& operator=(const LiveHub&) = delete;

  /// not_found: no such scope. The stream begins with the `oee` of every machine of the scope.
  Result<void> subscribe(const Scope& scope, const std::function<std::shared_ptr<EventStream>()>& open);
  /// Told by the store's committer.
  void committed(const CommitNotice& notice);
  std::size_t listeners() const;

 private:
  struct Subscriber {
    std::shared_ptr<EventStream> stream;
    Scope scope;
    std::set<std::string, std::less<>> machines;
  };
  struct Change {
    std::string machine;
    EventType type;
    Timestamp at;
  };

  void run();
  void find_machines(Subscriber& subscriber) const;
  void push(std::string_view event, const std::string& machine, const std::string& data, Sequence sequence);
  void push_changes(const std::vector<Change>& changes);
  void push_figures(const std::set<std::string>& machines);

  Store& store_;  // borrowed: the service stops the store's committer before the hub goes
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<Subscriber> subscribers_;
  std::vector<Change> changes_;
  std::set<std::string> changed_machines_;
  std::thread thread_;
};

}  // namespace takt
