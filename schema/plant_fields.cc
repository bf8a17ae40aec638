#include "schema/plant_fields.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace takt {
namespace {

using namespace std::string_view_literals;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::size_t kLongestId = 128;
/// No cycle, silence or setup takes 31 years, and sums of such times stay far from overflow.
constexpr std::int64_t kMostSeconds = 1'000'000'000;
constexpr std::array kDays = {"mon"sv, "tue"sv, "wed"sv, "thu"sv, "fri"sv, "sat"sv, "sun"sv};

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

/// A whole number, also when written as 5.0 or 1E3, as some JSON writers do.
std::optional<std::int64_t> whole_of(const Node& node) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (const auto* integer = node.as<std::int64_t>()) return *integer;
  const auto* real = node.as<double>();
  if (real == nullptr || !(std::fabs(*real) <= kExact) || *real != std::trunc(*real)) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

std::optional<double> number_of(const Node& node) {
  if (const auto* integer = node.as<std::int64_t>()) return static_cast<double>(*integer);
  const auto* real = node.as<double>();
  if (real == nullptr || !std::isfinite(*real)) return std::nullopt;
  return *real;
}

/// `seconds` in microseconds if it is the double nearest to a whole number of them.
std::optional<Duration> exact_micros(double seconds) {
  const std::int64_t us = std::llround(seconds * 1e6);
  if (static_cast<double>(us) / 1e6 != seconds) return std::nullopt;
  return Duration{us};
}

std::optional<int> two_digits(std::string_view text, std::size_t at) {
  if (text.size() < at + 2) return std::nullopt;
  const char a = text[at];
  const char b = text[at + 1];
  if (a < '0' || a > '9' || b < '0' || b > '9') return std::nullopt;
  return (a - '0') * 10 + (b - '0');
}

/// "HH:MM" or "HH:MM:SS" up to 24:00.
std::optional<Duration> parse_time_of_day(std::string_view text) {
  if ((text.size() != 5 && text.size() != 8) || text[2] != ':' || (text.size() == 8 && text[5] != ':')) {
    return std::nullopt;
  }
  const auto hour = two_digits(text, 0);
  const auto minute = two_digits(text, 3);
  const auto second = text.size() == 8 ? two_digits(text, 6) : 0;
  if (!hour || !minute || !second || *minute > 59 || *second > 59) return std::nullopt;
  const Duration time = hours{*hour} + minutes{*minute} + std::chrono::seconds{*second};
  if (time > hours{24}) return std::nullopt;
  return time;
}

/// "2026-12-24", "2026-12-24T06:00" or anything longer that parse_time() understands when told it is UTC.
std::optional<LocalTime> parse_local(std::string_view text) {
  std::string full(text);
  if (full.size() == 10) full += "T00:00";
  if (full.size() == 16) full += ":00";
  if (full.size() < 19) return std::nullopt;
  const Result<Timestamp> t = parse_time(full + "Z");
  if (!t) return std::nullopt;
  const auto day = std::chrono::floor<days>(*t);
  return LocalTime{static_cast<std::int32_t>(day.time_since_epoch().count()), *t - day};
}

std::string at(const std::string& path, std::size_t index) { return path + '[' + std::to_string(index) + ']'; }

}  // namespace

