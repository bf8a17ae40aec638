// When orders ran: on one machine, and from their start to their end wherever they ran.
#pragma once

#include "engine/store.h"
#include "query/figures.h"

#include <unordered_map>
#include <vector>

namespace takt {

/// A stretch of time in which an order is a machine's running one.
struct OrderRun {
  NameId order = NameId::none;
  TimeRange range;
};
/// By time, up to `end`: those that still last end there.
std::vector<OrderRun> order_runs(const MachineRecord& machine, Timestamp end);

/// Execution of orders within a range, of one or many machines (ISO 22400-2).
class OrderTimes {
 public:
  OrderTimes(const StoreView& view, TimeRange range, Timestamp now) : view_(view), range_(range), now_(now) {}

  void add(MachineId machine);
  /// Sums over the time in the range in which orders ran: what of them is delay (ADET) follows from the policies.
  const Elements& while_running() const { return while_running_; }
  /// AOET: of each order the time from its first start to its last end among the machines added, what lies between
  /// too, as far as it is in the range; summed over orders.
  Duration execution() const;

 private:
  const StoreView& view_;  // borrowed
  TimeRange range_;
  Timestamp now_;
  Elements while_running_;
  std::unordered_map<NameId, TimeRange> executions_;
};

}  // namespace takt
