// The engine's figures as rows of the warehouse: pure functions of a view. Export writes what they give, verify
// compares with it.
#pragma once

#include "engine/store.h"
#include "export/table.h"
#include "export/target_url.h"
#include "query/oee.h"

#include <optional>
#include <string>
#include <vector>

namespace takt {

/// The span whose buckets a machine has rows for: from the local day of its first event to now, or of one that is
/// switched off to its last event. None: it was never heard of.
std::optional<TimeRange> exported_span(const StoreView& view, MachineId machine, Timestamp now);

/// The bucket of `grain` (hour, shift or day) that holds `t`, or the next one; looks 40 days ahead.
std::optional<Bucket> bucket_from(const StoreView& view, MachineId machine, Grain grain, Timestamp t);

const Table& rollup_table(Grain grain);
SqlRow rollup_row(const StoreView& view, MachineId machine, Grain grain, const Bucket& bucket, Timestamp now);

/// From when on the facts of a machine follow from its events: retention has taken earlier ones, which stay in the
/// warehouse. Whole hours of pieces, inspections and orders; stops that begin from `stops` on.
struct FactsKept {
  Timestamp pieces, stops;
};
FactsKept facts_kept(const StoreView& view, MachineId machine);
/// The rows of a machine in a table that still follow from events; all but of facts where some were dropped.
Slice kept_slice(const Table& table, const std::string& machine, const FactsKept& kept);

/// fact_production and fact_scrap of one hour of the wall clock.
struct PieceRows {
  std::vector<SqlRow> production, scrap;
};
PieceRows piece_rows(const StoreView& view, MachineId machine, const Bucket& hour, Timestamp now);

/// fact_downtime: a stop that touches `range`, whole.
SqlRow downtime_row(const StoreView& view, MachineId machine, const StopStretch& stop);

/// dim_order of a machine.
std::vector<SqlRow> order_rows(const StoreView& view, MachineId machine);

/// audit_log of an entry.
SqlRow audit_row(const AuditEntry& entry);

/// fact_quality of an event of type quality that is not withdrawn.
SqlRow quality_row(const Event& event, std::int32_t business_day);

/// fact_sensor_event of a tag; `range` is of whole minutes. Reads chunks.
Result<std::vector<SqlRow>> sensor_rows(const StoreView& view, const ReadingSeries& series, TimeRange range,
                                        ReadingRows of);

}  // namespace takt
