#include "export/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "export/canonical_json.h"

namespace takt {
namespace {

double seconds(Duration d) { return static_cast<double>(d.count()) / 1e6; }

SqlValue seconds(const std::optional<WideInt>& us) {
  if (!us) return {};
  return static_cast<double>(static_cast<long double>(*us) / 1e6L);
}

SqlValue number(const std::optional<double>& value) { return value ? SqlValue{*value} : SqlValue{}; }
SqlValue integer(std::int64_t value) { return value; }
SqlValue text(std::string_view value) { return std::string{value}; }
SqlValue text_or_null(std::string_view value) { return value.empty() ? SqlValue{} : text(value); }
SqlValue time_or_null(Timestamp t) { return t == kBeginOfTime ? SqlValue{} : SqlValue{format_time(t)}; }

SqlValue flags_of(const Figures& figures) {
  boost::json::array list;
  for (const Flag flag : figures.flags) list.emplace_back(name_of(flag));
  return boost::json::serialize(list);
}

/// Pieces of one product and order, or product and defect.
struct PieceSum {
  std::int64_t good = 0, scrap = 0, rework = 0, startup_rejects = 0, unplanned = 0, unplanned_good = 0;
  WideInt ideal = 0, ideal_good = 0;
  bool cycle_missing = false;
};

void add_planned(PieceSum& sum, const CountedPieces& p, const std::optional<Duration>& cycle) {
  const std::int64_t produced = p.good + p.scrap + p.rework;
  sum.good += p.good, sum.scrap += p.scrap, sum.rework += p.rework;
  if (p.startup) sum.startup_rejects += p.scrap + p.rework;
  if (!cycle) {
    sum.cycle_missing = true;
    return;
  }
  sum.ideal += WideInt{produced} * cycle->count();
  sum.ideal_good += WideInt{p.good} * cycle->count();
}

void add_unplanned(PieceSum& sum, const CountedPieces& p) {
  sum.unplanned += p.good + p.scrap + p.rework;
  sum.unplanned_good += p.good;
}

SqlValue ideal_seconds(const PieceSum& sum, WideInt us) {
  return seconds(sum.cycle_missing ? std::nullopt : std::optional{us});
}

/// One tag within a row's time.
struct ReadingSum {
  std::int64_t readings = 0, good = 0, numbers = 0;
  double minimum = 0, maximum = 0, first = 0, last = 0;
  long double sum = 0;
  std::optional<std::string> text;
};

void add(ReadingSum& sum, const Reading& row) {
  ++sum.readings;
  if (is_good(row.quality)) ++sum.good;
  if (row.kind == Value::Kind::text) {
    sum.text = row.text();
    return;
  }
  sum.minimum = sum.numbers == 0 ? row.number : std::min(sum.minimum, row.number);
  sum.maximum = sum.numbers == 0 ? row.number : std::max(sum.maximum, row.number);
  if (sum.numbers++ == 0) sum.first = row.number;
  sum.last = row.number;
  sum.sum += static_cast<long double>(row.number);
}

}  // namespace

std::optional<TimeRange> exported_span(const StoreView& view, MachineId machine, Timestamp now) {
  const MachineRecord& record = view.machine(machine);
  if (!record.first_event()) return std::nullopt;
  const Timestamp begin = view.master().wall().bucket_at(Grain::day, *record.first_event()).range.begin;
  const Timestamp end = std::min(now, record.end_of_pieces());
  if (begin >= end) return std::nullopt;
  return TimeRange{begin, end};
}

std::optional<Bucket> bucket_from(const StoreView& view, MachineId machine, Grain grain, Timestamp t) {
  if (grain != Grain::shift) return view.master().wall().bucket_at(grain, t);
  if (auto running = view.master().shift_at(machine, t)) return running;
  return view.master().next_shift(machine, t);
}

const Table& rollup_table(Grain grain) {
  if (grain == Grain::hour) return tables::oee_rollup_hourly;
  return grain == Grain::shift ? tables::oee_rollup_shift : tables::oee_rollup_daily;
}

SqlRow rollup_row(const StoreView& view, MachineId machine, Grain grain, const Bucket& bucket, Timestamp now) {
  const OeeBucket b = machine_bucket(view, machine, grain, bucket, now);
  const Figures& f = b.figures;
  return {text(view.numbers().name(machine)),
          format_time(b.range.begin),
          format_time(b.range.end),
          b.shift ? SqlValue{*b.shift} : SqlValue{},
          format_day(b.business_day.value_or(0)),
          integer(static_cast<std::int64_t>(b.revision)),
          integer(b.open ? 1 : 0),
          integer(b.partial ? 1 : 0),
          seconds(f.calendar),
          seconds(f.planned_operation),
          seconds(f.planned_down),
          seconds(f.planned_busy),
          seconds(f.actual_production),
          seconds(f.actual_setup),
          seconds(f.actual_delay),
          seconds(f.minor_stop),
          seconds(f.unknown),
          seconds(f.unplanned_production),
          f.produced,
          f.good,
          f.scrap,
          f.rework,
          f.unplanned_produced,
          f.unplanned_good,
          seconds(f.ideal_production),
          seconds(f.ideal_good),
          f.stops,
          f.minor_stops,
          f.failures,
          number(f.availability),
          number(f.effectiveness),
          number(f.quality_ratio),
          number(f.quality_ratio_by_count),
          number(f.oee),
          number(f.net_equipment_effectiveness),
          number(f.teep),
          flags_of(f)};
}

FactsKept facts_kept(const StoreView& view, MachineId machine) {
  const Horizon& horizon = view.machine(machine).horizon();
  return {horizon.pieces, horizon.timeline};
}

Slice kept_slice(const Table& table, const std::string& machine, const FactsKept& kept) {
  if (kept.pieces > kBeginOfTime) {
    const std::string from = format_time(kept.pieces);
    if (&table == &tables::fact_production || &table == &tables::fact_scrap)
      return {"machine = ? AND hour >= ?", {machine, from}};
    if (&table == &tables::fact_quality)
      return {"machine = ? AND ts_us >= ?", {machine, integer(micros(kept.pieces))}};
    // Orders that run, or are to come, are never dropped.
    if (&table == &tables::dim_order) return {"machine = ? AND (ended IS NULL OR ended >= ?)", {machine, from}};
    if (&table == &tables::fact_downtime)
      return {"machine = ? AND start_us >= ?", {machine, integer(micros(kept.stops))}};
  }
  return {"machine = ?", {machine}};
}

PieceRows piece_rows(const StoreView& view, MachineId machine, const Bucket& hour, Timestamp now) {
  const MasterData& master = view.master();
  std::map<std::pair<std::string_view, std::string_view>, PieceSum> by_order, by_defect;
  for (const CountedPieces& p :
       view.machine(machine).pieces().counted({hour.range.begin, std::min(hour.range.end, now)})) {
    const std::string_view product = view.names().text(p.product);
    PieceSum& made = by_order[{product, view.names().text(p.order)}];
    if (master.planned_at(machine, p.at).planned) {
      add_planned(made, p, master.at(p.at).ideal_cycle(machine, p.product, p.at));
    } else {
      add_unplanned(made, p);
    }
    if (p.scrap == 0 && p.rework == 0) continue;
    add_planned(by_defect[{product, view.names().text(p.defect)}], p, std::nullopt);
  }
  PieceRows rows;
  const std::string name = view.numbers().name(machine), start = format_time(hour.range.begin),
                    day = format_day(hour.business_day);
  for (const auto& [key, s] : by_order) {
    rows.production.push_back({name, start, text(key.first), text(key.second), day, s.good + s.scrap + s.rework,
                               s.good, s.scrap, s.rework, s.startup_rejects, s.unplanned, s.unplanned_good,
                               ideal_seconds(s, s.ideal), ideal_seconds(s, s.ideal_good)});
  }
  for (const auto& [key, s] : by_defect) {
    rows.scrap.push_back(
        {name, start, text(key.first), text(key.second), day, s.scrap, s.rework, s.startup_rejects});
  }
  return rows;
}

SqlRow downtime_row(const StoreView& view, MachineId machine, const StopStretch& stop) {
  const MasterData& master = view.master();
  const auto shift = master.shift_at(machine, stop.range.begin);
  const std::string_view category = name_of(master.at(stop.range.begin).category_of_reason(stop.reason));
  const bool has_reason = stop.reason != NameId::none;
  return {text(view.numbers().name(machine)),
          integer(micros(stop.range.begin)),
          integer(micros(stop.range.end)),
          format_time(stop.range.begin),
          format_time(stop.range.end),
          format_day(master.wall().bucket_at(Grain::day, stop.range.begin).business_day),
          shift && shift->shift != nullptr ? text(*shift->shift) : SqlValue{},
          text_or_null(view.names().text(stop.reason)),
          has_reason ? text(category) : SqlValue{},
          integer(stop.minor ? 1 : 0),
          integer(stop.open ? 1 : 0),
          seconds(stop.range.length()),
          seconds(master.planned_time(machine, stop.range))};
}

std::vector<SqlRow> order_rows(const StoreView& view, MachineId machine) {
  struct Order {
    NameId product = NameId::none;
    std::int64_t quantity = kAbsent;
    Timestamp planned_start = kBeginOfTime, planned_end = kBeginOfTime, started = kBeginOfTime,
              ended = kBeginOfTime;
    std::string_view status = "planned";
  };
  std::map<std::string_view, Order> orders;
  for (const OrderRecord& record : view.machine(machine).pieces().orders()) {
    if (record.rank.withdrawn()) continue;
    Order& order = orders[view.names().text(record.order)];
    if (record.product != NameId::none) order.product = record.product;
    if (record.quantity != kAbsent) order.quantity = record.quantity;
    if (record.planned_start != kBeginOfTime) order.planned_start = record.planned_start;
    if (record.planned_end != kBeginOfTime) order.planned_end = record.planned_end;
    if (record.action == OrderAction::start) {
      if (order.started == kBeginOfTime) order.started = record.at;
      order.ended = kBeginOfTime;
      order.status = "running";
    } else if (record.action != OrderAction::plan) {
      order.ended = record.at;
      order.status = record.action == OrderAction::complete ? "completed" : "stopped";
    }
  }
  std::vector<SqlRow> rows;
  for (const auto& [id, o] : orders) {
    rows.push_back({text(view.numbers().name(machine)), text(id), text_or_null(view.names().text(o.product)),
                    o.quantity == kAbsent ? SqlValue{} : integer(o.quantity), time_or_null(o.planned_start),
                    time_or_null(o.planned_end), time_or_null(o.started), time_or_null(o.ended), text(o.status)});
  }
  return rows;
}

SqlRow audit_row(const AuditEntry& e) {
  return {integer(static_cast<std::int64_t>(e.number)),
          format_time(e.at),
          e.author.actor,
          e.author.by,
          e.action,
          canonical_json(e.details),
          e.previous,
          e.hash};
}

SqlRow quality_row(const Event& e, std::int32_t business_day) {
  const bool numeric = e.value.kind == Value::Kind::number || e.value.kind == Value::Kind::boolean;
  return {text(e.machine),
          integer(micros(e.at)),
          text(e.characteristic),
          text(e.serial),
          text(e.id),
          format_time(e.at),
          format_day(business_day),
          text(e.product),
          numeric ? SqlValue{e.value.number} : SqlValue{},
          text_or_null(e.subgroup),
          text_or_null(e.result),
          text_or_null(e.defect),
          integer(e.quantity == kAbsent ? 1 : e.quantity)};
}

Result<std::vector<SqlRow>> sensor_rows(const StoreView& view, const ReadingSeries& series, TimeRange range,
                                        ReadingRows of) {
  std::map<Timestamp, ReadingSum> sums;
  const auto visit = [&](const ReadingColumns& rows, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const Reading row = rows[i];
      add(sums[of == ReadingRows::raw ? row.at : std::chrono::floor<std::chrono::minutes>(row.at)], row);
    }
    return true;
  };
  if (const auto scanned = series.snapshot(range).scan(view.chunks(), visit); !scanned) return scanned.error();
  std::vector<SqlRow> rows;
  for (const auto& [moment, s] : sums) {
    const auto value = [&s = s](double v) { return s.numbers == 0 ? SqlValue{} : SqlValue{v}; };
    rows.push_back(
        {text(view.numbers().name(series.machine())), text(series.tag()), format_time(moment), s.readings, s.good,
         s.numbers, value(s.minimum), value(s.maximum),
         value(static_cast<double>(s.sum / static_cast<long double>(std::max<std::int64_t>(s.numbers, 1)))),
         value(s.first), value(s.last), s.text ? SqlValue{*s.text} : SqlValue{}});
  }
  return rows;
}

}  // namespace takt
