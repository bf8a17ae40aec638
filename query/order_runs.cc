#include "query/order_runs.h"

#include <algorithm>

#include "engine/account_reader.h"

namespace takt {

std::vector<OrderRun> order_runs(const MachineRecord& machine, Timestamp end) {
  std::vector<OrderRun> runs;
  const std::vector<RunningOrder>& steps = machine.pieces().running();
  for (std::size_t i = 0; i < steps.size() && steps[i].from < end; ++i) {
    const Timestamp next = i + 1 < steps.size() ? steps[i + 1].from : end;
    if (steps[i].order != NameId::none) runs.push_back({steps[i].order, {steps[i].from, std::min(next, end)}});
  }
  return runs;
}

void OrderTimes::add(MachineId machine) {
  const MachineRecord& record = view_.machine(machine);
  AccountReader reader{record, now_};
  TimeRange busy{kBeginOfTime, kBeginOfTime};  // orders that follow each other at once are one stretch
  const auto add_busy = [&] {
    const TimeRange part = intersect(busy, range_);
    if (part.empty()) return;
    reader.add(part, while_running_.account);
    while_running_.calendar += part.length();
    while_running_.planned_operation += view_.master().planned_time(machine, part);
  };
  for (const OrderRun& run : order_runs(record, std::min(now_, record.end_of_time()))) {
    TimeRange& execution = executions_.try_emplace(run.order, run.range).first->second;
    execution.begin = std::min(execution.begin, run.range.begin);
    execution.end = std::max(execution.end, run.range.end);
    if (run.range.begin != busy.end) {
      add_busy();
      busy.begin = run.range.begin;
    }
    busy.end = run.range.end;
  }
  add_busy();
}

Duration OrderTimes::execution() const {
  Duration sum{0};
  for (const auto& [order, execution] : executions_) {
    const TimeRange part = intersect(execution, range_);
    if (!part.empty()) sum += part.length();
  }
  return sum;
}

}  // namespace takt
