// The plant's alerts as they stand, and what was told of them.
#pragma once

#include "engine/audit.h"
#include "schema/permit.h"
#include "server/alerts/alert_delivery.h"
#include "server/alerts/alert_measure.h"
#include "server/alerts/alert_state.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace takt {

/// One thread looks at every alert once a second, another delivers; neither waits for the other. What fires, who
/// has acknowledged it, and what is still to be delivered is kept in the data folder with each change: a restart
/// tells nothing twice and loses nothing that was to be told. All functions may be called from any thread.
class AlertBook {
 public:
  /// Borrows all; `broker`: where `mqtt:TOPIC` goes if the plant names none. corruption: what is kept is damaged.
  static Result<std::unique_ptr<AlertBook>> open(Store& store, Ingestor& ingestor, const Exporter& exporter,
                                                 std::optional<DataSource> broker);
  ~AlertBook();
  AlertBook(const AlertBook&) = delete;
  AlertBook& operator=(const AlertBook&) = delete;

  /// Somebody has seen that it fires. not_found: there is no such alert, or not within what `permit` covers;
  /// conflict: it does not fire.
  Result<void> acknowledge(std::string_view id, const Acknowledgement& acknowledgement, const Author& author,
                           const Permit* permit);
  /// The answer of GET /v1/alerts: alerts whose scope lies within `scope`, and their deliveries, newest first.
  std::string render(const Scope& scope) const { return render(scope, {}); }
  /// Of one of them alone.
  std::string render(const Scope& scope, std::string_view id) const;

  struct Counts {
    std::size_t alerts = 0, firing = 0, waiting = 0;  ///< of deliveries: waiting
    std::uint64_t delivered = 0, failures = 0;        ///< of attempts since the start
  };
  Counts counts() const;

 private:
  AlertBook(Store& store, Ingestor& ingestor, const Exporter& exporter, std::optional<DataSource> broker)
      : store_(store), measures_(store, ingestor, exporter), broker_(std::move(broker)) {}

  void watch();
  void look(const std::shared_ptr<const Plant>& plant);
  void tell(const Alert& alert, const AlertSituation& situation, AlertTurn turn, Timestamp now);
  void deliver_due();
  std::optional<DataSource> broker_of(const Plant& plant) const;
  void forget_old();
  std::string kept() const;
  Result<void> read(std::string_view kept);
  void keep();

  Store& store_;
  AlertMeasures measures_;  // of the watching thread
  const std::optional<DataSource> broker_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool changed_ = false;                                           // what is kept in the folder is older
  bool is_news_ = false;                                           // something is to be told that was not yet kept
  bool is_unkept_ = false;                                         // nothing can be kept
  std::map<std::string, AlertSituation, std::less<>> situations_;  // by id of the alert
  std::map<std::string, std::string, std::less<>> problems_;       // why an alert has no value
  std::deque<AlertDelivery> deliveries_;                           // oldest first
  std::uint64_t next_delivery_ = 1, delivered_ = 0, failures_ = 0;
  std::mutex keeping_;  // so that what is kept later is newer
  std::atomic<bool> stopping_{false};
  std::thread watcher_, deliverer_;
};

}  // namespace takt
