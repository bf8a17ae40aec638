// GET /v1/live: what changes, as it changes, to everybody who listens (contract 4).
#pragma once

#include "engine/store.h"
#include "server/http/responder.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace takt {

/// Who listens, to what.
struct Listening {
  Scope scope;
  std::string last_id;          ///< the last event that reached him before (Last-Event-ID); empty: he is new
  std::function<bool()> holds;  ///< whether he may still listen; empty: always
};

/// Events `state` and `count` follow each commit; `oee` follows at most once a second for machines whose figures
/// changed, and every ten seconds for all, since open shifts run on. A listener that reads too slowly is cut off.
///
/// An event's id is COMMIT-RUN-NUMBER: numbers count up by one within a run of the server. What was told last is
/// kept, so that who comes again within a minute hears what he has missed; who cannot, hears `gap` first.
class LiveHub {
 public:
  explicit LiveHub(Store& store);
  ~LiveHub();
  LiveHub(const LiveHub&) = delete;
  LiveHub& operator=(const LiveHub&) = delete;

  /// not_found: no such scope. What was missed comes first, then the `oee` of every machine of the scope.
  Result<void> subscribe(const Listening& wish, const std::function<std::shared_ptr<EventStream>()>& open);
  /// Told by the store's committer.
  void committed(const CommitNotice& notice);
  std::size_t listeners() const;

 private:
  using MachineSet = std::set<std::string, std::less<>>;
  struct Subscriber {
    std::shared_ptr<EventStream> stream;
    Scope scope;
    std::function<bool()> holds;
    std::shared_ptr<const MachineSet> machines;  // shared by all of a scope
  };
  struct Change {
    std::string machine;
    EventType type;
    Timestamp at;
  };
  struct Told {
    std::uint64_t number;
    std::string machine, frame;
  };

  void run();
  std::shared_ptr<const MachineSet> machines_in(const Scope& scope) const;
  void find_machines();
  void drop_gone();
  void show_out();
  bool somebody_cares() const;
  void replay(const Subscriber& to, std::string_view last_id) const;
  std::string id_of(Sequence sequence, std::uint64_t number) const;
  void push(std::string_view event, const std::string& machine, const std::string& data, Sequence sequence);
  void push_changes(const std::vector<Change>& changes);
  void push_figures(const MachineSet& machines);

  Store& store_;           // borrowed: the service stops the store's committer before the hub goes
  const std::string run_;  // differs from start to start
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<Subscriber> subscribers_;
  std::chrono::steady_clock::time_point last_listened_{};  // nothing is told a minute after the last has gone
  std::vector<Change> changes_;
  MachineSet changed_machines_;
  std::deque<Told> told_;
  std::size_t told_bytes_ = 0;
  std::uint64_t number_ = 0;  // of the newest event
  std::thread thread_;
};

}  // namespace takt
