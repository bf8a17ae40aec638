#include "export/verify.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "export/dimension_rows.h"
#include "export/rows.h"
#include "query/oee.h"

namespace takt {
namespace {

constexpr std::size_t kDifferencesTold = 100, kAuditPage = 1000;
constexpr std::size_t kSampleEvery = 12;  // of a machine's hours one, made anew from its events
constexpr Duration kReadingsAView = std::chrono::hours{24};

std::string text_of(const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return "null";
}

class Verification {
 public:
  Verification(const Store& store, ExportTarget& target) : store_(store), target_(target) {}

  Result<VerifyReport> run();

 private:
  Result<void> check_machine(MachineId machine);
  Result<void> check_buckets(MachineId machine, Grain grain);
  Result<void> check_stops(MachineId machine);
  Result<void> check_orders(MachineId machine);
  Result<void> check_inspections(MachineId machine);
  Result<void> check_readings(MachineId machine);
  Result<void> check_dimensions();
  Result<void> check_strangers();
  Result<void> compare(const Table& table, const std::string& machine, const Slice& slice,
                       std::vector<SqlRow> rows);
  void sample(const StoreView& view, MachineId machine, const Bucket& hour);
  void tell(Difference difference);

  const Store& store_;
  ExportTarget& target_;
  Timestamp now_;
  ReadingRows readings_ = ReadingRows::minutes;
  PersonNames names_ = PersonNames::given;
  Timestamp readings_from_ = kBeginOfTime;
  VerifyReport report_;
  std::set<std::string> machines_;
};

Result<VerifyReport> Verification::run() {
  const auto watermark = target_.watermark();
  if (!watermark) return watermark.error();
  if (!*watermark || (*watermark)->commit == 0) return not_found("nothing was exported to this target yet");
  if ((*watermark)->store_id != store_.id()) {
    return Error{ErrorCode::conflict,
                 fmt::format("its rows come from another store, or from before this one was restored from a "
                             "backup ({}, this one is {}); bring it up to date with takt export",
                             (*watermark)->store_id, store_.id())};
  }
  now_ = (*watermark)->flushed;
  readings_ = (*watermark)->readings;
  names_ = (*watermark)->names;
  readings_from_ = (*watermark)->readings_from;
  report_.watermark = (*watermark)->commit;
  report_.sequence = store_.sequence();
  std::size_t count = 0;
  {
    const StoreView view = store_.read();
    count = view.machine_count();
    if (const auto whole = check_whole(view); !whole) return whole.error();
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (const auto done = check_machine(MachineId{i}); !done) return done.error();
  }
  if (const auto done = check_strangers(); !done) return done.error();
  if (const auto done = check_dimensions(); !done) return done.error();
  return report_;
}

void Verification::tell(Difference difference) {
  ++report_.differing;
  if (report_.differences.size() < kDifferencesTold) report_.differences.push_back(std::move(difference));
}

Result<void> Verification::compare(const Table& table, const std::string& machine, const Slice& slice,
                                   std::vector<SqlRow> rows) {
  target_.make_storable(table, rows, names_);
  const auto present = target_.rows(table, slice);
  if (!present) return present.error();
  const auto key = [&](const SqlRow& row) {
    return SqlRow{row.begin(), row.begin() + static_cast<std::ptrdiff_t>(table.key)};
  };
  const auto name = [&](const SqlRow& row) {
    std::string text;
    for (std::size_t i = machine.empty() ? 0 : 1; i < table.key; ++i)
      text += (text.empty() ? "" : " ") + text_of(row[i]);
    return text;
  };
  std::map<SqlRow, const SqlRow*> left;
  for (const SqlRow& row : *present) left.emplace(key(row), &row);
  for (const SqlRow& row : rows) {
    ++report_.rows;
    const auto found = left.find(key(row));
    if (found == left.end()) {
      tell({std::string{table.name}, machine, name(row), "row", "present", "missing"});
      continue;
    }
    for (std::size_t i = table.key; i < row.size(); ++i) {
      const SqlValue& actual = (*found->second)[i];
      // The commit number stays aside (contract 7.2): a stretch that lasts is told anew with each state after it.
      if (row[i] == actual || table.columns[i] == "revision") continue;
      tell({std::string{table.name}, machine, name(row), std::string{table.columns[i]}, text_of(row[i]),
            text_of(actual)});
    }
    left.erase(found);
  }
  for (const auto& [k, row] : left)
    tell({std::string{table.name}, machine, name(*row), "row", "missing", "present"});
  return {};
}

Result<void> Verification::check_machine(MachineId machine) {
  {
    const StoreView view = store_.read();
    machines_.insert(view.numbers().name(machine));
  }
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    if (const auto done = check_buckets(machine, grain); !done) return done;
  }
  for (const auto check : {&Verification::check_stops, &Verification::check_orders,
                           &Verification::check_inspections, &Verification::check_readings}) {
    if (const auto done = (this->*check)(machine); !done) return done;
  }
  return {};
}

/// That an hour's sums are those of its events: else a row could equal a figure that is wrong itself.
void Verification::sample(const StoreView& view, MachineId machine, const Bucket& hour) {
  const MachineRecord& record = view.machine(machine);
  ++report_.made_anew;
  if (record.account(hour.range, now_) == record.account_from_events(hour.range, now_)) return;
  tell({"oee_rollup_hourly", view.numbers().name(machine), format_time(hour.range.begin), "the engine's sums",
        "other", "those of its events"});
}

Result<void> Verification::check_buckets(MachineId machine, Grain grain) {
  std::vector<SqlRow> rows;
  PieceRows pieces;
  std::string name;
  FactsKept kept{};
  {
    const StoreView view = store_.read();
    name = view.numbers().name(machine);
    kept = facts_kept(view, machine);
    const auto span = exported_span(view, machine, now_);
    for (Timestamp t = span ? span->begin : now_; span && t < span->end;) {
      const auto bucket = bucket_from(view, machine, grain, t);
      t = bucket ? bucket->range.end : t + std::chrono::hours{24 * 39};
      if (!bucket || bucket->range.begin >= span->end) continue;
      rows.push_back(rollup_row(view, machine, grain, *bucket, now_));
      if (grain != Grain::hour || bucket->range.begin < kept.pieces) continue;
      if (bucket->range.begin >= kept.stops && rows.size() % kSampleEvery == 1) sample(view, machine, *bucket);
      PieceRows made = piece_rows(view, machine, *bucket, now_);
      std::move(made.production.begin(), made.production.end(), std::back_inserter(pieces.production));
      std::move(made.scrap.begin(), made.scrap.end(), std::back_inserter(pieces.scrap));
    }
  }
  if (const auto done = compare(rollup_table(grain), name, {"machine = ?", {name}}, rows); !done) return done;
  if (grain != Grain::hour) return {};
  for (const auto& [table, made] :
       {std::pair{&tables::fact_production, &pieces.production}, std::pair{&tables::fact_scrap, &pieces.scrap}}) {
    if (const auto done = compare(*table, name, kept_slice(*table, name, kept), *made); !done) return done;
  }
  return {};
}

Result<void> Verification::check_stops(MachineId machine) {
  std::vector<SqlRow> rows;
  std::string name;
  FactsKept kept{};
  {
    const StoreView view = store_.read();
    name = view.numbers().name(machine);
    kept = facts_kept(view, machine);
    if (const auto span = exported_span(view, machine, now_)) {
      const TimeRange told{std::max(span->begin, kept.stops), span->end};
      for (const StopStretch& stop : view.machine(machine).timeline().stops(told, span->end)) {
        rows.push_back(downtime_row(view, machine, stop));
      }
    }
  }
  return compare(tables::fact_downtime, name, kept_slice(tables::fact_downtime, name, kept), rows);
}

Result<void> Verification::check_orders(MachineId machine) {
  std::vector<SqlRow> rows;
  std::string name;
  FactsKept kept{};
  {
    const StoreView view = store_.read();
    name = view.numbers().name(machine);
    kept = facts_kept(view, machine);
    rows = order_rows(view, machine);
  }
  Slice slice = kept_slice(tables::dim_order, name, kept);
  for (const SqlRow& row : rows) {
    const auto* ended = std::get_if<std::string>(&row[tables::dim_order.at("ended")]);
    if (ended == nullptr || *ended >= format_time(kept.pieces)) continue;
    slice.where += " OR (machine = ? AND order_id = ?)";
    slice.values.insert(slice.values.end(), {row[0], row[1]});
  }
  return compare(tables::dim_order, name, slice, rows);
}

/// Totals: the engine keeps of an inspection what figures need, the journal all of it.
Result<void> Verification::check_inspections(MachineId machine) {
  std::int64_t count = 0, quantity = 0;
  std::string name;
  FactsKept kept{};
  {
    const StoreView view = store_.read();
    name = view.numbers().name(machine);
    kept = facts_kept(view, machine);
    for (const QualityRecord& record : view.machine(machine).quality()) {
      if (record.rank.withdrawn()) continue;
      ++count;
      quantity += record.quantity == kAbsent ? 1 : record.quantity;
    }
  }
  const Slice slice = kept_slice(tables::fact_quality, name, kept);
  const auto found = target_.query(
      "SELECT count(*), coalesce(sum(quantity), 0) FROM fact_quality WHERE " + slice.where, slice.values);
  if (!found) return found.error();
  report_.rows += static_cast<std::size_t>(count);
  const SqlRow& totals = found->front();
  if (totals[0] != SqlValue{count})
    tell({"fact_quality", name, "", "count", fmt::format("{}", count), text_of(totals[0])});
  if (totals[1] != SqlValue{quantity}) {
    tell({"fact_quality", name, "", "sum of quantity", fmt::format("{}", quantity), text_of(totals[1])});
  }
  return {};
}

Result<void> Verification::check_readings(MachineId machine) {
  std::string name;
  std::vector<std::pair<std::string, TimeRange>> tags;
  {
    const StoreView view = store_.read();
    name = view.numbers().name(machine);
    for (const ReadingSeries* series : view.series_of(machine)) {
      if (!series->first()) continue;
      tags.emplace_back(series->tag(), TimeRange{std::chrono::floor<std::chrono::minutes>(*series->first()),
                                                 *series->last() + Duration{1}});
    }
  }
  for (const auto& [tag, span] : tags) {
    for (Timestamp t = std::max(span.begin, readings_from_); t < span.end; t += kReadingsAView) {
      std::vector<SqlRow> rows;
      {
        const StoreView view = store_.read();
        auto found = sensor_rows(view, *view.series(machine, tag), {t, t + kReadingsAView}, readings_);
        if (!found) return found.error();
        rows = std::move(*found);
      }
      const Slice slice{"machine = ? AND tag = ? AND minute >= ? AND minute < ?",
                        {name, tag, format_time(t), format_time(t + kReadingsAView)}};
      if (const auto done = compare(tables::fact_sensor_event, name, slice, rows); !done) return done;
    }
  }
  return {};
}

/// Rows of machines that the store does not know.
Result<void> Verification::check_strangers() {
  for (const Table* table : tables::of_machines()) {
    const auto found = target_.query(fmt::format("SELECT DISTINCT machine FROM {}", table->name));
    if (!found) return found.error();
    for (const SqlRow& row : *found) {
      const auto& machine = std::get<std::string>(row[0]);
      if (!machines_.contains(machine)) tell({std::string{table->name}, machine, "", "row", "missing", "present"});
    }
  }
  return {};
}

Result<void> Verification::check_dimensions() {
  std::vector<SqlRow> entries;
  for (bool more = true; more;) {
    const auto page = store_.audit(entries.size(), kAuditPage);
    if (!page) return page.error();
    for (const AuditEntry& entry : *page) entries.push_back(audit_row(entry));
    more = page->size() == kAuditPage;
  }
  if (const auto done = compare(tables::audit_log, "", whole_table(), std::move(entries)); !done) return done;
  const auto plant = store_.plant();
  for (const auto& [table, rows] : plant_dimensions(*plant)) {
    if (const auto done = compare(*table, "", whole_table(), rows); !done) return done;
  }
  return {};
}

}  // namespace

std::string to_string(const Difference& d) {
  return fmt::format("{}{}{}{}{}: {} is {} in the engine, {} in the target", d.table, d.machine.empty() ? "" : " ",
                     d.machine, d.row.empty() ? "" : " ", d.row, d.column, d.engine, d.target);
}

Result<VerifyReport> verify(const Store& store, ExportTarget& target) {
  if (!store.has_plant()) return not_found("the store has no plant description yet");
  return Verification{store, target}.run();
}

}  // namespace takt
