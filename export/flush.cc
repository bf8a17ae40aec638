#include "export/flush.h"

#include <fmt/format.h>

#include <map>

#include "export/changes.h"
#include "export/dimension_rows.h"
#include "export/rows.h"
#include "query/oee.h"
#include "schema/retention.h"

namespace takt {
namespace {

using std::chrono::hours;

constexpr Duration kTick{1};
// How much is read under one view: about a millisecond's worth each.
constexpr std::size_t kBucketsAView = 48;
constexpr Duration kStopsAView = hours{24 * 7};
constexpr Duration kReadingsAView = hours{4};
constexpr std::size_t kInspectionsAWrite = 20'000, kAuditEntriesAWrite = 1000;
constexpr std::size_t kInspectionsAView = 1000;
constexpr Duration kLookAhead = hours{24 * 39};  // bucket_from() looks a day further

/// Whether two identities are of one store, restored from a backup or not (Store::id()).
bool same_store(std::string_view a, std::string_view b) {
  return a.substr(0, a.find('.')) == b.substr(0, b.find('.'));
}

Slice of_machine(const std::string& machine) { return {"machine = ?", {machine}}; }

Slice of_span(const std::string& machine, std::string_view column, TimeRange span) {
  return {fmt::format("machine = ? AND {0} >= ? AND {0} < ?", column),
          {machine, format_time(span.begin), format_time(span.end)}};
}

/// Stops that reach into a span, of those that begin from `kept` on.
Slice stops_in(const std::string& machine, TimeRange span, Timestamp kept) {
  return {"machine = ? AND start_us < ? AND end_us > ? AND start_us >= ?",
          {machine, std::int64_t{micros(span.end)}, std::int64_t{micros(span.begin)}, std::int64_t{micros(kept)}}};
}

TimeRange joined(TimeRange a, TimeRange b) { return {std::min(a.begin, b.begin), std::max(a.end, b.end)}; }

Timestamp floor_minute(Timestamp t) { return std::chrono::floor<std::chrono::minutes>(t); }

/// The first of the month in UTC.
Timestamp month_of(Timestamp t) {
  if (t == kBeginOfTime) return t;
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(t)};
  return std::chrono::sys_days{day.year() / day.month() / 1};
}

struct Inspection {
  bool withdrawn = false;
  SqlRow row;
};

class Flush {
 public:
  Flush(const Store& store, ExportTarget& target, std::optional<TimeRange> only,
        const std::function<bool()>& given_up)
      : store_(store),
        target_(target),
        only_(only),
        given_up_(given_up),
        now_(store.clock().now()),
        wanted_(target.options()),
        readings_from_(month_of(retained_from(now_, wanted_.readings_days))) {}

  Result<FlushReport> run();

 private:
  Result<void> look_at_target();
  Result<void> forget_everything();
  Result<void> write_dimensions();
  Result<void> write_audit();
  Result<void> read_events();
  Result<void> write_quality(std::vector<Inspection> inspections);
  Result<void> write_machine(MachineId machine);
  Result<void> start_anew(const std::string& name, const FactsKept& kept);
  Result<void> write_buckets(MachineId machine, Grain grain, TimeRange span);
  Result<void> write_stops(MachineId machine, TimeRange span);
  Result<void> append_stops(MachineId machine, TimeRange part, bool first_part);
  Result<void> write_stops_around(MachineId machine, TimeRange part);
  Result<void> write_orders(MachineId machine);
  Result<void> write_readings(MachineId machine, const std::string& tag, TimeRange span);
  Result<void> write_minutes();
  Result<void> remember(const std::string& name, const ExportedMachine& machine);
  Result<void> drop_old_readings();
  Watermark watermark_at(Sequence commit, const std::string& plant_digest) const;
  Result<void> finish();
  Result<void> go_on() const;
  Result<void> replace(const Table& table, const Slice& slice, std::vector<SqlRow> rows);
  Result<void> append(const Table& table, std::vector<SqlRow> rows);
  Result<void> append_rest();
  /// replace(), or append() where the slice is known to be empty.
  Result<void> write(bool empty, const Table& table, const Slice& slice, std::vector<SqlRow> rows);
  MachineChanges changes(const StoreView& view, MachineId machine);
  std::vector<std::pair<std::string, TimeRange>> changed_readings(MachineId machine);

