// The plant description (contract 2): what machines there are, when they should run, what counts as what.
#pragma once

#include "schema/time.h"

#include <boost/json/value.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// What a moment of a machine counts as.
enum class TimeCategory : std::uint8_t { production, setup, stop, planned_stop, unknown };
inline constexpr std::size_t kTimeCategories = 5;
std::string_view name_of(TimeCategory category);

/// What kind of reason a stop has; decides the TimeCategory of the time it explains.
enum class ReasonCategory : std::uint8_t {
  failure,
  setup,
  planned,
  material,
  operator_,
  quality,
  external,
  speed,
  other
};
std::string_view name_of(ReasonCategory category);

enum class MinorStopPolicy : std::uint8_t { availability, performance };
enum class UnknownTimePolicy : std::uint8_t { exclude, stop };
enum class TagKind : std::uint8_t { gauge, counter, state };

/// A wall-clock moment without a zone: days since 1970-01-01 and time since midnight.
struct LocalTime {
  std::int32_t day = 0;
  Duration time{0};
  friend auto operator<=>(const LocalTime&, const LocalTime&) = default;
};

/// "plant", "area:A1", "line:L1" or "machine:M1".
struct Scope {
  enum class Kind : std::uint8_t { plant, area, line, machine };
  Kind kind = Kind::plant;
  std::string id;
  friend bool operator==(const Scope&, const Scope&) = default;
};
Result<Scope> parse_scope(std::string_view text);
std::string to_string(const Scope& scope);

struct Area {
  std::string id, name;
  friend bool operator==(const Area&, const Area&) = default;
};
struct Line {
  std::string id, name, area;
  friend bool operator==(const Line&, const Line&) = default;
};
struct Machine {
  std::string id, name, line;
  std::optional<Duration> ideal_cycle;  ///< planned run time per item of any product not listed for that time
  Duration minor_stop{0};
  Duration silence_timeout{0};
  std::int64_t counter_modulus = 0;
  bool active = true;
  friend bool operator==(const Machine&, const Machine&) = default;
};
struct Product {
  std::string id, name;
  std::string unit = "pcs";
  friend bool operator==(const Product&, const Product&) = default;
};
struct Tag {
  std::string machine, name, unit;  ///< without a machine: of that name on every machine
  TagKind kind = TagKind::gauge;
  friend bool operator==(const Tag&, const Tag&) = default;
};
struct Alert {
  std::string id, on, scope = "plant";
  std::optional<double> above, below, clear;
  Duration for_at_least{0};
  std::vector<std::string> send;
  friend bool operator==(const Alert&, const Alert&) = default;
};
struct Characteristic {
  std::string product, name;
  std::optional<double> lsl, usl, target;
  std::int64_t subgroup_size = 1;
  friend bool operator==(const Characteristic&, const Characteristic&) = default;
};
struct Recipe {
  std::string id, product, machine;
  std::optional<Duration> setup;
  boost::json::object parameters;
  friend bool operator==(const Recipe&, const Recipe&) = default;
};
struct IdealCycle {
  std::string machine, product;
  Duration cycle{0};
  TimeRange valid;
  friend bool operator==(const IdealCycle&, const IdealCycle&) = default;
};
/// A break, in wall-clock time since midnight; `end` <= `start` ends on the next day. It lies within its shift, on
/// the day after the shift's start if `start` is before that of the shift. Breaks of one shift may overlap.
struct Break {
  Duration start{0}, end{0};
  friend bool operator==(const Break&, const Break&) = default;
};
inline constexpr std::int64_t kMaxRotationWeeks = 8;
struct Shift {
  std::string id, name;
  std::uint8_t days = 0x7F;      ///< bit 0 Monday ... bit 6 Sunday: local weekday on which the shift starts
  std::uint8_t every_weeks = 1;  ///< of a rotation of so many weeks it has one
  std::int32_t week_of = 0;      ///< a local date, counted since 1970, of a week that it has; without a rotation 0
  Duration start{0}, end{0};     ///< wall clock since midnight; `end` <= `start` ends on the next day
  std::vector<Break> breaks;
  Scope scope;
  TimeRange valid;  ///< for the shift's start
  /// Whether it starts on this local date, by days and weeks.
  bool is_set_for(std::int64_t date) const;
  friend bool operator==(const Shift&, const Shift&) = default;
};
struct Closure {
  std::string id, name;
  LocalTime from, to;
  Scope scope;
  friend bool operator==(const Closure&, const Closure&) = default;
};
struct Reason {
  std::string code, name, parent;
  std::optional<ReasonCategory> category;  ///< as written; effective_category() follows the parents
  std::string iso14224_mode, iso14224_mechanism, iso14224_cause, iso14224_detection, iso14224_impact;
  friend bool operator==(const Reason&, const Reason&) = default;
};
struct Defect {
  std::string code, name;
  friend bool operator==(const Defect&, const Defect&) = default;
};
struct StateName {
  std::string name;
  TimeCategory category = TimeCategory::stop;
  friend bool operator==(const StateName&, const StateName&) = default;
};

