#include "ingest/decode_draft.h"

#include <simdjson.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

namespace takt {
namespace {

constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxValueBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxAttributeBytes = std::size_t{16} << 10U;
constexpr std::int64_t kMaxCount = 1'000'000'000;
constexpr std::int64_t kMaxExact = std::int64_t{1} << 53U;  // every client's numbers are exact up to here

struct IntegerRule {
  std::int64_t Event::*slot;
  std::int64_t least, most;
};

IntegerRule integer_rule(Field field) {
  switch (field) {
    case Field::good:
      return {&Event::good, 0, kMaxCount};
    case Field::scrap:
      return {&Event::scrap, 0, kMaxCount};
    case Field::rework:
      return {&Event::rework, 0, kMaxCount};
    case Field::good_total:
      return {&Event::good_total, 0, kMaxExact};
    case Field::scrap_total:
      return {&Event::scrap_total, 0, kMaxExact};
    case Field::rework_total:
      return {&Event::rework_total, 0, kMaxExact};
    case Field::quantity:
      return {&Event::quantity, 0, kMaxExact};
    case Field::quality:
      return {&Event::value_quality, 0, 65535};
    default:
      return {&Event::revision, 0, INT64_MAX};
  }
}

std::string_view Event::*id_slot(Field field) {
  switch (field) {
    case Field::machine:
      return &Event::machine;
    case Field::state:
      return &Event::state;
    case Field::reason:
      return &Event::reason;
    case Field::product:
      return &Event::product;
    case Field::order:
      return &Event::order;
    case Field::defect:
      return &Event::defect;
    case Field::tag:
      return &Event::tag;
    case Field::characteristic:
      return &Event::characteristic;
    case Field::serial:
      return &Event::serial;
    case Field::subgroup:
      return &Event::subgroup;
    case Field::by:
      return &Event::by;
    default:
      return &Event::id;
  }
}

Timestamp Event::*time_slot(Field field) {
  switch (field) {
    case Field::end:
      return &Event::end;
    case Field::recorded_at:
      return &Event::recorded_at;
    case Field::planned_start:
      return &Event::planned_start;
    case Field::planned_end:
      return &Event::planned_end;
    default:
      return &Event::at;
  }
}

std::string expectation(Field field) {
  switch (kind_of(field)) {
    case FieldKind::type:
      return "a string, the type of the event";
    case FieldKind::id:
      return "a string of 1 to 128 bytes of UTF-8 without control characters";
    case FieldKind::time:
      return "a time: RFC 3339 with an offset, or integer microseconds since 1970, in the years 1900 to 9999";
    case FieldKind::integer: {
      const IntegerRule rule = integer_rule(field);
      return "an integer from " + std::to_string(rule.least) + " to " + std::to_string(rule.most);
    }
    case FieldKind::truth:
      return "true or false";
    case FieldKind::action:
      return "\"plan\", \"start\", \"stop\" or \"complete\"";
    case FieldKind::result:
      return "\"pass\" or \"fail\"";
    case FieldKind::value:
      return "a finite number, a boolean or a string of at most 64 KiB";
    case FieldKind::energy:
      return "a finite number from 0";
    case FieldKind::attributes:
      break;
  }
  return "an object of at most 16 KiB";
}

/// Unicode's control characters: U+0000 to U+001F, U+007F to U+009F.
bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

std::string field_sentence(std::string_view start, Field field, std::string_view rest) {
  std::string sentence(start);
  sentence += '"';
  sentence += name_of(field);
  sentence += '"';
  sentence += rest;
  return sentence;
}

std::string event_kind(EventType type) { return in_quotes(name_of(type)); }

Problem not_of_this_type(std::string field, EventType type) {
  return {Rejection::unknown_field, "The field " + std::move(field) + " does not belong to an event of type " +
                                        event_kind(type) +
                                        "; put your own fields into the object \"attributes\"."};
}

constexpr FieldSet kQuantities = {Field::good,       Field::scrap,       Field::rework,
                                  Field::good_total, Field::scrap_total, Field::rework_total};

}  // namespace

FieldKind kind_of(Field field) {
  switch (field) {
    case Field::type:
      return FieldKind::type;
    case Field::ts:
    case Field::start:
    case Field::end:
    case Field::planned_start:
    case Field::planned_end:
    case Field::recorded_at:
      return FieldKind::time;
    case Field::good:
    case Field::scrap:
    case Field::rework:
    case Field::good_total:
    case Field::scrap_total:
    case Field::rework_total:
    case Field::quality:
    case Field::quantity:
    case Field::revision:
      return FieldKind::integer;
    case Field::startup:
    case Field::deleted:
      return FieldKind::truth;
    case Field::action:
      return FieldKind::action;
    case Field::result:
      return FieldKind::result;
    case Field::value:
      return FieldKind::value;
    case Field::kwh_total:
      return FieldKind::energy;
    case Field::attributes:
      return FieldKind::attributes;
    default:
      return FieldKind::id;
  }
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t shown = 64;
  std::string out = "\"";
  std::size_t size = std::min(text.size(), shown);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  const bool is_utf8 = simdjson::validate_utf8(text.data(), size);
  for (const char c : text.substr(0, size)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_utf8) ? '?' : c;
  }
  out += size < text.size() ? "...\"" : "\"";
  return out;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes && !has_control_character(text);
}