Fields::Fields(const Node& node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {}

std::string Fields::path_of(std::string_view key) const {
  if (path_.empty() || key.empty()) return path_ + std::string(key);
  return path_ + '.' + std::string(key);
}

int Fields::line_of(std::string_view key) const {
  const Node* node = node_.find(key);
  return node != nullptr ? node->line : node_.line;
}

void Fields::problem(std::string_view key, const std::string& message) {
  problems_.add(line_of(key), path_of(key), message);
}

void Fields::wrong(std::string_view key, const Node& node, std::string_view wanted) {
  problem(key, "must be " + std::string(wanted) + ", not " + std::string(kind_of(node)));
}

const Node* Fields::get(std::string_view key) {
  known_.push_back(key);
  return node_.find(key);
}

const Node* Fields::require(std::string_view key, std::string_view example) {
  const Node* node = get(key);
  // Of what is no table at all, finish() says so once.
  if (node == nullptr && node_.as<Node::Table>() != nullptr) {
    problem(key, "is missing; add " + std::string(key) + " = " + std::string(example));
  }
  return node;
}

std::string Fields::checked_id(std::string_view key, const Node& node) {
  const auto* text = node.as<std::string>();
  if (text == nullptr) {
    wrong(key, node, "a string");
    return {};
  }
  if (text->empty()) problem(key, "is empty; write 1 to 128 bytes, or leave the key out where it is optional");
  if (text->size() > kLongestId) {
    problem(key, double_quoted(*text) + " has " + std::to_string(text->size()) + " bytes; shorten it to 128");
  }
  if (has_control_character(*text)) problem(key, double_quoted(*text) + " holds a control character; take it out");
  return *text;
}

std::string Fields::id(std::string_view key) {
  const Node* node = require(key, "\"...\"");
  return node == nullptr ? std::string() : checked_id(key, *node);
}

std::string Fields::optional_id(std::string_view key) {
  const Node* node = get(key);
  return node == nullptr ? std::string() : checked_id(key, *node);
}

std::string Fields::text(std::string_view key, std::string_view fallback) {
  const Node* node = get(key);
  if (node == nullptr) return std::string(fallback);
  if (const auto* text = node->as<std::string>()) return *text;
  wrong(key, *node, "a string");
  return {};
}

std::string Fields::name(const std::string& id) {
  const std::string written = text("name");
  return written.empty() ? id : written;
}

bool Fields::flag(std::string_view key, bool fallback) {
  const Node* node = get(key);
  if (node == nullptr) return fallback;
  if (const auto* value = node->as<bool>()) return *value;
  wrong(key, *node, "true or false");
  return fallback;
}

std::int64_t Fields::whole(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most) {
  const Node* node = get(key);
  if (node == nullptr) return fallback;
  const std::optional<std::int64_t> value = whole_of(*node);
  if (value && *value >= least && *value <= most) return *value;
  const std::string range = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (value || number_of(*node)) {
    problem(key, "must be " + range);
  } else {
    wrong(key, *node, range);
  }
  return fallback;
}

std::optional<double> Fields::number(std::string_view key) {
  const Node* node = get(key);
  if (node == nullptr) return std::nullopt;
  const std::optional<double> value = number_of(*node);
  if (!value) wrong(key, *node, node->as<double>() != nullptr ? "a finite number" : "a number");
  return value;
}

std::optional<Duration> Fields::seconds(std::string_view key, Least least) {
  const std::optional<double> value = number(key);
  if (!value) return std::nullopt;
  const bool above = least == Least::above_zero;
  const std::optional<Duration> exact =
      std::fabs(*value) <= kMostSeconds ? exact_micros(*value) : std::optional(Duration::max());
  if (!exact) {
    problem(key, "is not in whole microseconds; write at most six decimals");
  } else if (*exact < Duration{above ? 1 : 0} || *exact > std::chrono::seconds{kMostSeconds}) {
    problem(key, above ? "must be seconds above 0, up to 1000000000" : "must be seconds from 0 to 1000000000");
  } else {
    return exact;
  }
  return std::nullopt;
}

Duration Fields::required_seconds(std::string_view key, Least least) {
  require(key, "1.0");
  return seconds(key, least).value_or(Duration{1});
}

std::optional<std::size_t> Fields::choice(std::string_view key, std::span<const std::string_view> names) {
  const Node* node = get(key);
  if (node == nullptr) return std::nullopt;
  const auto* text = node->as<std::string>();
  if (text == nullptr) {
    wrong(key, *node, "a string: " + alternatives(names));
    return std::nullopt;
  }
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  problem(key, double_quoted(*text) + " is none of its values; write " + alternatives(names));
  return std::nullopt;
}

Timestamp Fields::instant(std::string_view key, Timestamp fallback) {
  const Node* node = get(key);
  if (node == nullptr) return fallback;
  std::string text;
  if (const auto* written = node->as<std::string>()) text = *written;
  if (const auto* integer = node->as<std::int64_t>()) text = std::to_string(*integer);
  if (const auto* instant = node->as<Timestamp>()) text = std::to_string(micros(*instant));
  if (text.empty()) {
    wrong(key, *node, "a time with an offset, such as 2026-01-01T00:00:00Z");
    return fallback;
  }
  const Result<Timestamp> t = parse_time(text);
  if (!t) problem(key, t.error().context);
  return t ? *t : fallback;
}

TimeRange Fields::validity() {
  const TimeRange range{instant("valid_from", kBeginOfTime), instant("valid_to", kEndOfTime)};
  if (range.empty()) problem("valid_to", "is not after valid_from; mend one of them");
  return range;
}

LocalTime Fields::local_time(std::string_view key) {
  constexpr std::string_view kExample = "2026-12-24T00:00:00";
  const Node* node = require(key, kExample);
  if (node == nullptr) return {};
  if (const auto* local = node->as<LocalTime>()) return *local;
  const auto* text = node->as<std::string>();
  const std::optional<LocalTime> parsed = text != nullptr ? parse_local(*text) : std::nullopt;
  if (parsed) return *parsed;
  const std::string wanted =
      "a date or time of the plant's wall clock without an offset, such as " + std::string(kExample);
  if (text != nullptr) {
    problem(key, double_quoted(*text) + " is not " + wanted);
  } else {
    wrong(key, *node, wanted);
  }
  return {};
}

std::optional<Duration> Fields::time_of_day(const Node& node, Edge edge, const std::string& path) {
  std::optional<Duration> time;
  if (const auto* clock = node.as<ClockTime>()) time = clock->since_midnight;
  if (const auto* text = node.as<std::string>()) time = parse_time_of_day(*text);
  if (time && *time == hours{24}) time = edge == Edge::end ? std::optional(Duration{0}) : std::nullopt;
  if (time && *time % std::chrono::seconds{1} == Duration{0}) return time;
  const auto* text = node.as<std::string>();
  problems_.add(node.line, path,
                (text != nullptr ? double_quoted(*text) : std::string(kind_of(node))) +
                    R"( is not a time of day; write "HH:MM" or "HH:MM:SS", such as "22:00")");
  return std::nullopt;
}

Duration Fields::time_of_day(std::string_view key, Edge edge) {
  const Node* node = require(key, edge == Edge::start ? R"("06:00")" : R"("14:00")");
  if (node == nullptr) return Duration{0};
  return time_of_day(*node, edge, path_of(key)).value_or(Duration{0});
}

Scope Fields::scope() {
  const std::string written = text("scope", "plant");
  const Result<Scope> scope = parse_scope(written);
  if (!scope)
    problem("scope", double_quoted(written) + " is not a scope; write plant, area:ID, line:ID or machine:ID");
  return scope ? *scope : Scope{};
}

std::uint8_t Fields::days() {
  const Node* node = get("days");
  if (node == nullptr) return Shift{}.days;
  std::uint8_t bits = 0;
  for (const std::string& name : texts("days")) {
    const auto found = std::find(kDays.begin(), kDays.end(), name);
    if (found == kDays.end()) {
      problem("days", double_quoted(name) + " is not a day; write " + alternatives(kDays));
    } else {
      bits |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(found - kDays.begin()));
    }
  }
  if (bits == 0) problem("days", "names no day; leave the key out for every day, or the whole shift");
  return bits;
}

