#include "export/dimension_rows.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <set>

#include "export/canonical_json.h"

namespace takt {
namespace {

namespace json = boost::json;

constexpr std::int32_t kDaysAWeek = 7;
/// ISO 14224 taxonomy, levels 3 (installation), 4 (plant), 5 (section or system), 6 (equipment unit).
constexpr std::int64_t kPlantLevel = 3, kAreaLevel = 4, kLineLevel = 5, kMachineLevel = 6;

SqlValue null_or(std::string_view text) { return text.empty() ? SqlValue{} : SqlValue{std::string{text}}; }
SqlValue time_or_null(Timestamp t) {
  return t == kBeginOfTime || t == kEndOfTime ? SqlValue{} : SqlValue{format_time(t)};
}
SqlValue kind_of(std::string_view text) { return std::string{text}; }

std::string member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

const json::array& list(const json::object& plant, std::string_view key) { return plant.at(key).as_array(); }

/// The entries of a list of the description that are of one machine, product ..., as JSON without that key.
std::string entries_of(const json::object& plant, std::string_view name, std::string_view key,
                       std::string_view id) {
  json::array found;
  for (const json::value& entry : list(plant, name)) {
    if (member(entry.as_object(), key) != id) continue;
    json::object rest = entry.as_object();
    rest.erase(key);
    found.push_back(std::move(rest));
  }
  return canonical_json(found);
}

std::vector<SqlRow> equipment_rows(const Plant& plant, const json::object& all) {
  std::vector<SqlRow> rows;
  rows.push_back({kind_of("plant"),
                  plant.id,
                  plant.name,
                  kPlantLevel,
                  {},
                  {},
                  {},
                  {},
                  std::int64_t{1},
                  canonical_json(all.at("plant"))});
  const SqlValue root = kind_of("plant");
  for (std::size_t i = 0; i < plant.areas.size(); ++i) {
    const Area& a = plant.areas[i];
    rows.push_back({kind_of("area"),
                    a.id,
                    a.name,
                    kAreaLevel,
                    root,
                    plant.id,
                    a.id,
                    {},
                    std::int64_t{1},
                    canonical_json(list(all, "area")[i])});
  }
  for (std::size_t i = 0; i < plant.lines.size(); ++i) {
    const Line& l = plant.lines[i];
    rows.push_back({kind_of("line"), l.id, l.name, kLineLevel, l.area.empty() ? root : kind_of("area"),
                    l.area.empty() ? plant.id : l.area, null_or(l.area), l.id, std::int64_t{1},
                    canonical_json(list(all, "line")[i])});
  }
  for (std::size_t i = 0; i < plant.machines.size(); ++i) {
    const Machine& m = plant.machines[i];
    const Line* line = plant.line(m.line);
    rows.push_back({kind_of("machine"), m.id, m.name, kMachineLevel, line == nullptr ? root : kind_of("line"),
                    line == nullptr ? plant.id : line->id, line == nullptr ? SqlValue{} : null_or(line->area),
                    null_or(m.line), std::int64_t{m.active ? 1 : 0}, canonical_json(list(all, "machine")[i])});
  }
  return rows;
}

std::vector<SqlRow> shift_rows(const Plant& plant, const json::object& all) {
  constexpr Duration kDay = std::chrono::hours{24};
  std::vector<SqlRow> rows;
  for (std::size_t i = 0; i < plant.shifts.size(); ++i) {
    const Shift& s = plant.shifts[i];
    const json::object& entry = list(all, "shift")[i].as_object();
    const Duration length = s.end > s.start ? s.end - s.start : s.end - s.start + kDay;
    rows.push_back({static_cast<std::int64_t>(i + 1), s.id, s.name, to_string(s.scope),
                    canonical_json(entry.at("days")), member(entry, "start"), member(entry, "end"),
                    canonical_json(entry.at("breaks")), static_cast<double>(length.count()) / 1e6,
                    time_or_null(s.valid.begin), time_or_null(s.valid.end)});
  }
  return rows;
}

std::vector<SqlRow> product_rows(const Plant& plant, const json::object& all) {
  std::vector<SqlRow> rows;
  for (const Product& p : plant.products) {
    rows.push_back({p.id, p.name, p.unit, entries_of(all, "ideal_cycle", "product", p.id),
                    entries_of(all, "characteristic", "product", p.id)});
  }
  return rows;
}

std::vector<SqlRow> tag_rows(const Plant& plant, const json::object& all) {
  std::vector<SqlRow> rows;
  for (std::size_t i = 0; i < plant.tags.size(); ++i) {
    const Tag& t = plant.tags[i];
    rows.push_back({t.machine, t.name, t.unit, member(list(all, "tag")[i].as_object(), "kind")});
  }
  return rows;
}

std::vector<SqlRow> reason_rows(const Plant& plant) {
  std::vector<SqlRow> rows;
  for (const Reason& r : plant.reasons) {
    rows.push_back({r.code, r.name, null_or(r.parent), kind_of(name_of(effective_category(plant, r))),
                    null_or(r.iso14224_mode), null_or(r.iso14224_mechanism), null_or(r.iso14224_cause),
                    null_or(r.iso14224_detection), null_or(r.iso14224_impact)});
  }
  return rows;
}

/// A civil date from days since 1970-01-01.
struct Civil {
  int year = 0;
  unsigned month = 0, day = 0;
};
Civil civil_of(std::int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return {int{date.year()}, unsigned{date.month()}, unsigned{date.day()}};
}

SqlRow date_row(std::int32_t day) {
  constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
  constexpr std::string_view kDays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};
  const Civil c = civil_of(day);
  const auto on = static_cast<std::int32_t>(weekday(day));
  // ISO 8601: a week belongs to the year that its Thursday lies in.
  const std::int32_t thursday = day - on + 3;
  const int iso_year = civil_of(thursday).year;
  const std::int32_t iso_week = (thursday - day_number(iso_year, 1, 1)) / kDaysAWeek + 1;
  const std::int64_t quarter = (c.month + 2) / 3;
  return {std::int64_t{c.year} * 10000 + c.month * 100 + c.day,
          format_day(day),
          std::int64_t{c.year},
          quarter,
          std::int64_t{c.month},
          std::string{kMonths[c.month - 1]},
          std::int64_t{c.day},
          std::int64_t{day - day_number(c.year, 1, 1) + 1},
          std::int64_t{on + 1},
          std::string{kDays[on]},
          std::int64_t{iso_year},
          std::int64_t{iso_week},
          std::int64_t{on >= 5 ? 1 : 0},
          std::int64_t{c.year},
          std::int64_t{c.month}};
}

}  // namespace

