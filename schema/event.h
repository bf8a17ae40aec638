// What machines and people tell Takt (contract 3): one struct for every type, and the batch that owns its strings.
#pragma once

#include "schema/time.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

enum class EventType : std::uint8_t { state, count, cycle, reading, quality, order, classify, energy };
inline constexpr std::size_t kEventTypes = 8;

std::string_view name_of(EventType type);
std::optional<EventType> event_type_named(std::string_view name);

enum class OrderAction : std::uint8_t { none, plan, start, stop, complete };
std::string_view name_of(OrderAction action);
std::optional<OrderAction> order_action_named(std::string_view name);

/// The value of a reading: a number, a boolean or a string.
struct Value {
  enum class Kind : std::uint8_t { none, number, boolean, text };
  Kind kind = Kind::none;
  double number = 0;  ///< booleans are 0 and 1
  std::string_view text;

  friend bool operator==(const Value&, const Value&) = default;
};

/// "Not given" in the optional integer fields.
inline constexpr std::int64_t kAbsent = std::numeric_limits<std::int64_t>::min();

/// One event, decoded. Empty strings, kAbsent, kBeginOfTime, NaN and Kind::none mean "not given".
/// Strings are borrowed: from the EventBatch that holds the event.
struct Event {
  EventType type = EventType::state;
  bool deleted = false;  ///< withdraws the event of this identity
  bool startup = false;  ///< the rejects of this count are start-up rejects
  OrderAction action = OrderAction::none;
  std::int64_t revision = 0;
  std::string_view machine;
  Timestamp at = kBeginOfTime;   ///< `ts`, or `start` of cycle and classify
  Timestamp end = kBeginOfTime;  ///< `end` of cycle and classify
  std::string_view id;           ///< the optional field that tells true events of one instant apart
  std::string_view state, reason;
  std::string_view product, order, defect;
  std::string_view tag;
  std::string_view characteristic, serial, subgroup, result;
  std::string_view by;
  std::string_view attributes;  ///< the object as canonical JSON: keys sorted, no white space
  Timestamp recorded_at = kBeginOfTime;
  Timestamp planned_start = kBeginOfTime, planned_end = kBeginOfTime;
  std::int64_t good = kAbsent, scrap = kAbsent, rework = kAbsent;                    ///< increments
  std::int64_t good_total = kAbsent, scrap_total = kAbsent, rework_total = kAbsent;  ///< counter readings
  std::int64_t quantity = kAbsent;  ///< of an order, or of the pieces one inspection stands for
  Value value;
  std::int64_t value_quality = kAbsent;  ///< OPC quality of a reading: 192 and above is good
  double kwh_total = std::numeric_limits<double>::quiet_NaN();
};

/// Why an event was refused; the names are the stable codes of the contract.
enum class Rejection : std::uint8_t {
  bad_json,
  unknown_type,
  missing_field,
  unknown_field,
  bad_value,
  unknown_machine,
  unknown_state,
  unknown_reason,
  time_in_future,
  too_old,
  too_large,
  forbidden,  ///< the sender may not send events of this type
};
inline constexpr std::size_t kRejections = 12;
std::string_view name_of(Rejection code);
std::optional<Rejection> rejection_named(std::string_view name);

/// One refused event: where it stood in its request, why, and its bytes as received (cut to 64 KiB).
struct RejectedEvent {
  std::size_t index = 0;
  Rejection code = Rejection::bad_json;
  std::string message;
  std::string raw;
  std::string machine = {};  ///< as far as it could be read; may be one that nobody knows
};

/// Decoded events and the memory their strings live in. Movable, not copyable.
class EventBatch {
 public:
  std::vector<Event> events;
  std::vector<std::size_t> indexes;   ///< events[i] stood at indexes[i] of its request
  std::vector<std::string_view> raw;  ///< events[i] as received, for the quarantine; it or an element may be empty
  std::vector<RejectedEvent> rejected;

  /// Copies `text` into the batch.
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    char* memory = static_cast<char*>(arena_->allocate(text.size(), 1));
    text.copy(memory, text.size());
    return {memory, text.size()};
  }
  std::size_t size() const { return events.size() + rejected.size(); }

 private:
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_ =
      std::make_unique<std::pmr::monotonic_buffer_resource>(std::size_t{16} << 10U);
};

}  // namespace takt