std::vector<Break> Fields::breaks() {
  const Node* node = get("breaks");
  if (node == nullptr) return {};
  const auto* list = node->as<Node::List>();
  if (list == nullptr) {
    wrong("breaks", *node, R"(a list such as [["02:00", "02:30"]])");
    return {};
  }
  std::vector<Break> breaks;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = at(path_of("breaks"), i);
    const auto* pair = (*list)[i].as<Node::List>();
    if (pair == nullptr || pair->size() != 2) {
      problems_.add((*list)[i].line, path, R"(must be a start and an end, such as ["02:00", "02:30"])");
      continue;
    }
    const auto start = time_of_day((*pair)[0], Edge::start, at(path, 0));
    const auto end = time_of_day((*pair)[1], Edge::end, at(path, 1));
    if (!start || !end) continue;
    if (*start == *end) {
      problems_.add((*list)[i].line, path, "is empty; leave it out or mend its end");
    } else {
      breaks.push_back({*start, *end});
    }
  }
  return breaks;
}

std::vector<std::string> Fields::texts(std::string_view key) {
  const Node* node = get(key);
  if (node == nullptr) return {};
  const auto* list = node->as<Node::List>();
  if (list == nullptr) {
    wrong(key, *node, "a list of strings");
    return {};
  }
  std::vector<std::string> texts;
  for (const Node& each : *list) {
    if (const auto* text = each.as<std::string>()) {
      texts.push_back(*text);
    } else {
      wrong(key, each, "a list of strings; this one holds something else");
    }
  }
  return texts;
}

boost::json::value Fields::parameter(const Node& node, const std::string& path) {
  if (const auto* flag = node.as<bool>()) return *flag;
  if (const auto* integer = node.as<std::int64_t>()) return *integer;
  if (const auto* text = node.as<std::string>()) return boost::json::value(*text);
  if (const auto number = number_of(node)) return *number;
  if (const auto* instant = node.as<Timestamp>()) return boost::json::value(format_time(*instant));
  boost::json::array list;
  if (const auto* nodes = node.as<Node::List>()) {
    for (std::size_t i = 0; i < nodes->size(); ++i) list.push_back(parameter((*nodes)[i], at(path, i)));
    return list;
  }
  if (const auto* table = node.as<Node::Table>()) {
    boost::json::object object;
    for (const Member& each : *table) object[each.key] = parameter(each.value, path + '.' + each.key);
    return object;
  }
  problems_.add(node.line, path,
                std::string(node.as<double>() != nullptr ? "a number that is not finite" : kind_of(node)) +
                    " cannot be kept; write a number, a boolean, a string, a list or a table");
  return nullptr;
}

boost::json::object Fields::parameters(std::string_view key) {
  const Node* node = get(key);
  if (node == nullptr) return {};
  if (node->as<Node::Table>() == nullptr) {
    wrong(key, *node, "a table");
    return {};
  }
  return parameter(*node, path_of(key)).as_object();
}

void Fields::finish() {
  const auto* table = node_.as<Node::Table>();
  if (table == nullptr) {
    problems_.add(node_.line, path_, "must be a table, not " + std::string(kind_of(node_)));
    return;
  }
  std::sort(known_.begin(), known_.end());
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (const Member& member : *table) {
    if (std::binary_search(known_.begin(), known_.end(), std::string_view(member.key))) continue;
    const std::string_view meant = problems_.few() ? nearest(member.key, known_) : std::string_view();
    const std::string remedy =
        meant.empty() ? "the keys here are " + alternatives(known_) : "did you mean " + std::string(meant) + "?";
    problems_.add(member.value.line, path_of(member.key), "unknown key; " + remedy);
  }
}

}  // namespace takt
