// One machine of the simulated plant: what it is doing, and the events by which it says so.
#pragma once

#include "schema/event.h"
#include "simulator/outbox.h"
#include "simulator/plant_model.h"
#include "simulator/random.h"
#include "simulator/sensors.h"
#include "simulator/shift_clock.h"

#include <optional>
#include <string>
#include <vector>

namespace takt {

/// An order of a line; every machine of the line works on it in turn.
struct SimulatedOrder {
  std::string id;
  std::size_t product = 0;
  std::int64_t pieces = 0;
  Timestamp planned_start{}, planned_end{};
};

enum class Activity : std::uint8_t {
  running,
  starved,
  blocked,
  changeover,
  tool_change,
  failure,
  short_stop,        ///< below minor_stop_s, nobody says why
  unexplained_stop,  ///< above it, and still nobody says why
  operator_absent,
  material_missing,
  inspection,
  maintenance,
  late_start,
  on_break,
  off,
};

/// Owned and stepped by its line, one second at a time. Not thread-safe.
class SimulatedMachine {
 public:
  SimulatedMachine(const MachineModel& model, const LineModel& line, const PlantModel& plant, std::uint64_t seed);

  // What the line asks and tells.
  Activity activity() const { return now_.activity; }
  /// One change of state a second is enough: two would share an instant.
  bool changed_in(Second now) const { return changed_ == now; }
  bool has_piece() const { return has_piece_; }
  bool piece_done() const { return has_piece_ && progress_ >= 1; }
  std::int64_t room() const { return model_->buffer_pieces - waiting_here_ - waiting_next_; }
  std::size_t order() const { return order_; }
  std::int64_t waiting() const { return waiting_here_; }
  std::int64_t started() const { return started_; }
  /// A piece of order `order` arrives from upstream.
  void receive(std::size_t order);

  /// The first second of all: state, running order, counter baseline.
  void begin(Second now, Duty duty, const SimulatedOrder& order, Outbox& out);
  /// Follows the shift, ends what has lasted long enough, draws what goes wrong.
  void live_on(Second now, Duty duty, Outbox& out);
  /// Takes the next piece (the first machine: from stock; others: from the buffer before it).
  void take_piece(Second now);
  /// One second of work on the piece at hand.
  void work();
  /// The piece is done; true if it goes on downstream.
  bool finish_piece(Second now, Outbox& out);
  /// Nothing to take, or nowhere to put. Short waits are only lost speed, longer ones a stop.
  void wait(Second now, Activity why, Outbox& out);
  /// From starved or blocked back to work.
  void resume(Second now, Outbox& out);
  void change_order(Second now, const SimulatedOrder& next, Outbox& out);
  void plan(Second now, const SimulatedOrder& order, Outbox& out) const;
  /// What every machine does by the clock: counts, energy, sensors, late explanations.
  void report(Second now, Outbox& out);

  const Sensors& sensors() const { return sensors_; }
  const MachineModel& model() const { return *model_; }

 private:
  struct Doing {
    Activity activity = Activity::running;
    Second left = 0;               ///< of what ends by itself
    std::string_view reason = {};  ///< of a failure
    bool told = true;              ///< the reason comes with the state
  };
  struct Explanation {
    Second due = 0;
    Timestamp begin{}, end{};
    std::string_view reason, by;
  };

  Event event(EventType type) const;
  void emit(Second now, unsigned slot, Event event, Outbox& out) const;
  Timestamp stamp(Second now, unsigned slot) const;
  void enter(Second now, Doing doing, Outbox& out);
  void leave_shift(Second now, Duty duty, Outbox& out);
  void return_to_shift(Second now, Outbox& out);
  void go_wrong(Second now, Outbox& out);
  Doing draw_failure();
  void conclude(Second now);
  void explain_later(Second now);
  void flush_counts(Second now, unsigned slot, Outbox& out);
  void count_piece(Second now, bool scrap, bool rework, std::string_view defect, Outbox& out);
  void tell_cycle(Second now, bool scrap, bool rework, std::string_view defect, Outbox& out);
  bool starts_up() const;
  void explain(Second now, Outbox& out);
  bool measure(Second now, Outbox& out);
  void tell_order(Second now, OrderAction action, const SimulatedOrder& order, Outbox& out) const;

  const MachineModel* model_;
  const LineModel* line_;
  const PlantModel* plant_;
  std::uint64_t seed_;
  Random random_;
  Sensors sensors_;

  Doing now_;
  std::optional<Doing> interrupted_;  ///< by a break or the weekend
  std::string_view said_state_, said_reason_;
  Timestamp since_{};
  Second changed_ = 0;
  Second waited_ = 0;
  std::vector<Explanation> explanations_;

  const SimulatedOrder* running_order_ = nullptr;  ///< borrowed from the line, which keeps its orders
  std::size_t order_ = 0;
  std::int64_t waiting_here_ = 0, waiting_next_ = 0;
  std::int64_t started_ = 0, finished_ = 0;
  bool has_piece_ = false;
  double progress_ = 0;
  double seconds_a_piece_ = 1;
  Timestamp piece_began_{};

  std::int64_t good_ = 0;                          ///< not yet told
  std::int64_t good_total_ = 0, scrap_total_ = 0;  ///< of the order
  std::int64_t since_tool_change_ = 0;
  std::int64_t serial_ = 0, subgroup_ = 0;
  Second slow_until_ = 0;
  bool maintenance_due_ = false;
  double wear_ = 0;
  double kwh_ = 0;
};

}  // namespace takt
