#include "query/series.h"

#include <algorithm>
#include <array>

#include "query/stoppable_source.h"

namespace takt {
namespace {

using Point = std::variant<double, bool, std::string>;

Point value_of(const Reading& row) {
  switch (row.kind) {
    case Value::Kind::boolean:
      return row.number != 0;
    case Value::Kind::text:
      return std::string{row.text()};
    case Value::Kind::number:
    case Value::Kind::none:
      break;
  }
  return row.number;
}

std::optional<double> result_of(const SeriesSnapshot::Step& step, Aggregate aggregate) {
  const ReadingStatistics& n = step.numbers;
  if (aggregate == Aggregate::count) return static_cast<double>(step.rows);
  if (n.numbers == 0) return std::nullopt;
  switch (aggregate) {
    case Aggregate::min:
      return n.minimum;
    case Aggregate::max:
      return n.maximum;
    case Aggregate::sum:
      return n.sum.value();
    case Aggregate::delta:
      return n.last - n.first;
    default:
      return n.sum.mean(n.numbers);
  }
}

Error too_many() {
  return invalid("the answer would have more than " + std::to_string(kMaxSeriesPoints) +
                 " points; ask for a shorter range, or for steps (step=60s)");
}

/// Every reading, or the first or last of each step, whatever its kind.
Result<std::vector<SeriesPoint>> points_of(const SeriesSnapshot& snapshot, const ChunkSource& source,
                                           const SeriesRequest& r) {
  std::vector<SeriesPoint> points;
  const std::size_t most = std::min(r.limit.value_or(kMaxSeriesPoints), kMaxSeriesPoints);
  const auto visit = [&](const ReadingColumns& rows, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last && points.size() <= most; ++i) {
      const Reading row = rows[i];
      if (r.good_only && !is_good(row.quality)) continue;
      const Timestamp at = r.step ? step_start(row.at, *r.step) : row.at;
      const bool same_step = r.step && !points.empty() && points.back().at == at;
      if (!same_step)
        points.push_back({at, value_of(row)});
      else if (r.aggregate == Aggregate::last)
        points.back().value = value_of(row);
    }
    return points.size() <= most;
  };
  if (const auto scanned = snapshot.scan(source, visit); !scanned) return scanned.error();
  if (!r.limit && points.size() > kMaxSeriesPoints) return too_many();
  return points;
}

}  // namespace

std::optional<Aggregate> aggregate_named(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames{"avg", "min", "max", "sum", "count", "first", "last", "delta"};
  const auto at = std::find(kNames.begin(), kNames.end(), name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Aggregate>(at - kNames.begin());
}

Result<std::vector<SeriesPoint>> series(const Store& store, const SeriesRequest& r, const std::stop_token& stop) {
  SeriesSnapshot snapshot;
  const ChunkSource* chunks = nullptr;
  if (stop.stop_requested()) return cancelled();
  {
    const StoreView view = store.read();
    const MachineRecord* machine = view.machine(r.machine);
    if (machine == nullptr) return not_found("there is no machine \"" + r.machine + "\" in this plant");
    const ReadingSeries* series = view.series(machine->id(), r.tag);
    if (series == nullptr) return std::vector<SeriesPoint>{};
    snapshot = series->snapshot(r.range);
    chunks = &view.chunks();
  }
  const StoppableSource source{*chunks, stop};
  if (!r.step || r.aggregate == Aggregate::first || r.aggregate == Aggregate::last) {
    return points_of(snapshot, source, r);
  }
  const auto steps = snapshot.steps(source, *r.step, r.good_only, kMaxSeriesPoints);
  if (!steps) return steps.error();
  if (steps->size() > kMaxSeriesPoints) return too_many();
  std::vector<SeriesPoint> points;
  points.reserve(steps->size());
  for (const SeriesSnapshot::Step& step : *steps) {
    if (r.limit && points.size() > *r.limit) break;
    if (const auto value = result_of(step, r.aggregate)) points.push_back({step.start, *value});
  }
  return points;
}

}  // namespace takt
