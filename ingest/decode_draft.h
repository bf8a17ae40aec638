// One event in the making: the rules of the contract's section 3 about its fields, whatever the format. Internal.
#pragma once

#include "ingest/decode_fields.h"
#include "ingest/decode_number.h"
#include "schema/event.h"

#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// Why one event is refused.
struct Problem {
  Rejection code = Rejection::bad_json;
  std::string message;
};

/// `text` in quotes, cut short and made harmless, for use in a message.
std::string in_quotes(std::string_view text);

/// Whether a text of UTF-8 can be an id (contract 1).
bool is_id(std::string_view text);

/// Takes the fields in any order and judges them when all are there, since which fields are allowed depends on the
/// type. Strings must already be UTF-8 and live as long as the event.
class EventDraft {
 public:
  explicit EventDraft(Event& event) : event_(event) {}

  /// Announces a field by name, given or null. Nothing: it is unknown or was named before, and its value is of no
  /// use.
  std::optional<Field> name(std::string_view field_name);

  void text(Field field, std::string_view value);
  void number(Field field, const Number& value);
  void truth(Field field, bool value);
  /// Canonical JSON; empty for an object without members.
  void attributes(std::string_view canonical);
  /// A value of a kind that the field never has, such as an array.
  void wrong(Field field);
  /// Any other reason to refuse the event; the first one given counts.
  void fail(std::string message);

  /// What is wrong with the event as a whole: type first, then fields that do not belong, bad values, missing
  /// fields.
  std::optional<Problem> judge() const;

 private:
  void type(std::string_view value);
  void id_text(Field field, std::string_view value);
  void time(Field field, std::string_view value);
  void time(Field field, const Number& value);
  void integer(Field field, const Number& value);
  std::optional<Problem> foreign_field() const;
  std::optional<Problem> missing_field() const;
  std::optional<Problem> contradiction() const;
  std::optional<Problem> double_quantity() const;

  Event& event_;  // borrowed: an element of the batch that is being filled
  FieldSet named_, given_;
  bool type_known_ = false;
  std::string unknown_type_, unknown_field_;
  std::optional<Problem> bad_value_;
};

/// What a field holds.
enum class FieldKind : std::uint8_t { type, id, time, integer, truth, action, result, value, energy, attributes };
FieldKind kind_of(Field field);

}  // namespace takt
