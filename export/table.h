// The warehouse's tables as rows of values, whatever database they go to.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace takt {

/// Null, an integer, a number or a text. A column always has one of these kinds, or null.
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string>;
using SqlRow = std::vector<SqlValue>;

/// A table; its first `key` columns tell rows apart.
struct Table {
  std::string_view name;
  std::vector<std::string_view> columns;
  std::size_t key = 1;
  std::string_view by_month = {};  ///< the moment by whose month rows are kept apart, where the database does that

  /// The place of a column in the rows; the table must have it.
  std::size_t at(std::string_view column) const;
};

/// "a", "b": the first `count` columns, quoted, since some are words of SQL.
std::string column_list(const Table& table, std::size_t count);
/// INSERT ... ON CONFLICT (key) DO UPDATE from `source`, such as VALUES (?, ?).
std::string upsert_from(const Table& table, std::string_view source);

/// Some rows of a table: the SQL condition, with `?` for each of the values.
struct Slice {
  std::string where;
  std::vector<SqlValue> values;
};
inline Slice whole_table() { return {"1 = 1", {}}; }

namespace tables {
extern const Table dim_date, dim_shift, dim_equipment, dim_product, dim_tag, dim_unit_of_measure,
    dim_quality_defect_type, dim_downtime_reason, dim_date_range, dim_order;
extern const Table fact_production, fact_downtime, fact_quality, fact_scrap, fact_sensor_event;
extern const Table oee_rollup_hourly, oee_rollup_shift, oee_rollup_daily;
extern const Table audit_log, watermark, exported_machine;
/// The tables whose rows belong to a machine, the first column.
const std::vector<const Table*>& of_machines();
}  // namespace tables

}  // namespace takt
