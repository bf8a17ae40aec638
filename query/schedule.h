// What orders were planned to be and what became of them, machine by machine (contract 4).
#pragma once

#include "engine/store.h"
#include "query/oee.h"

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Late: past its planned end and not completed, or past its planned start and not begun.
enum class OrderStatus : std::uint8_t { planned, running, stopped, late, completed, completed_late };
inline constexpr std::size_t kOrderStatuses = 6;
std::string_view name_of(OrderStatus status);

/// One order on one machine, whole: not cut to the range asked for. What it is planned to be is what its latest
/// event that says so says.
struct ScheduledOrder {
  std::string machine, order;
  std::optional<std::string> product;
  std::optional<std::int64_t> planned_quantity;
  std::optional<Timestamp> planned_start, planned_end;
  std::optional<Timestamp> actual_start;         ///< its first start
  std::optional<Timestamp> actual_end;           ///< its completion, unless it was started again
  bool running = false;                          ///< it is the machine's running order now
  std::int64_t good = 0, scrap = 0, rework = 0;  ///< pieces counted for it, planned or not
  OrderStatus status = OrderStatus::planned;
  /// Of a completed order its end less the planned one, negative if it is early. Of another one how long it should
  /// have ended, or else begun, already. Absent where no time was planned to compare with.
  std::optional<Duration> lateness;
  /// When it will have its planned quantity of good pieces at the pace since its start; only while it runs.
  std::optional<Timestamp> projected_end;

  std::int64_t produced() const { return good + scrap + rework; }
  /// Good pieces / planned quantity.
  std::optional<double> completion() const;
};

struct ScheduleTotals {
  std::array<std::int64_t, kOrderStatuses> orders{};  ///< by OrderStatus
  std::int64_t due = 0, in_time = 0;  ///< whose planned end has come or that are completed; of them not late
  std::int64_t planned_quantity = 0, good = 0;  ///< of orders with a planned quantity
  /// In time / due.
  std::optional<double> adherence() const;
  /// Good pieces / planned quantity.
  std::optional<double> quantity_adherence() const;
};

struct Schedule {
  Scope scope;
  std::vector<ScheduledOrder> orders;  ///< by their beginning, planned or else actual
  ScheduleTotals totals;
  std::optional<Timestamp> kept_from;  ///< pieces of before are retained no more, and not in it
};

/// Orders whose time touches `range`: from their planned or actual beginning, the earlier, to their end; that is
/// the later of the planned and the actual one, and now as long as a planned or running order is not completed.
/// not_found, corruption: as machines_of(); invalid_argument: too many orders; cancelled: soon after stop was
/// requested.
Result<Schedule> schedule(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                          const std::stop_token& stop = {});
std::string render_schedule(const Schedule& schedule);

}  // namespace takt
