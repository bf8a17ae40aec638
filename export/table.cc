#include "export/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "schema/result.h"

namespace takt {

std::size_t Table::at(std::string_view column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  TAKT_INVARIANT(found != columns.end());
  return static_cast<std::size_t>(found - columns.begin());
}

std::string column_list(const Table& table, std::size_t count) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) list += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", table.columns[i]);
  return list;
}

std::string upsert_from(const Table& table, std::string_view source) {
  std::string updates;
  for (std::size_t i = table.key; i < table.columns.size(); ++i)
    updates += fmt::format("{0}\"{1}\" = excluded.\"{1}\"", updates.empty() ? "" : ", ", table.columns[i]);
  return fmt::format("INSERT INTO {} ({}) {} ON CONFLICT ({}) DO UPDATE SET {}", table.name,
                     column_list(table, table.columns.size()), source, column_list(table, table.key), updates);
}

namespace tables {
namespace {

Table rollup(std::string_view name) {
  return {name,
          {"machine",
           "start",
           "end",
           "shift",
           "business_date",
           "revision",
           "open",
           "partial",
           "calendar_time_s",
           "planned_operation_time_s",
           "planned_down_time_s",
           "planned_busy_time_s",
           "actual_production_time_s",
           "actual_unit_setup_time_s",
           "actual_unit_delay_time_s",
           "minor_stop_time_s",
           "unknown_time_s",
           "unplanned_production_time_s",
           "produced_quantity",
           "good_quantity",
           "scrap_quantity",
           "rework_quantity",
           "unplanned_produced_quantity",
           "unplanned_good_quantity",
           "ideal_production_time_s",
           "ideal_good_time_s",
           "stops",
           "minor_stops",
           "failures",
           "availability",
           "effectiveness",
           "quality_ratio",
           "quality_ratio_by_count",
           "oee",
           "net_equipment_effectiveness",
           "teep",
           "flags"},
          2};
}

}  // namespace

const Table dim_date{
    "dim_date",
    {"date_key", "date", "year", "quarter", "month", "month_name", "day_of_month", "day_of_year", "day_of_week",
     "day_name", "iso_year", "iso_week", "is_weekend", "fiscal_year", "fiscal_period"},
    1};
const Table dim_shift{"dim_shift",
                      {"position", "shift", "name", "scope", "days", "start_time", "end_time", "breaks",
                       "duration_s", "valid_from", "valid_to"},
                      1};
const Table dim_equipment{
    "dim_equipment",
    {"level", "id", "name", "iso14224_level", "parent_level", "parent_id", "area", "line", "active", "attributes"},
    2};
const Table dim_product{"dim_product", {"product", "name", "unit", "ideal_cycles", "characteristics"}, 1};
const Table dim_tag{"dim_tag", {"machine", "tag", "unit", "kind"}, 2};
const Table dim_unit_of_measure{
    "dim_unit_of_measure", {"unit", "name", "quantity", "base_unit", "factor", "offset"}, 1};
const Table dim_quality_defect_type{"dim_quality_defect_type", {"defect", "name"}, 1};
const Table dim_downtime_reason{"dim_downtime_reason",
                                {"reason", "name", "parent", "category", "iso14224_mode", "iso14224_mechanism",
                                 "iso14224_cause", "iso14224_detection", "iso14224_impact"},
                                1};
const Table dim_date_range{"dim_date_range", {"name", "start", "end"}, 1};
const Table dim_order{"dim_order",
                      {"machine", "order_id", "product", "planned_quantity", "planned_start", "planned_end",
                       "started", "ended", "status"},
                      2};
const Table fact_production{
    "fact_production",
    {"machine", "hour", "product", "order_id", "business_date", "produced_quantity", "good_quantity",
     "scrap_quantity", "rework_quantity", "startup_reject_quantity", "unplanned_produced_quantity",
     "unplanned_good_quantity", "ideal_production_time_s", "ideal_good_time_s"},
    4};
const Table fact_downtime{"fact_downtime",
                          {"machine", "start_us", "end_us", "start", "end", "business_date", "shift", "reason",
                           "reason_category", "minor_stop", "open", "duration_s", "planned_duration_s"},
                          2};
const Table fact_quality{"fact_quality",
                         {"machine", "ts_us", "characteristic", "serial", "event_id", "ts", "business_date",
                          "product", "value", "subgroup", "result", "defect", "quantity"},
                         5};
const Table fact_scrap{"fact_scrap",
                       {"machine", "hour", "product", "defect", "business_date", "scrap_quantity",
                        "rework_quantity", "startup_reject_quantity"},
                       4};
const Table fact_sensor_event{"fact_sensor_event",
                              {"machine", "tag", "minute", "readings", "good_readings", "value_count", "value_min",
                               "value_max", "value_avg", "value_first", "value_last", "text_last"},
                              3,
                              "minute"};
const Table oee_rollup_hourly = rollup("oee_rollup_hourly");
const Table oee_rollup_shift = rollup("oee_rollup_shift");
const Table oee_rollup_daily = rollup("oee_rollup_daily");
const Table audit_log{"audit_log", {"id", "at", "actor", "person", "action", "details", "previous", "hash"}, 1};
const Table watermark{"takt_watermark",
                      {"only_row", "store_id", "commit_number", "flushed_us", "flushed_at", "plant_digest",
                       "readings", "names", "readings_from_us"},
                      1};
const Table exported_machine{
    "takt_exported_machine", {"machine", "settings_digest", "from_us", "last_event_us", "settled_us"}, 1};

const std::vector<const Table*>& of_machines() {
  static const std::vector<const Table*> kTables{
      &oee_rollup_hourly, &oee_rollup_shift, &oee_rollup_daily,  &fact_production, &fact_downtime,
      &fact_quality,      &fact_scrap,       &fact_sensor_event, &dim_order,       &exported_machine};
  return kTables;
}

}  // namespace tables
}  // namespace takt
