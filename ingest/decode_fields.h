// The fields of the contract's section 3: their names, and which types of event have and need them. Internal.
#pragma once

#include "schema/event.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace takt {

enum class Field : std::uint8_t {
  type,
  machine,
  ts,
  start,
  end,
  state,
  reason,
  good,
  scrap,
  rework,
  good_total,
  scrap_total,
  rework_total,
  product,
  order,
  defect,
  startup,
  tag,
  value,
  quality,
  characteristic,
  serial,
  subgroup,
  result,
  quantity,
  action,
  planned_start,
  planned_end,
  by,
  recorded_at,
  kwh_total,
  id,
  revision,
  deleted,
  attributes,
};
inline constexpr std::size_t kFields = 35;

std::string_view name_of(Field field);
/// One multiplication and one comparison.
std::optional<Field> field_named(std::string_view name);

class FieldSet {
 public:
  constexpr FieldSet() = default;
  constexpr FieldSet(std::initializer_list<Field> fields) {
    for (const Field field : fields) insert(field);
  }
  constexpr void insert(Field field) { bits_ |= bit(field); }
  constexpr bool contains(Field field) const { return (bits_ & bit(field)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool overlaps(FieldSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr FieldSet without(FieldSet other) const { return FieldSet(bits_ & ~other.bits_); }
  constexpr FieldSet with(FieldSet other) const { return FieldSet(bits_ | other.bits_); }
  /// Of a set that is not empty: the first in the order of Field.
  constexpr Field first() const { return static_cast<Field>(std::countr_zero(bits_)); }

 private:
  constexpr explicit FieldSet(std::uint64_t bits) : bits_(bits) {}
  static constexpr std::uint64_t bit(Field field) { return std::uint64_t{1} << static_cast<unsigned>(field); }
  std::uint64_t bits_ = 0;
};

/// Every field that events of this type may have.
FieldSet fields_of(EventType type);
/// Those that they must have; a withdrawal needs no more than the identity.
FieldSet required_fields(EventType type, bool deleted);

}  // namespace takt