/// Where Takt fetches data by itself, or is told it by a broker. Secrets stay in files: the description is shown.
struct DataSource {
  std::string id, kind, url;
  std::string machine;  ///< whose data it is, where it is of one machine alone
  std::string user, password_file, ca_file;
  boost::json::object options;  ///< what only this kind knows
  bool active = true;
  friend bool operator==(const DataSource&, const DataSource&) = default;
};

/// What a signal means.
enum class SignalUse : std::uint8_t {
  state,
  reason,
  product,
  order,
  good_total,
  scrap_total,
  rework_total,
  good,
  scrap,
  rework,
  kwh_total,
  reading,
  event,  ///< a JSON event, or several
  ignore,
};
inline constexpr std::size_t kSignalUses = 14;
std::string_view name_of(SignalUse use);

/// A rule for the addresses of a source that `match` fits. Levels are separated by `/`: `*` is any level, `#` at
/// the end any number of them, `{name}` one that `machine` and `tag` may speak of as `{name}`.
struct SignalRule {
  std::string source;  ///< empty: of all sources
  std::string match;
  SignalUse as = SignalUse::reading;
  std::string machine, tag;    ///< empty: as without a rule
  boost::json::object values;  ///< what values are called here: `{"3": "running"}`
  friend bool operator==(const SignalRule&, const SignalRule&) = default;
};

/// The whole description, as validated. Names default to the ids. Order of the lists is the order of the file.
struct Plant {
  std::string id = "plant", name, timezone = "UTC";
  MinorStopPolicy minor_stops = MinorStopPolicy::availability;
  UnknownTimePolicy unknown_time = UnknownTimePolicy::exclude;
  bool auto_register = false;
  std::int64_t retention_readings_days = 0, retention_events_days = 0;  ///< 0: for ever
  std::vector<Area> areas;
  std::vector<Line> lines;
  std::vector<Machine> machines;
  std::vector<Product> products;
  std::vector<Tag> tags;
  std::vector<Alert> alerts;
  std::vector<Characteristic> characteristics;
  std::vector<Recipe> recipes;
  std::vector<IdealCycle> ideal_cycles;
  std::vector<Shift> shifts;
  std::vector<Closure> closures;
  std::vector<Reason> reasons;
  std::vector<Defect> defects;
  std::vector<StateName> states;
  std::vector<DataSource> sources;
  std::vector<SignalRule> signals;

  const Machine* machine(std::string_view id) const;
  const Line* line(std::string_view id) const;
  const Area* area(std::string_view id) const;
  const Reason* reason(std::string_view code) const;

  friend bool operator==(const Plant&, const Plant&) = default;
};

/// The category of `reason`, following its parents; `other` where none says.
ReasonCategory effective_category(const Plant& plant, const Reason& reason);

/// A state's spelling in answers and what it counts as.
struct StateMeaning {
  std::string name;
  TimeCategory category = TimeCategory::unknown;
};
/// The plant's own vocabulary first, then the built-in names, PackML and MTConnect Execution. ASCII letters match
/// in either case; own names answer as described, the others in lower case.
std::optional<StateMeaning> meaning_of_state(const Plant& plant, std::string_view state);

/// Reads and validates a whole description. Errors name file, line, key and remedy, one problem a line.
Result<Plant> parse_plant_toml(std::string_view text, std::string_view file_name);
/// The same keys as JSON.
Result<Plant> parse_plant_json(std::string_view text);
/// One that was checked when it was taken in: whether its parts go together, and whether there is such a time
/// zone, is not asked again.
Result<Plant> parse_stored_plant_json(std::string_view text);
/// A description that parse_plant_toml() (parse_plant_json()) reads back as the same plant.
std::string to_toml(const Plant& plant);
boost::json::object to_json(const Plant& plant);

}  // namespace takt
