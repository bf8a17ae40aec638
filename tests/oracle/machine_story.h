// What one machine did, told as plain questions about an instant and as the pieces of time between two changes.
#pragma once

#include "tests/oracle/descriptions.h"
#include "tests/oracle/event_set.h"
#include "tests/oracle/vocabulary.h"
#include "tests/oracle/work_calendar.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace takt::oracle {

/// A stretch of time in which nothing changes.
struct Piece {
  TimeRange time;
  std::string state, category;  ///< category: after the reason
  std::optional<std::string> reason;
  bool minor_stop = false;
  bool planned = false;  ///< lies in planned operation time; said up to now only
};

/// A stop, or a failure: whole, as nothing has cut it.
struct Stop {
  TimeRange time;
  std::optional<std::string> reason;
  bool minor = false;
  std::optional<Timestamp> counted_at;  ///< its first moment in planned operation time, up to now
};

/// Pieces made at one instant, with their product's ideal cycle then.
struct Output {
  Timestamp at;
  bool planned = false, startup = false;
  std::int64_t good = 0, scrap = 0, rework = 0;
  std::optional<Duration> cycle;
};

/// An order and when it ran, up to now.
struct OrderStretch {
  std::string order;
  TimeRange time;
};

/// An event and when it happened: a cycle at its end.
struct Occurrence {
  Timestamp at;
  Json event;
};

/// A classification and where it may give its reason.
struct Classification {
  TimeRange time;
  Json event;
};

/// The story of `machine` by the live events up to `now`. Everything is judged whole: as if the story went on
/// after now as it stands, so that what outlasts now has an end after it.
class MachineStory {
 public:
  MachineStory(const Descriptions& descriptions, const std::string& machine, const std::vector<Json>& live,
               Timestamp now, Timestamp needed_from);

  const std::vector<Piece>& pieces() const { return pieces_; }
  const std::vector<Stop>& stops() const { return stops_; }
  const std::vector<Stop>& failures() const { return failures_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  /// Stretches in which an order is the running one.
  std::vector<OrderStretch> order_stretches() const;
  const MachineCalendar& calendar() const { return calendar_; }
  /// A machine that is switched off has no time after its last event but readings and classifications.
  Timestamp end_of_time() const { return end_of_time_; }

 private:
  using KeyOf = std::function<std::optional<std::string>(const Piece&)>;

  bool silent_at(Timestamp t) const;
  const Occurrence* state_event_at(Timestamp t) const;
  State state_at(Timestamp t) const;
  bool can_have_reason_at(Timestamp t) const;
  TimeRange time_of_classification(const Occurrence& classify) const;
  const Classification* classification_at(Timestamp t) const;
  std::optional<std::string> reason_at(Timestamp t) const;
  std::string category_at(Timestamp t) const;
  std::vector<Timestamp> cuts_of_states() const;
  std::vector<Timestamp> all_cuts() const;
  Piece piece(TimeRange time) const;
  std::vector<Stop> stretches(const KeyOf& key_of) const;
  bool is_minor(const Stop& stop) const;
  void tell_stops();
  const Json* running_order_at(Timestamp t) const;
  std::optional<std::string> product_of(const Json& order_start) const;
  std::optional<std::string> product_at(const Json& counting, Timestamp t) const;
  Output output(const Occurrence& counting) const;
  std::int64_t increase(const Occurrence& reading, const std::string& field) const;
  void tell_outputs();

  const Plant& plant_at(Timestamp t) const { return descriptions_.at(t).plant; }
  Machine machine_at(Timestamp t) const { return machine_of(plant_at(t), machine_); }

  const Descriptions& descriptions_;  // borrowed: the oracle outlives its stories
  std::string machine_;
  Duration silence_timeout_;  // the newest, for all time
  Timestamp now_, end_of_time_;
  std::vector<Occurrence> states_, orders_, counts_, cycles_;  // each by time, then the rest of the identity
  std::vector<Classification> classifications_;
  std::vector<Timestamp> heard_;
  MachineCalendar calendar_;
  std::vector<Piece> pieces_;
  std::vector<Stop> stops_, failures_;
  std::vector<Output> outputs_;
};

}  // namespace takt::oracle
