#include "simulator/simulated_machine.h"

#include <cmath>

#include <algorithm>
#include <array>

namespace takt {
namespace {

// Within a second things happen in this order, each in a tenth of its own, so that no two events of one machine
// and kind share an instant and pieces stand before the stop that follows them.
enum Slot : unsigned {
  kReject = 0,
  kMeasure = 2,
  kPlan = 3,
  kPiece = 4,
  kCounts = 5,
  kState = 6,
  kOrderEnd = 7,
  kOrderStart = 8,
  kAfterStart = 9
};
constexpr std::int64_t kSlotMicros = 100'000;

constexpr Second kCountSeconds = 60;
constexpr Second kEnergySeconds = 900;
constexpr Second kWeek = 7 * 86400;
constexpr Second kPatience = 20;             // shorter waits for a part are lost speed, not a stop
constexpr std::int64_t kStartUpPieces = 20;  // after a changeover, with more scrap
constexpr std::int64_t kMeasureEvery = 60;   // pieces from one subgroup to the next
constexpr double kWearPerSecond = 1.0 / (160 * 3600);

struct Saying {
  std::string_view state, reason;
};
Saying saying_of(Activity activity) {
  switch (activity) {
    case Activity::running:
      return {"running", ""};
    case Activity::starved:
      return {"idle", "MAT.STARVED"};
    case Activity::blocked:
      return {"suspended", "MAT.BLOCKED"};
    case Activity::changeover:
      return {"setup", "SETUP.CHANGEOVER"};
    case Activity::tool_change:
      return {"setup", "SETUP.TOOL"};
    case Activity::failure:
      return {"down", ""};
    case Activity::short_stop:
    case Activity::unexplained_stop:
      return {"stopped", ""};
    case Activity::operator_absent:
      return {"idle", "OPER.ABSENT"};
    case Activity::material_missing:
      return {"idle", "MAT.MISSING"};
    case Activity::inspection:
      return {"stopped", "QUAL.CHECK"};
    case Activity::maintenance:
      return {"planned_stop", "PLAN.MAINT"};
    case Activity::late_start:
      return {"idle", ""};
    case Activity::on_break:
      return {"idle", "PLAN.BREAK"};
    case Activity::off:
      return {"planned_stop", "PLAN.OFF"};
  }
  return {};
}

bool ends_by_itself(Activity activity) {
  return activity != Activity::running && activity != Activity::starved && activity != Activity::blocked &&
         activity != Activity::on_break && activity != Activity::off;
}

constexpr std::array<std::string_view, 6> kFailures = {"FAIL.MECH.BEARING", "FAIL.MECH.DRIVE", "FAIL.ELEC.SENSOR",
                                                       "FAIL.ELEC.CONTROL", "FAIL.PNEU",       "FAIL.TOOL"};
constexpr std::array<std::string_view, 4> kOperators = {"anna", "bogdan", "chiara", "deniz"};
constexpr std::array<std::string_view, 6> kDefects = {"BURR", "BURR", "SCRATCH", "STAIN", "CRACK", ""};
constexpr std::string_view kOutOfDimension = "DIM";

double per_second(double per_hour) { return per_hour / 3600; }

}  // namespace

SimulatedMachine::SimulatedMachine(const MachineModel& model, const LineModel& line, const PlantModel& plant,
                                   std::uint64_t seed)
    : model_(&model),
      line_(&line),
      plant_(&plant),
      seed_(seed),
      random_(seed),
      sensors_(mix(seed, 1), model.running_kw),
      since_tool_change_(random_.integer(0, model.tool_life_pieces - 1)),
      wear_(random_.uniform() * 0.8),
      kwh_(static_cast<double>(random_.integer(10'000, 90'000))) {}

void SimulatedMachine::receive(std::size_t order) { ++(order == order_ ? waiting_here_ : waiting_next_); }

void SimulatedMachine::begin(Second now, Duty duty, const SimulatedOrder& order, Outbox& out) {
  running_order_ = &order;
  tell_order(now, OrderAction::start, order, out);
  if (model_->reporting == Reporting::counter) flush_counts(now, kAfterStart, out);
  if (duty == Duty::working) return enter(now, Doing{}, out);
  interrupted_ = Doing{};
  enter(now, {duty == Duty::off ? Activity::off : Activity::on_break}, out);
}

void SimulatedMachine::live_on(Second now, Duty duty, Outbox& out) {
  if (duty == Duty::on_break && line_->runs_through_breaks) duty = Duty::working;
  if ((now + static_cast<Second>(seed_ % kWeek)) % kWeek == 0) maintenance_due_ = true;
  if (duty != Duty::working) return leave_shift(now, duty, out);
  if (interrupted_) return return_to_shift(now, out);
  if (now_.activity == Activity::running) return go_wrong(now, out);
  if (!ends_by_itself(now_.activity) || --now_.left > 0) return;
  conclude(now);
  enter(now, Doing{}, out);
}

void SimulatedMachine::take_piece(Second now) {
  const double ideal = model_->ideal_cycle_s[running_order_->product];
  seconds_a_piece_ = ideal * model_->slowness * (now < slow_until_ ? 1.22 : 1);
  if (waiting_here_ > 0) --waiting_here_;
  ++started_;
  has_piece_ = true;
  waited_ = 0;
  piece_began_ = stamp(now, kPiece);
}

void SimulatedMachine::work() {
  progress_ += 1 / seconds_a_piece_;
  wear_ = std::min(1.2, wear_ + kWearPerSecond);
}

bool SimulatedMachine::finish_piece(Second now, Outbox& out) {
  has_piece_ = false;
  progress_ -= 1;  // the rest of the second goes into the next piece
  ++finished_;
  ++since_tool_change_;
  ++serial_;
  waited_ = 0;
  const bool in_limits = !model_->measures || measure(now, out);
  const double scrap_share = model_->scrap_share * (starts_up() ? 9 : 1);
  const double draw = random_.uniform();
  const bool scrap = !in_limits || draw < scrap_share;
  const bool rework = !scrap && draw < scrap_share + model_->rework_share;
  const std::string_view defect = kDefects[random_.next() % kDefects.size()];
  count_piece(now, scrap, rework, in_limits ? defect : kOutOfDimension, out);
  return !scrap;
}

void SimulatedMachine::wait(Second now, Activity why, Outbox& out) {
  if (now_.activity == why || ++waited_ < kPatience) return;
  enter(now, {why}, out);
}

void SimulatedMachine::resume(Second now, Outbox& out) {
  waited_ = 0;
  enter(now, Doing{}, out);
}

void SimulatedMachine::change_order(Second now, const SimulatedOrder& next, Outbox& out) {
  flush_counts(now, kCounts, out);
  now_ = {Activity::changeover};  // so that enter() does not tell the counts again
  tell_order(now, OrderAction::complete, *running_order_, out);
  const bool same_product = running_order_->product == next.product;
  running_order_ = &next;
  ++order_;
  waiting_here_ = waiting_next_;
  waiting_next_ = started_ = finished_ = good_total_ = scrap_total_ = 0;
  progress_ = 0;
  tell_order(now, OrderAction::start, next, out);
  if (model_->reporting == Reporting::counter) flush_counts(now, kAfterStart, out);
  const double minutes = same_product ? random_.between(2, 6) : random_.skewed(9, 42);
  enter(now, {Activity::changeover, static_cast<Second>(minutes * 60)}, out);
}

void SimulatedMachine::plan(Second now, const SimulatedOrder& order, Outbox& out) const {
  tell_order(now, OrderAction::plan, order, out);
}

void SimulatedMachine::report(Second now, Outbox& out) {
  const bool running = now_.activity == Activity::running;
  sensors_.step(now, running, now_.reason == "FAIL.PNEU", wear_);
  kwh_ += (running ? model_->running_kw : now_.activity == Activity::off ? 0.2 : model_->running_kw * 0.15) / 3600;
  explain(now, out);
  const Second phase = now + static_cast<Second>(seed_ % kEnergySeconds);
  const bool counts = good_ > 0 || (running && model_->reporting == Reporting::counter);
  if (phase % kCountSeconds == 0 && counts && !changed_in(now)) flush_counts(now, kCounts, out);
  if (phase % kEnergySeconds != 0) return;
  Event energy = event(EventType::energy);
  energy.kwh_total = static_cast<double>(static_cast<std::int64_t>(kwh_ * 100)) / 100;
  emit(now, kCounts, energy, out);
}

void SimulatedMachine::explain(Second now, Outbox& out) {
  std::erase_if(explanations_, [&](const Explanation& told) {
    if (told.due > now) return false;
    Event classify = event(EventType::classify);
    classify.at = told.begin;
    classify.end = told.end;
    classify.reason = told.reason;
    classify.by = told.by;
    classify.recorded_at = stamp(now, kState);
    out.add(classify.recorded_at, classify);
    return true;
  });
}

Event SimulatedMachine::event(EventType type) const {
  Event event;
  event.type = type;
  event.machine = model_->id;
  const bool of_a_piece = type == EventType::count || type == EventType::cycle || type == EventType::quality;
  if (of_a_piece && (line_->names_product || type == EventType::quality)) {
    event.product = plant_->products[running_order_->product].id;
    if (type != EventType::quality) event.order = running_order_->id;
  }
  return event;
}

Timestamp SimulatedMachine::stamp(Second now, unsigned slot) const {
  // Milliseconds, as a controller's clock shows them.
  const std::uint64_t within = mix(seed_ ^ slot, static_cast<std::uint64_t>(now)) % (kSlotMicros / 1000) * 1000;
  return from_micros(now * 1'000'000 + slot * kSlotMicros + static_cast<std::int64_t>(within));
}

void SimulatedMachine::emit(Second now, unsigned slot, Event event, Outbox& out) const {
  event.at = stamp(now, slot);
  out.add(event.at, event);
}

void SimulatedMachine::enter(Second now, Doing doing, Outbox& out) {
  if (now_.activity == Activity::running && doing.activity != Activity::running) {
    flush_counts(now, kCounts, out);
  }
  now_ = doing;
  changed_ = now;
  Saying saying = saying_of(doing.activity);
  if (doing.activity == Activity::failure && doing.told) saying.reason = doing.reason;
  if (saying.state == said_state_ && saying.reason == said_reason_) return;
  said_state_ = saying.state;
  said_reason_ = saying.reason;
  Event state = event(EventType::state);
  state.state = saying.state;
  state.reason = saying.reason;
  since_ = stamp(now, kState);
  emit(now, kState, state, out);
}

void SimulatedMachine::leave_shift(Second now, Duty duty, Outbox& out) {
  if (!interrupted_) interrupted_ = now_;
  const Activity why = duty == Duty::off ? Activity::off : Activity::on_break;
  // Repairs and maintenance go on through a break, and say so.
  if (why == Activity::on_break &&
      (now_.activity == Activity::failure || now_.activity == Activity::maintenance)) {
    interrupted_ = now_;
    if (--now_.left > 0) return;
    conclude(now);
    interrupted_ = Doing{};
  }
  if (now_.activity != why) enter(now, {why}, out);
}

void SimulatedMachine::return_to_shift(Second now, Outbox& out) {
  const Doing before = *interrupted_;
  interrupted_.reset();
  if (before.activity != Activity::running || random_.chance(0.5)) {
    enter(now, before, out);
  } else {
    enter(now, {Activity::late_start, random_.integer(20, 300)}, out);
  }
}

void SimulatedMachine::go_wrong(Second now, Outbox& out) {
  if (maintenance_due_) {
    maintenance_due_ = false;
    return enter(now, {Activity::maintenance, random_.integer(40, 110) * 60}, out);
  }
  if (since_tool_change_ >= model_->tool_life_pieces && !has_piece_) {
    since_tool_change_ = 0;
    return enter(now, {Activity::tool_change, random_.integer(150, 480)}, out);
  }
  // One draw a second decides among all the things that may go wrong in it.
  double draw = random_.uniform();
  const auto happens = [&draw](double probability) { return (draw -= probability) < 0; };
  if (happens(per_second(model_->failures_per_hour) * (0.5 + wear_ * wear_)))
    return enter(now, draw_failure(), out);
  if (happens(per_second(model_->minor_stops_per_hour))) {
    return enter(now, {Activity::short_stop, static_cast<Second>(random_.skewed(6, kMinorStopSeconds - 10))}, out);
  }
  if (happens(per_second(0.05))) return enter(now, {Activity::unexplained_stop, random_.integer(200, 900)}, out);
  if (happens(per_second(0.04))) return enter(now, {Activity::operator_absent, random_.integer(90, 800)}, out);
  if (happens(per_second(0.03))) return enter(now, {Activity::inspection, random_.integer(240, 1500)}, out);
  if (happens(per_second(0.02)) && model_ == &line_->machines.front()) {
    return enter(now, {Activity::material_missing, random_.integer(300, 2400)}, out);
  }
  if (happens(per_second(0.06))) slow_until_ = now + random_.integer(1200, 5400);
}

SimulatedMachine::Doing SimulatedMachine::draw_failure() {
  // A worn bearing fails as a bearing; anything else is a matter of chance.
  const bool worn = wear_ > 0.7 && random_.chance(0.6);
  const std::size_t which = worn ? 0 : static_cast<std::size_t>(random_.integer(1, kFailures.size() - 1));
  if (which == 0) wear_ = 0;
  const double minutes = which == 0 ? random_.between(45, 150) : random_.skewed(5, 80);
  return {Activity::failure, static_cast<Second>(minutes * 60), kFailures[which], random_.chance(0.7)};
}

void SimulatedMachine::conclude(Second now) {
  if (now_.activity == Activity::failure && !now_.told) explain_later(now);
  if (now_.activity == Activity::maintenance) wear_ *= 0.3;
}

void SimulatedMachine::explain_later(Second now) {
  if (random_.chance(0.3)) return;  // nobody ever says why
  const std::string_view by = kOperators[static_cast<std::size_t>(random_.integer(0, kOperators.size() - 1))];
  explanations_.push_back({now + random_.integer(120, 1500), since_, stamp(now, kState), now_.reason, by});
}

void SimulatedMachine::flush_counts(Second now, unsigned slot, Outbox& out) {
  Event count = event(EventType::count);
  if (model_->reporting == Reporting::counter) {
    count.good_total = good_total_;
    count.scrap_total = scrap_total_;
    return emit(now, slot, count, out);
  }
  if (good_ == 0) return;
  count.good = good_;
  good_ = 0;
  emit(now, slot, count, out);
}

bool SimulatedMachine::starts_up() const { return order_ > 0 && finished_ <= kStartUpPieces; }

void SimulatedMachine::count_piece(Second now, bool scrap, bool rework, std::string_view defect, Outbox& out) {
  if (model_->reporting == Reporting::cycles) return tell_cycle(now, scrap, rework, defect, out);
  if (model_->reporting == Reporting::counter) {
    ++(scrap ? scrap_total_ : good_total_);
    return;
  }
  if (!scrap && !rework) {
    ++good_;
    return;
  }
  Event count = event(EventType::count);
  (scrap ? count.scrap : count.rework) = 1;
  count.defect = defect;
  count.startup = starts_up();
  emit(now, kReject, count, out);
}

void SimulatedMachine::tell_cycle(Second now, bool scrap, bool rework, std::string_view defect, Outbox& out) {
  Event cycle = event(EventType::cycle);
  cycle.at = piece_began_;
  cycle.end = stamp(now, kPiece);
  if (scrap || rework) {
    cycle.good = 0;
    (scrap ? cycle.scrap : cycle.rework) = 1;
    cycle.defect = defect;
    cycle.startup = starts_up();
  }
  out.add(cycle.end, cycle);
}

bool SimulatedMachine::measure(Second now, Outbox& out) {
  const std::int64_t in_turn = serial_ % kMeasureEvery;
  if (in_turn >= kSubgroupSize) return true;
  if (in_turn == 0) ++subgroup_;
  const double target = plant_->products[running_order_->product].diameter_mm;
  const double tool_wear = static_cast<double>(since_tool_change_) / static_cast<double>(model_->tool_life_pieces);
  const double off = 0.011 * random_.normal() + 0.05 * (tool_wear - 0.4);
  const double shown = static_cast<double>(std::llround((target + off) * 10'000)) / 10'000;
  const bool pass = shown >= target - kDiameterTolerance && shown <= target + kDiameterTolerance;
  Event quality = event(EventType::quality);
  quality.characteristic = "diameter";
  quality.value = {Value::Kind::number, shown, {}};
  quality.serial = out.keep(std::to_string(serial_));
  quality.subgroup = out.keep(std::to_string(subgroup_));
  quality.result = pass ? "pass" : "fail";
  if (!pass) quality.defect = kOutOfDimension;
  emit(now, kMeasure, quality, out);
  return pass;
}

void SimulatedMachine::tell_order(Second now, OrderAction action, const SimulatedOrder& order, Outbox& out) const {
  Event told = event(EventType::order);
  told.action = action;
  told.order = order.id;
  told.product = plant_->products[order.product].id;
  if (action == OrderAction::plan) {
    told.quantity = order.pieces;
    told.planned_start = order.planned_start;
    told.planned_end = order.planned_end;
  }
  emit(now,
       action == OrderAction::plan       ? kPlan
       : action == OrderAction::complete ? kOrderEnd
                                         : kOrderStart,
       told, out);
}

}  // namespace takt
