#include "tests/oracle/random_history.h"

#include "tests/oracle/event_set.h"
#include "tests/oracle/wall_clock.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <random>
#include <set>
#include <sstream>

namespace takt {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;
using oracle::time_text;

/// Distributions of the standard library differ between vendors; remainders do not.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15U + 1) {}
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n));
  }
  std::int64_t within(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
  bool percent(std::int64_t p) { return below(100) < p; }
  template <class List>
  const auto& one_of(const List& list) {
    return list[static_cast<std::size_t>(below(static_cast<std::int64_t>(std::size(list))))];
  }
  template <class T>
  void shuffle(std::vector<T>& list) {
    for (std::size_t i = list.size(); i > 1; --i) {
      std::swap(list[i - 1], list[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

struct Place {
  const char* zone;
  const char* noon;  ///< of the day on which the clock is changed, or of any day
};
constexpr std::array kPlaces{Place{"UTC", "2026-01-05T12:00:00Z"},
                             Place{"Europe/Berlin", "2026-03-29T12:00:00Z"},
                             Place{"Europe/Berlin", "2026-10-25T12:00:00Z"},
                             Place{"America/New_York", "2026-03-08T12:00:00Z"},
                             Place{"America/New_York", "2026-11-01T12:00:00Z"},
                             Place{"Australia/Lord_Howe", "2026-04-04T12:00:00Z"},
                             Place{"Australia/Lord_Howe", "2026-10-03T12:00:00Z"},
                             Place{"Asia/Kathmandu", "2026-01-05T12:00:00Z"},
                             Place{"Pacific/Apia", "2011-12-30T12:00:00Z"},
                             Place{"Africa/Casablanca", "2026-02-15T12:00:00Z"},
                             Place{"Africa/Casablanca", "2026-03-22T12:00:00Z"}};

constexpr std::array kReasons{"FAIL", "FAIL.MECH", "FAIL.ELEC", "SETUP", "SETUP.TOOL", "MAINT", "MAT", "MISC"};
constexpr std::array kProducts{"X", "Y", "Z"};
constexpr std::array kStopStates{"down",      "Stopped", "idle",  "held",        "SUSPENDED",
                                 "feed_hold", "JAMMED",  "setup", "planned_stop"};
constexpr std::array kRunStates{"running", "RUNNING", "execute", "active", "Milling"};
constexpr std::array kUnknownStates{"off", "unavailable", "unknown"};

// --- the plant

Reason reason(const char* code, const char* parent, std::optional<ReasonCategory> category) {
  Reason made;
  made.code = code;
  made.name = std::string("Reason ") + code;
  made.parent = parent;
  made.category = category;
  return made;
}

class PlantMaker {
 public:
  PlantMaker(Chance& chance, const char* zone, TimeRange span) : chance_(chance), span_(span), clock_(zone) {
    plant_.timezone = zone;
    plant_.name = plant_.id;
  }

  Plant make() {
    plant_.minor_stops = chance_.percent(50) ? MinorStopPolicy::performance : MinorStopPolicy::availability;
    plant_.unknown_time = chance_.percent(40) ? UnknownTimePolicy::stop : UnknownTimePolicy::exclude;
    plant_.areas = {{"A1", "Area 1"}};
    plant_.lines = {{"L1", "Line 1", "A1"}, {"L2", "Line 2", ""}};
    plant_.products = {{"X", "Housing X", "pcs"}, {"Y", "Lid Y", "pcs"}};
    plant_.states = {{"JAMMED", TimeCategory::stop}, {"Milling", TimeCategory::production}};
    plant_.reasons = {
        reason("FAIL", "", ReasonCategory::failure),          reason("FAIL.MECH", "FAIL", std::nullopt),
        reason("FAIL.ELEC", "FAIL", ReasonCategory::failure), reason("SETUP", "", ReasonCategory::setup),
        reason("SETUP.TOOL", "SETUP", std::nullopt),          reason("MAINT", "", ReasonCategory::planned),
        reason("MAT", "", ReasonCategory::material),          reason("MISC", "", std::nullopt)};
    add_machines();
    add_cycles();
    add_plans();
    for (std::int64_t n = chance_.below(3); n > 0; --n) add_closure();
    return plant_;
  }

 private:
  void add_machines() {
    const std::int64_t count = chance_.within(1, 3);
    for (std::int64_t i = 1; i <= count; ++i) {
      Machine machine;
      machine.id = "M" + std::to_string(i);
      machine.name = "Press " + std::to_string(i);
      machine.line = chance_.one_of(std::array{"", "L1", "L1", "L2"});
      if (chance_.percent(70)) machine.ideal_cycle = cycle();
      machine.minor_stop = chance_.one_of(std::array<Duration, 3>{0s, 60s, 300s});
      machine.silence_timeout = chance_.one_of(std::array<Duration, 4>{0s, 0s, 40min, 3h});
      machine.counter_modulus = chance_.one_of(std::array<std::int64_t, 2>{0, 1000});
      plant_.machines.push_back(machine);
    }
  }

  Duration cycle() { return chance_.one_of(std::array<Duration, 5>{1s, 800ms, 2500ms, 45s, 12345678us}); }

  void add_cycles() {
    for (const Machine& machine : plant_.machines) {
      for (const char* product : {"X", "Y"}) {
        if (chance_.percent(40)) continue;
        plant_.ideal_cycles.push_back({machine.id, product, cycle(), {}});
        if (chance_.percent(60)) continue;
        TimeRange valid{some_hour(), kEndOfTime};
        if (chance_.percent(50)) valid.end = valid.begin + 17h;
        plant_.ideal_cycles.push_back({machine.id, product, cycle(), valid});
      }
    }
  }

  Timestamp some_hour() {
    const std::int64_t hours = std::chrono::floor<std::chrono::hours>(span_.length()).count();
    return span_.begin + chance_.below(hours) * Duration{1h};
  }

  void add_plans() {
    if (chance_.percent(80)) add_plan({Scope::Kind::plant, ""});
    if (chance_.percent(25)) add_plan({Scope::Kind::area, "A1"});
    if (chance_.percent(25)) add_plan({Scope::Kind::line, "L1"});
    if (chance_.percent(25)) add_plan({Scope::Kind::machine, "M1"});
  }

  /// The day's 48 half hours as a ring, cut into one to three slots: so no shift overlaps another, on any weekday.
  void add_plan(const Scope& scope) {
    std::set<std::int64_t> cuts{chance_.below(48)};
    for (std::int64_t n = chance_.below(3); n > 0; --n)
      cuts.insert(chance_.percent(40) ? chance_.within(3, 7) : chance_.below(48));
    const std::vector<std::int64_t> starts{cuts.begin(), cuts.end()};
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const bool last = i + 1 == starts.size();
      const std::int64_t length = last ? starts[0] + 48 - starts[i] : starts[i + 1] - starts[i];
      add_shift(scope, starts[i], chance_.percent(30) ? chance_.within(1, length) : length);
    }
  }

  void add_shift(const Scope& scope, std::int64_t start, std::int64_t length) {
    Shift shift;
    shift.id = "S" + std::to_string(plant_.shifts.size() + 1);
    shift.name = shift.id;
    shift.scope = scope;
    shift.start = half_hours(start);
    shift.end = half_hours(start + length);
    if (chance_.percent(40)) shift.days = static_cast<std::uint8_t>(chance_.within(1, 127));
    if (chance_.percent(20)) {
      shift.every_weeks = static_cast<std::uint8_t>(chance_.within(2, 3));
      shift.week_of = clock_.date_at(span_.begin) + static_cast<oracle::Day>(chance_.below(40)) - 20;
    }
    shift.breaks = breaks(start, length);
    plant_.shifts.push_back(shift);
    if (chance_.percent(15)) change_plan(start, length);
  }

  /// The last shift gives way to another with other breaks.
  void change_plan(std::int64_t start, std::int64_t length) {
    const Timestamp when = some_hour();
    Shift later = plant_.shifts.back();
    plant_.shifts.back().valid.end = when;
    later.valid.begin = when;
    later.breaks = breaks(start, length);
    plant_.shifts.push_back(later);
  }

  static Duration half_hours(std::int64_t count) { return (count % 48) * Duration{30min}; }

  std::vector<Break> breaks(std::int64_t start, std::int64_t length) {
    std::vector<Break> made;
    for (std::int64_t from = chance_.below(6); from + 1 < length && made.size() < 2;
         from += 2 + chance_.below(5)) {
      made.push_back({half_hours(start + from), half_hours(start + from + 1)});
    }
    return made;
  }

  void add_closure() {
    Closure closure;
    closure.id = "C" + std::to_string(plant_.closures.size() + 1);
    closure.name = closure.id;
    const std::int64_t from = chance_.below(96);  // half hours of two days
    const std::int64_t to = from + chance_.within(1, 60);
    const oracle::Day first = clock_.date_at(span_.begin) + static_cast<oracle::Day>(chance_.below(4));
    closure.from = {first + static_cast<oracle::Day>(from / 48), half_hours(from)};
    closure.to = {first + static_cast<oracle::Day>(to / 48), half_hours(to)};
    closure.scope = chance_.one_of(std::array{Scope{Scope::Kind::plant, ""}, Scope{Scope::Kind::line, "L1"},
                                              Scope{Scope::Kind::machine, "M1"}});
    plant_.closures.push_back(closure);
  }

  Chance& chance_;  // borrowed: lives in random_history()
  TimeRange span_;
  oracle::WallClock clock_;
  Plant plant_;
};

// --- how it is described later

/// One description after another, each the one before but for a few things.
class DescriptionChanger {
 public:
  DescriptionChanger(Chance& chance, const Plant& first, TimeRange span)
      : chance_(chance), first_(first), plant_(first), span_(span) {}

  LaterDescription next() {
    do change();
    while (chance_.percent(60));
    if (chance_.percent(20)) return {plant_, std::nullopt};
    return {plant_, moment()};
  }

 private:
  void change() {
    Machine& machine = any(plant_.machines);
    switch (chance_.below(10)) {
      case 0:
        machine.ideal_cycle.reset();
        if (chance_.percent(80)) machine.ideal_cycle = cycle();
        break;
      case 1:
        change_cycles(machine);
        break;
      case 2:
        machine.minor_stop = chance_.one_of(std::array<Duration, 4>{0s, 60s, 299s, 1200s});
        break;
      case 3:
        machine.counter_modulus = chance_.one_of(std::array<std::int64_t, 3>{0, 1000, 400});
        break;
      case 4:
        any(plant_.states).category = static_cast<TimeCategory>(chance_.below(5));
        break;
      case 5:
        change_reason(any(plant_.reasons));
        break;
      case 6:
        change_plan();
        break;
      case 7:
        if (plant_.closures.empty())
          plant_.closures = first_.closures;
        else
          plant_.closures.pop_back();
        break;
      case 8:
        machine.active = !machine.active;
        break;
      case 9:
        change_the_rest(machine);
        break;
    }
  }

  void change_cycles(const Machine& machine) {
    if (chance_.percent(30)) {
      plant_.ideal_cycles.clear();
      return;
    }
    TimeRange valid{kBeginOfTime, kEndOfTime};
    if (chance_.percent(50)) valid.begin = moment();
    // Of those that begin at one moment none is the latest.
    const char* product = chance_.one_of(kProducts);
    const bool is_new =
        std::none_of(plant_.ideal_cycles.begin(), plant_.ideal_cycles.end(), [&](const auto& known) {
          return known.machine == machine.id && known.product == product && known.valid.begin == valid.begin;
        });
    if (is_new) plant_.ideal_cycles.push_back({machine.id, product, cycle(), valid});
  }

  void change_reason(Reason& reason) {
    reason.category = static_cast<ReasonCategory>(chance_.below(9));
    if (!reason.parent.empty() && chance_.percent(40)) reason.category.reset();
  }

  /// Shifts keep their times, so that none overlaps one of another description.
  void change_plan() {
    const std::int64_t kind = chance_.below(4);
    if (kind == 0) plant_.shifts = first_.shifts;
    if (kind == 1) plant_.shifts.clear();
    if (plant_.shifts.empty()) return;
    Shift& shift = any(plant_.shifts);
    if (kind == 2) shift.breaks.clear();
    if (kind == 3) shift.days = static_cast<std::uint8_t>(chance_.within(1, 127));
  }

  void change_the_rest(Machine& machine) {
    const std::int64_t kind = chance_.below(3);
    if (kind == 0) machine.silence_timeout = chance_.one_of(std::array<Duration, 3>{0s, 25min, 2h});
    if (kind == 1) plant_.minor_stops = MinorStopPolicy::performance;
    if (kind == 2)
      plant_.unknown_time = chance_.percent(50) ? UnknownTimePolicy::stop : UnknownTimePolicy::exclude;
  }

  Timestamp moment() {
    const Timestamp t = span_.begin + Duration{chance_.below(span_.length().count())};
    return chance_.percent(50) ? Timestamp{std::chrono::floor<std::chrono::hours>(t)} : t;
  }
  Duration cycle() { return chance_.one_of(std::array<Duration, 4>{1s, 1500ms, 30s, 7654321us}); }
  template <class Thing>
  Thing& any(std::vector<Thing>& list) {
    return list[static_cast<std::size_t>(chance_.below(static_cast<std::int64_t>(list.size())))];
  }

  Chance& chance_;  // borrowed: lives in random_descriptions()
  const Plant& first_;
  Plant plant_;
  TimeRange span_;
};

// --- its description

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string seconds_text(Duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%lld.%06lld", static_cast<long long>(time.count() / 1'000'000),
                static_cast<long long>(time.count() % 1'000'000));
  return text.data();
}

std::string wall_text(Duration time) {
  std::array<char, 32> text{};
  const auto minutes = static_cast<int>(time / 1min);
  std::snprintf(text.data(), text.size(), "%02d:%02d", minutes / 60, minutes % 60);
  return text.data();
}

std::string scope_text(const Scope& scope) {
  constexpr std::array kinds{"plant", "area:", "line:", "machine:"};
  return quoted(kinds.at(static_cast<std::size_t>(scope.kind)) + scope.id);
}

std::string category_text(ReasonCategory category) {
  constexpr std::array names{"failure", "setup",    "planned", "material", "operator",
                             "quality", "external", "speed",   "other"};
  return quoted(names.at(static_cast<std::size_t>(category)));
}

std::string days_text(std::uint8_t days) {
  constexpr std::array names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  std::string text;
  for (std::size_t day = 0; day < names.size(); ++day) {
    if ((days >> day & 1U) != 0) text += (text.empty() ? "" : ",") + quoted(names.at(day));
  }
  return "[" + text + "]";
}

void write_validity(std::ostream& out, TimeRange valid) {
  if (valid.begin != kBeginOfTime) out << "valid_from = " << time_text(valid.begin) << "\n";
  if (valid.end != kEndOfTime) out << "valid_to = " << time_text(valid.end) << "\n";
}

void write_machine(std::ostream& out, const Machine& machine) {
  out << "[[machine]]\nid = " << quoted(machine.id) << "\nname = " << quoted(machine.name) << "\n";
  if (!machine.line.empty()) out << "line = " << quoted(machine.line) << "\n";
  if (machine.ideal_cycle) out << "ideal_cycle_s = " << seconds_text(*machine.ideal_cycle) << "\n";
  out << "minor_stop_s = " << machine.minor_stop / 1s << "\nsilence_timeout_s = " << machine.silence_timeout / 1s
      << "\n"
      << "counter_modulus = " << machine.counter_modulus << "\n";
}

void write_shift(std::ostream& out, const Shift& shift) {
  out << "[[shift]]\nid = " << quoted(shift.id) << "\nscope = " << scope_text(shift.scope)
      << "\ndays = " << days_text(shift.days);
  if (shift.every_weeks > 1) {
    out << "\nevery_weeks = " << int{shift.every_weeks}
        << "\nweek_of = " << quoted(oracle::date_text(shift.week_of));
  }
  out << "\nstart = " << quoted(wall_text(shift.start)) << "\nend = " << quoted(wall_text(shift.end))
      << "\nbreaks = [";
  for (const Break& pause : shift.breaks) {
    out << "[" << quoted(wall_text(pause.start)) << "," << quoted(wall_text(pause.end)) << "],";
  }
  out << "]\n";
  write_validity(out, shift.valid);
}

std::string local_text(const LocalTime& local) {
  return oracle::date_text(local.day) + "T" + wall_text(local.time) + ":00";
}

void write_vocabulary(std::ostream& out, const Plant& plant) {
  for (const Reason& reason : plant.reasons) {
    out << "[[reason]]\ncode = " << quoted(reason.code) << "\nname = " << quoted(reason.name) << "\n";
    if (!reason.parent.empty()) out << "parent = " << quoted(reason.parent) << "\n";
    if (reason.category) out << "category = " << category_text(*reason.category) << "\n";
  }
  out << "[[state]]\nname = \"JAMMED\"\ncategory = \"stop\"\n[[state]]\nname = \"Milling\"\ncategory = "
         "\"production\"\n";
}

std::string toml_of(const Plant& plant) {
  std::ostringstream out;
  out << "[plant]\nid = " << quoted(plant.id) << "\ntimezone = " << quoted(plant.timezone) << "\nminor_stops = "
      << (plant.minor_stops == MinorStopPolicy::performance ? "\"performance\"" : "\"availability\"")
      << "\nunknown_time = " << (plant.unknown_time == UnknownTimePolicy::stop ? "\"stop\"" : "\"exclude\"")
      << "\n";
  for (const Area& area : plant.areas)
    out << "[[area]]\nid = " << quoted(area.id) << "\nname = " << quoted(area.name) << "\n";
  for (const Line& line : plant.lines) {
    out << "[[line]]\nid = " << quoted(line.id) << "\nname = " << quoted(line.name) << "\n";
    if (!line.area.empty()) out << "area = " << quoted(line.area) << "\n";
  }
  for (const Machine& machine : plant.machines) write_machine(out, machine);
  for (const Product& product : plant.products) {
    out << "[[product]]\nid = " << quoted(product.id) << "\nname = " << quoted(product.name) << "\n";
  }
  for (const IdealCycle& cycle : plant.ideal_cycles) {
    out << "[[ideal_cycle]]\nmachine = " << quoted(cycle.machine) << "\nproduct = " << quoted(cycle.product)
        << "\nseconds = " << seconds_text(cycle.cycle) << "\n";
    write_validity(out, cycle.valid);
  }
  for (const Shift& shift : plant.shifts) write_shift(out, shift);
  for (const Closure& closure : plant.closures) {
    out << "[[closure]]\nid = " << quoted(closure.id) << "\nname = " << quoted(closure.name)
        << "\nfrom = " << local_text(closure.from) << "\nto = " << local_text(closure.to)
        << "\nscope = " << scope_text(closure.scope) << "\n";
  }
  write_vocabulary(out, plant);
  return out.str();
}

// --- what happened

/// Events of one machine after the other. Times are integers of microseconds until they are spelt.
class EventMaker {
 public:
  EventMaker(Chance& chance, const Plant& plant, TimeRange span, Timestamp now)
      : chance_(chance), plant_(plant), span_(span), now_(now) {}

  std::vector<Json> make() {
    for (const Machine& machine : plant_.machines) {
      machine_ = &machine;
      moments_.clear();
      times(60, [&] { add_state(); });
      times(10, [&] { add_stop_and_go(); });
      times(30, [&] { add_count(); });
      add_totals();
      times(15, [&] { add_cycle(); });
      times(8, [&] { add_order(); });
      times(12, [&] { add_classify(); });
      times(10, [&] { add_bystander(); });
    }
    return delivered();
  }

 private:
  template <class Do>
  void times(std::int64_t at_most, Do act) {
    for (std::int64_t n = chance_.below(at_most + 1); n > 0; --n) act();
  }

  /// On the grid of shifts and hours, on a whole minute, anywhere, or where something else happens; never now.
  Timestamp moment() {
    Timestamp t = span_.begin + Duration{chance_.below(span_.length().count())};
    const std::int64_t kind = chance_.below(10);
    if (kind < 4) t = std::chrono::floor<std::chrono::duration<std::int64_t, std::ratio<900>>>(t);
    if (kind >= 4 && kind < 6) t = std::chrono::floor<std::chrono::minutes>(t);
    if (kind == 9 && !moments_.empty()) t = chance_.one_of(moments_) + Duration{chance_.within(-1, 1)};
    if (t == now_) t -= 1us;
    if (!span_.contains(t)) t = span_.begin;
    moments_.push_back(t);
    return t;
  }

  Json event(const char* type) { return {{"type", type}, {"machine", machine_->id}}; }

  /// Base events differ in identity: of two that do not, the second is not made.
  void add(const Json& event) {
    if (!known_.insert(oracle::identity_of(event)).second) return;
    events_.push_back(event);
    revise(event);
  }

  void add_state() { add_state_at(moment()); }
  void add_state_at(Timestamp t) {
    Json state = event("state");
    state["ts"] = micros(t);
    fill_state(state);
    if (chance_.percent(20)) state["id"] = chance_.one_of(std::array{"a", "b", "c"});
    add(state);
  }
  void fill_state(Json& state) {
    state.erase("reason");
    const std::int64_t kind = chance_.below(100);
    if (kind < 40) state["state"] = chance_.one_of(kRunStates);
    if (kind >= 40 && kind < 93) state["state"] = chance_.one_of(kStopStates);
    if (kind >= 93) state["state"] = chance_.one_of(kUnknownStates);
    if (chance_.percent(kind < 40 ? 5 : 40)) state["reason"] = chance_.one_of(kReasons);
  }

  /// A short stop between two times of production, right at, below or above the usual limits of minor stops.
  void add_stop_and_go() {
    const Timestamp t = moment();
    const Duration length = chance_.one_of(std::array<Duration, 6>{59s, 60s, 299s, 300s, 300s + 1us, 20min});
    Json stop = event("state"), go = event("state");
    stop.update({{"ts", micros(t)}, {"state", "down"}});
    go.update({{"ts", micros(t + length)}, {"state", "running"}});
    add(stop);
    if (t + length < span_.end && t + length != now_) add(go);
  }

  void fill_count(Json& count) {
    for (const char* field : {"good", "scrap", "rework"}) count.erase(field);
    count["good"] = chance_.below(40);
    if (chance_.percent(40)) count["scrap"] = chance_.below(5);
    if (chance_.percent(20)) count["rework"] = chance_.below(3);
  }
  void name_product(Json& count) {
    if (!chance_.percent(40)) return;
    count["product"] = chance_.one_of(kProducts);
    if (chance_.percent(30)) count["order"] = chance_.one_of(std::array{"O1", "O2", "O3"});
  }
  void add_count() {
    Json count = event("count");
    count["ts"] = micros(moment());
    fill_count(count);
    name_product(count);
    if (chance_.percent(20)) count["defect"] = "BURR";
    if (chance_.percent(15)) count["startup"] = true;
    if (chance_.percent(10)) count["id"] = "n" + std::to_string(chance_.below(3));
    if (chance_.percent(10)) count["attributes"] = {{"shift leader", "anna"}};
    add(count);
  }

  /// A counter that mostly rises, sometimes starts again, and wraps where the machine has a modulus.
  void add_totals() {
    if (chance_.percent(50)) return;
    std::set<Timestamp> readings;
    times(25, [&] { readings.insert(moment()); });
    std::int64_t good = chance_.below(900), scrap = 0;
    for (const Timestamp t : readings) {
      good = chance_.percent(15) ? chance_.below(20) : good + chance_.below(60);
      scrap = chance_.percent(10) ? 0 : scrap + chance_.below(4);
      if (machine_->counter_modulus > 0) good %= machine_->counter_modulus - 1;
      Json count = event("count");
      count["ts"] = micros(t);
      if (chance_.percent(90)) count["good_total"] = good;
      if (chance_.percent(50) || !count.contains("good_total")) count["scrap_total"] = scrap;
      if (chance_.percent(15)) count["rework"] = 1;  // a hand-made increment beside the counters
      name_product(count);
      if (chance_.percent(15)) count["startup"] = true;
      count["id"] = "counter";
      add(count);
      if (!chance_.percent(10) || !count.contains("good_total")) continue;
      count["id"] = "counter, read again";  // at the same instant: the identity orders the two
      count["good_total"] = ++good;
      add(count);
    }
  }

  void add_cycle() {
    Json cycle = event("cycle");
    const Timestamp start = moment();
    cycle["start"] = micros(start);
    cycle["end"] = micros(std::min(start + Duration{chance_.within(1, 120'000'000)}, span_.end - 1us));
    if (cycle["end"] == micros(now_) || cycle["end"] <= cycle["start"]) return;
    if (chance_.percent(30)) cycle[chance_.one_of(std::array{"good", "scrap", "rework"})] = chance_.below(3);
    name_product(cycle);
    add(cycle);
  }

  void add_order() {
    Json order = event("order");
    order["ts"] = micros(moment());
    order["order"] = chance_.one_of(std::array{"O1", "O2", "O3"});
    order["action"] = chance_.one_of(std::array{"plan", "start", "start", "start", "stop", "complete"});
    if (order["action"] == "plan" || chance_.percent(50)) order["product"] = chance_.one_of(kProducts);
    if (order["action"] == "start" && !order_starts_.insert({machine_->id, order["ts"]}).second) return;
    if (order["action"] == "plan") order["planned_end"] = micros(span_.end + 24h);
    add(order);
  }

  void add_classify() {
    Json classify = event("classify");
    const Timestamp start = moment();
    classify["start"] = micros(start);
    classify["reason"] = chance_.one_of(kReasons);
    if (chance_.percent(60)) {
      const Duration length =
          chance_.within(1, 600) * Duration{chance_.percent(50) ? Duration{1s} : Duration{1min}};
      classify["end"] = micros(std::min(start + length, span_.end - 1us));
      if (classify["end"] <= classify["start"]) return;
    }
    // Of two without a record the starts differ; records differ always.
    if (chance_.percent(50))
      classify["recorded_at"] = micros(span_.begin + ++records_ * Duration{1min} * 7 % 1440min);
    const auto rank =
        std::pair(machine_->id, classify.contains("recorded_at") ? classify["recorded_at"] : classify["start"]);
    if (!(classify.contains("recorded_at") ? recorded_ : unrecorded_).insert(rank).second) return;
    if (chance_.percent(30)) classify["by"] = "anna";
    add(classify);
  }

  /// Events that change no figure, but are heard.
  void add_bystander() {
    const std::int64_t kind = chance_.below(3);
    Json made = event(std::array{"reading", "quality", "energy"}.at(static_cast<std::size_t>(kind)));
    made["ts"] = micros(moment());
    if (kind == 0) made.update({{"tag", "spindle.temp"}, {"value", 61.25}});
    if (kind == 1)
      made.update({{"product", "X"}, {"characteristic", "diameter"}, {"value", 20.5}, {"serial", "S1"}});
    if (kind == 2) made.update({{"kwh_total", 1234.5}});
    add(made);
  }

  // --- corrections and withdrawals

  void revise(const Json& original) {
    Json latest = original;
    std::int64_t revision = 0;
    while (chance_.percent(12)) {
      revision += chance_.within(1, 2);
      change(latest);
      latest["revision"] = revision;
      events_.push_back(latest);
    }
    if (chance_.percent(6)) events_.push_back(withdrawal(original, revision));  // the same revision suffices
    if (revision > 0 && chance_.percent(20)) events_.push_back(withdrawal(original, revision - 1));  // superseded
    if (chance_.percent(3)) withdraw_and_restore(latest, revision + 1);
  }

  void withdraw_and_restore(Json latest, std::int64_t revision) {
    events_.push_back(withdrawal(latest, revision));
    latest["revision"] = revision + 1;
    if (chance_.percent(50)) events_.push_back(latest);
  }

  void change(Json& event) {
    const std::string type = event["type"];
    if (type == "state") fill_state(event);
    if (type == "count" && !event.contains("good_total") && !event.contains("scrap_total")) fill_count(event);
    if (event.contains("good_total")) event["good_total"] = chance_.below(900);
    if (type == "cycle") change_cycle(event);
    if (type == "order") event["product"] = chance_.one_of(kProducts);
    if (type == "classify") event["reason"] = chance_.one_of(kReasons);
  }

  /// What it made, and often when it ended.
  void change_cycle(Json& cycle) {
    cycle["good"] = chance_.below(4);
    if (chance_.percent(50)) return;
    const Timestamp start = from_micros(cycle["start"].get<std::int64_t>());
    const Timestamp end = std::min(start + Duration{chance_.within(1, 3'600'000'000)}, span_.end - 1us);
    if (end > start && end != now_) cycle["end"] = micros(end);
  }

  /// The identity and no more.
  static Json withdrawal(const Json& event, std::int64_t revision) {
    std::vector<const char*> fields{"type",   "machine",        "ts",     "start",  "id",         "tag",
                                    "defect", "characteristic", "serial", "action", "recorded_at"};
    const std::string type = event["type"];
    if (type == "count" || type == "cycle") fields.push_back("product");
    if (type != "quality") fields.push_back("order");
    if (type == "classify") fields.push_back("end");
    Json made{{"deleted", true}};
    for (const char* field : fields) {
      if (event.contains(field)) made[field] = event[field];
    }
    if (revision > 0) made["revision"] = revision;
    return made;
  }

  // --- delivery

  Json spelt(std::int64_t time) {
    const std::int64_t kind = chance_.below(4);
    if (kind == 0) return time;
    if (kind == 1) return time_text(from_micros(time) + 345min).substr(0, 19) + fraction(time) + "+05:45";
    if (kind == 2) return time_text(from_micros(time) - 210min).substr(0, 19) + fraction(time) + "-03:30";
    return time_text(from_micros(time));
  }
  static std::string fraction(std::int64_t time) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), ".%06d", static_cast<int>((time % 1'000'000 + 1'000'000) % 1'000'000));
    return text.data();
  }

  Json spelt(Json event) {
    for (const char* field : {"ts", "start", "end", "recorded_at", "planned_end"}) {
      if (event.contains(field)) event[field] = spelt(event[field].get<std::int64_t>());
    }
    return event;
  }

  std::vector<Json> delivered() {
    std::vector<Json> sent;
    for (const Json& event : events_) {
      do sent.push_back(spelt(event));
      while (chance_.percent(15));
    }
    chance_.shuffle(sent);
    return sent;
  }

  Chance& chance_;      // borrowed: lives in random_history()
  const Plant& plant_;  // borrowed likewise
  TimeRange span_;
  Timestamp now_;
  const Machine* machine_ = nullptr;  // borrowed from plant_
  std::vector<Timestamp> moments_;
  std::int64_t records_ = 0;
  std::set<std::vector<std::string>> known_;
  std::set<std::pair<std::string, Json>> order_starts_, recorded_, unrecorded_;
  std::vector<Json> events_;
};

}  // namespace

RandomHistory random_history(std::uint64_t seed) {
  Chance chance{seed};
  const Place& place = kPlaces.at(static_cast<std::size_t>(seed % kPlaces.size()));
  const Timestamp noon = oracle::read_time(place.noon);
  RandomHistory history;
  history.span = {noon - chance.within(20, 60) * Duration{1h}, noon + chance.within(20, 60) * Duration{1h}};
  // Events up to five minutes ahead of the clock are taken, and not seen yet.
  history.now = history.span.end - (chance.percent(50) ? Duration{4min + 321us} : Duration{1us});
  if (chance.percent(30)) history.now = history.span.end + Duration{7h + 123us};
  history.plant = PlantMaker{chance, place.zone, history.span}.make();
  history.plant_toml = toml_of(history.plant);
  history.events = EventMaker{chance, history.plant, history.span, history.now}.make();
  return history;
}

std::vector<LaterDescription> random_descriptions(const RandomHistory& history, std::uint64_t seed) {
  Chance chance{seed + 104729};
  DescriptionChanger changer{chance, history.plant, history.span};
  std::vector<LaterDescription> later;
  for (std::int64_t n = chance.within(1, 4); n > 0; --n) later.push_back(changer.next());
  return later;
}

TimeRange random_range(const RandomHistory& history, std::uint64_t seed) {
  Chance chance{seed + 7919};
  const TimeRange around{history.span.begin - 6h, history.now + 3h};
  if (chance.percent(20)) return around;
  auto moment = [&] {
    const Timestamp t = around.begin + Duration{chance.below(around.length().count())};
    return chance.percent(60) ? Timestamp{std::chrono::floor<std::chrono::hours>(t)} : t;
  };
  const auto [begin, end] = std::minmax({moment(), moment()});
  return begin < end ? TimeRange{begin, end} : around;
}

}  // namespace takt