std::optional<Field> EventDraft::name(std::string_view field_name) {
  const std::optional<Field> field = field_named(field_name);
  if (!field) {
    if (unknown_field_.empty()) unknown_field_ = in_quotes(field_name);
    return std::nullopt;
  }
  if (named_.contains(*field)) {
    fail(field_sentence("The field ", *field, " is given twice; an event has each field once."));
    return std::nullopt;
  }
  named_.insert(*field);
  return field;
}

void EventDraft::text(Field field, std::string_view value) {
  given_.insert(field);
  switch (kind_of(field)) {
    case FieldKind::type:
      return type(value);
    case FieldKind::id:
      return id_text(field, value);
    case FieldKind::time:
      return time(field, value);
    case FieldKind::action:
      event_.action = order_action_named(value).value_or(OrderAction::none);
      if (event_.action == OrderAction::none) wrong(field);
      return;
    case FieldKind::result:
      event_.result = value;
      if (value != "pass" && value != "fail") wrong(field);
      return;
    case FieldKind::value:
      event_.value = {Value::Kind::text, 0, value};
      if (value.size() > kMaxValueBytes) wrong(field);
      return;
    default:
      return wrong(field);
  }
}

void EventDraft::number(Field field, const Number& value) {
  given_.insert(field);
  switch (kind_of(field)) {
    case FieldKind::integer:
      return integer(field, value);
    case FieldKind::time:
      return time(field, value);
    case FieldKind::value:
      event_.value = {Value::Kind::number, value.real, {}};
      if (!std::isfinite(value.real)) wrong(field);
      return;
    case FieldKind::energy:
      event_.kwh_total = value.real;
      if (!std::isfinite(value.real) || value.real < 0) wrong(field);
      return;
    default:
      return wrong(field);
  }
}

void EventDraft::truth(Field field, bool value) {
  given_.insert(field);
  if (field == Field::deleted) {
    event_.deleted = value;
  } else if (field == Field::startup) {
    event_.startup = value;
  } else if (field == Field::value) {
    event_.value = {Value::Kind::boolean, value ? 1.0 : 0.0, {}};
  } else {
    wrong(field);
  }
}

void EventDraft::attributes(std::string_view canonical) {
  given_.insert(Field::attributes);
  event_.attributes = canonical;
  if (canonical.size() > kMaxAttributeBytes) wrong(Field::attributes);
}

void EventDraft::wrong(Field field) {
  given_.insert(field);
  if (!bad_value_) fail(field_sentence("The field ", field, " must be " + expectation(field) + "."));
}

void EventDraft::fail(std::string message) {
  if (!bad_value_) bad_value_ = Problem{Rejection::bad_value, std::move(message)};
}

void EventDraft::type(std::string_view value) {
  const std::optional<EventType> type = event_type_named(value);
  type_known_ = type.has_value();
  if (type) {
    event_.type = *type;
  } else {
    unknown_type_ = in_quotes(value);
  }
}

void EventDraft::id_text(Field field, std::string_view value) {
  event_.*id_slot(field) = value;
  if (!is_id(value)) wrong(field);
}

