#include "ingest/decode_fields.h"

#include <array>

namespace takt {
namespace {

constexpr std::array<std::string_view, kFields> kNames = {
    "type",   "machine",     "ts",        "start",      "end",         "state",         "reason",
    "good",   "scrap",       "rework",    "good_total", "scrap_total", "rework_total",  "product",
    "order",  "defect",      "startup",   "tag",        "value",       "quality",       "characteristic",
    "serial", "subgroup",    "result",    "quantity",   "action",      "planned_start", "planned_end",
    "by",     "recorded_at", "kwh_total", "id",         "revision",    "deleted",       "attributes",
};

// A perfect hash over length, first, middle and last letter; the multiplier is searched by the compiler.
constexpr unsigned kSlotBits = 8;
constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;

constexpr std::uint32_t letter(std::string_view name, std::size_t position) {
  return static_cast<unsigned char>(name[position]);
}

constexpr std::size_t slot_of(std::string_view name, std::uint32_t multiplier) {
  const std::size_t size = name.size();
  const std::uint32_t key = static_cast<std::uint32_t>(size & 0xFFU) | letter(name, 0) << 8U |
                            letter(name, size / 2) << 16U | letter(name, size - 1) << 24U;
  return (key * multiplier) >> (32 - kSlotBits);
}

constexpr bool is_perfect(std::uint32_t multiplier) {
  std::array<bool, kSlots> taken{};
  for (const std::string_view name : kNames) {
    bool& slot = taken[slot_of(name, multiplier)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

constexpr std::uint32_t search_multiplier() {
  std::uint32_t multiplier = 0x9E3779B1U;
  while (!is_perfect(multiplier)) multiplier += 2;
  return multiplier;
}

constexpr std::uint32_t kMultiplier = search_multiplier();

constexpr std::array<std::uint8_t, kSlots> make_slots() {
  std::array<std::uint8_t, kSlots> slots{};  // an empty slot leads to field 0, whose name then differs
  for (std::size_t i = 0; i < kFields; ++i) slots[slot_of(kNames[i], kMultiplier)] = static_cast<std::uint8_t>(i);
  return slots;
}

constexpr std::array<std::uint8_t, kSlots> kSlotFields = make_slots();

using enum Field;
constexpr FieldSet kCommon = {type, machine, id, revision, deleted, attributes};

struct TypeFields {
  FieldSet optional, required, identity;
};

constexpr std::array<TypeFields, kEventTypes> kTypeFields = {{
    /* state */ {{reason}, {ts, state}, {ts}},
    /* count */
    {{good, scrap, rework, good_total, scrap_total, rework_total, product, order, defect, startup}, {ts}, {ts}},
    /* cycle */ {{good, scrap, rework, product, order, defect, startup}, {start, end}, {start}},
    /* reading */ {{quality}, {ts, tag, value}, {ts, tag}},
    /* quality */ {{product, characteristic, value, serial, subgroup, result, defect, quantity}, {ts}, {ts}},
    /* order */
    {{product, quantity, planned_start, planned_end}, {ts, order, action}, {ts, order, action}},
    /* classify */ {{end, by, recorded_at}, {start, reason}, {start}},
    /* energy */ {{}, {ts, kwh_total}, {ts}},
}};

const TypeFields& entry(EventType event_type) { return kTypeFields[static_cast<std::size_t>(event_type)]; }

}  // namespace

std::string_view name_of(Field field) { return kNames[static_cast<std::size_t>(field)]; }

std::optional<Field> field_named(std::string_view name) {
  if (name.empty()) return std::nullopt;
  const std::size_t candidate = kSlotFields[slot_of(name, kMultiplier)];
  if (kNames[candidate] != name) return std::nullopt;
  return static_cast<Field>(candidate);
}

FieldSet fields_of(EventType event_type) {
  return kCommon.with(entry(event_type).optional).with(entry(event_type).required);
}

FieldSet required_fields(EventType event_type, bool is_deleted) {
  const FieldSet own = is_deleted ? entry(event_type).identity : entry(event_type).required;
  return own.with({type, machine});
}

}  // namespace takt
