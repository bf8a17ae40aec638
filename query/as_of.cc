#include "query/as_of.h"

namespace takt {
namespace {

Result<void> check_kept(const StoreView& view, const Scope& scope, TimeRange range, Timestamp then) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  for (const MachineId machine : *machines) {
    const MachineRecord& record = view.machine(machine);
    const Timestamp kept = record.horizon().pieces;
    if (range.begin >= kept || !record.first_event() || *record.first_event() >= kept) continue;
    return invalid("events of before " + format_time(kept) +
                   " are retained no more, only their sums of now: what was answered on " + format_time(then) +
                   " is known of ranges from there on");
  }
  return {};
}

}  // namespace

Result<StoreView> view_as_of(const Store& store, Timestamp then, const Scope& scope, TimeRange range,
                             const std::stop_token& stop) {
  auto view = store.as_of(
      then, [&](const StoreView& plant) { return machines_of(plant, scope); }, stop);
  if (!view || !view->is_past()) return view;
  if (const auto kept = check_kept(*view, scope, range, then); !kept) return kept.error();
  return view;
}

}  // namespace takt