void EventDraft::time(Field field, std::string_view value) {
  const Result<Timestamp> time = parse_time(value);
  if (!time) return wrong(field);
  event_.*time_slot(field) = *time;
}

void EventDraft::time(Field field, const Number& value) {
  if (!value.integral) return wrong(field);
  std::array<char, 24> digits{};  // parse_time() knows which years there are
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value.integer);
  time(field, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

void EventDraft::integer(Field field, const Number& value) {
  const IntegerRule rule = integer_rule(field);
  if (!value.integral || value.integer < rule.least || value.integer > rule.most) return wrong(field);
  event_.*rule.slot = value.integer;
}

std::optional<Problem> EventDraft::judge() const {
  if (!given_.contains(Field::type)) {
    return Problem{Rejection::missing_field, "The field \"type\" is missing; it says what kind of event this is."};
  }
  if (!unknown_type_.empty()) {
    return Problem{Rejection::unknown_type, "The type " + unknown_type_ +
                                                " is unknown; it must be state, count, cycle, reading, quality, "
                                                "order, classify or energy."};
  }
  if (!type_known_) return bad_value_;
  if (std::optional<Problem> problem = foreign_field()) return problem;
  if (bad_value_) return bad_value_;
  if (std::optional<Problem> problem = missing_field()) return problem;
  return contradiction();
}

std::optional<Problem> EventDraft::foreign_field() const {
  if (!unknown_field_.empty()) return not_of_this_type(unknown_field_, event_.type);
  const FieldSet foreign = given_.without(fields_of(event_.type));
  if (foreign.empty()) return std::nullopt;
  return not_of_this_type(in_quotes(name_of(foreign.first())), event_.type);
}

std::optional<Problem> EventDraft::missing_field() const {
  const FieldSet missing = required_fields(event_.type, event_.deleted).without(given_);
  if (!missing.empty()) {
    return Problem{Rejection::missing_field,
                   field_sentence("The field ", missing.first(),
                                  " is missing; an event of type " + event_kind(event_.type) + " needs it.")};
  }
  if (event_.deleted) return std::nullopt;
  if (event_.type == EventType::count && !given_.overlaps(kQuantities)) {
    return Problem{Rejection::missing_field,
                   "A count needs at least one of the fields \"good\", \"scrap\", \"rework\", \"good_total\", "
                   "\"scrap_total\" and \"rework_total\"."};
  }
  if (event_.type == EventType::quality && !given_.overlaps({Field::characteristic, Field::result})) {
    return Problem{Rejection::missing_field,
                   "A quality event needs the field \"characteristic\" or the field \"result\"."};
  }
  return std::nullopt;
}

std::optional<Problem> EventDraft::contradiction() const {
  const auto bad = [](std::string message) { return Problem{Rejection::bad_value, std::move(message)}; };
  if (event_.type == EventType::cycle && given_.contains(Field::end) && event_.end < event_.at) {
    return bad("The field \"end\" of a cycle must not be before its \"start\".");
  }
  if (event_.type == EventType::classify && given_.contains(Field::end) && event_.end <= event_.at) {
    return bad("The field \"end\" of a classify event must be after its \"start\".");
  }
  if (event_.type == EventType::quality) {
    if (given_.contains(Field::value) && event_.value.kind != Value::Kind::number) {
      return bad("The field \"value\" of a quality event must be a finite number.");
    }
    if (event_.quantity == 0) return bad("The field \"quantity\" of a quality event must be an integer from 1.");
  }
  return double_quantity();
}

std::optional<Problem> EventDraft::double_quantity() const {
  constexpr std::array<std::pair<Field, Field>, 3> pairs = {{{Field::good, Field::good_total},
                                                             {Field::scrap, Field::scrap_total},
                                                             {Field::rework, Field::rework_total}}};
  for (const auto& [increment, total] : pairs) {
    if (!given_.contains(increment) || !given_.contains(total)) continue;
    return Problem{
        Rejection::bad_value,
        field_sentence("The field ", increment,
                       field_sentence(" must not come with ", total,
                                      "; an event gives either the increase or the counter's reading."))};
  }
  return std::nullopt;
}

}  // namespace takt