std::vector<TableRows> plant_dimensions(const Plant& plant) {
  const json::object all = to_json(plant);
  std::vector<SqlRow> defects;
  for (const Defect& d : plant.defects) defects.push_back({d.code, d.name});
  return {{&tables::dim_equipment, equipment_rows(plant, all)},
          {&tables::dim_tag, tag_rows(plant, all)},
          {&tables::dim_shift, shift_rows(plant, all)},
          {&tables::dim_product, product_rows(plant, all)},
          {&tables::dim_downtime_reason, reason_rows(plant)},
          {&tables::dim_quality_defect_type, std::move(defects)}};
}

std::vector<SqlRow> own_units(const Plant& plant) {
  std::set<std::string> units;
  for (const Product& product : plant.products) units.insert(product.unit);
  for (const Tag& tag : plant.tags) units.insert(tag.unit);
  units.erase("");
  std::vector<SqlRow> rows;
  for (const std::string& unit : units) rows.push_back({unit, unit, {}, {}, {}, {}});
  return rows;
}

std::vector<SqlRow> date_rows(std::int32_t first, std::int32_t last) {
  std::vector<SqlRow> rows;
  const std::int32_t end = day_number(civil_of(last).year + 2, 1, 1);
  for (std::int32_t day = day_number(civil_of(first).year, 1, 1); day < end; ++day) rows.push_back(date_row(day));
  return rows;
}

std::vector<SqlRow> date_range_rows(const WallClock& wall, Timestamp now) {
  const std::int32_t today = wall.bucket_at(Grain::day, now).business_day;
  const std::int32_t monday = today - static_cast<std::int32_t>(weekday(today));
  std::vector<SqlRow> rows;
  const auto add = [&](std::string_view name, Timestamp begin, Timestamp end) {
    rows.push_back({std::string{name}, format_time(begin), format_time(end)});
  };
  const auto days = [&](std::string_view name, std::int32_t begin, std::int32_t end) {
    add(name, wall.start_of_day(begin), wall.start_of_day(end));
  };
  const auto bucket = [&](std::string_view name, Grain grain, Timestamp t) {
    const TimeRange range = wall.bucket_at(grain, t).range;
    add(name, range.begin, range.end);
    return range.begin;
  };
  days("today", today, today + 1);
  days("yesterday", today - 1, today);
  days("this_week", monday, monday + kDaysAWeek);
  days("last_week", monday - kDaysAWeek, monday);
  days("last_7_days", today - 6, today + 1);
  days("last_30_days", today - 29, today + 1);
  bucket("last_month", Grain::month, bucket("this_month", Grain::month, now) - Duration{1});
  bucket("last_year", Grain::year, bucket("this_year", Grain::year, now) - Duration{1});
  add("last_24_hours", now - std::chrono::hours{24}, now);
  add("last_72_hours", now - std::chrono::hours{72}, now);
  return rows;
}

}  // namespace takt