  const Store& store_;
  ExportTarget& target_;
  std::optional<TimeRange> only_;
  const std::function<bool()>& given_up_;
  Timestamp now_;
  const TargetOptions& wanted_;
  Timestamp readings_from_;
  FlushReport report_;
  Watermark before_;
  bool first_ = false, forgot_ = false;  // nothing is there: never was, or no more
  bool anew_ = false;                    // of the machine in turn neither figures nor stops are there
  std::map<const Table*, std::vector<SqlRow>> appended_;
  std::vector<SqlRow> minutes_;  // of readings
  PlantDigests digests_;
  std::map<std::string, ExportedMachine> known_;
  std::map<std::string, Touches, std::less<>> touches_;
};

Result<FlushReport> Flush::run() {
  std::vector<MachineId> machines;
  {
    const StoreView view = store_.read();
    report_.watermark = view.sequence();
    for (std::uint32_t i = 0; i < view.machine_count(); ++i) machines.push_back(MachineId{i});
    if (const auto whole = check_whole(view); !whole) return whole.error();
  }
  report_.at = now_;
  for (const auto step :
       {&Flush::look_at_target, &Flush::write_dimensions, &Flush::write_audit, &Flush::read_events}) {
    if (const auto done = (this->*step)(); !done) return done.error();
  }
  for (const MachineId machine : machines) {
    if (const auto done = write_machine(machine); !done) return done.error();
  }
  for (const auto step : {&Flush::append_rest, &Flush::write_minutes, &Flush::drop_old_readings, &Flush::finish}) {
    if (const auto done = (this->*step)(); !done) return done.error();
  }
  return report_;
}

/// Where the target stands, and whether it is this store's.
Result<void> Flush::look_at_target() {
  const auto watermark = target_.watermark();
  if (!watermark) return watermark.error();
  first_ = !*watermark;
  before_ = watermark->value_or(watermark_at(0, ""));
  if (!same_store(before_.store_id, store_.id())) {
    return Error{ErrorCode::conflict,
                 fmt::format("its rows come from another store ({}, this one is {}); export to a file of its own",
                             before_.store_id, store_.id())};
  }
  // Of another incarnation, or ahead of the store: that was restored from a backup, and what the target has beyond
  // it never happened.
  if (before_.store_id != store_.id() || before_.commit > report_.watermark) {
    if (const auto done = forget_everything(); !done) return done;
    before_.commit = 0;
    before_.plant_digest.clear();
    forgot_ = true;
  }
  // What somebody else may have put there would be in the way.
  for (std::size_t i = 0; first_ && i < tables::of_machines().size(); ++i) {
    const auto removed = target_.remove(*tables::of_machines()[i], whole_table());
    if (!removed) return removed.error();
  }
  report_.resynchronised = before_.commit == 0;
  std::vector<std::shared_ptr<PlantVersion>> versions;
  {
    const StoreView view = store_.read();
    versions = view.master().versions();
  }
  digests_ = digests_of(versions);
  const auto rows = target_.rows(tables::exported_machine, whole_table());
  if (!rows) return rows.error();
  const auto time = [](const SqlValue& value) {
    const auto* us = std::get_if<std::int64_t>(&value);
    return us == nullptr ? std::nullopt : std::optional{from_micros(*us)};
  };
  for (const SqlRow& row : *rows) {
    known_[std::get<std::string>(row[0])] = {std::get<std::string>(row[1]), time(row[2]), time(row[3]),
                                             time(row[4])};
  }
  return {};
}

Result<void> Flush::forget_everything() {
  std::map<std::string, FactsKept, std::less<>> kept;
  {
    const StoreView view = store_.read();
    for (std::uint32_t i = 0; i < view.machine_count(); ++i)
      kept.emplace(view.numbers().name(MachineId{i}), facts_kept(view, MachineId{i}));
  }
  for (const Table* table : tables::of_machines()) {
    const auto machines = target_.query(fmt::format("SELECT DISTINCT machine FROM {}", table->name));
    if (!machines) return machines.error();
    for (const SqlRow& row : *machines) {
      const auto& name = std::get<std::string>(row[0]);
      const auto known = kept.find(name);
      const Slice slice = known == kept.end() ? of_machine(name) : kept_slice(*table, name, known->second);
      if (const auto done = target_.remove(*table, slice); !done) return done.error();
    }
  }
  return {};
}

Result<void> Flush::go_on() const {
  if (given_up_ && given_up_()) return unavailable("given up before it was done; nothing of it was kept");
  return {};
}

Result<void> Flush::replace(const Table& table, const Slice& slice, std::vector<SqlRow> rows) {
  if (const auto on = go_on(); !on) return on;
  const auto changed = target_.replace(table, slice, std::move(rows));
  if (!changed) return changed.error();
  report_.rows_written += *changed;
  return {};
}

Result<void> Flush::append(const Table& table, std::vector<SqlRow> rows) {
  std::vector<SqlRow>& kept = appended_[&table];
  std::move(rows.begin(), rows.end(), std::back_inserter(kept));
  if (kept.size() < wanted_.batch_rows) return go_on();
  report_.rows_written += kept.size();
  if (const auto done = target_.append(table, std::exchange(kept, {})); !done) return done;
  return go_on();
}

Result<void> Flush::append_rest() {
  for (auto& [table, rows] : appended_) {
    report_.rows_written += rows.size();
    if (const auto done = target_.append(*table, std::exchange(rows, {})); !done) return done;
  }
  return {};
}

Result<void> Flush::write(bool empty, const Table& table, const Slice& slice, std::vector<SqlRow> rows) {
  return empty ? append(table, std::move(rows)) : replace(table, slice, std::move(rows));
}

Result<void> Flush::write_dimensions() {
  std::vector<SqlRow> ranges;
  std::int32_t first_day = 0, today = 0;
  {
    const StoreView view = store_.read();
    const WallClock& wall = view.master().wall();
    ranges = date_range_rows(wall, now_);
    today = first_day = wall.bucket_at(Grain::day, now_).business_day;
    for (std::uint32_t i = 0; i < view.machine_count(); ++i) {
      const auto span = exported_span(view, MachineId{i}, now_);
      if (span) first_day = std::min(first_day, wall.bucket_at(Grain::day, span->begin).business_day);
    }
  }
  if (const auto done = replace(tables::dim_date_range, whole_table(), ranges); !done) return done;
  const auto dates = target_.query("SELECT min(date), max(date) FROM dim_date");
  if (!dates) return dates.error();
  const std::vector<SqlRow> wanted = date_rows(first_day, today);
  if (dates->front()[0] != wanted.front()[1] || dates->front()[1] != wanted.back()[1]) {
    if (const auto done = replace(tables::dim_date, whole_table(), wanted); !done) return done;
  }
  if (before_.plant_digest == digests_.plant) return {};
  const auto plant = store_.plant();
  if (!plant) return {};
  for (const auto& [table, rows] : plant_dimensions(*plant)) {
    if (const auto done = replace(*table, whole_table(), rows); !done) return done;
  }
  std::vector<SqlRow> units = own_units(*plant);
  const auto supplied = target_.query("SELECT unit FROM dim_unit_of_measure WHERE quantity IS NOT NULL");
  if (!supplied) return supplied.error();
  for (const SqlRow& unit : *supplied) std::erase_if(units, [&](const SqlRow& own) { return own[0] == unit[0]; });
  return replace(tables::dim_unit_of_measure, {"quantity IS NULL", {}}, units);
}

/// Entries are only ever added; after a resynchronisation all are looked at, since they may be those of a restored
/// store.
Result<void> Flush::write_audit() {
  std::int64_t after = 0;
  if (before_.commit > 0 && before_.names == wanted_.names) {
    const auto last = target_.query("SELECT coalesce(max(id), 0) FROM audit_log");
    if (!last) return last.error();
    after = std::get<std::int64_t>(last->front()[0]);
  }
  for (bool more = true; more;) {
    const auto entries = store_.audit(static_cast<std::uint64_t>(after), kAuditEntriesAWrite);
    if (!entries) return entries.error();
    more = entries->size() == kAuditEntriesAWrite;
    std::vector<SqlRow> rows;
    for (const AuditEntry& entry : *entries) rows.push_back(audit_row(entry));
    Slice slice{"id > ?", {after}};
    if (more) {
      slice = {"id > ? AND id <= ?", {after, rows.back()[0]}};
      after = std::get<std::int64_t>(rows.back()[0]);
    }
    if (const auto done = replace(tables::audit_log, slice, rows); !done) return done;
  }
  return {};
}

/// The events since the watermark: inspections, and where the others have touched their machines.
Result<void> Flush::read_events() {
  const Sequence since = only_ ? 0 : before_.commit;
  if (since >= report_.watermark) return {};
  std::vector<Inspection> inspections;
  Result<void> outcome;
  const auto reached = store_.events_since(since, [&](Sequence, const Event& event) {
    if (event.type == EventType::quality && (!only_ || only_->contains(event.at)))
      inspections.push_back({event.deleted, quality_row(event, 0)});
    if (before_.commit > 0 && !only_) touches_[std::string{event.machine}].add(event);
    outcome = go_on();
    if (!outcome || inspections.size() < kInspectionsAWrite) return outcome.has_value();
    outcome = write_quality(std::exchange(inspections, {}));
    return outcome.has_value();
  });
  if (!outcome) return outcome;
  if (!reached) return reached.error();
  return write_quality(std::move(inspections));
}

/// In order of commit: of one identity the last one stays.
Result<void> Flush::write_quality(std::vector<Inspection> inspections) {
  const Table& table = tables::fact_quality;
  const std::size_t day = table.at("business_date");
  std::map<SqlRow, Inspection*> last;
  for (Inspection& inspection : inspections) {
    const SqlRow& row = inspection.row;
    last[{row.begin(), row.begin() + static_cast<std::ptrdiff_t>(table.key)}] = &inspection;
  }
  std::vector<SqlRow> rows;
  for (auto at = last.begin(); at != last.end();) {
    const StoreView view = store_.read();
    for (std::size_t i = 0; i < kInspectionsAView && at != last.end(); ++i, ++at) {
      if (at->second->withdrawn) continue;
      SqlRow& row = rows.emplace_back(std::move(at->second->row));
      const Timestamp moment = from_micros(std::get<std::int64_t>(row[1]));
      row[day] = format_day(view.master().wall().bucket_at(Grain::day, moment).business_day);
    }
  }
  for (const auto& [key, inspection] : last) {
    if (!inspection->withdrawn) continue;
    const auto removed = target_.remove(
        table, {"machine = ? AND ts_us = ? AND characteristic = ? AND serial = ? AND event_id = ?", key});
    if (!removed) return removed.error();
    report_.rows_written += *removed;
  }
  report_.rows_written += rows.size();
  if (const auto done = target_.upsert(table, std::move(rows)); !done) return done;
  return go_on();
}

MachineChanges Flush::changes(const StoreView& view, MachineId machine) {
  const std::string& name = view.numbers().name(machine);
  MachineChanges out;
  if (only_) {
    out.figures.add(*only_);
    out.stops.add(*only_);
    out.orders = true;
    return out;
  }
  const auto known = known_.find(name);
  if (before_.commit == 0 || known == known_.end() || known->second.settings_digest != digests_.machine(name)) {
    out.everything = true;
    return out;
  }
  return changes_of(view, machine, known->second, {before_.commit, before_.flushed}, touches_[name], now_);
}

Result<void> Flush::write_machine(MachineId machine) {
  MachineChanges change;
  std::string name;
  std::optional<TimeRange> span;
  ExportedMachine exported;
  FactsKept kept{};
  {
    const StoreView view = store_.read();
    kept = facts_kept(view, machine);
    name = view.numbers().name(machine);
    span = exported_span(view, machine, now_);
    const MachineRecord& record = view.machine(machine);
    exported = {digests_.machine(name), span ? std::optional{span->begin} : std::nullopt,
                is_active(view, machine) ? record.last_event() : record.last_live_event(), record.settled_until()};
    change = changes(view, machine);
  }
  // Where retention has dropped something, rows that no event tells of any more still stand.
  anew_ = change.everything && (first_ || (kept.pieces == kBeginOfTime && kept.stops == kBeginOfTime));
  if (change.everything) {
    if (const auto done = start_anew(name, kept); !done) return done;
    change.figures.add(span.value_or(TimeRange{kBeginOfTime, kBeginOfTime}));
    change.stops.add(span.value_or(TimeRange{kBeginOfTime, kBeginOfTime}));
  }
  Intervals shifts = change.figures, days = change.figures;
  shifts.add(change.shifts), days.add(change.days);
  const auto each = [&](Intervals& spans, const auto& write) -> Result<void> {
    for (const TimeRange& one : spans.ranges()) {
      const TimeRange part = span ? intersect(one, *span) : TimeRange{kBeginOfTime, kBeginOfTime};
      if (part.empty()) continue;
      if (const auto done = write(part); !done) return done;
    }
    return {};
  };
  const auto buckets = [&](Grain grain) {
    return [this, machine, grain](TimeRange part) { return write_buckets(machine, grain, part); };
  };
  if (const auto done = each(change.figures, buckets(Grain::hour)); !done) return done;
  if (const auto done = each(shifts, buckets(Grain::shift)); !done) return done;
  if (const auto done = each(days, buckets(Grain::day)); !done) return done;
  const auto stops = [&](TimeRange part) {
    return write_stops(machine, {std::max(part.begin, kept.stops), part.end});
  };
  if (const auto done = each(change.stops, stops); !done) return done;
  if (change.everything || change.orders) {
    if (const auto done = write_orders(machine); !done) return done;
  }
  for (const auto& [tag, part] : changed_readings(machine)) {
    if (const auto done = write_readings(machine, tag, part); !done) return done;
  }
  return remember(name, exported);
}

/// Removes what follows from the settings that have changed; inspections only get their local dates anew.
Result<void> Flush::start_anew(const std::string& name, const FactsKept& kept) {
  if (first_) return {};
  for (const Table* table : tables::of_machines()) {
    if (table == &tables::fact_quality || table == &tables::fact_sensor_event) continue;
    if (const auto done = target_.remove(*table, kept_slice(*table, name, kept)); !done) return done.error();
  }
  if (before_.commit == 0) return {};
  const auto inspections = target_.rows(tables::fact_quality, of_machine(name));
  if (!inspections) return inspections.error();
  std::vector<Inspection> again;
  for (const SqlRow& row : *inspections) again.push_back({false, row});
  return write_quality(std::move(again));
}

/// The rollup rows of all buckets of the grain that the span touches; with hours also the pieces.
Result<void> Flush::write_buckets(MachineId machine, Grain grain, TimeRange span) {
  for (Timestamp t = span.begin; t < span.end;) {
    std::string name;
    std::vector<SqlRow> rows;
    PieceRows pieces;
    TimeRange covered{t, t};
    FactsKept kept{};
    {
      const StoreView view = store_.read();
      kept = facts_kept(view, machine);
      name = view.numbers().name(machine);
      while (rows.size() < kBucketsAView && covered.end < span.end) {
        const auto bucket = bucket_from(view, machine, grain, covered.end);
        if (!bucket) covered.end += kLookAhead;
        if (!bucket) break;
        covered.end = std::max(bucket->range.begin, covered.end);
        if (bucket->range.begin >= span.end) break;
        covered = joined(covered, bucket->range);
        rows.push_back(rollup_row(view, machine, grain, *bucket, now_));
        if (grain != Grain::hour || bucket->range.begin < kept.pieces) continue;
        PieceRows made = piece_rows(view, machine, *bucket, now_);
        std::move(made.production.begin(), made.production.end(), std::back_inserter(pieces.production));
        std::move(made.scrap.begin(), made.scrap.end(), std::back_inserter(pieces.scrap));
      }
    }
    const Slice buckets = of_span(name, "start", covered);
    if (const auto done = write(anew_, rollup_table(grain), buckets, std::move(rows)); !done) return done;
    const TimeRange told{std::max(covered.begin, kept.pieces), covered.end};
    if (grain == Grain::hour && !told.empty()) {
      const Slice hours_slice = of_span(name, "hour", told);
      auto done = write(anew_, tables::fact_production, hours_slice, std::move(pieces.production));
      if (done) done = write(anew_, tables::fact_scrap, hours_slice, std::move(pieces.scrap));
      if (!done) return done;
    }
    t = covered.end;
  }
  return {};
}

Result<void> Flush::write_stops(MachineId machine, TimeRange span) {
  for (TimeRange part{span.begin, span.begin}; part.end < span.end;) {
    part = {part.end, std::min(part.end + kStopsAView, span.end)};
    const bool begins = part.begin == span.begin;
    const auto done = anew_ ? append_stops(machine, part, begins) : write_stops_around(machine, part);
    if (!done) return done;
  }
  return {};
}

/// Those that begin in the part, and of the first part those that reach into it, too.
Result<void> Flush::append_stops(MachineId machine, TimeRange part, bool first_part) {
  std::vector<SqlRow> rows;
  {
    const StoreView view = store_.read();
    const auto span = exported_span(view, machine, now_);
    for (const StopStretch& stop : view.machine(machine).timeline().stops(part, span ? span->end : now_)) {
      if (first_part || stop.range.begin >= part.begin) rows.push_back(downtime_row(view, machine, stop));
    }
  }
  return append(tables::fact_downtime, std::move(rows));
}

/// A stop is one row, whole: the span grows until no stop, neither of now nor of the last flush, reaches over its
/// edges.
Result<void> Flush::write_stops_around(MachineId machine, TimeRange part) {
  std::string name;
  std::vector<SqlRow> rows;
  Timestamp kept = kBeginOfTime;
  for (bool grown = true; grown;) {
    grown = false;
    TimeRange reach = part;
    {
      const StoreView view = store_.read();
      name = view.numbers().name(machine);
      kept = facts_kept(view, machine).stops;
      const auto span = exported_span(view, machine, now_);
      rows.clear();
      for (const StopStretch& stop : view.machine(machine).timeline().stops(part, span ? span->end : now_)) {
        reach = joined(reach, stop.range);
        rows.push_back(downtime_row(view, machine, stop));
      }
    }
    const auto old = target_.rows(tables::fact_downtime, stops_in(name, part, kept));
    if (!old) return old.error();
    for (const SqlRow& row : *old) {
      reach = joined(reach,
                     {from_micros(std::get<std::int64_t>(row[1])), from_micros(std::get<std::int64_t>(row[2]))});
    }
    grown = reach != part;
    part = reach;
  }
  return replace(tables::fact_downtime, stops_in(name, part, kept), std::move(rows));
}

Result<void> Flush::write_orders(MachineId machine) {
  std::string name;
  std::vector<SqlRow> rows;
  FactsKept kept{};
  {
    const StoreView view = store_.read();
    name = view.numbers().name(machine);
    kept = facts_kept(view, machine);
    rows = order_rows(view, machine);
  }
  if (kept.pieces == kBeginOfTime) return replace(tables::dim_order, of_machine(name), rows);
  // Orders that no event names any more stay.
  const auto removed = target_.remove(tables::dim_order, kept_slice(tables::dim_order, name, kept));
  if (!removed) return removed.error();
  for (const SqlRow& row : rows) {
    const Slice order{"machine = ? AND order_id = ?", {row[0], row[1]}};
    if (const auto done = replace(tables::dim_order, order, {row}); !done) return done;
  }
  return {};
}

/// Tags and spans of whole minutes with readings that are new since the watermark.
std::vector<std::pair<std::string, TimeRange>> Flush::changed_readings(MachineId machine) {
  const StoreView view = store_.read();
  // Asked for in another form than they have there, or from further back, all are written anew.
  const bool as_before = before_.readings == wanted_.readings && before_.readings_from <= readings_from_;
  const Sequence since = as_before ? before_.commit : 0;
  std::vector<std::pair<std::string, TimeRange>> changed;
  for (const ReadingSeries* series : view.series_of(machine)) {
    Intervals minutes;
    if (only_)
      minutes.add({floor_minute(only_->begin), floor_minute(only_->end - kTick) + std::chrono::minutes{1}});
    if (!only_) {
      for (const TimeRange& range : series->changed_since(since)) {
        minutes.add({floor_minute(range.begin), floor_minute(range.end - kTick) + std::chrono::minutes{1}});
      }
    }
    for (const TimeRange& range : minutes.ranges()) {
      const TimeRange known{floor_minute(series->first().value_or(kEndOfTime)),
                            series->last().value_or(kBeginOfTime) + std::chrono::minutes{1}};
      if (!intersect(range, known).empty()) changed.emplace_back(series->tag(), intersect(range, known));
    }
  }
  return changed;
}

Result<void> Flush::write_readings(MachineId machine, const std::string& tag, TimeRange span) {
  for (Timestamp t = std::max(span.begin, readings_from_), end = t; t < span.end; t = end) {
    const Timestamp tomorrow = std::chrono::floor<std::chrono::days>(t) + std::chrono::days{1};
    end = std::min({t + kReadingsAView, tomorrow, span.end});
    const TimeRange part{t, end};
    std::string name;
    std::vector<SqlRow> rows;
    bool may_vanish = only_ || before_.readings != wanted_.readings;
    {
      const StoreView view = store_.read();
      name = view.numbers().name(machine);
      const ReadingSeries& series = *view.series(machine, tag);
      if (!series.has_rows_of_day(t)) continue;  // what retention has dropped stays in the target
      auto found = sensor_rows(view, series, part, wanted_.readings);
      if (!found) return found.error();
      rows = std::move(*found);
      may_vanish = may_vanish || series.snapshot(part).may_hold_withdrawn();
    }
    Result<void> done;
    if (first_ || forgot_) {
      done = append(tables::fact_sensor_event, std::move(rows));
    } else if (may_vanish) {
      Slice slice = of_span(name, "minute", part);
      slice.where += " AND tag = ?";
      slice.values.emplace_back(tag);
      done = replace(tables::fact_sensor_event, slice, std::move(rows));
    } else {
      // Nothing is to be removed, and the engine says what has changed: no need to look at what stands there.
      std::move(rows.begin(), rows.end(), std::back_inserter(minutes_));
      if (minutes_.size() >= wanted_.batch_rows) done = write_minutes();
    }
    if (!done) return done;
  }
  return {};
}

Result<void> Flush::write_minutes() {
  report_.rows_written += minutes_.size();
  if (const auto done = target_.upsert(tables::fact_sensor_event, std::exchange(minutes_, {})); !done) return done;
  return go_on();
}

/// As it was before its rows were read: what comes later is looked at again.
Result<void> Flush::remember(const std::string& name, const ExportedMachine& machine) {
  if (only_) return {};
  const auto us = [](const std::optional<Timestamp>& t) {
    return t ? SqlValue{std::int64_t{micros(*t)}} : SqlValue{};
  };
  return replace(tables::exported_machine, of_machine(name),
                 {{name, machine.settings_digest, us(machine.from), us(machine.last_event), us(machine.settled)}});
}

/// That of a flush that does what the target's URL asks for.
Watermark Flush::watermark_at(Sequence commit, const std::string& plant_digest) const {
  return {store_.id(), commit, now_, plant_digest, wanted_.readings, wanted_.names, readings_from_};
}

/// Readings of months that nobody wants any more.
Result<void> Flush::drop_old_readings() {
  if (readings_from_ <= before_.readings_from) return {};
  return target_.remove_readings_before(readings_from_);
}

Result<void> Flush::finish() {
  if (only_ && !first_) return {};
  // A part alone is no flush: the next one still has everything to do.
  if (only_) return target_.set_watermark(watermark_at(0, ""));
  return target_.set_watermark(watermark_at(report_.watermark, digests_.plant));
}

}  // namespace

Result<FlushReport> flush(const Store& store, ExportTarget& target, std::optional<TimeRange> only,
                          const std::function<bool()>& given_up) {
  if (!store.has_plant()) return unavailable("there is no plant description yet");
  if (const auto begun = target.begin(); !begun) return begun.error();
  auto report = Flush{store, target, only, given_up}.run();
  if (report) {
    if (const auto done = target.commit(); !done) report = done.error();
  }
  if (!report) target.rollback();
  return report;
}

}  // namespace takt
